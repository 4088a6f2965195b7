//! Conjugate gradients: right where A is positive definite, bounded and honest where not.

mod faults;

use osculant_optim::OptimError;
use osculant_optim::operator::{Diagonal, Identity, LinearOperator, SelfAdjoint, Symmetric};
use osculant_optim::solve::{Cg, CgIteration, Inverse, Jacobi, Lanczos, Stop, Workspace};
use osculant_optim::vector;
use osculant_tape::{Random, Scalar};
use std::ops::ControlFlow;

/// QᵀΛQ with Q a product of reflections, and the solution belonging to a right-hand side.
fn with_spectrum<T: Scalar>(spectrum: &[f64], seed: u64) -> (Symmetric<T>, Vec<T>, Vec<T>) {
    let n = spectrum.len();
    let mut random = Random::new(seed, 0);
    let mut q = vec![0.0; n * n];
    (0..n).for_each(|i| q[i * n + i] = 1.0);
    for _ in 0..3 {
        let mut u = vec![0.0; n];
        random.normal(1.0, &mut u);
        let uu: f64 = u.iter().map(|x| x * x).sum();
        for row in q.chunks_mut(n) {
            let s = 2.0 * row.iter().zip(&u).map(|(q, u)| q * u).sum::<f64>() / uu;
            row.iter_mut().zip(&u).for_each(|(q, u)| *q -= s * u);
        }
    }
    let mut a = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            a[i * n + j] = (0..n)
                .map(|k| q[i * n + k] * spectrum[k] * q[j * n + k])
                .sum();
        }
    }
    let mut x = vec![0.0; n];
    random.normal(1.0, &mut x);
    let b: Vec<f64> = a
        .chunks(n)
        .map(|row| row.iter().zip(&x).map(|(a, x)| a * x).sum())
        .collect();
    let cast = |v: Vec<f64>| v.into_iter().map(T::from_f64).collect::<Vec<T>>();
    (Symmetric::new(n, cast(a)).unwrap(), cast(b), cast(x))
}

fn distance<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    let mut d = y.to_vec();
    vector::subtract_from(x, &mut d).unwrap();
    vector::norm(&d) / vector::norm(x)
}

#[test]
fn it_solves_small_systems_in_both_types() {
    let spectrum: Vec<f64> = (1..=12).map(f64::from).collect();
    let (a, b, x) = with_spectrum::<f64>(&spectrum, 1);
    let s = Cg::default().tolerance(1e-13).solve(&a, &b).unwrap();
    assert!(s.stop.is_converged() && distance(&x, &s.d) < 1e-12, "{s:?}");
    let (a, b, x) = with_spectrum::<f32>(&spectrum, 2);
    let s = Cg::default().tolerance(1e-6).solve(&a, &b).unwrap();
    assert!(s.stop.is_converged() && distance(&x, &s.d) < 1e-5, "{s:?}");
}

#[test]
fn it_needs_as_many_iterations_as_there_are_eigenvalues() {
    let spectrum = [vec![1.0; 20], vec![5.0; 20], vec![7.0; 10]].concat();
    let (a, b, _) = with_spectrum::<f64>(&spectrum, 3);
    assert_eq!(
        Cg::default()
            .tolerance(1e-10)
            .solve(&a, &b)
            .unwrap()
            .iterations,
        3
    );
}

#[test]
fn ill_conditioned_systems_are_solved_to_the_residual_asked_for() {
    let spectrum: Vec<f64> = (0..30)
        .map(|k| 10f64.powf(-8.0 * f64::from(k) / 29.0))
        .collect();
    let (a, b, _) = with_spectrum::<f64>(&spectrum, 4);
    let s = Cg::default()
        .tolerance(1e-6)
        .max_iterations(2000)
        .solve(&a, &b)
        .unwrap();
    assert_eq!(s.stop, Stop::Converged);
    let mut residual = a.apply(&s.d).unwrap();
    vector::subtract_from(&b, &mut residual).unwrap();
    // The recurrence and the true residual drift apart by rounding times the condition number.
    assert!(vector::norm(&residual) <= 2e-6 * vector::norm(&b));
}

