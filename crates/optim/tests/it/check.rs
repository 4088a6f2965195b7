//! The verification of losses: ours pass, wrong ones are caught.

use osculant_optim::check::{LossCase, check_loss, check_loss_at, labelled_cases, paired_cases};
use osculant_optim::loss::{
    Convexity, HuberLoss, LogisticLoss, Loss, OnLabels, PerPosition, PoissonLoss,
    SoftmaxCrossEntropy, SquaredLoss, ToInput,
};
use osculant_optim::{OptimError, Result};
use proptest::prelude::*;

#[test]
fn all_losses_are_what_they_claim() {
    check_loss(&SquaredLoss, paired_cases(1..=5, -9.0..9.0, -9.0..9.0)).unwrap();
    check_loss(&LogisticLoss, paired_cases(1..=5, -12.0..12.0, 0.0..1.0)).unwrap();
    check_loss(&PoissonLoss, paired_cases(1..=5, -4.0..4.0, 0.0..20.0)).unwrap();
    check_loss(&SoftmaxCrossEntropy, labelled_cases(2..=7, -8.0..8.0)).unwrap();
    check_loss(&OnLabels(SquaredLoss), labelled_cases(1..=7, -8.0..8.0)).unwrap();
    check_loss(&OnLabels(LogisticLoss), labelled_cases(1..=7, -8.0..8.0)).unwrap();
}

#[test]
fn losses_per_position_are_what_they_claim() {
    let cases = (1..=4usize, 2..=5usize).prop_flat_map(|(p, m)| {
        let label = prop::option::weighted(0.7, (0..m).prop_map(|y| y as u32));
        let z = prop::collection::vec(-8.0..8.0f64, p * m);
        let drawn = (z, prop::collection::vec(label, p), 1..=p);
        drawn.prop_map(move |(z, y, rows)| LossCase {
            shape: match p % rows {
                0 => vec![rows, p / rows, m],
                _ => vec![p, m],
            },
            z,
            y,
            x: vec![],
        })
    });
    check_loss(&PerPosition(SoftmaxCrossEntropy), cases.clone()).unwrap();
    check_loss(&PerPosition(OnLabels(SquaredLoss)), cases).unwrap();
}

#[test]
fn losses_of_the_input_are_what_they_claim() {
    // The target is any number, since it is ignored.
    let of_input = |case: LossCase<Vec<f64>>| LossCase {
        shape: case.shape,
        z: case.z,
        x: case.y,
        y: 7,
    };
    let cases = paired_cases(1..=5, -12.0..12.0, 0.0..1.0).prop_map(of_input);
    check_loss(&ToInput::<_, u32>::new(LogisticLoss), cases).unwrap();
    let cases = paired_cases(1..=5, -9.0..9.0, -9.0..9.0).prop_map(of_input);
    check_loss(&ToInput::<_, u32>::new(SquaredLoss), cases).unwrap();
}

#[test]
fn huber_is_what_it_claims_away_from_its_kinks() {
    // B jumps where |z − y| = δ.
    let away = |r: &f64| ((r.abs() - 0.7) / (1.0 + r.abs())).abs() > 0.1;
    let cases = (1..=4usize).prop_flat_map(move |m| {
        let r = prop::collection::vec((-3.0..3.0f64).prop_filter("kink", away), m);
        (r, prop::collection::vec(-1.0..1.0f64, m)).prop_map(|(r, y)| LossCase {
            shape: vec![y.len()],
            z: r.iter().zip(&y).map(|(r, y)| r + y).collect(),
            y,
            x: vec![],
        })
    });
    check_loss(&HuberLoss::new(0.7).unwrap(), cases).unwrap();
}

#[test]
fn f32_agrees_with_f64() {
    fn both<L>(loss: L, z: &[f64], y32: &<L as Loss<f32>>::Target, y64: &<L as Loss<f64>>::Target)
    where
        L: Loss<f32> + Loss<f64>,
    {
        let m = z.len();
        let z32: Vec<f32> = z.iter().map(|&z| z as f32).collect();
        let z: Vec<f64> = z32.iter().map(|&z| f64::from(z)).collect();
        let mut kept32 = vec![0f32; Loss::<f32>::kept(&loss, &[m])];
        let mut kept64 = vec![0f64; Loss::<f64>::kept(&loss, &[m])];
        let (v32, v64) = (
            loss.value(&z32, y32, &[], &mut kept32),
            loss.value(&z, y64, &[], &mut kept64),
        );
        assert!((v32 - v64).abs() <= 1e-6 * v64.abs(), "{v32} {v64}");
        let (mut g32, mut g64) = (vec![0f32; m], vec![0f64; m]);
        loss.gradient(&z32, y32, &[], &kept32, &mut g32);
        loss.gradient(&z, y64, &[], &kept64, &mut g64);
        let (mut b32, mut b64) = (vec![0f32; m], vec![0f64; m]);
        loss.curvature(&z32, y32, &[], &kept32, &z32, &mut b32);
        loss.curvature(&z, y64, &[], &kept64, &z, &mut b64);
        for (a, b) in g32.iter().chain(&b32).zip(g64.iter().chain(&b64)) {
            assert!(
                (f64::from(*a) - b).abs() <= 4e-6 * (1e-3 + b.abs()),
                "{a} {b}"
            );
        }
    }
    let z = [0.25, -3.5, 1.1, 6.0];
    both(SoftmaxCrossEntropy, &z, &2, &2);
    both(OnLabels(SquaredLoss), &z, &1, &1);
    both(SquaredLoss, &z, &[0.5; 4], &[0.5; 4]);
    both(
        LogisticLoss,
        &z,
        &[0.0, 1.0, 0.5, 1.0],
        &[0.0, 1.0, 0.5, 1.0],
    );
    both(
        PoissonLoss,
        &z,
        &[0.0, 1.0, 4.0, 2.0],
        &[0.0, 1.0, 4.0, 2.0],
    );
    both(HuberLoss::new(1.0).unwrap(), &z, &[0.5; 4], &[0.5; 4]);
}

