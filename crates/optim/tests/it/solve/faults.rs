//! Operators that are not what CG asks for: indefinite, singular, not finite, or in error.

use super::with_spectrum;
use osculant_optim::operator::{Diagonal, Identity, LinearOperator, SelfAdjoint, Symmetric};
use osculant_optim::solve::{
    Cg, Jacobi, NashSofer, Preconditioner, RelativeProgress, Stop, Stopping,
};
use osculant_optim::{OptimError, Result, vector};

#[test]
fn negative_curvature_at_once_gives_the_steepest_descent() {
    let a = Diagonal::new(vec![-1.0, 0.5]).unwrap();
    let b = [1.0, 0.5];
    let s = Cg::default().solve(&a, &b).unwrap();
    assert_eq!(s.stop, Stop::NegativeCurvature { value: -0.875 });
    assert_eq!((s.iterations, s.d.as_slice()), (0, &b[..]));
    assert_eq!(s.residual, [2.0, 0.25]);
    assert_eq!(s.value, 0.5 * -0.875 - 1.25);
}

#[test]
fn negative_curvature_later_gives_the_iterate_so_far() {
    let a = Diagonal::new(vec![10.0, -1.0]).unwrap();
    let s = Cg::default()
        .tolerance(1e-9)
        .solve(&a, &[1.0, 0.3])
        .unwrap();
    assert!(matches!(s.stop, Stop::NegativeCurvature { value } if value < 0.0));
    assert_eq!(s.iterations, 1);
    assert!(vector::dot(&s.d, &[1.0, 0.3]).unwrap() > 0.0);
}

#[test]
fn a_singular_operator_is_solved_where_it_can_be() {
    let a = Diagonal::new(vec![2.0, 0.0]).unwrap();
    let s = Cg::default().solve(&a, &[1.0, 0.0]).unwrap();
    assert_eq!((s.stop, s.d), (Stop::Converged, vec![0.5, 0.0]));
    let none = Cg::default().solve(&a, &[0.0, 1.0]).unwrap();
    assert_eq!(none.stop, Stop::NegativeCurvature { value: 0.0 });
}

#[test]
fn an_exact_solution_is_converged_whatever_the_rule() {
    let (identity, b) = (Identity::new(3), [1.0, 2.0, 3.0]);
    let a = Diagonal::new(vec![2.0, 4.0, 8.0]).unwrap();
    let jacobi = Jacobi::new(a.entries()).unwrap();
    let rules: [fn() -> Box<dyn Stopping>; 2] = [
        || Box::new(NashSofer::default()),
        || Box::new(RelativeProgress::default()),
    ];
    for rule in rules {
        let s = Cg::default()
            .on(&identity)
            .stop_by(&mut *rule())
            .solve(&b)
            .unwrap();
        assert_eq!(
            (s.stop, s.iterations, s.d),
            (Stop::Converged, 1, b.to_vec())
        );
        let s = Cg::default()
            .on(&a)
            .precondition(&jacobi)
            .stop_by(&mut *rule())
            .solve(&[2.0, 4.0, 8.0])
            .unwrap();
        assert_eq!(
            (s.stop, s.iterations, s.d),
            (Stop::Converged, 1, vec![1.0; 3])
        );
        for preconditioned in [true, false] {
            let mut rule = rule();
            let mut solve = Cg::default().on(&a).start(&[1.0; 3]).stop_by(&mut *rule);
            if preconditioned {
                solve = solve.precondition(&jacobi);
            }
            let s = solve.solve(&[2.0, 4.0, 8.0]).unwrap();
            assert_eq!(
                (s.stop, s.iterations, s.d),
                (Stop::Converged, 0, vec![1.0; 3])
            );
            assert_eq!(s.products, 1);
        }
    }
}

/// Squares of such numbers are 0 or infinite: no norm tells how good a start is.
#[test]
fn a_start_is_no_solution_where_norms_vanish_or_overflow() {
    let identity = Identity::new(1);
    for b in [1e200, 1e-170] {
        let s = Cg::default()
            .on(&identity)
            .start(&[0.0])
            .solve(&[b])
            .unwrap();
        assert_eq!(s.stop, Stop::NonFinite, "{b}");
        let s = Cg::default().on(&identity).start(&[b]).solve(&[b]).unwrap();
        assert_eq!((s.stop, s.d), (Stop::Converged, vec![b]));
    }
}

#[test]
fn products_count_the_one_that_showed_why_the_solve_ends() {
    let a = Diagonal::new(vec![1.0, -2.0]).unwrap();
    let s = Cg::default().solve(&a, &[0.0, 1.0]).unwrap();
    assert!(matches!(s.stop, Stop::NegativeCurvature { .. }));
    assert_eq!((s.iterations, s.products), (0, 1));
    let (a, b, _) = with_spectrum::<f64>(&[1.0, 2.0, 3.0, 4.0, 5.0], 13);
    let a = Fails(0.into(), 2, a);
    let s = Cg::default().tolerance(0.0).solve(&a, &b).unwrap();
    assert_eq!((s.iterations, s.products), (2, 3));
}

