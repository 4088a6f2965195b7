//! Lesson 6: ops of one's own, of two kinds; verified, then used in a network.
//!
//! `cargo run --release --example 06_own_op`
//!
//! An op says what it *is*, and its four derivative rules follow: a pointwise op states f, f′ and
//! f″ of numbers; a linear op states L and its transpose.

use osculant::optim::check::check_objective;
use osculant::prelude::*;
use osculant::tape::check::proptest::prelude::Strategy;
use osculant::tape::check::{self, Cases, Drawn, OpCheck, draw};
use osculant::tape::kind::{Linear, LinearMap, LinearOp, Pointwise, PointwiseFn, Reads};
use osculant::tape::{Slot, View};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// y = c tanh(x / c), elementwise: x, held softly between −c and c.
///
/// # Formula
/// With t = y/c: y′ = 1 − t², y″ = −2 t (1 − t²) / c.
#[derive(Clone, Copy, Debug)]
struct SoftClip {
    /// c > 0.
    bound: f64,
}

impl PointwiseFn<1> for SoftClip {
    // The derivatives come from y alone, so that x need not be kept.
    const READS: Reads = Reads::Output;

    fn name(&self) -> &'static str {
        "soft_clip"
    }

    fn check<T: Scalar>(&self) -> Result<(), String> {
        if self.bound > 0.0 && self.bound.is_finite() {
            Ok(())
        } else {
            Err(format!(
                "its bound is {}; it must be positive and finite",
                self.bound
            ))
        }
    }

    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        let c = T::from_f64(self.bound);
        c * (x / c).tanh()
    }

    fn df<T: Scalar>(&self, _: [T; 1], y: T) -> [T; 1] {
        let t = y / T::from_f64(self.bound);
        [T::one() - t * t]
    }

    fn d2f<T: Scalar>(&self, _: [T; 1], y: T) -> [[T; 1]; 1] {
        let c = T::from_f64(self.bound);
        let t = y / c;
        [[T::from_f64(-2.0) * t * (T::one() - t * t) / c]]
    }
}

/// yᵢ = x₁ + … + xᵢ along the last axis.
///
/// # Formula
/// L is lower triangular, full of ones; Lᵀ sums from the other end.
#[derive(Clone, Copy, Debug)]
struct RunningSum;

impl LinearOp for RunningSum {
    fn name(&self) -> &'static str {
        "running_sum"
    }

    fn resolve<T: Scalar>(&self, x: &[Shape]) -> Result<Box<dyn LinearMap<T>>, String> {
        match x {
            [x] if !x.is_empty() => Ok(Box::new(RunningSumOf { shape: x.clone() })),
            [_] => Err("it runs along the last axis, and a single number has none".into()),
            _ => Err(format!("it takes one operand, not {}", x.len())),
        }
    }
}

/// A running sum over an operand of known shape.
#[derive(Debug)]
struct RunningSumOf {
    shape: Shape,
}

impl<T: Scalar> LinearMap<T> for RunningSumOf {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn apply(&self, _: usize, k: usize, x: View<'_, T>, y: &mut [T]) {
        let (size, row) = (self.shape.size(), self.shape.last());
        for (i, y) in y.chunks_exact_mut(size).take(k).enumerate() {
            for (x, y) in x.example(i).chunks_exact(row).zip(y.chunks_exact_mut(row)) {
                let mut sum = T::zero();
                for (&x, y) in x.iter().zip(y) {
                    sum += x;
                    *y += sum;
                }
            }
        }
    }

    fn adjoint(&self, _: usize, k: usize, g: &[T], gx: &mut Slot<'_, T>) {
        let (size, row) = (self.shape.size(), self.shape.last());
        for (i, g) in g.chunks_exact(size).take(k).enumerate() {
            let gx = gx.example(i).chunks_exact_mut(row);
            for (g, gx) in g.chunks_exact(row).zip(gx) {
                let mut sum = T::zero();
                for (&g, gx) in g.iter().zip(gx).rev() {
                    sum += g;
                    *gx += sum;
                }
            }
        }
    }
}

