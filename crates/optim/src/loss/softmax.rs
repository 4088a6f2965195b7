//! ξ = −log softmax(z)ᵧ, cross-entropy on logits.

use super::{Convexity, Loss};
use crate::error::{OptimError, Result};
use osculant_tape::Scalar;

/// Softmax cross-entropy of logits and a class label.
///
/// The loss owns the softmax: the network ends in logits, without one of its own. Then B has
/// rank m − 1; with a softmax in the network it would have rank 1 per example.
///
/// # Shapes
///
/// z `[m]` with m ≥ 2 classes; y a label in 0..m. Keeps p, m numbers per example.
///
/// # Formula
///
/// ```text
/// p = exp(z) / Σ exp(zₖ)      ξ = −log pᵧ = log Σ exp(zₖ) − zᵧ
/// ∇ξ = p − eᵧ      B = diag(p) − ppᵀ = SSᵀ
/// ```
///
/// S has m − 1 columns: a Cholesky factor. With the classes in any order and qⱼ = Σ_{k > j} pₖ,
///
/// ```text
/// Sⱼⱼ = √(pⱼ qⱼ / qⱼ₋₁)      Sₖⱼ = −pₖ √(pⱼ / (qⱼ₋₁ qⱼ)), k > j
/// ```
///
/// The likeliest class comes last, so that no qⱼ is small.
///
/// # Reference
///
/// Bishop, *Pattern Recognition and Machine Learning*, 2006, eqs. (4.108) to (4.110). The factor:
/// Tanabe and Sagae, *Journal of the Royal Statistical Society B* 54(1), 1992.
///
/// # Errors
///
/// Outputs with several axes or a single class; labels that are not below m.
///
/// # Example
///
/// ```
/// use osculant_optim::loss::{Loss, SoftmaxCrossEntropy};
/// let (z, mut kept) = ([1000.0, 0.0], [0.0; 2]);
/// assert_eq!(SoftmaxCrossEntropy.value(&z, &1, &[], &mut kept), 1000.0); // no overflow
/// let mut g = [0.0; 2];
/// SoftmaxCrossEntropy.gradient(&z, &1, &[], &kept, &mut g);
/// assert_eq!(g, [1.0, -1.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoftmaxCrossEntropy;

const NAME: &str = "softmax cross-entropy";

impl<T: Scalar> Loss<T> for SoftmaxCrossEntropy {
    type Target = u32;

    fn name(&self) -> &str {
        NAME
    }

    fn check_output(&self, shape: &[usize]) -> Result<()> {
        let message = match shape {
            [m] if *m >= 2 => return Ok(()),
            [_] => {
                "it needs at least 2 classes; for one logit and a binary label use `LogisticLoss`"
            }
            _ => "it wants one axis, one logit per class; flatten the output",
        };
        Err(OptimError::Output {
            loss: NAME.into(),
            shape: shape.to_vec(),
            message: message.into(),
        })
    }

    fn check_target(&self, shape: &[usize], y: &u32) -> Result<()> {
        let classes = shape.iter().product();
        if (*y as usize) < classes {
            return Ok(());
        }
        Err(OptimError::Label {
            loss: NAME.into(),
            label: *y,
            classes,
        })
    }

    fn convexity(&self) -> Convexity {
        Convexity::Convex
    }

    fn kept(&self, shape: &[usize]) -> usize {
        shape.iter().product()
    }

    fn value(&self, z: &[T], y: &u32, _x: &[T], kept: &mut [T]) -> f64 {
        // The largest logit is taken out of the sum, so that nothing overflows, and out of the
        // logarithm, so that a loss near 0 keeps its digits: log Σ = z_top + ln(1 + rest).
        let top = (0..z.len()).fold(0, |top, k| if z[k] > z[top] { k } else { top });
        let (Some(&z_top), Some(&z_y)) = (z.get(top), z.get(*y as usize)) else {
            return f64::NAN;
        };
        // exp(−∞) = 0 would hide it.
        if z.iter().any(|z| z.is_infinite()) {
            return f64::NAN;
        }
        let mut rest = 0.0;
        for (k, (p, &z)) in kept.iter_mut().zip(z).enumerate() {
            let e = (z.to_f64() - z_top.to_f64()).exp();
            *p = T::from_f64(e);
            if k != top {
                rest += e;
            }
        }
        let scale = T::from_f64(1.0 / (1.0 + rest));
        for p in kept.iter_mut() {
            *p *= scale;
        }
        rest.ln_1p() + (z_top.to_f64() - z_y.to_f64())
    }

    fn gradient(&self, _z: &[T], y: &u32, _x: &[T], p: &[T], g: &mut [T]) {
        let label = *y as usize;
        // pᵧ − 1 cancels when pᵧ is near 1; minus the other probabilities does not.
        let mut others = 0.0;
        for (k, (g, &p)) in g.iter_mut().zip(p).enumerate() {
            *g = p;
            if k != label {
                others += p.to_f64();
            }
        }
        if let Some(g) = g.get_mut(label) {
            *g = T::from_f64(-others);
        }
    }

    fn curvature(&self, _z: &[T], _y: &u32, _x: &[T], p: &[T], dz: &[T], out: &mut [T]) {
        // p ∘ (dz − mean), the mean weighted by p. Counted from the tangent of the likeliest
        // class, and divided by Σp, which is 1 to rounding only: entries then keep their digits
        // where one p is all but 1 and B is small, and B·1 = 0.
        let top = (0..p.len()).fold(0, |top, k| if p[k] > p[top] { k } else { top });
        let origin = dz.get(top).map_or(f64::NAN, |&dz| dz.to_f64());
        let (mut total, mut moment) = (0.0, 0.0);
        for (&p, &dz) in p.iter().zip(dz) {
            total += p.to_f64();
            moment += p.to_f64() * (dz.to_f64() - origin);
        }
        let mean = moment / total;
        for ((out, &p), &dz) in out.iter_mut().zip(p).zip(dz) {
            *out = p * T::from_f64((dz.to_f64() - origin) - mean);
        }
    }

    fn factor_columns(&self, shape: &[usize]) -> Option<usize> {
        Some(shape.iter().product::<usize>().saturating_sub(1))
    }

    fn factor(&self, _z: &[T], _y: &u32, _x: &[T], p: &[T], column: usize, out: &mut [T]) {
        let top = (0..p.len()).fold(0, |top, k| if p[k] > p[top] { k } else { top });
        // Classes but for the likeliest, in order; that one is the last.
        let j = column + usize::from(column >= top);
        let mut q = p.get(top).map_or(f64::NAN, |&p| p.to_f64());
        for (k, &p) in p.iter().enumerate().skip(j + 1) {
            if k != top {
                q += p.to_f64();
            }
        }
        let own = p.get(j).map_or(f64::NAN, |&p| p.to_f64());
        let before = q + own;
        let below = T::from_f64(-(own / (before * q)).sqrt());
        for (k, (out, &p)) in out.iter_mut().zip(p).enumerate() {
            *out = match k {
                _ if k == j => T::from_f64((own * q / before).sqrt()),
                _ if k > j || k == top => p * below,
                _ => T::zero(),
            };
        }
    }
}
