//! Losses: the values they state, the targets they refuse, the adaptors.

use osculant_optim::OptimError;
use osculant_optim::loss::{
    Convexity, HuberLoss, LogisticLoss, Loss, OnLabels, PoissonLoss, SoftmaxCrossEntropy,
    SquareRoot, SquaredLoss, ToInput,
};

fn value<T: osculant_tape::Scalar, L: Loss<T> + ?Sized>(loss: &L, z: &[T], y: &L::Target) -> f64 {
    let mut kept = vec![T::zero(); loss.kept(&[z.len()])];
    loss.value(z, y, &[], &mut kept)
}

fn gradient<T: osculant_tape::Scalar, L: Loss<T> + ?Sized>(
    loss: &L,
    z: &[T],
    y: &L::Target,
) -> Vec<T> {
    let mut kept = vec![T::nan(); loss.kept(&[z.len()])];
    let mut g = vec![T::nan(); z.len()];
    loss.value(z, y, &[], &mut kept);
    loss.gradient(z, y, &[], &kept, &mut g);
    g
}

fn curvature<T: osculant_tape::Scalar, L: Loss<T> + ?Sized>(
    loss: &L,
    z: &[T],
    y: &L::Target,
    dz: &[T],
) -> Vec<T> {
    let mut kept = vec![T::nan(); loss.kept(&[z.len()])];
    let mut out = vec![T::nan(); z.len()];
    loss.value(z, y, &[], &mut kept);
    loss.curvature(z, y, &[], &kept, dz, &mut out);
    out
}

#[test]
fn the_squared_loss_has_no_half() {
    assert_eq!(value(&SquaredLoss, &[3.0, 1.0], &[1.0, 1.0]), 4.0);
    assert_eq!(gradient(&SquaredLoss, &[3.0, 1.0], &[1.0, 1.0]), [4.0, 0.0]);
    assert_eq!(curvature(&SquaredLoss, &[3.0], &[1.0], &[1.5]), [3.0]);
}

#[test]
fn softmax_of_equal_logits_is_log_m() {
    let v = value(&SoftmaxCrossEntropy, &[0.5; 4], &2);
    assert!((v - 4f64.ln()).abs() < 1e-15);
}

#[test]
fn softmax_does_not_overflow_at_logits_of_a_thousand() {
    let z = [1000.0f32, -1000.0, 0.0];
    assert_eq!(value(&SoftmaxCrossEntropy, &z, &1), 2000.0);
    assert_eq!(gradient(&SoftmaxCrossEntropy, &z, &1), [1.0, -1.0, 0.0]);
    assert_eq!(
        curvature(&SoftmaxCrossEntropy, &z, &1, &[1.0, 2.0, 3.0]),
        [0.0; 3]
    );
}

#[test]
fn softmax_keeps_the_digits_of_a_loss_near_zero() {
    // Classes 1 and 2 have e^-30 each: log(1 + 2e^-30), which 1 + x would round to 0.
    let z = [30.0, 0.0, 0.0];
    let rest = 2.0 * (-30f64).exp();
    let v = value(&SoftmaxCrossEntropy, &z, &0);
    assert!((v / rest - 1.0).abs() < 1e-12, "{v} {rest}");
    let g = gradient(&SoftmaxCrossEntropy, &z, &0)[0];
    assert!((g / -rest - 1.0).abs() < 1e-12, "{g} {rest}");
}

#[test]
fn softmax_curvature_has_the_constants_in_its_kernel() {
    let bv = curvature(&SoftmaxCrossEntropy, &[20.0f32, -3.0, 1.0], &0, &[5e6; 3]);
    // 5e6 times the rounding of f64, where f32 alone would leave 0.3.
    assert!(bv.iter().all(|b| b.abs() < 1e-8), "{bv:?}");
}

