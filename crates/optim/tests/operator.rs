//! Operators and their combinations against stored matrices.

use osculant_optim::operator::{
    Dense, Diagonal, Identity, LinearOperator, Scaled, SelfAdjoint, Shifted, Sum, Symmetric,
};

fn a() -> Dense<f64> {
    Dense::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap()
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
        Dense::of(&shifted).unwrap().entries(),
        [2.5, -1.0, -1.0, 3.5]
    );
    let sum = Sum::new(s(), Diagonal::new(vec![1.0, 2.0]).unwrap()).unwrap();
    assert_eq!(Dense::of(&sum).unwrap().entries(), [3.0, -1.0, -1.0, 5.0]);
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
    assert!(Dense::new(2, 2, vec![1.0; 3]).is_err());
    assert!(Dense::new(1, 1, vec![f64::NAN]).is_err());
    assert!(Symmetric::new(2, vec![1.0, 0.5, 0.0, 1.0]).is_err());
    assert!(Symmetric::try_from(a()).is_err());
}