/// An operator that says itself that its products are no longer finite.
struct Refuses(Fails);

impl LinearOperator<f64> for Refuses {
    fn rows(&self) -> usize {
        self.0.rows()
    }
    fn cols(&self) -> usize {
        self.0.cols()
    }
    fn apply_into(&self, v: &[f64], out: &mut [f64]) -> Result<()> {
        self.0.apply_into(v, out)?;
        match out.iter().position(|x| !x.is_finite()) {
            None => Ok(()),
            Some(index) => Err(OptimError::NotFinite {
                what: "the product".into(),
                index,
                value: out[index],
            }),
        }
    }
    fn apply_adjoint_into(&self, u: &[f64], out: &mut [f64]) -> Result<()> {
        self.apply_into(u, out)
    }
}
impl SelfAdjoint<f64> for Refuses {}

#[test]
fn a_later_product_that_is_not_finite_leaves_the_iterate_before() {
    let (a, b, _) = with_spectrum::<f64>(&[1.0, 2.0, 3.0, 4.0, 5.0], 13);
    let good = Cg::default()
        .tolerance(0.0)
        .max_iterations(2)
        .solve(&a, &b)
        .unwrap();
    let solve = |after| {
        let a = Refuses(Fails(0.into(), after, a.clone()));
        Cg::default().tolerance(0.0).solve(&a, &b)
    };
    let s = solve(2).unwrap();
    assert_eq!((s.stop, s.iterations, s.products), (Stop::NonFinite, 2, 3));
    assert_eq!((s.d, s.residual), (good.d, good.residual));
    assert!(matches!(solve(0), Err(OptimError::NotFinite { .. })));
}

/// The identity until product number `.1`, then NaN in one entry.
struct Fails(std::sync::atomic::AtomicUsize, usize, Symmetric<f64>);

impl LinearOperator<f64> for Fails {
    fn rows(&self) -> usize {
        self.2.rows()
    }
    fn cols(&self) -> usize {
        self.2.cols()
    }
    fn apply_into(&self, v: &[f64], out: &mut [f64]) -> Result<()> {
        self.2.apply_into(v, out)?;
        if self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= self.1 {
            out[0] = f64::NAN;
        }
        Ok(())
    }
    fn apply_adjoint_into(&self, u: &[f64], out: &mut [f64]) -> Result<()> {
        self.apply_into(u, out)
    }
}
impl SelfAdjoint<f64> for Fails {}

#[test]
fn nan_in_a_product_gives_the_last_finite_iterate() {
    for after in 0..3 {
        let (a, b, _) = with_spectrum::<f64>(&[1.0, 2.0, 3.0, 4.0, 5.0], 13);
        let good = Cg::default()
            .tolerance(0.0)
            .max_iterations(after.max(1))
            .solve(&a, &b)
            .unwrap();
        let s = Cg::default()
            .tolerance(0.0)
            .solve(&Fails(0.into(), after, a), &b)
            .unwrap();
        assert_eq!((s.stop, s.iterations), (Stop::NonFinite, after));
        if after > 0 {
            assert_eq!((s.d, s.residual), (good.d, good.residual));
        } else {
            assert_eq!(s.d, [0.0; 5]);
        }
    }
}

#[test]
fn a_step_that_overflows_is_not_taken() {
    let a = Diagonal::new(vec![1e-30f32, 1e-30]).unwrap();
    let s = Cg::default().solve(&a, &[1e20, 1e20]).unwrap();
    assert_eq!((s.stop, s.d), (Stop::NonFinite, vec![0.0, 0.0]));
    for b in [1e300, 1e-300] {
        let s = Cg::default().solve(&Identity::new(1), &[b]).unwrap();
        assert_eq!((s.stop, s.d), (Stop::NonFinite, vec![0.0]));
    }
}

/// A preconditioner that is none.
struct Negative(Diagonal<f64>);

impl LinearOperator<f64> for Negative {
    fn rows(&self) -> usize {
        self.0.rows()
    }
    fn cols(&self) -> usize {
        self.0.cols()
    }
    fn apply_into(&self, v: &[f64], out: &mut [f64]) -> Result<()> {
        self.0.apply_into(v, out)
    }
    fn apply_adjoint_into(&self, u: &[f64], out: &mut [f64]) -> Result<()> {
        self.0.apply_into(u, out)
    }
}
impl SelfAdjoint<f64> for Negative {}
impl Preconditioner<f64> for Negative {}

#[test]
fn a_preconditioner_that_is_not_positive_is_named() {
    let m = Negative(Diagonal::new(vec![-1.0]).unwrap());
    let s = Cg::default()
        .on(&Identity::new(1))
        .precondition(&m)
        .solve(&[2.0])
        .unwrap();
    assert_eq!(s.stop, Stop::IndefinitePreconditioner { value: -4.0 });
    assert!(Jacobi::new(&[1.0, 0.0]).is_err());
    assert!(Jacobi::new(&[1.0, f64::NAN]).is_err());
}
