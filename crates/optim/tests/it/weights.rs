//! Example weights, and losses that count several terms per example.

use osculant_layers::{Layers, Network};
use osculant_optim::check::check_objective;
use osculant_optim::examples::{InMemory, Labelled};
use osculant_optim::loss::{Convexity, Loss, PerPosition, SoftmaxCrossEntropy};
use osculant_optim::operator::LinearOperator;
use osculant_optim::train::{
    Adam, Batches, Cyclic, FirstOrder, Fixed, Fresh, Given, NewtonCg, Sampling, Sgd, Size, Smd,
    StepRule,
};
use osculant_optim::{Objective, Result};
use osculant_tape::Random;

type Targets = Vec<Option<f64>>;
type Rule = Box<dyn StepRule<f64>>;

/// Σ cosh(zₖ − yₖ) over the k that have a y; infinite, and so are its derivatives, where one is.
struct Cosh;

impl Loss<f64> for Cosh {
    type Target = Targets;
    fn name(&self) -> &str {
        "cosh"
    }
    fn check_output(&self, _: &[usize]) -> Result<()> {
        Ok(())
    }
    fn check_target(&self, _: &[usize], _: &Targets) -> Result<()> {
        Ok(())
    }
    fn convexity(&self) -> Convexity {
        Convexity::Convex
    }
    fn count(&self, y: &Targets) -> f64 {
        y.iter().flatten().count() as f64
    }
    fn kept(&self, shape: &[usize]) -> usize {
        shape.iter().product()
    }
    fn value(&self, z: &[f64], y: &Targets, _: &[f64], kept: &mut [f64]) -> f64 {
        for ((kept, z), y) in kept.iter_mut().zip(z).zip(y) {
            *kept = y.map_or(0.0, |y| (z - y).cosh());
        }
        kept.iter().sum()
    }
    fn gradient(&self, z: &[f64], y: &Targets, _: &[f64], _: &[f64], g: &mut [f64]) {
        for ((g, z), y) in g.iter_mut().zip(z).zip(y) {
            *g = y.map_or(0.0, |y| (z - y).sinh());
        }
    }
    fn curvature(
        &self,
        _: &[f64],
        _: &Targets,
        _: &[f64],
        kept: &[f64],
        dz: &[f64],
        out: &mut [f64],
    ) {
        for ((o, b), d) in out.iter_mut().zip(kept).zip(dz) {
            *o = b * d;
        }
    }
}

const C: f64 = 7.0;

/// So many examples of two numbers with two targets, of which every third has one and every
/// seventh none.
fn inputs(l: usize) -> (Vec<f64>, Vec<Targets>) {
    let x: Vec<f64> = (0..2 * l).map(|i| (0.7 * i as f64).sin()).collect();
    let target = |(i, x): (usize, &[f64])| match (i % 3, i % 7) {
        (_, 6) => vec![None, None],
        (2, _) => vec![None, Some(x[0])],
        _ => vec![Some(x[0] * x[1]), Some(0.5 - x[1])],
    };
    let y = x.chunks(2).enumerate().map(target).collect();
    (x, y)
}

#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= 1e-12 * (1.0 + e.abs()),
            "{found:?} {expected:?}"
        );
    }
}

