//! What can be combined with conjugate gradients: stopping rules, a radius, kept iterates.

use osculant_optim::operator::{Diagonal, LinearOperator};
use osculant_optim::solve::{
    Cg, CgIteration, Jacobi, Kept, NashSofer, RelativeProgress, Residual, Solution, Stop, Stopping,
};
use osculant_optim::vector;
use osculant_tape::Random;
use std::ops::ControlFlow;

/// A diagonal with eigenvalues 1, 4, 9, …, and a right-hand side that meets them all.
fn problem(n: usize) -> (Diagonal<f64>, Vec<f64>) {
    let diagonal = (1..=n).map(|i| (i * i) as f64).collect();
    let mut b = vec![0.0; n];
    Random::new(3, 0).normal(1.0, &mut b);
    (Diagonal::new(diagonal).unwrap(), b)
}

/// q(d) = ½dᵀAd − bᵀd, computed anew.
fn value(a: &Diagonal<f64>, b: &[f64], d: &[f64]) -> f64 {
    let ad = a.apply(d).unwrap();
    0.5 * vector::dot(d, &ad).unwrap() - vector::dot(b, d).unwrap()
}

/// All iterations of a solve that no rule ends early.
fn iterations(a: &Diagonal<f64>, b: &[f64], bound: usize) -> Vec<CgIteration> {
    let mut seen = Vec::new();
    let mut watch = |i: &CgIteration| {
        seen.push(*i);
        ControlFlow::Continue(())
    };
    let cg = Cg::default().tolerance(0.0).max_iterations(bound);
    cg.on(a).observe(&mut watch).solve(b).unwrap();
    seen
}

fn solve_by(a: &Diagonal<f64>, b: &[f64], rule: &mut dyn Stopping) -> Solution<f64> {
    Cg::default().on(a).stop_by(rule).solve(b).unwrap()
}

#[test]
fn each_rule_ends_the_solve_where_its_formula_first_holds() {
    let (a, b) = problem(60);
    let seen = iterations(&a, &b, 200);
    let q = |i: usize| if i == 0 { 0.0 } else { seen[i - 1].value };
    let first = |holds: &dyn Fn(usize) -> bool| (1..=200).find(|&i| holds(i)).unwrap();
    let progress = first(&|i| {
        let k = 4.max((0.2 * i as f64).ceil() as usize);
        i > k && q(i) < 0.0 && (q(i) - q(i - k)) / q(i) < k as f64 * 1e-3
    });
    let nash_sofer = first(&|i| i as f64 * (q(i) - q(i - 1)) / q(i) <= 0.3);
    let residual = first(&|i| seen[i - 1].residual_norm <= 1e-3 * vector::norm(&b));
    let mut rules: [(usize, Box<dyn Stopping>); 3] = [
        (
            progress,
            Box::new(
                RelativeProgress::default()
                    .epsilon(1e-3)
                    .and_then(|r| r.window(4)?.share(0.2))
                    .unwrap(),
            ),
        ),
        (nash_sofer, Box::new(NashSofer::new(0.3).unwrap())),
        (residual, Box::new(Residual::new(1e-3).unwrap())),
    ];
    for (expected, rule) in &mut rules {
        // The second solve starts afresh: a rule forgets the one before.
        for _ in 0..2 {
            let solution = solve_by(&a, &b, &mut **rule);
            assert_eq!(
                (solution.iterations, solution.stop),
                (*expected, Stop::Converged)
            );
        }
    }
    assert!(progress != nash_sofer && nash_sofer != residual);
}

#[test]
fn a_rule_of_progress_starts_from_the_value_of_a_warm_start() {
    let (a, b) = problem(60);
    let start = Cg::default().max_iterations(40).tolerance(0.0);
    let start = start.solve(&a, &b).unwrap().d;
    let mut rule = NashSofer::default();
    let solution = Cg::default().on(&a).start(&start).stop_by(&mut rule);
    // From there one iteration brings next to nothing.
    assert_eq!(solution.solve(&b).unwrap().iterations, 1);
}

#[test]
fn rules_without_meaning_are_refused() {
    assert!(Residual::new(f64::NAN).is_err());
    assert!(NashSofer::new(0.0).is_err());
    assert!(RelativeProgress::default().epsilon(f64::INFINITY).is_err());
    assert!(RelativeProgress::default().window(0).is_err());
    assert!(RelativeProgress::default().share(-0.1).is_err());
    assert!(Kept::<f64>::new(1.0).is_err());
    let (a, b) = problem(3);
    let error = |radius| Cg::default().on(&a).radius(radius).solve(&b).unwrap_err();
    assert!(error(0.0).to_string().contains("radius"));
    assert!(error(f64::NAN).to_string().contains("radius"));
    let far = [5.0, 0.0, 0.0];
    let outside = Cg::default().on(&a).radius(4.9).start(&far).solve(&b);
    assert!(outside.unwrap_err().to_string().contains("4.9"));
}