#[test]
fn the_logistic_loss_is_exact_at_both_ends() {
    assert_eq!(value(&LogisticLoss, &[800.0, -800.0], &[1.0, 0.0]), 0.0);
    assert_eq!(value(&LogisticLoss, &[800.0, -800.0], &[0.0, 1.0]), 1600.0);
    let g = gradient(&LogisticLoss, &[40.0], &[1.0])[0];
    assert!((g / -(-40f64).exp() - 1.0).abs() < 1e-12);
    let b = curvature(&LogisticLoss, &[40.0], &[1.0], &[1.0])[0];
    assert!((b / (-40f64).exp() - 1.0).abs() < 1e-12);
}

#[test]
fn an_exponential_that_overflows_makes_the_poisson_value_infinite() {
    assert_eq!(value(&PoissonLoss, &[89.0f32], &[1.0]), f64::INFINITY);
    assert!(value(&PoissonLoss, &[89.0f64], &[1.0]).is_finite());
    assert_eq!(
        value(&PoissonLoss, &[710.0f64, 0.0], &[1.0, 0.0]),
        f64::INFINITY
    );
}

#[test]
fn huber_is_quadratic_inside_and_linear_outside() {
    let loss = HuberLoss::new(0.5).unwrap();
    assert_eq!(value(&loss, &[0.5, -2.0], &[0.0, 0.0]), 0.125 + 0.5 * 1.75);
    assert_eq!(
        gradient(&loss, &[0.25, -2.0, 2.0], &[0.0; 3]),
        [0.25, -0.5, 0.5]
    );
    assert_eq!(
        curvature(&loss, &[0.25, -2.0, 0.5], &[0.0; 3], &[3.0; 3]),
        [3.0, 0.0, 3.0]
    );
}

#[test]
fn a_delta_of_huber_that_is_not_positive_is_refused() {
    for delta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let message = HuberLoss::new(delta).unwrap_err().to_string();
        assert!(message.contains("positive"), "{message}");
    }
}

#[test]
fn nan_is_never_swallowed() {
    let z = [f64::NAN, 0.0];
    let huber = HuberLoss::new(1.0).unwrap();
    assert!(value(&SquaredLoss, &z, &[0.0; 2]).is_nan());
    assert!(value(&SoftmaxCrossEntropy, &z, &1).is_nan());
    assert!(value(&SoftmaxCrossEntropy, &[0.0, f64::NAN], &0).is_nan());
    assert!(value(&LogisticLoss, &z, &[0.0; 2]).is_nan());
    assert!(value(&PoissonLoss, &z, &[0.0; 2]).is_nan());
    assert!(value(&huber, &z, &[0.0; 2]).is_nan());
    assert!(gradient(&huber, &z, &[0.0; 2])[0].is_nan());
    assert!(curvature(&huber, &z, &[0.0; 2], &[1.0; 2])[0].is_nan());
}

#[test]
fn labels_as_one_hot_vectors_equal_vectors() {
    let loss = OnLabels(SquaredLoss);
    let (z, dz) = ([0.2, -0.1, 0.7], [1.0, 2.0, 3.0]);
    let y = [0.0, 0.0, 1.0];
    assert_eq!(value(&loss, &z, &2), value(&SquaredLoss, &z, &y));
    assert_eq!(gradient(&loss, &z, &2), gradient(&SquaredLoss, &z, &y));
    assert_eq!(
        curvature(&loss, &z, &2, &dz),
        curvature(&SquaredLoss, &z, &y, &dz)
    );
    let inner = OnLabels(LogisticLoss);
    assert_eq!(Loss::<f64>::kept(&inner, &[3]), 6);
    assert_eq!(gradient(&inner, &z, &2), gradient(&LogisticLoss, &z, &y));
}

