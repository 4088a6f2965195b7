//! The rules' steps, each against its equations.

use super::{Outcomes, close, data, net, with_objective};
use osculant_layers::{Layers, Network};
use osculant_optim::Objective;
use osculant_optim::examples::Paired;
use osculant_optim::loss::SquaredLoss;
use osculant_optim::operator::LinearOperator;
use osculant_optim::train::{Adam, Batches, FirstOrder, Sgd, Smd, StepRule};

/// θ after each of `count` steps over all examples at once.
fn path<R: StepRule<f64>>(rule: impl Fn() -> R, rate: f64, count: usize) -> Vec<Vec<f64>> {
    with_objective(|objective, theta| {
        let mut path = vec![theta.clone()];
        for epochs in 1..=count {
            let trainer = FirstOrder::new(rule()).epochs(epochs).rate(rate).unwrap();
            let trainer = trainer.batches(Batches::new(objective.len(), 0).unwrap());
            path.push(trainer.train(objective, theta.clone()).unwrap().theta);
        }
        path
    })
}

fn gradient(theta: &[f64]) -> Vec<f64> {
    with_objective(|objective: &Objective<'_, f64>, _| {
        objective.at(theta).unwrap().gradient().unwrap().to_vec()
    })
}

fn times_g(theta: &[f64], v: &[f64]) -> Vec<f64> {
    with_objective(|objective: &Objective<'_, f64>, _| {
        let model = objective.at(theta).unwrap();
        model.gauss_newton().unwrap().apply(v).unwrap()
    })
}

/// Entry by entry.
fn map<const N: usize>(vectors: [&[f64]; N], f: impl Fn([f64; N]) -> f64) -> Vec<f64> {
    let entry = |i: usize| f(vectors.map(|v| v[i]));
    (0..vectors[0].len()).map(entry).collect()
}

#[test]
fn sgd_makes_its_steps() {
    let plain = || Sgd::default().momentum(0.0).unwrap();
    let (heavy, nesterov) = (|| Sgd::default(), || Sgd::default().nesterov());
    for (steps, looks_ahead) in [
        (path(heavy, 0.05, 3), false),
        (path(nesterov, 0.05, 3), true),
    ] {
        let mut v = vec![0.0; steps[0].len()];
        for pair in steps.windows(2) {
            let g = gradient(&pair[0]);
            v = map([&v, &g], |[v, g]| 0.9 * v + g);
            let d = map([&v, &g], |[v, g]| if looks_ahead { g + 0.9 * v } else { v });
            close(&pair[1], &map([&pair[0], &d], |[t, d]| t - 0.05 * d));
        }
    }
    for pair in path(plain, 0.05, 3).windows(2) {
        let g = gradient(&pair[0]);
        close(&pair[1], &map([&pair[0], &g], |[t, g]| t - 0.05 * g));
    }
}

#[test]
fn adam_makes_its_steps_and_the_decay_of_adamw_is_outside_the_moments() {
    for decay in [0.0, 0.1] {
        let rule = || {
            let adam = Adam::default().betas(0.8, 0.95).unwrap();
            adam.epsilon(1e-3).unwrap().decoupled_decay(decay).unwrap()
        };
        let steps = path(rule, 0.05, 4);
        let n = steps[0].len();
        let (mut m, mut v) = (vec![0.0; n], vec![0.0; n]);
        for (t, pair) in (1..).zip(steps.windows(2)) {
            let g = gradient(&pair[0]);
            m = map([&m, &g], |[m, g]| 0.8 * m + 0.2 * g);
            v = map([&v, &g], |[v, g]| 0.95 * v + 0.05 * g * g);
            let (c1, c2) = (1.0 - 0.8f64.powi(t), 1.0 - 0.95f64.powi(t));
            let expected = map([&pair[0], &m, &v], |[theta, m, v]| {
                let kept = (1.0 - 0.05 * decay) * theta;
                kept - 0.05 * (m / c1) / ((v / c2).sqrt() + 1e-3)
            });
            close(&pair[1], &expected);
        }
    }
}

#[test]
fn decay_spares_what_regularization_spares() -> Outcomes {
    let (mut net, data) = (net::<f64>(), data::<f64>(38));
    net.exempt("dense1.bias")?;
    let mut theta = net.init(1);
    net.set(&mut theta, "dense1.bias", &[0.5; 6])?;
    let objective = Objective::new(&net, SquaredLoss, &data)?;
    let after = |decay: f64| -> Outcomes<Vec<f64>> {
        let rule = Adam::default().decoupled_decay(decay)?;
        Ok(FirstOrder::new(rule)
            .epochs(1)
            .train(&objective, theta.clone())?
            .theta)
    };
    let (without, with) = (after(0.0)?, after(0.1)?);
    let bias = |theta: &[f64]| net.view(theta, "dense1.bias").unwrap().to_vec();
    assert_eq!(bias(&with), bias(&without));
    assert_ne!(with, without);
    Ok(())
}

#[test]
fn smd_makes_its_steps() {
    // Large enough that the safeguard of ½ acts on some entries, and not on all.
    let (mu, lambda, rate) = (400.0, 0.9, 0.05);
    let rule = || {
        Smd::default()
            .meta_rate(mu)
            .unwrap()
            .memory(lambda)
            .unwrap()
    };
    let steps = path(rule, rate, 5);
    let n = steps[0].len();
    let (mut p, mut v) = (vec![rate; n], vec![0.0; n]);
    let (mut halved, mut grown) = (0, 0);
    for pair in steps.windows(2) {
        let (g, gv) = (gradient(&pair[0]), times_g(&pair[0], &v));
        let change = map([&v, &g], |[v, g]| (1.0 + mu * v * g).max(0.5));
        halved += change.iter().filter(|c| **c == 0.5).count();
        grown += change.iter().filter(|c| **c > 1.0).count();
        p = map([&p, &change], |[p, c]| p * c);
        close(&pair[1], &map([&pair[0], &p, &g], |[t, p, g]| t - p * g));
        v = map([&v, &p, &g, &gv], |[v, p, g, gv]| {
            lambda * v + p * (g - lambda * gv)
        });
    }
    assert!(halved > 0 && grown > 0, "{halved} {grown}");
}

/// A weight that only the regularizer sees is halved by every step. Before it is 0 it would be
/// subnormal for 23 of them: then a convolution takes ten times as long on some processors.
#[test]
fn a_weight_that_no_example_sees_becomes_zero_and_never_subnormal() -> Outcomes {
    let net = Network::<f32>::new([1], |x| x.dense(1))?;
    let data = Paired::new([1], vec![0.0], 1, vec![1.0])?;
    let objective = Objective::new(&net, SquaredLoss, &data)?.regularization(1.0)?;
    let weight = |theta: &[f32]| net.view(theta, "dense1.weight").map(|w| w[0]);
    for (steps, expected) in [(126, f32::MIN_POSITIVE), (127, 0.0), (140, 0.0)] {
        let sgd = FirstOrder::new(Sgd::default().momentum(0.0)?).rate(0.5)?;
        let report = sgd.epochs(steps).train(&objective, vec![1.0, 1.0])?;
        assert_eq!(weight(&report.theta)?, expected, "after {steps} steps");
    }
    Ok(())
}