#[test]
fn weights_and_counts_enter_value_gradient_and_curvature() -> Result<()> {
    let net = Network::<f64>::new([2], |x| x.dense(2))?;
    let (x, mut y) = inputs(20);
    let weights: Vec<f64> = (0..20).map(|i| [1.5, 0.0, 0.25, 1.0][i % 4]).collect();
    // Of weight 0, with an infinite loss.
    y[5] = vec![Some(f64::INFINITY), Some(0.0)];
    let data = InMemory::new([2], x.clone(), y.clone())?.with_weights(weights.clone())?;
    let objective = Objective::new(&net, Cosh, &data)?.regularization(C)?;
    let theta = [0.3, -0.4, 0.8, 0.1, -0.2, 0.5];
    let v = [0.4, 1.0, -0.6, 0.3, 0.9, -1.2];

    // z = xᵀA + b, by hand.
    let n = theta.len();
    let total: f64 = weights.iter().zip(&y).map(|(w, y)| w * Cosh.count(y)).sum();
    let mut value = theta.iter().map(|t| t * t).sum::<f64>() / (2.0 * C);
    let mut gradient: Vec<f64> = theta.iter().map(|t| t / C).collect();
    let mut g = vec![0.0; n * n];
    (0..n).for_each(|j| g[j * n + j] = 1.0 / C);
    let mut fisher = vec![1.0 / C; n];
    for i in (0..20).filter(|&i| weights[i] > 0.0) {
        let (x, scale) = (&x[2 * i..][..2], weights[i] / total);
        let mut own = vec![0.0; n];
        for k in 0..2 {
            let Some(y) = y[i][k] else { continue };
            let mut row = vec![0.0; n];
            (row[k], row[2 + k], row[4 + k]) = (x[0], x[1], 1.0);
            let z: f64 = row.iter().zip(&theta).map(|(j, t)| j * t).sum();
            value += scale * (z - y).cosh();
            for a in 0..n {
                own[a] += (z - y).sinh() * row[a];
                for b in 0..n {
                    g[a * n + b] += scale * (z - y).cosh() * row[a] * row[b];
                }
            }
        }
        for a in 0..n {
            gradient[a] += scale * own[a];
            fisher[a] += scale * own[a] * own[a];
        }
    }
    let gv: Vec<f64> = g
        .chunks(n)
        .map(|row| row.iter().zip(&v).map(|(g, v)| g * v).sum())
        .collect();
    let diagonal: Vec<f64> = (0..n).map(|j| g[j * n + j]).collect();

    let model = objective.at(&theta)?;
    close(&[model.value()?], &[value]);
    close(&[objective.value(&theta)?], &[value]);
    close(model.gradient()?, &gradient);
    let curvature = model.gauss_newton()?;
    close(&curvature.apply(&v)?, &gv);
    close(&curvature.diagonal()?, &diagonal);
    close(&curvature.empirical_fisher_diagonal()?, &fisher);
    // The network is linear in θ.
    close(&model.hessian()?.apply(&v)?, &gv);
    for seed in 0..3 {
        check_objective(&objective, &theta, seed)?;
    }
    Ok(())
}

#[test]
fn what_has_no_weight_is_never_drawn() -> Result<()> {
    let net = Network::<f64>::new([2], |x| x.dense(4).tanh().dense(2))?;
    // Every tenth example counts; the others' losses are infinite.
    let (x, y) = inputs(400);
    let counts = |i: usize| i % 10 == 3 && i % 7 != 6;
    let (mut few_x, mut few_y) = (Vec::new(), Vec::new());
    let (mut all_y, mut weights) = (y.clone(), Vec::new());
    for i in 0..400 {
        weights.push(f64::from(u8::from(i % 10 == 3)));
        if counts(i) {
            few_x.extend_from_slice(&x[2 * i..][..2]);
            few_y.push(y[i].clone());
        } else if i % 10 != 3 {
            all_y[i] = vec![Some(f64::INFINITY); 2];
        }
    }
    let all = InMemory::new([2], x, all_y)?.with_weights(weights)?;
    let few = InMemory::new([2], few_x, few_y)?;
    let all = Objective::new(&net, Cosh, &all)?.regularization(C)?;
    let few = Objective::new(&net, Cosh, &few)?.regularization(C)?;

    let rules: [fn() -> Rule; 3] = [
        || Box::new(Sgd::default()),
        || Box::new(Adam::default()),
        || Box::new(Smd::default()),
    ];
    for rule in rules {
        let train = |objective| {
            let trainer = FirstOrder::new(rule())
                .batches(Batches::new(2, 5)?)
                .epochs(4);
            trainer.train(objective, net.init(1))
        };
        let (here, there) = (train(&all)?, train(&few)?);
        assert_eq!(here.theta, there.theta);
        assert_eq!(here.evaluations, there.evaluations);
        close(&[here.value], &[there.value]);
    }

    let samplings: [fn() -> Box<dyn Sampling>; 3] = [
        || Box::new(Cyclic::new(Size::Count(1), 0)),
        || Box::new(Fresh::new(Size::Fraction(0.05), 0)),
        || Box::new(Fixed::new(Size::Count(3), 0)),
    ];
    struct Boxed(Box<dyn Sampling>);
    impl Sampling for Boxed {
        fn subset(&mut self, i: usize, l: usize) -> Result<osculant_optim::train::Subset<'_>> {
            self.0.subset(i, l)
        }
        fn leaves_weightless_out(&self) -> bool {
            self.0.leaves_weightless_out()
        }
    }
    for sampling in samplings {
        let train = |objective| {
            let trainer = NewtonCg::default()
                .sampling(Boxed(sampling()))
                .iterations(5);
            trainer.train(objective, net.init(1))
        };
        let (here, there) = (train(&all)?, train(&few)?);
        close(&[here.value], &[there.value]);
        let sizes = |r: &osculant_optim::train::Report<f64>| -> Vec<usize> {
            r.iterations.iter().map(|i| i.curvature_examples).collect()
        };
        assert_eq!(sizes(&here), sizes(&there));
    }

    // Numbers that were stated are the data's.
    let given = |numbers: Vec<usize>| {
        let trainer = NewtonCg::default().iterations(1);
        let trainer = trainer.sampling(Given::new(vec![numbers]));
        trainer.train(&all, net.init(1))
    };
    assert!(given(vec![3, 113])?.value.is_finite());
    let message = given(vec![0, 1]).unwrap_err().to_string();
    assert!(message.contains("the sum W of weights is 0"), "{message}");
    Ok(())
}

