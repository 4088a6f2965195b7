//! Lanczos and the spectra made of it: right on operators whose eigenvalues are known.

use osculant_layers::{Layers, Network};
use osculant_optim::examples::Labelled;
use osculant_optim::loss::SoftmaxCrossEntropy;
use osculant_optim::operator::{
    Diagonal, Identity, LinearOperator, Scaled, SelfAdjoint, Symmetric,
};
use osculant_optim::solve::{Lanczos, Ritz, SpectrumEstimator, symmetric_eigenvalues};
use osculant_optim::{Objective, OptimError, Result, vector};
use osculant_tape::{Random, Scalar};

fn normal<T: Scalar>(n: usize, seed: u64) -> Vec<T> {
    let mut v = vec![T::zero(); n];
    Random::new(seed, 0).normal(1.0, &mut v);
    v
}

/// The eigenvalues of a problem's curvature by dense means, and its Lanczos estimate.
fn small_problem(check: impl Fn(&dyn SelfAdjoint<f64>, &str)) {
    let net = Network::<f64>::new([5], |x| x.dense(4).tanh().dense(3)).unwrap();
    let data = Labelled::new([5], normal(35, 2), vec![0, 1, 2, 0, 1, 2, 2]).unwrap();
    let objective = Objective::new(&net, SoftmaxCrossEntropy, &data).unwrap();
    let objective = objective.regularization(20.0).unwrap();
    let theta: Vec<f64> = net.init(3).iter().map(|x| 2.0 * x).collect();
    let model = objective.at(&theta).unwrap();
    check(&model.gauss_newton().unwrap(), "G");
    check(&model.hessian().unwrap(), "H");
}

fn dense_eigenvalues(a: &dyn SelfAdjoint<f64>) -> Vec<f64> {
    symmetric_eigenvalues(a.rows(), Symmetric::of(a).unwrap().entries()).unwrap()
}

fn nearest(eigenvalues: &[f64], x: f64) -> f64 {
    let distances = eigenvalues.iter().map(|e| (e - x).abs());
    distances.fold(f64::INFINITY, f64::min)
}

#[test]
fn ritz_values_of_all_steps_are_the_eigenvalues_and_weights_the_shares_of_the_start() {
    let spectrum: Vec<f64> = (0..30).map(|k| f64::from(k * k) - 200.0).collect();
    let start: Vec<f64> = normal(30, 1);
    let a = Diagonal::new(spectrum.clone()).unwrap();
    let t = Lanczos::new(1000).run(&a, &start).unwrap();
    assert!(t.invariant && t.residual == 0.0 && t.diagonal.len() == 30);
    let ritz = t.ritz().unwrap();
    let norm = vector::norm_squared(&start);
    for ((ritz, exact), v) in ritz.iter().zip(&spectrum).zip(&start) {
        assert!((ritz.value - exact).abs() < 1e-11, "{ritz:?} {exact}");
        assert!((ritz.weight - v * v / norm).abs() < 1e-12, "{ritz:?} {v}");
    }
}

#[test]
fn the_scale_of_an_operator_does_not_matter() {
    let start: Vec<f64> = normal(6, 5);
    let of = |scale: f64| {
        let entries = (1..=6).map(|k| f64::from(k) * scale).collect();
        let a = Diagonal::new(entries).unwrap();
        let t = Lanczos::new(6).run(&a, &start).unwrap();
        t.ritz().unwrap()
    };
    let scale = 1e-170;
    for (small, usual) in of(scale).iter().zip(of(1.0)) {
        assert!(
            (small.value / scale - usual.value).abs() < 1e-12,
            "{small:?} {usual:?}"
        );
        assert!(
            (small.weight - usual.weight).abs() < 1e-12,
            "{small:?} {usual:?}"
        );
    }
    assert_eq!(of(scale).len(), 6);
}