#[test]
fn a_loss_of_the_input_is_the_inner_one_with_the_input_as_target() {
    let loss = ToInput::<_, u32>::new(LogisticLoss);
    let (z, x, dz) = ([0.2, -0.1, 0.7], [0.0, 1.0, 0.3], [1.0, 2.0, 3.0]);
    let mut kept = [0.0; 3];
    let value_here = loss.value(&z, &9, &x, &mut kept);
    assert_eq!(value_here, value(&LogisticLoss, &z, &x));
    let mut out = [0.0; 3];
    loss.gradient(&z, &9, &x, &kept, &mut out);
    assert_eq!(out.to_vec(), gradient(&LogisticLoss, &z, &x));
    loss.curvature(&z, &9, &x, &kept, &dz, &mut out);
    assert_eq!(out.to_vec(), curvature(&LogisticLoss, &z, &x, &dz));
}

#[test]
fn an_input_that_cannot_be_a_target_names_the_example() {
    use osculant_layers::{Layers, Network};
    use osculant_optim::{Objective, examples::Labelled};
    let data = Labelled::new([2], vec![0.0, 1.0, 0.5, 1.5], vec![0, 1]).unwrap();
    let refused = |outputs| {
        let net = Network::<f64>::new([2], |x| x.dense(outputs)).unwrap();
        let objective = Objective::new(&net, ToInput::new(LogisticLoss), &data);
        objective.unwrap_err().to_string()
    };
    let message = refused(2);
    for part in [
        "example 1",
        "1.5 at index 1",
        "[0, 1]",
        "the target is the input",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let message = refused(3);
    for part in [
        "example 0",
        "2 numbers where 3",
        "logistic",
        "the target is the input",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn a_label_out_of_range_names_the_label_and_the_classes() {
    let losses: [Box<dyn Loss<f32, Target = u32>>; 2] = [
        Box::new(SoftmaxCrossEntropy),
        Box::new(OnLabels(SquaredLoss)),
    ];
    for loss in losses {
        let error = loss.check_target(&[10], &12).unwrap_err().of_example(7);
        let message = error.to_string();
        for part in ["example 7", "label 12", "10 classes", "0 to 9"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

#[test]
fn targets_without_meaning_are_refused() {
    let check = |loss: &dyn Loss<f64, Target = [f64]>, y: &[f64]| {
        loss.check_target(&[2], y).unwrap_err().to_string()
    };
    assert!(check(&SquaredLoss, &[1.0]).contains("has 1 numbers where 2"));
    assert!(check(&SquaredLoss, &[1.0, f64::NAN]).contains("NaN at index 1"));
    assert!(check(&LogisticLoss, &[-1.0, 1.0]).contains("[0, 1]"));
    assert!(check(&PoissonLoss, &[1.0, -2.0]).contains("-2 at index 1"));
    assert!(SquaredLoss.check_target(&[1, 2], &[0.0, 1.0]).is_ok());
}

#[test]
fn outputs_without_meaning_are_refused() {
    let refused = |result: Result<(), OptimError>| result.unwrap_err().to_string();
    let softmax: &dyn Loss<f64, Target = u32> = &SoftmaxCrossEntropy;
    assert!(refused(softmax.check_output(&[1])).contains("LogisticLoss"));
    assert!(refused(softmax.check_output(&[4, 3])).contains("flatten"));
    assert!(softmax.check_output(&[2]).is_ok());
    let squared: &dyn Loss<f64, Target = [f64]> = &SquaredLoss;
    assert!(refused(squared.check_output(&[4, 0])).contains("no numbers"));
    assert!(squared.check_output(&[4, 3]).is_ok());
}

#[test]
fn a_boxed_loss_is_a_loss() {
    let boxed: Box<dyn Loss<f32, Target = u32>> = Box::new(SoftmaxCrossEntropy);
    let z = [0.1f32, 0.2, 0.3];
    assert_eq!(value(&boxed, &z, &1), value(&SoftmaxCrossEntropy, &z, &1));
    assert_eq!(boxed.name(), "softmax cross-entropy");
    assert_eq!(boxed.factor_columns(&[3]), Some(2));
    assert_eq!(boxed.convexity(), Convexity::Convex);
}

/// A quadratic form with a stated matrix and no factor.
struct Quadratic(usize, Vec<f64>);

impl Loss<f64> for Quadratic {
    type Target = ();
    fn name(&self) -> &str {
        "quadratic"
    }
    fn check_output(&self, _: &[usize]) -> osculant_optim::Result<()> {
        Ok(())
    }
    fn check_target(&self, _: &[usize], _: &()) -> osculant_optim::Result<()> {
        Ok(())
    }
    fn convexity(&self) -> Convexity {
        Convexity::NotConvex
    }
    fn value(&self, z: &[f64], y: &(), x: &[f64], _: &mut [f64]) -> f64 {
        let mut g = vec![0.0; self.0];
        self.gradient(z, y, x, &[], &mut g);
        0.5 * z.iter().zip(&g).map(|(z, g)| z * g).sum::<f64>()
    }
    fn gradient(&self, z: &[f64], y: &(), x: &[f64], kept: &[f64], g: &mut [f64]) {
        self.curvature(z, y, x, kept, z, g);
    }
    fn curvature(&self, _: &[f64], _: &(), _: &[f64], _: &[f64], dz: &[f64], out: &mut [f64]) {
        for (out, row) in out.iter_mut().zip(self.1.chunks(self.0)) {
            *out = row.iter().zip(dz).map(|(a, b)| a * b).sum();
        }
    }
}

fn product_of(root: &SquareRoot<f64>, m: usize) -> Vec<f64> {
    let entry = |i: usize, j: usize| {
        let columns = 0..root.columns();
        columns
            .map(|c| root.column(c)[i] * root.column(c)[j])
            .sum::<f64>()
    };
    (0..m * m).map(|at| entry(at / m, at % m)).collect()
}

#[test]
fn a_derived_factor_has_as_many_columns_as_the_rank() {
    // (1, 2, 3)(1, 2, 3)ᵀ + (0, 1, −1)(0, 1, −1)ᵀ
    let b = vec![1.0, 2.0, 3.0, 2.0, 5.0, 5.0, 3.0, 5.0, 10.0];
    let mut root = SquareRoot::new();
    root.compute(&Quadratic(3, b.clone()), 0, &[3], &[0.0; 3], &(), &[], &[])
        .unwrap();
    assert_eq!(root.columns(), 2);
    for (found, expected) in product_of(&root, 3).iter().zip(&b) {
        assert!((found - expected).abs() < 1e-14, "{found} {expected}");
    }
    assert!(root.column(2).is_empty());
}

/// A small curvature beside a large one is no rounding, of neither type of numbers.
#[test]
fn a_derived_factor_keeps_every_scale() {
    struct Scaled;
    impl Loss<f32> for Scaled {
        type Target = ();
        fn name(&self) -> &str {
            "scaled"
        }
        fn check_output(&self, _: &[usize]) -> osculant_optim::Result<()> {
            Ok(())
        }
        fn check_target(&self, _: &[usize], _: &()) -> osculant_optim::Result<()> {
            Ok(())
        }
        fn convexity(&self) -> Convexity {
            Convexity::Convex
        }
        fn value(&self, _: &[f32], _: &(), _: &[f32], _: &mut [f32]) -> f64 {
            0.0
        }
        fn gradient(&self, _: &[f32], _: &(), _: &[f32], _: &[f32], _: &mut [f32]) {}
        fn curvature(&self, _: &[f32], _: &(), _: &[f32], _: &[f32], dz: &[f32], out: &mut [f32]) {
            // (1, 1e-4, 1e-9) (…)ᵀ and a part of its own for the second.
            let scale = [1.0f32, 1e-4, 1e-9];
            let along: f32 = scale.iter().zip(dz).map(|(s, d)| s * d).sum();
            for (k, out) in out.iter_mut().enumerate() {
                *out = scale[k] * along + if k == 1 { 3e-8 * dz[1] } else { 0.0 };
            }
        }
    }
    let mut root = SquareRoot::new();
    root.compute(&Scaled, 0, &[3], &[0.0f32; 3], &(), &[], &[])
        .unwrap();
    assert_eq!(root.columns(), 2);
    for (k, expected) in [1.0, 4e-8, 1e-18].into_iter().enumerate() {
        let square = |c: usize| f64::from(root.column(c)[k]).powi(2);
        let found: f64 = (0..2).map(square).sum();
        assert!((found / expected - 1.0).abs() < 1e-5, "{k}: {found}");
    }
}

#[test]
fn entries_near_the_largest_number_have_a_factor() {
    let b = vec![1e308, 0.0, 0.0, 1.5e308];
    let mut root = SquareRoot::new();
    root.compute(&Quadratic(2, b), 0, &[2], &[0.0; 2], &(), &[], &[])
        .unwrap();
    assert_eq!(root.columns(), 2);
}

#[test]
fn an_infinite_output_has_no_value() {
    for z in [[0.0, f64::NEG_INFINITY], [f64::INFINITY, 0.0]] {
        assert!(value(&SoftmaxCrossEntropy, &z, &0).is_nan());
    }
}

#[test]
fn a_delta_of_huber_that_vanishes_is_refused() {
    let loss = HuberLoss::new(1e-50).unwrap();
    let message = Loss::<f32>::check_output(&loss, &[1])
        .unwrap_err()
        .to_string();
    assert!(message.contains("0 in f32"), "{message}");
    assert!(Loss::<f64>::check_output(&loss, &[1]).is_ok());
}

#[test]
fn a_stated_factor_equals_the_curvature() {
    let (z, mut kept) = ([0.3, -1.2, 2.0], [0.0; 3]);
    SoftmaxCrossEntropy.value(&z, &0, &[], &mut kept);
    let mut root = SquareRoot::new();
    root.compute(&SoftmaxCrossEntropy, 0, &[3], &z, &0, &[], &kept)
        .unwrap();
    let product = product_of(&root, 3);
    for j in 0..3 {
        let mut unit = [0.0; 3];
        unit[j] = 1.0;
        for (i, b) in curvature(&SoftmaxCrossEntropy, &z, &0, &unit)
            .iter()
            .enumerate()
        {
            assert!((product[i * 3 + j] - b).abs() < 1e-15);
        }
    }
}

#[test]
fn a_curvature_without_a_factor_names_the_example() {
    // The second has a zero diagonal: pivots alone would not show that it is indefinite.
    for b in [
        vec![1.0, 0.0, 0.0, -1.0],
        vec![0.0, 1.0, 1.0, 0.0],
        vec![f64::NAN; 4],
    ] {
        let mut root = SquareRoot::new();
        let error = root
            .compute(&Quadratic(2, b), 41, &[2], &[0.0; 2], &(), &[], &[])
            .unwrap_err();
        assert!(matches!(
            error,
            OptimError::NotPositiveSemidefinite { example: 41, .. }
        ));
        assert!(error.to_string().contains("example 41"), "{error}");
    }
}

#[test]
fn softmax_curvature_keeps_its_digits_when_the_network_is_sure() {
    // p₀ = 1 − 2e⁻²⁰: in f32 it is 1, and dz − pᵀdz would leave nothing of row 0.
    let (z, dz) = ([20.0f32, 0.0, 0.0], [1.0f32, 2.0, 3.0]);
    let e = (-20f64).exp();
    let expected = [-3.0 * e, e, 2.0 * e];
    for (found, exact) in curvature(&SoftmaxCrossEntropy, &z, &0, &dz)
        .iter()
        .zip(expected)
    {
        assert!(
            (f64::from(*found) / exact - 1.0).abs() < 1e-6,
            "{found} {exact}"
        );
    }
}