#[test]
fn a_radius_that_is_not_met_changes_nothing() {
    let (a, b) = problem(20);
    let cg = Cg::default().tolerance(1e-8);
    let plain = cg.solve(&a, &b).unwrap();
    let within = cg.on(&a).radius(10.0 * vector::norm(&plain.d));
    assert_eq!(within.solve(&b).unwrap(), plain);
}

#[test]
fn a_radius_ends_the_direction_on_its_boundary() {
    let (a, b) = problem(20);
    let cg = Cg::default().tolerance(1e-10);
    let whole = vector::norm(&cg.solve(&a, &b).unwrap().d);
    let mut last = 0.0;
    for share in [0.1, 0.5, 0.9] {
        for preconditioned in [false, true] {
            let inverse = Jacobi::new(&[2.0; 20]).unwrap();
            let mut solve = cg.on(&a).radius(share * whole);
            if preconditioned {
                solve = solve.precondition(&inverse);
            }
            let s = solve.solve(&b).unwrap();
            assert_eq!(s.stop, Stop::Boundary);
            let length = vector::norm(&s.d);
            assert!((length / (share * whole) - 1.0).abs() < 1e-12);
            // What the solution says of itself is true.
            assert!((s.value - value(&a, &b, &s.d)).abs() < 1e-10 * s.value.abs());
            let ad = a.apply(&s.d).unwrap();
            let off = b.iter().zip(&ad).zip(&s.residual);
            let off = off
                .map(|((b, ad), r)| (b - ad - r).abs())
                .fold(0.0, f64::max);
            assert!(off < 1e-9 * vector::norm(&b), "{off:e}");
            // The first step alone, cut at the boundary, is Cauchy's point: more is better.
            if share > 0.4 && !preconditioned {
                assert!(s.value < last);
            }
        }
        let first = Cg::default().max_iterations(1).on(&a).radius(share * whole);
        last = first.solve(&b).unwrap().value;
    }
}

#[test]
fn without_positive_curvature_a_direction_goes_to_the_boundary() {
    let a = Diagonal::new(vec![1.0, -2.0, 0.0]).unwrap();
    for b in [
        [1.0, 1.0, 0.1],
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
        [1.0, 0.1, 0.0],
    ] {
        let s = Cg::default()
            .tolerance(0.0)
            .on(&a)
            .radius(2.5)
            .solve(&b)
            .unwrap();
        assert_eq!(s.stop, Stop::Boundary, "{b:?}");
        assert!((vector::norm(&s.d) - 2.5).abs() < 1e-12);
        assert!((s.value - value(&a, &b, &s.d)).abs() < 1e-12);
        assert!(s.value < 0.0);
    }
}

#[test]
fn kept_iterates_are_what_shorter_solves_give() {
    let (a, b) = problem(40);
    let mut kept = Kept::new(1.3).unwrap();
    let cg = Cg::default().tolerance(0.0);
    for bound in [30, 7, 1] {
        let long = cg
            .max_iterations(bound)
            .on(&a)
            .keep(&mut kept)
            .solve(&b)
            .unwrap();
        assert_eq!(long.iterations, bound);
        let numbers: Vec<usize> = kept.iterates().iter().map(|k| k.number).collect();
        let all = [1, 2, 3, 4, 5, 7, 9, 11, 14, 18, 24];
        let expected: Vec<usize> = all.into_iter().filter(|&i| i < bound).collect();
        assert_eq!(numbers, expected);
        for k in kept.iterates() {
            let short = cg.max_iterations(k.number).solve(&a, &b).unwrap();
            assert_eq!((&k.d, k.value), (&short.d, short.value));
            assert_eq!(
                k.residual_dot,
                vector::dot(&short.d, &short.residual).unwrap()
            );
        }
    }
}

#[test]
fn a_bound_that_is_no_bound_needs_no_room_and_a_rule_that_was_not_begun_has_no_past() {
    let (a, b) = problem(60);
    let solve = |bound| {
        let mut rule = RelativeProgress::default();
        let cg = Cg::default().max_iterations(bound);
        cg.on(&a).stop_by(&mut rule).solve(&b).unwrap()
    };
    let solution = solve(usize::MAX);
    assert_eq!(solution.stop, Stop::Converged);
    assert_eq!(solution, solve(200));
    let seen = CgIteration {
        number: 40,
        residual_norm: 1.0,
        value: -1.0,
        curvature: 1.0,
        step: 1.0,
    };
    assert!(!RelativeProgress::default().enough(&seen));
}
