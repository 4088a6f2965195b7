//! Operators and their combinations against stored matrices.

use crate::common;
use osculant_optim::examples::Examples;
use osculant_optim::loss::{Convexity, Loss, SquaredLoss};
use osculant_optim::operator::{
    Diagonal, Identity, LinearOperator, Matrix, Scaled, SelfAdjoint, Shifted, Sum, Symmetric,
};
use osculant_optim::{Objective, Result};

fn a() -> Matrix<f64> {
    Matrix::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap()
}

fn s() -> Symmetric<f64> {
    Symmetric::new(2, vec![2.0, -1.0, -1.0, 3.0]).unwrap()
}

/// ⟨u, A v⟩ = ⟨Aᵀu, v⟩, and a block is its vectors one by one.
fn is_consistent<A: LinearOperator<f64>>(a: &A) {
    let u: Vec<f64> = (0..a.rows()).map(|i| 1.0 + i as f64).collect();
    let v: Vec<f64> = (0..a.cols()).map(|i| 0.5 - i as f64).collect();
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let (av, atu) = (a.apply(&v).unwrap(), a.apply_adjoint(&u).unwrap());
    assert!((dot(&u, &av) - dot(&atu, &v)).abs() < 1e-12);
    let block = [v.clone(), v.iter().map(|x| 2.0 * x).collect()].concat();
    let mut out = vec![f64::NAN; 2 * a.rows()];
    a.apply_block_into(2, &block, &mut out).unwrap();
    let twice: Vec<f64> = av.iter().map(|x| 2.0 * x).collect();
    assert_eq!(out, [av, twice].concat());
}

#[test]
fn combinations_equal_the_matrices_they_stand_for() {
    let shifted = Shifted::new(s(), 0.5).unwrap();
    assert_eq!(
        Matrix::of(&shifted).unwrap().entries(),
        [2.5, -1.0, -1.0, 3.5]
    );
    let sum = Sum::new(s(), Diagonal::new(vec![1.0, 2.0]).unwrap()).unwrap();
    assert_eq!(Matrix::of(&sum).unwrap().entries(), [3.0, -1.0, -1.0, 5.0]);
    let scaled = Scaled::new(a(), -2.0).unwrap();
    assert_eq!(
        scaled.apply_adjoint(&[1.0, 1.0]).unwrap(),
        [-10.0, -14.0, -18.0]
    );
    is_consistent(&shifted);
    is_consistent(&sum);
    is_consistent(&scaled);
    is_consistent(&a());
    is_consistent(&Identity::new(4));
    is_consistent(&Sum::new(a(), Scaled::new(a(), 0.1).unwrap()).unwrap());
}

#[test]
fn a_sum_can_be_applied_by_many_threads_at_once() {
    let sum = Sum::new(s(), s()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    assert_eq!(sum.apply(&[1.0, 1.0]).unwrap(), [2.0, 4.0]);
                }
            });
        }
    });
}

#[test]
fn operators_can_be_chosen_at_run_time() {
    let boxed: Box<dyn SelfAdjoint<f64>> = Box::new(s());
    let damped = Shifted::new(&boxed, 1.0).unwrap();
    assert_eq!(damped.apply(&[1.0, 0.0]).unwrap(), [3.0, -1.0]);
    assert_eq!(
        Symmetric::of(&damped).unwrap().entries(),
        [3.0, -1.0, -1.0, 4.0]
    );
}

#[test]
fn wrong_lengths_are_errors_with_both_numbers() {
    let message = a().apply(&[1.0]).unwrap_err().to_string();
    assert!(message.contains("has 1 numbers where 3"), "{message}");
    let short = &mut [0.0][..];
    assert!(a().apply_into(&[1.0; 3], short).is_err());
    assert!(a().apply_adjoint(&[1.0; 3]).is_err());
    assert!(s().apply(&[1.0; 3]).is_err());
    assert!(Identity::new(2).apply(&[1.0f32]).is_err());
    assert!(Diagonal::new(vec![1.0]).unwrap().apply(&[1.0; 2]).is_err());
    assert!(Sum::new(s(), s()).unwrap().apply(&[1.0; 3]).is_err());
    assert!(s().apply_block_into(2, &[1.0; 4], &mut [0.0; 3]).is_err());
    assert!(
        s().apply_block_into(usize::MAX, &[1.0; 4], &mut [0.0; 3])
            .is_err()
    );
}

#[test]
fn operators_without_meaning_are_refused() {
    assert!(Shifted::new(a(), 1.0).is_err());
    assert!(Shifted::new(s(), f64::NAN).is_err());
    assert!(
        Shifted::new(Identity::new(1), 1e300)
            .map(|s: Shifted<_, f32>| s.cols())
            .is_err()
    );
    assert!(Scaled::new(s(), f64::INFINITY).is_err());
    assert!(Sum::new(a(), s()).is_err());
    assert!(Matrix::new(2, 2, vec![1.0; 3]).is_err());
    assert!(Matrix::new(1, 1, vec![f64::NAN]).is_err());
    assert!(Symmetric::new(2, vec![1.0, 0.5, 0.0, 1.0]).is_err());
    assert!(Symmetric::try_from(a()).is_err());
}