#[test]
fn k_steps_integrate_polynomials_up_to_degree_2k_minus_1() {
    let n = 40;
    let spectrum: Vec<f64> = (0..n).map(|k| (k as f64).cos()).collect();
    let start: Vec<f64> = normal(n, 4);
    let a = Diagonal::new(spectrum.clone()).unwrap();
    let ritz = Lanczos::new(5).run(&a, &start).unwrap().ritz().unwrap();
    let moments = |p: i32| {
        let exact = spectrum.iter().zip(&start).map(|(e, v)| v * v * e.powi(p));
        let found: f64 = ritz.iter().map(|r| r.weight * r.value.powi(p)).sum();
        (exact.sum::<f64>() / vector::norm_squared(&start), found)
    };
    for p in 0..=9 {
        let (exact, found) = moments(p);
        assert!((exact - found).abs() < 1e-13, "{p}: {exact} {found}");
    }
    let (exact, found) = moments(10);
    assert!((exact - found).abs() > 1e-6, "degree 2k must not be exact");
}

#[test]
fn curvature_of_a_network_has_the_eigenvalues_of_its_matrix() {
    small_problem(|a, what| {
        let exact = dense_eigenvalues(a);
        let n = exact.len();
        let t = Lanczos::new(n).run(a, &normal(n, 5)).unwrap();
        let ritz = t.ritz().unwrap();
        // What the start hardly holds is rounding's to place.
        for r in ritz.iter().filter(|r| r.weight > 1e-20) {
            assert!(nearest(&exact, r.value) < 1e-10, "{what}: {r:?}");
        }
        let values: Vec<f64> = ritz.iter().map(|r| r.value).collect();
        for e in &exact {
            assert!(nearest(&values, *e) < 1e-10, "{what}: {e} is missing");
        }
    });
}

#[test]
fn every_ritz_value_has_an_eigenvalue_within_its_error() {
    small_problem(|a, what| {
        let exact = dense_eigenvalues(a);
        for steps in [1, 2, 4, 8, 16] {
            let t = Lanczos::new(steps).run(a, &normal(exact.len(), 6)).unwrap();
            for r in t.ritz().unwrap() {
                let distance = nearest(&exact, r.value);
                assert!(
                    distance <= r.error + 1e-12,
                    "{what}, {steps} steps: {r:?} {distance}"
                );
            }
        }
    });
}

#[test]
fn estimates_of_a_network_agree_with_its_eigenvalues() {
    small_problem(|a, what| {
        let exact = dense_eigenvalues(a);
        let n = exact.len();
        let estimator = SpectrumEstimator {
            steps: n,
            vectors: 400,
            seed: 1,
        };
        let spectrum = estimator.estimate(a).unwrap();
        assert!(
            (spectrum.largest().value - exact[n - 1]).abs() < 1e-10,
            "{what}"
        );
        assert!(
            (spectrum.smallest().value - exact[0]).abs() < 1e-10,
            "{what}"
        );
        let near = |estimate: osculant_optim::solve::Estimate, exact: f64| {
            let away = (estimate.value - exact).abs();
            assert!(away < 4.0 * estimate.error, "{what}: {estimate:?} {exact}");
        };
        near(spectrum.trace(), exact.iter().sum());
        near(
            spectrum.trace_of(|x| x * x),
            exact.iter().map(|x| x * x).sum(),
        );

        let (low, high) = (exact[0], exact[n - 1]);
        let sigma = 0.05 * (high - low);
        let places: Vec<f64> = (0..50)
            .map(|k| low + f64::from(k) / 49.0 * (high - low))
            .collect();
        let counts = spectrum.count_above(sigma, &places).unwrap();
        let density = spectrum.density(sigma, &places).unwrap();
        for ((x, count), density) in places.iter().zip(counts).zip(density) {
            let bell = |e: &f64| (-0.5 * ((x - e) / sigma).powi(2)).exp();
            let scale = 1.0 / (n as f64 * sigma * (2.0 * std::f64::consts::PI).sqrt());
            let smooth = scale * exact.iter().map(bell).sum::<f64>();
            // The spread of 400 vectors' weights.
            let peak = scale * n as f64;
            assert!(
                (density - smooth).abs() < 0.01 * peak,
                "{what}: {x} {density} {smooth}"
            );
            let above = exact.iter().filter(|e| *e > x).count() as f64;
            let close = exact
                .iter()
                .filter(|e| (*e - x).abs() < 4.0 * sigma)
                .count() as f64;
            assert!(
                (count - above).abs() < close + 0.5,
                "{what}: {x} {count} {above}"
            );
        }
    });
}