/// z₀z₁ + ½‖z‖², whose B is [[1, 1], [1, 1]], with a fault to choose.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Gradient,
    Curvature,
    Asymmetric,
    Adds,
    Indefinite,
    Factor,
    NotLinear,
    Value,
}

impl Loss<f64> for Fault {
    type Target = ();
    fn name(&self) -> &str {
        "faulty"
    }
    fn check_output(&self, _: &[usize]) -> Result<()> {
        Ok(())
    }
    fn check_target(&self, _: &[usize], _: &()) -> Result<()> {
        Ok(())
    }
    fn convexity(&self) -> Convexity {
        Convexity::Convex
    }
    fn value(&self, z: &[f64], _: &(), _: &[f64], _: &mut [f64]) -> f64 {
        let square = 0.5 * (z[0] * z[0] + z[1] * z[1]);
        match self {
            Fault::Indefinite => z[0] * z[1],
            Fault::Value => f64::NAN,
            _ => z[0] * z[1] + square,
        }
    }
    fn gradient(&self, z: &[f64], _: &(), _: &[f64], _: &[f64], g: &mut [f64]) {
        let own = if *self == Fault::Indefinite { 0.0 } else { 1.0 };
        g[0] = z[1] + own * z[0];
        g[1] = z[0] + own * z[1];
        if *self == Fault::Gradient {
            g[1] *= 1.0 + 1e-4;
        }
    }
    fn curvature(&self, _: &[f64], _: &(), _: &[f64], _: &[f64], d: &[f64], out: &mut [f64]) {
        let own = if *self == Fault::Indefinite { 0.0 } else { 1.0 };
        let off = if *self == Fault::Curvature { 0.5 } else { 1.0 };
        let b = [off * d[1] + own * d[0], off * d[0] + own * d[1]];
        match self {
            Fault::Adds => out.iter_mut().zip(b).for_each(|(o, b)| *o += b),
            Fault::NotLinear => out.copy_from_slice(&[b[0].min(1.0), b[1]]),
            _ => out.copy_from_slice(&b),
        }
        if *self == Fault::Asymmetric {
            // Small enough to pass as a difference, far above rounding.
            out[0] += 1e-8 * d[1];
        }
    }
    fn factor_columns(&self, _: &[usize]) -> Option<usize> {
        (*self != Fault::Indefinite).then_some(1)
    }
    fn factor(&self, _: &[f64], _: &(), _: &[f64], _: &[f64], _: usize, out: &mut [f64]) {
        out.fill(if *self == Fault::Factor { 1.1 } else { 1.0 });
    }
}

fn verdict(fault: Fault) -> Result<()> {
    let cases = prop::collection::vec(-2.0..2.0f64, 2).prop_map(|z| LossCase {
        shape: vec![2],
        z,
        y: (),
        x: vec![],
    });
    check_loss(&fault, cases)
}