// What the harness is to draw: every option, and shapes that fit.

impl Cases for SoftClip {
    fn cases() -> Drawn<Self> {
        (0.5..4.0, draw::shape())
            .prop_map(|(bound, x)| (SoftClip { bound }, vec![x]))
            .boxed()
    }
}

impl Cases for RunningSum {
    fn cases() -> Drawn<Self> {
        draw::shape()
            .prop_filter("a last axis", |x| !x.is_empty())
            .prop_map(|x| (RunningSum, vec![x]))
            .boxed()
    }
}

/// The same op with a mistake that is easily made: y″ without its factor 1/c.
#[derive(Clone, Copy, Debug)]
struct Mistaken(SoftClip);

impl PointwiseFn<1> for Mistaken {
    const READS: Reads = Reads::Output;
    fn name(&self) -> &'static str {
        "mistaken"
    }
    fn f<T: Scalar>(&self, x: [T; 1]) -> T {
        self.0.f(x)
    }
    fn df<T: Scalar>(&self, x: [T; 1], y: T) -> [T; 1] {
        self.0.df(x, y)
    }
    fn d2f<T: Scalar>(&self, x: [T; 1], y: T) -> [[T; 1]; 1] {
        let [[right]] = self.0.d2f(x, y);
        [[right * T::from_f64(self.0.bound)]]
    }
}

impl Cases for Mistaken {
    fn cases() -> Drawn<Self> {
        let right = SoftClip::cases();
        right.prop_map(|(op, x)| (Mistaken(op), x)).boxed()
    }
}

fn main() -> Result {
    // All checks that the ops of Osculant pass. In a test, this is the one line.
    check::op::<Pointwise<SoftClip, 1>>();
    check::op::<Linear<RunningSum>>();
    println!("soft_clip and running_sum: verified");

    // A wrong rule fails, on a small case, with a table.
    let failure = OpCheck::new().run::<Pointwise<Mistaken, 1>>().err();
    let table = failure.map(|f| f.to_string()).unwrap_or_default();
    println!("\n{table}");
    assert!(table.contains("vjp_jvp agrees with differences of vjp"));

    // An op can be looked at alone, through a function.
    let f = Function::<f64>::new([3], |x| x.apply(Linear(RunningSum)))?;
    let at = f.at(&[1.0, 1.0, 1.0])?;
    assert_eq!(at.values(), [1.0, 2.0, 3.0]);
    assert_eq!(at.vjp(&[0.0, 0.0, 1.0])?, [1.0, 1.0, 1.0]);

    // A network whose outputs only grow: positive steps, summed up. `apply` records an op.
    let net = Network::<f64>::new([1], |x| {
        let x = x.dense(6).apply(Pointwise(SoftClip { bound: 2.0 }));
        x.dense(4).softplus().apply(Linear(RunningSum))
    })?;
    let inputs: Vec<f64> = (0..12).map(|i| i as f64 / 6.0 - 1.0).collect();
    let targets: Vec<f64> = inputs
        .iter()
        .flat_map(|x| [1.0, 2.0, 3.0, 4.0].map(|q| q * (1.0 + 0.5 * x.sin())))
        .collect();
    let data = Paired::new([1], inputs, 4, targets)?;
    let objective = Objective::new(&net, SquaredLoss, &data)?.regularization(1e3)?;
    let theta = net.init(2);
    check_objective(&objective, &theta, 1)?;
    println!("gradient, G v and ∇²f v of the network: verified");

    let report = NewtonCg::default()
        .iterations(30)
        .sampling(Everything)
        .train(&objective, theta)?;
    let outputs = net.forward(&report.theta, &[0.0])?;
    println!("f = {:.4}; at x = 0: {outputs:.3?}", report.value);
    assert!(outputs.windows(2).all(|w| w[0] < w[1]) && (outputs[3] - 4.0).abs() < 0.2);
    Ok(())
}