#[test]
fn densities_integrate_to_1_and_counts_run_from_n_to_0() {
    let a = Diagonal::new((0..100).map(|k| (k as f64).sqrt()).collect::<Vec<f64>>()).unwrap();
    let spectrum = SpectrumEstimator::default().estimate(&a).unwrap();
    let h = 0.01;
    let places: Vec<f64> = (-500..1500).map(|k| h * f64::from(k)).collect();
    let integral: f64 = spectrum.density(0.1, &places).unwrap().iter().sum::<f64>() * h;
    assert!((integral - 1.0).abs() < 1e-12, "{integral}");
    let counts = spectrum.count_above(0.1, &[-5.0, 20.0]).unwrap();
    assert!(
        (counts[0] - 100.0).abs() < 1e-10 && counts[1] == 0.0,
        "{counts:?}"
    );
    let total: f64 = spectrum.ritz().iter().map(|r| r.weight).sum();
    assert!((total - 1.0).abs() < 1e-12, "{total}");
    for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            spectrum.density(sigma, &[0.0]).is_err() && spectrum.count_above(sigma, &[]).is_err()
        );
    }
}

/// Without reorthogonalization the outlier converges early and then comes back as ghosts.
#[test]
fn an_outlier_is_found_once_however_many_steps_follow() {
    fn once<T: Scalar>() {
        let mut entries: Vec<T> = (0..300).map(|k| T::from_f64(1e-3 * f64::from(k))).collect();
        entries[0] = T::from_f64(1e4);
        let a = Diagonal::new(entries).unwrap();
        let t = Lanczos::new(120).run(&a, &normal(300, 7)).unwrap();
        let ritz = t.ritz().unwrap();
        let large: Vec<&Ritz> = ritz.iter().filter(|r| r.value > 1.0).collect();
        assert_eq!(large.len(), 1, "{}: {large:?}", T::NAME);
    }
    once::<f32>();
    once::<f64>();
}

#[test]
fn invariant_subspaces_end_the_steps() {
    let ends = |a: &dyn SelfAdjoint<f64>, start: &[f64], expected: &[f64]| {
        let t = Lanczos::new(50).run(a, start).unwrap();
        let ritz = t.ritz().unwrap();
        assert!(
            t.invariant && ritz.len() == expected.len(),
            "{ritz:?} {expected:?}"
        );
        for (r, e) in ritz.iter().zip(expected) {
            assert!((r.value - e).abs() < 1e-12 && r.error == 0.0, "{r:?} {e}");
        }
    };
    let diagonal = Diagonal::new((0..20).map(|k| f64::from(k % 3)).collect()).unwrap();
    ends(&diagonal, &normal(20, 8), &[0.0, 1.0, 2.0]);
    let mut first = vec![0.0; 20];
    first[4] = -3.0;
    ends(&diagonal, &first, &[1.0]);
    ends(&Identity::new(20), &normal(20, 9), &[1.0]);
    ends(
        &Scaled::new(Identity::new(20), 0.0).unwrap(),
        &normal(20, 9),
        &[0.0],
    );
    ends(&Identity::new(1), &[-1e-300], &[1.0]);
    ends(&Identity::new(2), &[1e300, 1e300], &[1.0]);
}