#[test]
fn every_fault_is_caught_and_named() {
    verdict(Fault::None).unwrap();
    let expected = [
        (
            Fault::Gradient,
            "gradient is not the derivative of the value",
        ),
        (Fault::Curvature, "B is not the derivative of the gradient"),
        (Fault::Asymmetric, "B is not symmetric"),
        (Fault::Adds, "overwritten"),
        (
            Fault::Indefinite,
            "claims to be convex, but B has the eigenvalue -1.000000e0",
        ),
        (Fault::Factor, "does not give B = SSᵀ"),
        (Fault::NotLinear, "not linear"),
        (Fault::Value, "its value is NaN"),
    ];
    for (fault, words) in expected {
        let error = verdict(fault).unwrap_err();
        assert!(matches!(error, OptimError::Check { .. }));
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

#[test]
fn a_failure_prints_the_entries_and_the_case() {
    let case = LossCase {
        shape: vec![2],
        z: vec![1.0, 0.5],
        y: (),
        x: vec![],
    };
    let message = check_loss_at(&Fault::Curvature, &case)
        .unwrap_err()
        .to_string();
    for part in [
        "the faulty loss",
        "entry",
        "analytic",
        "numeric",
        "relative",
        "B[0][1]",
        "5.0e-1",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let drawn = verdict(Fault::Gradient).unwrap_err().to_string();
    assert!(drawn.contains("z: ["), "{drawn}");
}

#[test]
fn a_case_that_the_loss_refuses_is_an_error() {
    let case = LossCase {
        shape: vec![2],
        z: vec![0.0, 0.0],
        y: 5,
        x: vec![],
    };
    assert!(check_loss_at(&SoftmaxCrossEntropy, &case).is_err());
    let uneven = LossCase {
        shape: vec![3],
        z: vec![0.0],
        y: 0,
        x: vec![],
    };
    assert!(check_loss_at(&SoftmaxCrossEntropy, &uneven).is_err());
}

#[test]
fn a_kink_is_reported_as_one() {
    use osculant_layers::{Layers, Network};
    use osculant_optim::check::check_objective;
    use osculant_optim::{Objective, examples::Paired};

    // Every pre-activation is `offset` away from the kink of the ReLU: differences go astray when
    // it lies within their steps, which must never look like a wrong derivative.
    let net = Network::<f64>::new([1], |x| x.dense(3).relu().dense(1)).unwrap();
    let data = Paired::new([1], vec![1.0], 1, vec![0.25]).unwrap();
    let objective = Objective::new(&net, SquaredLoss, &data).unwrap();
    for exponent in -40..=0 {
        let offset = 10f64.powf(f64::from(exponent) / 5.0);
        let mut theta = vec![0.5, 0.75, -0.5, 0.0, 0.0, 0.0, 1.0, -1.5, 2.0, 0.1];
        for j in 0..3 {
            theta[3 + j] = offset - theta[j];
        }
        match check_objective(&objective, &theta, 11) {
            Ok(()) => assert!(offset > 5e-5, "{offset:.1e} passed"),
            Err(e) => {
                assert!(
                    e.to_string().contains("next to a kink"),
                    "{offset:.1e}: {e}"
                );
                assert!(offset < 0.1, "{offset:.1e}: {e}");
            }
        }
    }
}

#[test]
fn a_minimum_is_no_kink() -> Result<()> {
    use osculant_layers::{Layers, Network};
    use osculant_optim::check::check_objective;
    use osculant_optim::solve::Cg;
    use osculant_optim::{Objective, examples::Paired};

    let net = Network::<f64>::new([2], |x| x.dense(2))?;
    let x: Vec<f64> = (0..40).map(|i| (0.7 * f64::from(i)).sin()).collect();
    // With and without a residual at the minimum, small and large.
    for (noise, scale) in [(0.0, 1.0), (1.0, 1.0), (1.0, 1e3), (1.0, 1e-3)] {
        let y = x.chunks(2).enumerate().flat_map(|(i, x)| {
            let noise = noise * (1.9 * i as f64).cos();
            [scale * (x[0] - 2.0 * x[1] + noise), scale * (x[1] + noise)]
        });
        let data = Paired::new([2], x.clone(), 2, y.collect())?;
        let objective = Objective::new(&net, SquaredLoss, &data)?;
        let mut minimizer = net.init(1);
        for _ in 0..3 {
            let model = objective.at(&minimizer)?;
            let step = Cg::default()
                .tolerance(1e-14)
                .solve(&model.gauss_newton()?, &model.descent()?)?;
            minimizer.iter_mut().zip(&step.d).for_each(|(t, d)| *t += d);
        }
        for offset in [0.0, 1e-12, 1e-9, 1e-6, 1e-3] {
            let theta: Vec<f64> = minimizer.iter().map(|t| t + offset).collect();
            for seed in 0..5 {
                let verdict = check_objective(&objective, &theta, seed);
                verdict.unwrap_or_else(|e| panic!("{noise} {scale} {offset:.0e} {seed}: {e}"));
            }
        }
    }
    Ok(())
}

#[test]
fn a_jacobian_too_large_to_be_written_out_leaves_its_claim_open() -> Result<()> {
    use osculant_layers::{Layers, Network};
    use osculant_optim::check::{ObjectiveCheck, Verdict};
    use osculant_optim::{Objective, examples::Paired};

    // 17 · 2,000 rows of 4,000 numbers: more than 1 GiB.
    let net = Network::<f64>::new([1], |x| x.dense(2000))?;
    let x = (0..17).map(f64::from).collect();
    let data = Paired::new([1], x, 2000, vec![0.5; 17 * 2000])?;
    let objective = Objective::new(&net, SquaredLoss, &data)?;
    let check = ObjectiveCheck { seed: 3, step: 1.0 };
    let mut open = Vec::new();
    for claim in check.run(&objective, &net.init(0))? {
        match claim.verdict {
            Verdict::Holds { .. } => {}
            Verdict::Undecided(error) => open.push((claim.text, error.to_string())),
            Verdict::Fails(error) => panic!("{}: {error}", claim.text),
        }
    }
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open[0].0.contains("JᵀBJ") && open[0].1.contains("bytes"));
    Ok(())
}