#[test]
fn the_observer_sees_a_decreasing_quadratic_and_the_true_value() {
    let spectrum: Vec<f64> = (1..=20).map(|k| f64::from(k * k)).collect();
    let (a, b, _) = with_spectrum::<f64>(&spectrum, 5);
    let mut seen: Vec<CgIteration> = Vec::new();
    let mut observer = |i: &CgIteration| {
        seen.push(*i);
        ControlFlow::Continue(())
    };
    let s = Cg::default()
        .tolerance(1e-3)
        .on(&a)
        .observe(&mut observer)
        .solve(&b)
        .unwrap();
    assert_eq!(seen.len(), s.iterations);
    assert!(
        seen.windows(2)
            .all(|w| w[1].value < w[0].value && w[1].number == w[0].number + 1)
    );
    let last = seen.last().unwrap();
    assert_eq!((last.value, last.residual_norm), (s.value, s.residual_norm));
    let ad = a.apply(&s.d).unwrap();
    let q = 0.5 * vector::dot(&s.d, &ad).unwrap() - vector::dot(&b, &s.d).unwrap();
    assert!((q - s.value).abs() < 1e-10 * q.abs());
    // dᵀAd from the residual, as a trainer takes it.
    let mut by_residual = s.residual.clone();
    vector::subtract_from(&b, &mut by_residual).unwrap();
    assert!(distance(&ad, &by_residual) < 1e-12);
}

#[test]
fn the_observer_can_stop_it() {
    let (a, b, _) = with_spectrum::<f64>(&[1.0, 2.0, 3.0, 4.0], 6);
    let mut observer = |i: &CgIteration| match i.number {
        2 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let cg = Cg::default().tolerance(0.0);
    let s = cg.on(&a).observe(&mut observer).solve(&b).unwrap();
    assert_eq!((s.stop, s.iterations), (Stop::Observer, 2));
}

#[test]
fn the_bound_ends_it() {
    let (a, b, _) = with_spectrum::<f64>(&[1.0, 20.0, 300.0, 4000.0], 7);
    let s = Cg::default()
        .tolerance(0.0)
        .max_iterations(3)
        .solve(&a, &b)
        .unwrap();
    assert_eq!((s.stop, s.iterations), (Stop::MaxIterations, 3));
    assert!(!s.stop.is_converged());
}

#[test]
fn a_tolerance_above_one_still_takes_one_iteration() {
    let (a, b, _) = with_spectrum::<f64>(&[1.0, 2.0, 30.0], 8);
    let s = Cg::default().tolerance(100.0).solve(&a, &b).unwrap();
    assert_eq!((s.stop, s.iterations), (Stop::Converged, 1));
    assert!(vector::norm(&s.d) > 0.0);
}

#[test]
fn a_tolerance_of_zero_never_loops_for_ever() {
    let (a, b, _) = with_spectrum::<f32>(&[1.0, 2.0, 3.0], 9);
    let s = Cg::default().tolerance(0.0).solve(&a, &b).unwrap();
    assert!(s.iterations <= 250 && vector::all_finite(&s.d), "{s:?}");
}

#[test]
fn zero_has_the_solution_zero() {
    let (a, _, _) = with_spectrum::<f64>(&[1.0, 2.0], 10);
    let s = Cg::default().solve(&a, &[0.0, 0.0]).unwrap();
    assert_eq!(
        (s.stop, s.iterations, s.d),
        (Stop::ZeroRightHandSide, 0, vec![0.0, 0.0])
    );
    let nothing = Cg::default()
        .solve(&Identity::new(0), &[] as &[f64])
        .unwrap();
    assert!(nothing.d.is_empty());
}

#[test]
fn a_preconditioner_changes_the_path_and_not_the_solution() {
    let diagonal: Vec<f64> = (0..40).map(|k| 10f64.powi(k % 7)).collect();
    let mut entries = vec![0.1; 1600];
    (0..40).for_each(|i| entries[i * 41] = diagonal[i] + 5.0);
    let a = Symmetric::new(40, entries).unwrap();
    let jacobi = Jacobi::new(&diagonal.iter().map(|d| d + 5.0).collect::<Vec<_>>()).unwrap();
    let (b, cg) = (
        vec![1.0; 40],
        Cg::default().tolerance(1e-12).max_iterations(1000),
    );
    let plain = cg.solve(&a, &b).unwrap();
    let fast = cg.on(&a).precondition(&jacobi).solve(&b).unwrap();
    let same = cg
        .on(&a)
        .precondition(&Identity::new(40))
        .solve(&b)
        .unwrap();
    assert!(
        fast.iterations < plain.iterations,
        "{} {}",
        fast.iterations,
        plain.iterations
    );
    assert!(distance(&plain.d, &fast.d) < 1e-9);
    assert_eq!(same.iterations, plain.iterations);
}

#[test]
fn a_start_saves_iterations_and_a_perfect_one_all() {
    let (a, b, x) = with_spectrum::<f64>(&[1.0, 4.0, 9.0, 16.0, 25.0], 11);
    let cg = Cg::default().tolerance(1e-8);
    let perfect = cg.on(&a).start(&x).solve(&b).unwrap();
    assert_eq!((perfect.stop, perfect.iterations), (Stop::Converged, 0));
    let near: Vec<f64> = x.iter().map(|x| x + 1e-7).collect();
    let warm = cg.on(&a).start(&near).solve(&b).unwrap();
    let cold = cg.solve(&a, &b).unwrap();
    assert!(warm.iterations < cold.iterations && distance(&x, &warm.d) < 1e-7);
    assert!((warm.value - cold.value).abs() < 1e-10 * cold.value.abs());
}

#[test]
fn a_workspace_serves_solves_of_any_size() {
    let mut w = Workspace::new();
    for n in [6usize, 2, 9] {
        let spectrum: Vec<f64> = (1..=n).map(|k| k as f64).collect();
        let (a, b, _) = with_spectrum::<f64>(&spectrum, 12);
        let fresh = Cg::default().solve(&a, &b).unwrap();
        let again = Cg::default().on(&a).workspace(&mut w).solve(&b).unwrap();
        assert_eq!(fresh, again);
    }
}

#[test]
fn what_has_no_meaning_is_refused() {
    let a = Identity::new(2);
    let cg = Cg::default();
    assert!(cg.solve(&a, &[1.0]).is_err());
    assert!(cg.solve(&a, &[1.0, f64::NAN]).is_err());
    assert!(cg.on(&a).start(&[1.0]).solve(&[1.0, 1.0]).is_err());
    assert!(
        cg.on(&a)
            .precondition(&Identity::new(3))
            .solve(&[1.0, 1.0])
            .is_err()
    );
    for tolerance in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(cg.tolerance(tolerance).solve(&a, &[1.0, 1.0]).is_err());
    }
    assert!(cg.max_iterations(0).solve(&a, &[1.0, 1.0]).is_err());
}

