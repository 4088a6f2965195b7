//! The Newton trainer with each of its parts, and where they fail.

use osculant_layers::{Layers, Network};
use osculant_optim::examples::Paired;
use osculant_optim::loss::SquaredLoss;
use osculant_optim::solve::{NashSofer, RelativeProgress, Stop, Stopping};
use osculant_optim::train::{
    Armijo, BacktrackedIterate, CgIterate, ConstantDamping, CurvatureDiagonal, Damping, Diagonals,
    Direction, EmpiricalFisher, Everything, Globalization, NewtonCg, Nielsen, Outcome,
    Preconditioning, Report, Search, StepRejection, TrustRegion, WarmStart,
};
use osculant_optim::{Objective, OptimError, Result, vector};
use osculant_tape::Init;

/// Runs f with the objective of a small regression of a network with a bottleneck.
fn with_objective<R>(f: impl FnOnce(&Objective<'_, f64>, Vec<f64>) -> R) -> R {
    let net = Network::<f64>::new([2], |x| x.dense(8).tanh().dense(3).tanh().dense(1)).unwrap();
    let x: Vec<f64> = (0..120).map(|i| (0.7 * f64::from(i)).sin()).collect();
    let y = x.chunks(2).map(|x| (2.0 * x[0]).sin() * x[1]).collect();
    let data = Paired::new([2], x, 1, y).unwrap();
    let objective = Objective::new(&net, SquaredLoss, &data)
        .and_then(|o| o.regularization(1e4))
        .unwrap();
    f(&objective, net.init(1))
}

fn base() -> NewtonCg {
    NewtonCg::default().iterations(40).sampling(Everything)
}

fn train(trainer: NewtonCg) -> Report<f64> {
    with_objective(|objective, theta| trainer.train(objective, theta)).unwrap()
}

#[test]
fn every_part_minimizes() {
    let start = train(base().iterations(0)).value;
    let region = || {
        base()
            .damping(ConstantDamping::none())
            .globalization(TrustRegion::default())
    };
    let runs: Vec<(&str, NewtonCg)> = vec![
        ("default", base()),
        ("nielsen", base().damping(Nielsen::default())),
        ("no damping", base().damping(ConstantDamping::none())),
        (
            "step rejection",
            base().globalization(StepRejection::default()),
        ),
        ("trust region", region()),
        ("progress", base().stopping(RelativeProgress::default())),
        ("nash sofer", base().stopping(NashSofer::default())),
        (
            "backtracked",
            base().cg_iterate(BacktrackedIterate::default()),
        ),
        (
            "warm",
            base()
                .warm_start(WarmStart::default())
                .stopping(NashSofer::default()),
        ),
        ("jacobi", base().preconditioning(CurvatureDiagonal)),
        ("fisher", base().preconditioning(EmpiricalFisher::default())),
        (
            "all at once",
            region()
                .stopping(RelativeProgress::default())
                .cg_iterate(BacktrackedIterate::default())
                .warm_start(WarmStart::default())
                .preconditioning(EmpiricalFisher::default()),
        ),
    ];
    for (name, trainer) in runs {
        let report = train(trainer);
        assert!(report.value < 0.05 * start, "{name}: {report:?}");
        for (i, next) in report.iterations.iter().zip(&report.iterations[1..]) {
            assert!(i.new_value <= i.value, "{name}: {i:?}");
            assert_eq!(i.new_value, next.value, "{name}");
            assert_eq!(i.new_lambda, next.lambda, "{name}");
            assert!(i.cg_chosen <= i.cg_iterations, "{name}: {i:?}");
        }
    }
}

#[test]
fn directions_stay_within_the_trust_region() {
    let region = TrustRegion::default().radii(0.1, 0.4).unwrap();
    let damping = ConstantDamping::none();
    let report = train(base().damping(damping).globalization(region));
    let on_boundary = |i: &&osculant_optim::train::Iteration| i.cg_stop == Stop::Boundary;
    assert!(report.iterations.iter().filter(on_boundary).count() > 3);
    let radii = report.iterations.iter().map(|i| i.radius.unwrap());
    assert_eq!(radii.fold(0.0, f64::max), 0.4);
    assert_eq!(report.iterations[0].radius, Some(0.1));
}

#[test]
fn an_iterate_that_was_tried_is_not_tried_again() {
    let report = train(base().cg_iterate(BacktrackedIterate::default()));
    let earlier = report
        .iterations
        .iter()
        .filter(|i| i.cg_chosen < i.cg_iterations);
    assert!(
        earlier.count() > 0,
        "no iterate but the last was ever chosen"
    );
    let mut whole = report.iterations.iter().filter(|i| i.step == 1.0);
    assert!(whole.clone().count() > 3);
    assert!(whole.all(|i| {
        let all = [1, 2, 3, 4, 5, 7, 9, 11, 14, 18, 24, 31, 40, 52, 67];
        let kept = all.into_iter().filter(|&k| k < i.cg_iterations);
        let after = kept.clone().filter(|&k| k > i.cg_chosen).count();
        let before = kept.filter(|&k| k < i.cg_chosen).count();
        // The chosen one and those after it, one before it if there is one, and the gradient.
        let last = usize::from(i.cg_chosen < i.cg_iterations);
        i.evaluations == 1 + after + last + before.min(1) + 1
    }));
}

#[test]
fn after_a_whole_step_the_gradient_comes_with_the_first_trial() {
    // On this path steps are halved now and then.
    let trainer = || base().damping(ConstantDamping::new(1e-4).unwrap());
    let report = train(trainer());
    let (mut together, mut apart, mut whole) = (0, 0, true);
    for i in &report.iterations {
        let Search::Accepted { trials, step, .. } = i.search else {
            panic!("{i:?}");
        };
        match (whole, step == 1.0) {
            (true, true) => {
                assert_eq!(i.evaluations, 1, "{i:?}");
                together += 1;
            }
            (_, _) => {
                assert_eq!(i.evaluations, trials + 1, "{i:?}");
                apart += 1;
            }
        }
        whole = step == 1.0;
    }
    assert!(together > 3 && apart > 0, "{together} {apart}");
    /// The last iterate, whose value it asks for first: a gradient then comes by itself.
    struct Asked;
    impl CgIterate for Asked {
        fn choose(
            &mut self,
            candidates: usize,
            f: &mut dyn FnMut(usize) -> Result<f64>,
        ) -> Result<usize> {
            f(candidates - 1)?;
            Ok(candidates - 1)
        }
    }
    let asked = train(trainer().cg_iterate(Asked));
    assert!(asked.iterations.iter().all(|i| i.evaluations > 1));
    assert_eq!(asked.theta, report.theta);
}

#[test]
fn a_jacobi_preconditioner_is_the_diagonal_of_the_damped_matrix() {
    with_objective(|objective, theta| {
        let model = objective.at(&theta).unwrap();
        let g = model.gauss_newton_on(&[3, 5, 7, 8]).unwrap();
        let m = CurvatureDiagonal.diagonal(&g, 0.25).unwrap().unwrap();
        let exact = g.diagonal().unwrap();
        assert!(m.iter().zip(&exact).all(|(m, d)| *m == d + 0.25));
    });
}

#[test]
fn the_empirical_fisher_diagonal_is_the_mean_of_squared_gradients() {
    with_objective(|objective, theta| {
        let model = objective.at(&theta).unwrap();
        let g = model.gauss_newton().unwrap();
        let n = objective.dimension();
        let gradients = model.per_example_gradients(1 << 20).unwrap();
        let mut expected = vec![1.0 / objective.c(); n];
        for gradient in gradients.chunks_exact(n) {
            let scale = 1.0 / objective.len() as f64;
            expected
                .iter_mut()
                .zip(gradient)
                .for_each(|(e, g)| *e += scale * g * g);
        }
        let found = Diagonals::empirical_fisher(&g).unwrap();
        for (e, f) in expected.iter().zip(&found) {
            assert!((e - f).abs() <= 1e-13 * e, "{e:e} {f:e}");
        }
        let m = EmpiricalFisher::default()
            .diagonal(&g, 0.5)
            .unwrap()
            .unwrap();
        for (m, f) in m.iter().zip(&found) {
            assert_eq!(*m, (f + 0.5).powf(0.75));
        }
    });
}

/// A part that fails in every way there is.
struct Never;

impl Globalization for Never {
    fn search(
        &mut self,
        along: &Direction,
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<Search> {
        // θ + 10³⁰⁸d overflows: no number, no error.
        let value = f(1e308)?;
        assert!(!value.is_finite() && along.length > 0.0);
        Ok(Search::Exhausted {
            trials: 1,
            step: 1e308,
            value,
        })
    }
}

#[test]
fn a_run_without_steps_ends() {
    for iterations in [5, 100] {
        let report = train(
            base()
                .iterations(iterations)
                .globalization(Never)
                .max_failures(7),
        );
        let expected = if iterations == 5 {
            Outcome::Iterations
        } else {
            Outcome::NoProgress
        };
        assert_eq!(report.outcome, expected);
        assert_eq!(report.iterations.len(), iterations.min(7));
        // λ has grown each time.
        let last = report.iterations.last().unwrap();
        assert_eq!(last.new_lambda, 1.5f64.powi(iterations.min(7) as i32));
        assert!(last.ratio.is_nan() && last.step == 0.0);
    }
}

#[test]
fn an_undamped_singular_system_still_ends() {
    // 100 parameters, 3 examples, no regularization: G has rank 3.
    let net = Network::<f64>::new([2], |x| x.dense(25).relu().dense(1)).unwrap();
    let x = vec![0.1, -0.2, 0.7, 0.4, -1.0, 0.3];
    let data = Paired::new([2], x, 1, vec![1.0, -1.0, 0.5]).unwrap();
    let objective = Objective::new(&net, SquaredLoss, &data).unwrap();
    for globalization in [true, false] {
        let trainer = base().damping(ConstantDamping::none()).iterations(200);
        let report = if globalization {
            trainer.globalization(TrustRegion::default())
        } else {
            trainer.globalization(Armijo::default())
        };
        let report = report.train(&objective, net.init(1)).unwrap();
        assert!(
            vector::all_finite(&report.theta) && report.value < 1e-3,
            "{report:?}"
        );
    }
}

#[test]
fn a_feature_that_is_always_zero_does_not_end_a_preconditioned_run() {
    preconditioned_with_a_feature_of(0.0);
    // Its square is below all numbers of f32 that can be divided by.
    preconditioned_with_a_feature_of(1e-20);
    // Where everything is 0 there is still a preconditioner.
    struct Zeros;
    impl Diagonals for Zeros {
        fn gauss_newton(&self) -> Result<Vec<f64>> {
            Ok(vec![0.0; 2])
        }
        fn empirical_fisher(&self) -> Result<Vec<f64>> {
            Ok(vec![0.0; 2])
        }
    }
    let ones = Some(vec![1.0; 2]);
    assert_eq!(CurvatureDiagonal.diagonal(&Zeros, 0.0).unwrap(), ones);
    let fisher = EmpiricalFisher::default().diagonal(&Zeros, 0.0);
    assert_eq!(fisher.unwrap(), ones);
}

fn preconditioned_with_a_feature_of(value: f32) {
    let net = Network::<f32>::new([3], |x| x.dense(2)).unwrap();
    let x: Vec<f32> = (0..60).map(|i| (0.7 * i as f32).sin()).collect();
    let x: Vec<f32> = x.chunks(2).flat_map(|x| [x[0], value, x[1]]).collect();
    let y = x
        .chunks(3)
        .flat_map(|x| [x[0] - x[2], 0.5 * x[2]])
        .collect();
    let data = Paired::new([3], x, 2, y).unwrap();
    let objective = Objective::new(&net, SquaredLoss, &data).unwrap();
    let undamped = || {
        let region = base().globalization(TrustRegion::default());
        region.damping(ConstantDamping::none())
    };
    for (name, trainer) in [
        ("diagonal", undamped().preconditioning(CurvatureDiagonal)),
        (
            "fisher",
            undamped().preconditioning(EmpiricalFisher::default()),
        ),
    ] {
        let theta = net.init(1);
        let report = trainer.train(&objective, theta.clone()).unwrap();
        assert!(report.value < 1e-6, "{name}: {report:?}");
        // The weights of that feature, in the second row, stay where they were.
        let weight = |theta: &[f32]| net.view(theta, "dense1.weight").unwrap()[2..4].to_vec();
        assert_eq!(weight(&report.theta), weight(&theta), "{name}");
    }
}

#[test]
fn an_overflow_of_what_parameters_make_is_a_rejected_step() {
    // f grows beyond all numbers along the first direction; exp(scale) belongs to no example.
    let net = Network::<f32>::new([1], |x| {
        let scale = x.param("scale", [1], Init::Zeros);
        x * scale.exp()
    })
    .unwrap();
    let data = Paired::new([1], vec![1e-3, 2e-3], 1, vec![0.2, 0.4]).unwrap();
    let objective = Objective::new(&net, SquaredLoss, &data).unwrap();
    let far = objective.value(&[100.0]).unwrap();
    assert!(!far.is_finite(), "{far}");
    let trainer = base().damping(ConstantDamping::none()).iterations(40);
    let report = trainer.train(&objective, net.init(1)).unwrap();
    let first = &report.iterations[0];
    assert!(first.step < 1.0, "{first:?}");
    assert!(report.value < objective.value(&[0.0]).unwrap());
}

/// Chooses an iterate that there is none of.
struct Beyond;

impl CgIterate for Beyond {
    fn choose(
        &mut self,
        candidates: usize,
        f: &mut dyn FnMut(usize) -> Result<f64>,
    ) -> Result<usize> {
        assert!(f(candidates).is_err());
        Ok(candidates)
    }
}

/// A diagonal with a number that none should have.
struct Bad(f64);

impl Preconditioning for Bad {
    fn diagonal(&mut self, at: &dyn Diagonals, _lambda: f64) -> Result<Option<Vec<f64>>> {
        let mut diagonal = at.gauss_newton()?;
        diagonal[1] = self.0;
        Ok(Some(diagonal))
    }
}

#[test]
fn parts_that_break_their_contract_are_named() {
    let message = |trainer: NewtonCg| -> String {
        let done = with_objective(|objective, theta| trainer.train(objective, theta));
        let error: OptimError = done.unwrap_err();
        error.to_string()
    };
    assert!(message(base().cg_iterate(Beyond)).contains("iterate of CG"));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(message(base().preconditioning(Bad(bad))).contains("entry 1"));
    }
    for tolerance in [f64::NAN, -1.0, f64::INFINITY] {
        assert!(message(base().gradient_tolerance(tolerance)).contains("gradient tolerance"));
    }
}

/// λ twice as large after every step.
struct Doubling(f64);

impl Damping for Doubling {
    fn lambda(&self) -> f64 {
        self.0
    }
    fn update(&mut self, _progress: &osculant_optim::train::Progress) {
        self.0 *= 2.0;
    }
    fn state(&self) -> Vec<f64> {
        vec![self.0]
    }
    fn restore(&mut self, state: &[f64]) -> Result<()> {
        self.0 = state[0];
        Ok(())
    }
}

/// Content at once.
struct AtOnce;

impl Stopping for AtOnce {
    fn begin(&mut self, _at: &osculant_optim::solve::CgStart) -> bool {
        true
    }
    fn enough(&mut self, _seen: &osculant_optim::solve::CgIteration) -> bool {
        true
    }
}

#[test]
fn ones_own_parts_do_what_they_say() {
    let report = train(
        base()
            .damping(Doubling(1e-3))
            .stopping(AtOnce)
            .iterations(5),
    );
    let lambdas: Vec<f64> = report.iterations.iter().map(|i| i.lambda).collect();
    assert_eq!(lambdas, [1e-3, 2e-3, 4e-3, 8e-3, 16e-3]);
    assert!(report.iterations.iter().all(|i| i.cg_iterations == 1));
    assert_eq!(report.products, 5);
}

#[test]
fn a_warm_start_costs_a_product_and_starts_where_cg_was() {
    // With a rule that is content with the start, CG makes no iteration but the first.
    let report = train(
        base()
            .warm_start(WarmStart::default())
            .stopping(AtOnce)
            .iterations(2),
    );
    let made: Vec<_> = report
        .iterations
        .iter()
        .map(|i| (i.cg_iterations, i.products))
        .collect();
    assert_eq!(made, [(1, 1), (0, 1)]);
}