#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= 1e-12 * scale, "{i}: {f} {e}");
    }
}

#[test]
fn curvature_of_a_network_by_blocks_by_subsets_and_without_memory() {
    let (net, data) = (common::net::<f64>(), common::data::<f64>(38));
    let objective = Objective::new(&net, SquaredLoss, &data).unwrap();
    let objective = objective.regularization(7.0).unwrap();
    let theta = net.init(1);
    let n = theta.len();
    let v: Vec<f64> = (0..3 * n).map(|i| (0.9 * i as f64).sin()).collect();
    let model = objective.at(&theta).unwrap();
    let (g, h) = (model.gauss_newton().unwrap(), model.hessian().unwrap());
    let mut block = vec![f64::NAN; 3 * n];
    g.apply_block_into(3, &v, &mut block).unwrap();
    for (v, gv) in v.chunks(n).zip(block.chunks(n)) {
        close(gv, &g.apply(v).unwrap());
    }
    // All examples are a subset too.
    let all: Vec<usize> = (0..38).collect();
    let on_all = model.hessian_on(&all).unwrap();
    assert_eq!(on_all.apply(&v[..n]).unwrap(), h.apply(&v[..n]).unwrap());
    let half = model.hessian_on(&all[..19]).unwrap();
    assert_ne!(half.apply(&v[..n]).unwrap(), h.apply(&v[..n]).unwrap());
    // Values that are not kept are computed again.
    let frugal = Objective::new(&net, SquaredLoss, &data).unwrap();
    let frugal = frugal.regularization(7.0).unwrap().memory_budget(0);
    let model = frugal.at(&theta).unwrap();
    close(
        &model.gauss_newton().unwrap().apply(&v[..n]).unwrap(),
        &block[..n],
    );
    let frugal = model.hessian().unwrap().apply(&v[..n]).unwrap();
    close(&frugal, &h.apply(&v[..n]).unwrap());
}

/// The squared loss, counting for as many terms as the target says.
struct Counted;

impl Loss<f64> for Counted {
    type Target = [f64];
    fn name(&self) -> &str {
        "counted"
    }
    fn check_output(&self, _shape: &[usize]) -> Result<()> {
        Ok(())
    }
    fn check_target(&self, _shape: &[usize], _y: &[f64]) -> Result<()> {
        Ok(())
    }
    fn convexity(&self) -> Convexity {
        Convexity::Convex
    }
    fn count(&self, y: &[f64]) -> f64 {
        1.0 + (3.0 * y[0]).abs().floor()
    }
    fn value(&self, z: &[f64], y: &[f64], _x: &[f64], _kept: &mut [f64]) -> f64 {
        (z[0] - y[0]).powi(2)
    }
    fn gradient(&self, z: &[f64], y: &[f64], _x: &[f64], _kept: &[f64], g: &mut [f64]) {
        g[0] = 2.0 * (z[0] - y[0]);
    }
    fn curvature(
        &self,
        _z: &[f64],
        _y: &[f64],
        _x: &[f64],
        _kept: &[f64],
        dz: &[f64],
        out: &mut [f64],
    ) {
        out[0] = 2.0 * dz[0];
    }
}

#[test]
fn a_loss_of_several_terms_divides_by_all_of_them() {
    let (net, data) = (common::net::<f64>(), common::data::<f64>(38));
    let once = Objective::new(&net, SquaredLoss, &data).unwrap();
    let counted = Objective::new(&net, Counted, &data).unwrap();
    let terms: f64 = (0..38).map(|i| Counted.count(data.target(i))).sum();
    assert!(terms > 40.0, "{terms}");
    let factor = 38.0 / terms;
    let theta = net.init(1);
    let (one, all) = (once.at(&theta).unwrap(), counted.at(&theta).unwrap());
    let times = |x: &[f64]| x.iter().map(|x| factor * x).collect::<Vec<f64>>();
    close(&[all.value().unwrap()], &times(&[one.value().unwrap()]));
    close(all.gradient().unwrap(), &times(one.gradient().unwrap()));
    let (g, expected) = (all.gauss_newton().unwrap(), one.gauss_newton().unwrap());
    let v: Vec<f64> = (0..theta.len()).map(|i| (0.9 * i as f64).cos()).collect();
    close(&g.apply(&v).unwrap(), &times(&expected.apply(&v).unwrap()));
    close(
        &g.diagonal().unwrap(),
        &times(&expected.diagonal().unwrap()),
    );
    let fisher = g.empirical_fisher_diagonal().unwrap();
    close(
        &fisher,
        &times(&expected.empirical_fisher_diagonal().unwrap()),
    );
}