#[test]
fn an_operator_chosen_at_run_time_is_solved() {
    let boxed: Box<dyn SelfAdjoint<f64>> = Box::new(Identity::new(2));
    assert_eq!(
        Cg::default().solve(&*boxed, &[1.0, 2.0]).unwrap().d,
        [1.0, 2.0]
    );
}

#[test]
fn an_inverse_is_an_operator_and_never_a_rough_one() {
    let (a, b, x) = with_spectrum::<f64>(&[0.5, 1.0, 2.0, 7.0, 40.0], 6);
    let cg = Cg::default().tolerance(1e-13);
    let inverse = Inverse::new(&a, cg).unwrap();
    assert!(distance(&x, &inverse.apply(&b).unwrap()) < 1e-11);
    assert_eq!(inverse.apply(&b), inverse.apply_adjoint(&b));
    assert_eq!(inverse.apply(&[0.0; 5]).unwrap(), [0.0; 5]);
    let block = [&b[..], &x[..]].concat();
    let mut out = vec![0.0; 10];
    inverse.apply_block_into(2, &block, &mut out).unwrap();
    assert_eq!(out[5..], inverse.apply(&x).unwrap());
    // It is an operator to all that asks for one: its eigenvalues are 1/λ, its inverse is A.
    let mut start = vec![0.0; 5];
    Random::new(3, 0).normal(1.0, &mut start);
    let ritz = Lanczos::new(5)
        .run(&inverse, &start)
        .unwrap()
        .ritz()
        .unwrap();
    let mut found: Vec<f64> = ritz.iter().map(|r| 1.0 / r.value).collect();
    found.sort_by(f64::total_cmp);
    assert!(
        distance(&[0.5, 1.0, 2.0, 7.0, 40.0], &found) < 1e-9,
        "{found:?}"
    );
    let back = Inverse::new(&inverse, cg).unwrap();
    assert!(distance(&b, &back.apply(&x).unwrap()) < 1e-9);
    let diagonal: Vec<f64> = (0..5)
        .map(|i| {
            a.apply(&(0..5).map(|j| f64::from(i == j)).collect::<Vec<_>>())
                .unwrap()[i]
        })
        .collect();
    let jacobi = Jacobi::new(&diagonal).unwrap();
    let preconditioned = Inverse::new(&a, cg).unwrap().precondition(&jacobi).unwrap();
    assert!(distance(&x, &preconditioned.apply(&b).unwrap()) < 1e-11);

    let rough = Inverse::new(&a, cg.max_iterations(2)).unwrap();
    let Err(OptimError::Unsolved {
        iterations: 2,
        stop: Stop::MaxIterations,
        ..
    }) = rough.apply(&b)
    else {
        panic!("a rough product passed");
    };
    let indefinite = Diagonal::new(vec![1.0, -2.0]).unwrap();
    let error = Inverse::new(&indefinite, cg)
        .unwrap()
        .apply(&[0.0, 1.0])
        .unwrap_err();
    assert!(
        error.to_string().contains("not positive definite"),
        "{error}"
    );
    assert!(rough.apply(&[1.0]).is_err(), "a vector of another length");
}