#[test]
fn single_precision_finds_the_ends_of_a_spectrum_to_its_rounding() {
    let spectrum: Vec<f32> = (0..400)
        .map(|k| 10f32.powf(-4.0 * k as f32 / 399.0))
        .collect();
    let a = Diagonal::new(spectrum).unwrap();
    let spectrum = SpectrumEstimator::default().estimate(&a).unwrap();
    assert!((spectrum.largest().value - 1.0).abs() < 1e-6);
    assert!(spectrum.smallest().value > -1e-6);
}

#[test]
fn seeds_and_nothing_else_decide_the_bits() {
    // Long enough for inner products to be shared out.
    let n = 2 * vector::PARALLEL + 17;
    let a = Diagonal::new((0..n).map(|k| (k as f32).sin()).collect::<Vec<f32>>()).unwrap();
    let estimate = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let estimator = SpectrumEstimator {
            steps: 6,
            vectors: 2,
            seed,
        };
        pool.build()
            .unwrap()
            .install(|| estimator.estimate(&a).unwrap())
    };
    let one = estimate(1, 3);
    for threads in [2, 5] {
        assert_eq!(one, estimate(threads, 3));
    }
    assert_ne!(one, estimate(2, 4));
}

#[test]
fn a_watch_sees_every_product() {
    let a = Diagonal::new((0..30).map(f64::from).collect()).unwrap();
    let estimator = SpectrumEstimator {
        steps: 3,
        vectors: 2,
        seed: 0,
    };
    let mut seen = Vec::new();
    estimator
        .estimate_watched(&a, &mut |v, s| seen.push((v, s)))
        .unwrap();
    assert_eq!(seen, [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]);
    let from_one = SpectrumEstimator {
        vectors: 1,
        ..estimator
    };
    assert_eq!(from_one.estimate(&a).unwrap().trace().error, f64::INFINITY);
}

/// An operator whose products go wrong from some step on.
struct Broken {
    from: usize,
    value: f64,
    made: std::sync::atomic::AtomicUsize,
}

impl LinearOperator<f64> for Broken {
    fn rows(&self) -> usize {
        10
    }
    fn cols(&self) -> usize {
        10
    }
    fn apply_into(&self, v: &[f64], out: &mut [f64]) -> Result<()> {
        for (k, (out, v)) in out.iter_mut().zip(v).enumerate() {
            *out = k as f64 * v;
        }
        if self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 >= self.from {
            out[3] = self.value;
        }
        Ok(())
    }
    fn apply_adjoint_into(&self, u: &[f64], out: &mut [f64]) -> Result<()> {
        self.apply_into(u, out)
    }
}

impl SelfAdjoint<f64> for Broken {}

#[test]
fn products_that_are_not_finite_are_errors_that_name_the_step() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let broken = Broken {
            from: 3,
            value,
            made: 0.into(),
        };
        let error = Lanczos::new(8).run(&broken, &[1.0; 10]).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, OptimError::NotFinite { .. }), "{text}");
        assert!(text.contains("product of step 3"), "{text}");
    }
}

#[test]
fn starts_and_bounds_without_meaning_are_refused() {
    let a = Diagonal::new(vec![1.0, 2.0]).unwrap();
    let refused = |steps: usize, start: &[f64], word: &str| {
        let text = Lanczos::new(steps).run(&a, start).unwrap_err().to_string();
        assert!(text.contains(word), "{text}");
    };
    refused(0, &[1.0, 1.0], "at least one step");
    refused(2, &[0.0, 0.0], "an entry that is not 0");
    refused(2, &[1.0, f64::NAN], "finite");
    refused(2, &[1.0], "rows of the operator");
    let none = SpectrumEstimator {
        vectors: 0,
        ..Default::default()
    };
    let text = none.estimate(&a).unwrap_err().to_string();
    assert!(text.contains("at least one random vector"), "{text}");
}
