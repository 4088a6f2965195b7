//! Runs that are stopped and go on.

use crate::common::{data, net};
use osculant_optim::loss::SquaredLoss;
use osculant_optim::solve::{NashSofer, RelativeProgress};
use osculant_optim::train::{
    BacktrackedIterate, ConstantDamping, CurvatureDiagonal, Cyclic, EmpiricalFisher, Fresh,
    Iteration, Moment, NewtonCg, Nielsen, Observer, Outcome, Report, Size, Start, State,
    StepRejection, TrustRegion, WarmStart,
};
use osculant_optim::{Objective, OptimError};
use osculant_tape::Scalar;
use std::ops::ControlFlow;

const ITERATIONS: usize = 8;

/// A name, and how to set the trainer up.
type Setup = (&'static str, fn() -> NewtonCg);

/// The trainers whose runs are compared.
fn trainers() -> Vec<Setup> {
    fn base() -> NewtonCg {
        let cyclic = Cyclic::new(Size::Fraction(0.3), 4);
        NewtonCg::default().iterations(ITERATIONS).sampling(cyclic)
    }
    vec![
        ("the default", base),
        ("nielsen", || base().damping(Nielsen::default())),
        ("trust region", || {
            base()
                .damping(ConstantDamping::none())
                .globalization(TrustRegion::default())
        }),
        ("step rejection", || {
            base().globalization(StepRejection::default())
        }),
        ("warm start", || {
            base()
                .warm_start(WarmStart::default())
                .stopping(RelativeProgress::default())
        }),
        ("backtracked, preconditioned", || {
            base()
                .cg_iterate(BacktrackedIterate::default())
                .preconditioning(EmpiricalFisher::default())
                .stopping(NashSofer::default())
        }),
        ("fresh, jacobi", || {
            base()
                .sampling(Fresh::new(Size::Count(11), 3))
                .preconditioning(CurvatureDiagonal)
        }),
    ]
}

/// Keeps every state.
struct Keep<T>(Vec<State<T>>);

impl<T: Scalar> Observer<T> for Keep<T> {
    fn iteration(&mut self, at: &Moment<'_, T, Iteration>) -> ControlFlow<()> {
        assert_eq!(at.state().theta, at.theta);
        assert_eq!(at.state().iteration, at.record.number);
        self.0.push(at.state());
        ControlFlow::Continue(())
    }
}

/// Stops after every iteration.
struct One;

impl<T> Observer<T> for One {
    fn iteration(&mut self, _at: &Moment<'_, T, Iteration>) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}

/// Records compared as text: a ratio may be NaN.
fn same<T: Scalar>(name: &str, whole: &Report<T>, rest: &Report<T>, from: usize) {
    assert_eq!(whole.theta, rest.theta, "{name}, from {from}");
    let records = |r: &[Iteration]| format!("{r:?}");
    let (w, r) = (
        records(&whole.iterations[from..]),
        records(&rest.iterations),
    );
    assert_eq!(w, r, "{name}, from {from}");
    let totals = |r: &Report<T>| (r.products, r.evaluations, r.done(), r.outcome);
    assert_eq!(totals(whole), totals(rest), "{name}, from {from}");
    assert_eq!(whole.state(), rest.state(), "{name}, from {from}");
}

fn resumed_runs_agree<T: Scalar>() {
    let (net, data) = (net::<T>(), data::<T>(40));
    let objective = Objective::new(&net, SquaredLoss, &data)
        .and_then(|o| o.regularization(1e3))
        .unwrap();
    for (name, trainer) in trainers() {
        let mut keep = Keep(Vec::new());
        let whole = trainer()
            .train_observed(&objective, net.init(1), &mut keep)
            .unwrap();
        assert_eq!(whole.iterations.len(), ITERATIONS, "{name}");
        assert!(whole.value < whole.iterations[0].value, "{name}");
        for (k, state) in keep.0.into_iter().enumerate() {
            let rest = trainer().resume(&objective, state, &mut ()).unwrap();
            same(name, &whole, &rest, k + 1);
        }
        // And piece by piece, each from the state that the last one left.
        let mut piece = trainer()
            .train_observed(&objective, net.init(1), &mut One)
            .unwrap();
        for k in 1..ITERATIONS {
            assert_eq!((piece.outcome, piece.done()), (Outcome::Stopped, k));
            piece = trainer()
                .resume(&objective, piece.state(), &mut One)
                .unwrap();
        }
        assert_eq!(piece.theta, whole.theta, "{name}");
        assert_eq!(piece.state(), whole.state(), "{name}");
    }
}

#[test]
fn a_resumed_run_has_the_bits_of_an_uninterrupted_one_in_f32() {
    resumed_runs_agree::<f32>();
}

#[test]
fn a_resumed_run_has_the_bits_of_an_uninterrupted_one_in_f64() {
    resumed_runs_agree::<f64>();
}

fn with_objective<R>(f: impl FnOnce(&Objective<'_, f64>, Vec<f64>) -> R) -> R {
    let (net, data) = (net::<f64>(), data::<f64>(40));
    let objective = Objective::new(&net, SquaredLoss, &data).unwrap();
    f(&objective, net.init(1))
}

#[test]
fn a_product_may_end_the_run_and_the_last_finished_iteration_stays() {
    /// Ends the run at the second product of the third iteration.
    #[derive(Default)]
    struct InTheMiddle {
        done: usize,
        theta: Vec<f64>,
        /// What was done before, θ, f and ‖∇f‖.
        started: Option<(usize, Vec<f64>, f64, f64)>,
    }
    impl Observer<f64> for InTheMiddle {
        fn start(&mut self, at: &Start<'_, f64>) -> ControlFlow<()> {
            self.started = Some((at.done, at.theta.to_vec(), at.value, at.gradient_norm));
            ControlFlow::Continue(())
        }
        fn iteration(&mut self, at: &Moment<'_, f64, Iteration>) -> ControlFlow<()> {
            (self.done, self.theta) = (at.record.number, at.theta.to_vec());
            ControlFlow::Continue(())
        }
        fn cg_iteration(&mut self, number: usize, bound: usize) -> ControlFlow<()> {
            assert!(number <= bound);
            if self.done == 2 && number == 2 {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
    }
    with_objective(|objective, theta| {
        let whole = NewtonCg::default()
            .iterations(6)
            .train(objective, theta.clone())
            .unwrap();
        let mut observer = InTheMiddle::default();
        let stopped = NewtonCg::default()
            .iterations(6)
            .train_observed(objective, theta.clone(), &mut observer)
            .unwrap();
        let first = &whole.iterations[0];
        let start = (0, theta, first.value, first.gradient_norm);
        assert_eq!(observer.started, Some(start));
        assert_eq!((stopped.outcome, stopped.done()), (Outcome::Stopped, 2));
        assert_eq!(stopped.theta, observer.theta);
        assert_eq!(stopped.value, whole.iterations[1].new_value);
        let resumed = NewtonCg::default()
            .iterations(6)
            .resume(objective, stopped.state(), &mut ())
            .unwrap();
        assert_eq!(resumed.theta, whole.theta);
        assert_eq!(resumed.products, whole.products);
    });
}

#[test]
fn an_observer_may_end_the_run_before_it_begins() {
    struct Never;
    impl Observer<f64> for Never {
        fn start(&mut self, _at: &Start<'_, f64>) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    with_objective(|objective, theta| {
        let report = NewtonCg::default()
            .train_observed(objective, theta.clone(), &mut Never)
            .unwrap();
        assert_eq!((report.outcome, report.done()), (Outcome::Stopped, 0));
        assert_eq!((report.theta, report.evaluations), (theta, 1));
    });
}

#[test]
fn a_state_that_does_not_fit_is_refused() {
    with_objective(|objective, theta| {
        let good = NewtonCg::default()
            .iterations(2)
            .train(objective, theta)
            .unwrap()
            .state();
        let refused = |change: &dyn Fn(&mut State<f64>)| {
            let mut state = good.clone();
            change(&mut state);
            match NewtonCg::default().resume(objective, state, &mut ()) {
                Ok(_) => panic!("not refused"),
                Err(error) => error.to_string(),
            }
        };
        let said = refused(&|s| s.trainer = "adam".into());
        assert!(
            said.contains("adam") && said.contains("newton_cg"),
            "{said}"
        );
        let said = refused(&|s| s.theta.truncate(3));
        assert!(said.contains("has 3 numbers"), "{said}");
        let said = refused(&|s| s.theta[4] = f64::NAN);
        assert!(said.contains("NaN at index 4"), "{said}");
        let said = refused(&|s| drop(s.numbers.remove("damping")));
        assert!(
            said.contains("damping") && said.contains("missing"),
            "{said}"
        );
        let said = refused(&|s| drop(s.numbers.insert("damping".into(), vec![1.0, 2.0, 3.0])));
        assert!(said.contains("has 3 numbers"), "{said}");
        let said = refused(&|s| drop(s.numbers.insert("damping".into(), vec![f64::INFINITY])));
        assert!(said.contains("`damping`") && said.contains("inf"), "{said}");
        let said = refused(&|s| drop(s.numbers.insert("counts".into(), vec![1.5, 0.0, 0.0, 1.0])));
        assert!(said.contains("counts") && said.contains("1.5"), "{said}");
        let said = refused(&|s| drop(s.vectors.insert("d".into(), vec![1.0])));
        assert!(
            said.contains("`d`") && said.contains("has 1 numbers"),
            "{said}"
        );
    });
}

#[test]
fn a_finished_run_can_be_given_more_iterations() -> Result<(), OptimError> {
    with_objective(|objective, theta| {
        let short = NewtonCg::default()
            .iterations(3)
            .train(objective, theta.clone())?;
        assert_eq!(short.outcome, Outcome::Iterations);
        // A bound that is reached already: nothing is done.
        let again = NewtonCg::default()
            .iterations(3)
            .resume(objective, short.state(), &mut ())?;
        assert_eq!((again.iterations.len(), &again.theta), (0, &short.theta));
        let more = NewtonCg::default()
            .iterations(6)
            .resume(objective, short.state(), &mut ())?;
        let whole = NewtonCg::default().iterations(6).train(objective, theta)?;
        assert_eq!(more.theta, whole.theta);
        assert_eq!(more.done(), 6);
        Ok(())
    })
}

#[test]
fn a_warm_run_is_not_resumed_cold() {
    with_objective(|objective, theta| {
        let warm = NewtonCg::default()
            .iterations(2)
            .warm_start(WarmStart::default());
        let state = warm.train(objective, theta).unwrap().state();
        let cold = NewtonCg::default().iterations(4);
        let error = cold.resume(objective, state, &mut ()).unwrap_err();
        assert!(error.to_string().contains("warm"), "{error}");
    });
}