#[test]
fn positions_with_a_label_are_examples_of_their_own() {
    let (steps, inputs, classes, count) = (6, 3, 4, 11);
    let mut random = Random::new(2, 0);
    let mut x = vec![0.0; count * steps * inputs];
    random.normal(1.0, &mut x);
    let labels: Vec<Vec<Option<u32>>> = (0..count)
        .map(|i| {
            // The last example has no label at all.
            let label =
                |k| (i + 1 < count && (i + k) % 3 != 0).then_some(((i * k) % classes) as u32);
            (0..steps).map(label).collect()
        })
        .collect();
    let apart: (Vec<&[f64]>, Vec<u32>) = x
        .chunks(inputs)
        .zip(labels.iter().flatten())
        .filter_map(|(x, y)| y.map(|y| (x, y)))
        .unzip();
    let sequences = InMemory::new([steps, inputs], x.clone(), labels.clone()).unwrap();
    let apart = Labelled::new([inputs], apart.0.concat(), apart.1).unwrap();
    let layers =
        |shape: &[usize]| Network::<f64>::new(shape, |x| x.dense(5).tanh().dense(classes)).unwrap();
    let (whole, each) = (layers(&[steps, inputs]), layers(&[inputs]));
    let per_position =
        Objective::new(&whole, PerPosition(SoftmaxCrossEntropy), &sequences).unwrap();
    let one_by_one = Objective::new(&each, SoftmaxCrossEntropy, &apart).unwrap();
    let (theta, mut v) = (whole.init(1), vec![0.0; whole.len()]);
    random.normal(1.0, &mut v);
    let close = |a: &[f64], b: &[f64]| {
        assert!(
            a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13),
            "{a:?} {b:?}"
        );
    };
    let (a, b) = (
        per_position.at(&theta).unwrap(),
        one_by_one.at(&theta).unwrap(),
    );
    assert!((a.value().unwrap() - b.value().unwrap()).abs() < 1e-13);
    close(a.gradient().unwrap(), b.gradient().unwrap());
    let (g, h) = (a.gauss_newton().unwrap(), b.gauss_newton().unwrap());
    close(&g.apply(&v).unwrap(), &h.apply(&v).unwrap());
    close(&g.diagonal().unwrap(), &h.diagonal().unwrap());
    check_objective(&per_position, &theta, 1).unwrap();

    let mut wrong = labels;
    wrong[4][2] = Some(9);
    let data = InMemory::new([steps, inputs], x.clone(), wrong.clone()).unwrap();
    let refused = |data| match Objective::new(&whole, PerPosition(SoftmaxCrossEntropy), data) {
        Ok(_) => panic!("it was accepted"),
        Err(error) => error.to_string(),
    };
    let message = refused(&data);
    assert!(
        message.contains("example 4") && message.contains("position 2"),
        "{message}"
    );
    wrong[4] = vec![None; steps - 1];
    let message = refused(&InMemory::new([steps, inputs], x, wrong).unwrap());
    assert!(message.contains("5 numbers where 6"), "{message}");
    let output = |shape: &[usize]| {
        let loss: &dyn Loss<f64, Target = _> = &PerPosition(SoftmaxCrossEntropy);
        loss.check_output(shape).unwrap_err().to_string()
    };
    assert!(output(&[4]).contains("axes for the positions"));
    assert!(output(&[0, 4]).contains("no numbers"));
    let one_class = output(&[3, 1]);
    assert!(
        one_class.contains("[3, 1]") && one_class.contains("at each position"),
        "{one_class}"
    );
}