#[test]
fn a_product_with_an_inverse_has_the_residual_that_was_asked_for() {
    // In f32, of condition 10⁵: CG's recurrence believes in more digits than there are.
    let spectrum: Vec<f64> = (0..60)
        .map(|i| 10f64.powf(-5.0 * f64::from(i) / 59.0))
        .collect();
    let (a, b, _) = with_spectrum::<f32>(&spectrum, 8);
    let residual = |d: &[f32]| distance(&b, &a.apply(d).unwrap());
    for tolerance in [1e-2, 1e-3, 1e-4] {
        let cg = Cg::default().tolerance(tolerance).max_iterations(2_000);
        let d = Inverse::new(&a, cg).unwrap().apply(&b).unwrap();
        assert!(
            residual(&d) <= tolerance * 1.01,
            "{tolerance} {}",
            residual(&d)
        );
    }
    let cg = Cg::default().tolerance(1e-12).max_iterations(2_000);
    assert!(
        residual(&cg.solve(&a, &b).unwrap().d) > 1e-12,
        "the recurrence says less"
    );
    let error = Inverse::new(&a, cg).unwrap().apply(&b).unwrap_err();
    assert!(matches!(error, OptimError::Unsolved { .. }), "{error}");
    for cg in [cg.tolerance(-1.0), cg.max_iterations(0)] {
        assert!(Inverse::<_, f32>::new(&a, cg).is_err());
    }
    let other = Identity::new(3);
    assert!(Inverse::new(&a, cg).unwrap().precondition(&other).is_err());
}

#[test]
fn every_stop_says_what_it_means() {
    let stops = [
        Stop::Converged,
        Stop::MaxIterations,
        Stop::NegativeCurvature { value: -1.0 },
        Stop::NonFinite,
        Stop::IndefinitePreconditioner { value: -1.0 },
        Stop::Observer,
        Stop::ZeroRightHandSide,
    ];
    assert!(stops.iter().all(|s| s.to_string().len() > 20));
    assert!(stops[2].to_string().contains("-1e0"));
}

#[test]
fn solves_have_the_same_bits_on_any_number_of_threads() {
    let n = vector::PARALLEL + 100;
    let a = Diagonal::new((0..n).map(|i| 1.0 + (i % 17) as f32).collect()).unwrap();
    let mut b = vec![0.0f32; n];
    Random::new(14, 0).normal(1.0, &mut b);
    let solve = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| Cg::default().tolerance(1e-3).solve(&a, &b).unwrap())
    };
    let one = solve(1);
    assert_eq!(one, solve(2));
    assert_eq!(one, solve(5));
}
