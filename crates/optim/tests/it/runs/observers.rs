//! Observers that are here: the best θ, patience, pairs.

use osculant_layers::{Layers, Network};
use osculant_optim::examples::Paired;
use osculant_optim::loss::SquaredLoss;
use osculant_optim::train::{
    Adam, Batches, Best, FirstOrder, Iteration, KeepBest, Moment, NewtonCg, Observer, Outcome,
};
use osculant_optim::{Objective, OptimError};
use std::ops::ControlFlow;

/// Runs Newton for at most eight iterations, watched.
fn newton(observer: &mut dyn Observer<f64>) -> (Outcome, usize) {
    with_objective(|objective, theta| {
        let newton = NewtonCg::default().iterations(8);
        let report = newton.train_observed(objective, theta, observer).unwrap();
        (report.outcome, report.done())
    })
}

fn with_objective<R>(f: impl FnOnce(&Objective<'_, f64>, Vec<f64>) -> R) -> R {
    let net = Network::<f64>::new([1], |x| x.dense(4).tanh().dense(1)).unwrap();
    let x: Vec<f64> = (0..20).map(|i| i as f64 / 10.0 - 1.0).collect();
    let y = x.iter().map(|x| (2.0 * x).sin()).collect();
    let data = Paired::new([1], x, 1, y).unwrap();
    let objective = Objective::new(&net, SquaredLoss, &data).unwrap();
    let objective = objective.regularization(100.0).unwrap();
    f(&objective, net.init(1))
}

/// Hands out these scores, one after the other, whatever θ is, and keeps the θ of each.
fn scores<'a>(
    scores: &'a [f64],
    thetas: &'a mut Vec<Vec<f64>>,
) -> impl FnMut(&[f64]) -> Result<f64, OptimError> + Send + 'a {
    move |theta| {
        thetas.push(theta.to_vec());
        Ok(scores.get(thetas.len() - 1).copied().unwrap_or(f64::NAN))
    }
}

#[test]
fn the_first_of_the_best_is_kept_with_its_theta() {
    let mut thetas = Vec::new();
    let given = [0.4, 0.5, 0.7, 0.7, 0.6];
    let mut best = KeepBest::by(scores(&given, &mut thetas));
    assert_eq!(newton(&mut best), (Outcome::Iterations, 8));
    let best = best.finish().unwrap();
    assert_eq!((best.number, best.score), (2, 0.7));
    assert_eq!(best.theta, thetas[2]);
    assert_eq!(thetas.len(), 9, "the first θ, and one for each iteration");
}

#[test]
fn nan_is_never_the_best_and_never_hides_a_later_one() {
    let mut thetas = Vec::new();
    let given = [f64::NAN, f64::NEG_INFINITY, f64::NAN, 0.1];
    let mut best = KeepBest::by(scores(&given, &mut thetas));
    newton(&mut best);
    assert_eq!(best.finish().unwrap().number, 3);

    let mut none = KeepBest::by(|_: &[f64]| Ok(f64::NAN));
    newton(&mut none);
    assert!(none.best().is_none());
    let message = none.finish().unwrap_err().to_string();
    assert!(message.contains("score"), "{message}");
}

#[test]
fn patience_counts_iterations_since_the_best() {
    let mut thetas = Vec::new();
    let given = [0.0, 1.0, 3.0, 2.0, 2.0, 2.0, 9.0];
    let mut best = KeepBest::by(scores(&given, &mut thetas)).patience(3);
    assert_eq!(newton(&mut best), (Outcome::Stopped, 5));
    assert_eq!(best.finish().unwrap().number, 2);
    // 0 is as impatient as 1.
    for patience in [0, 1] {
        let mut thetas = Vec::new();
        let mut best = KeepBest::by(scores(&given, &mut thetas)).patience(patience);
        assert_eq!(newton(&mut best), (Outcome::Stopped, 3));
    }
    let mut forever = KeepBest::by(|_: &[f64]| Ok(0.0)).patience(usize::MAX);
    assert_eq!(newton(&mut forever), (Outcome::Iterations, 8));
}

#[test]
fn a_resumed_run_goes_on_from_the_best_before() {
    let before = Best {
        number: 0,
        score: 5.0,
        theta: vec![1.0],
    };
    let mut best = KeepBest::by(|_: &[f64]| Ok(1.0)).resume_from(before.clone());
    newton(&mut best);
    assert_eq!(best.finish().unwrap(), before);
}

#[test]
fn an_error_of_the_score_ends_the_run_and_comes_back() {
    let mut asked = 0;
    let refuse = |_: &[f64]| {
        asked += 1;
        match asked {
            3 => Err(OptimError::Target {
                loss: "own".into(),
                message: "no score today".into(),
            }),
            _ => Ok(1.0),
        }
    };
    let mut best = KeepBest::by(refuse);
    assert_eq!(newton(&mut best), (Outcome::Stopped, 2));
    let message = best.finish().unwrap_err().to_string();
    assert!(message.contains("no score today"), "{message}");
}

#[test]
fn epochs_are_scored_as_iterations_are() {
    with_objective(|objective, theta| {
        let mut thetas = Vec::new();
        let given = [0.0, 2.0, 1.0, 1.0, 5.0];
        let mut best = KeepBest::by(scores(&given, &mut thetas)).patience(2);
        let adam = FirstOrder::new(Adam::default()).batches(Batches::new(5, 1).unwrap());
        let report = adam.train_observed(objective, theta, &mut best).unwrap();
        assert_eq!((report.outcome, report.done()), (Outcome::Stopped, 3));
        assert_eq!(best.finish().unwrap().number, 1);
    });
}

#[test]
fn both_of_a_pair_see_everything_and_either_ends_the_run() {
    /// Counts what it sees, and ends the run after an iteration.
    struct Until {
        last: usize,
        iterations: usize,
        products: usize,
        started: usize,
    }
    impl Until {
        fn new(last: usize) -> Self {
            Until {
                last,
                iterations: 0,
                products: 0,
                started: 0,
            }
        }
    }
    impl Observer<f64> for Until {
        fn start(&mut self, at: &osculant_optim::train::Start<'_, f64>) -> ControlFlow<()> {
            self.started += 1;
            assert!(at.value.is_finite() && !at.theta.is_empty());
            ControlFlow::Continue(())
        }
        fn iteration(&mut self, at: &Moment<'_, f64, Iteration>) -> ControlFlow<()> {
            self.iterations += 1;
            if at.record.number >= self.last {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
        fn cg_iteration(&mut self, _: usize, _: usize) -> ControlFlow<()> {
            self.products += 1;
            ControlFlow::Continue(())
        }
    }
    for (first, second) in [(3, 6), (6, 3)] {
        let (mut a, mut b) = (Until::new(first), Until::new(second));
        assert_eq!(newton(&mut (&mut a, &mut b)), (Outcome::Stopped, 3));
        assert_eq!((a.iterations, b.iterations), (3, 3));
        assert_eq!((a.started, b.started), (1, 1));
        assert!(a.products == b.products && a.products > 0);
    }
}
