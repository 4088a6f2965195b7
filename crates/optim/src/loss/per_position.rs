//! A loss at every position of a sequence or an image.

use super::{Convexity, Loss, expect_some_output};
use crate::error::{OptimError, Result, expect_length};
use osculant_tape::Scalar;
use std::ops::Range;

/// A loss summed over the positions of an output, each with a target of its own; a position without
/// one (`None`: padding, a pixel without label) does not count.
///
/// # Shapes
///
/// z `[…, m]`, m numbers at each of p positions, in row-major order: `[time, m]` of a sequence,
/// `[height, width, m]` of an image. y has p targets of the inner loss, or `None`. Keeps what the
/// inner loss keeps, p times.
///
/// # Formula
///
/// ```text
/// ξ(z; y) = Σ over positions with a target  inner(zₖ; yₖ)      B = diag(B₁, …, Bₚ)
/// ```
///
/// Bₖ is 0 where there is no target. An example counts as the sum of its targets' counts, so that the
/// objective is the mean over all targets, not over examples. The inner loss sees the input of the
/// whole example. Its target is a label or a struct of yours; a loss on vectors goes through
/// [`OnLabels`](super::OnLabels), or takes the whole output, over whose positions it sums anyway.
///
/// # Errors
///
/// Outputs without an axis for the positions, another number of targets, and what the inner loss
/// refuses, with the position.
///
/// # Example
///
/// Two sequences of three steps, of which the second is shorter:
///
/// ```
/// use osculant_layers::{Layers, Network};
/// use osculant_optim::Objective;
/// use osculant_optim::examples::InMemory;
/// use osculant_optim::loss::{PerPosition, SoftmaxCrossEntropy};
///
/// let net = Network::<f64>::new([3, 5], |x| x.dense(4))?; // the same layer at every step
/// let labels = vec![vec![Some(1), Some(0), Some(3)], vec![Some(2), None, None]];
/// let data = InMemory::new([3, 5], vec![0.1; 2 * 15], labels)?;
/// let objective = Objective::new(&net, PerPosition(SoftmaxCrossEntropy), &data)?;
/// // The mean over four labels: with all weights 0, every class has a probability of 1/4.
/// assert!((objective.value(&vec![0.0; net.len()])? - 4f64.ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerPosition<L>(pub L);

/// What belongs to position `k` of `positions`, in a list of `len` numbers for all of them.
fn part(len: usize, positions: usize, k: usize) -> Range<usize> {
    let each = len / positions.max(1);
    k * each..(k + 1) * each
}

impl<T, L> Loss<T> for PerPosition<L>
where
    T: Scalar,
    L: Loss<T>,
    L::Target: Sized,
{
    type Target = Vec<Option<L::Target>>;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn check_output(&self, shape: &[usize]) -> Result<()> {
        match shape {
            [positions @ .., m] if !positions.is_empty() => {
                expect_some_output(self.0.name(), shape)?;
                let checked = self.0.check_output(&[*m]);
                checked.map_err(|error| match error {
                    OptimError::Output { loss, message, .. } => OptimError::Output {
                        loss,
                        shape: shape.to_vec(),
                        message: format!("at each position, {message}"),
                    },
                    other => other,
                })
            }
            _ => Err(OptimError::Output {
                loss: self.0.name().into(),
                shape: shape.to_vec(),
                message: "per position it wants axes for the positions before the last one; \
                          without positions, take the loss itself"
                    .into(),
            }),
        }
    }

    fn check_target(&self, shape: &[usize], y: &Self::Target) -> Result<()> {
        let [positions @ .., m] = shape else {
            return self.check_output(shape);
        };
        let what = format!("the list of targets of the {} loss", self.0.name());
        let hint = format!("one for each position of an output of shape {shape:?}, or None");
        expect_length(&what, y.len(), positions.iter().product(), &hint)?;
        for (k, y) in y.iter().enumerate() {
            if let Some(y) = y {
                let checked = self.0.check_target(&[*m], y);
                checked.map_err(|error| OptimError::Position {
                    position: k,
                    source: Box::new(error),
                })?;
            }
        }
        Ok(())
    }

    fn check_input(&self, shape: &[usize], x: &[T]) -> Result<()> {
        self.0
            .check_input(&shape[shape.len().saturating_sub(1)..], x)
    }

    fn convexity(&self) -> Convexity {
        self.0.convexity()
    }

    fn count(&self, y: &Self::Target) -> f64 {
        y.iter().flatten().map(|y| self.0.count(y)).sum()
    }

    fn kept(&self, shape: &[usize]) -> usize {
        match shape {
            [positions @ .., m] => positions.iter().product::<usize>() * self.0.kept(&[*m]),
            [] => 0,
        }
    }

    fn value(&self, z: &[T], y: &Self::Target, x: &[T], kept: &mut [T]) -> f64 {
        let (p, all) = (y.len(), kept.len());
        let mut sum = 0.0;
        for (k, y) in y.iter().enumerate() {
            let (z, kept) = (&z[part(z.len(), p, k)], &mut kept[part(all, p, k)]);
            match y {
                Some(y) => sum += self.0.value(z, y, x, kept),
                None => kept.fill(T::zero()),
            }
        }
        sum
    }

    fn gradient(&self, z: &[T], y: &Self::Target, x: &[T], kept: &[T], g: &mut [T]) {
        let (p, m) = (y.len(), g.len());
        for (k, y) in y.iter().enumerate() {
            let (z, kept) = (&z[part(z.len(), p, k)], &kept[part(kept.len(), p, k)]);
            let g = &mut g[part(m, p, k)];
            match y {
                Some(y) => self.0.gradient(z, y, x, kept, g),
                None => g.fill(T::zero()),
            }
        }
    }

    fn curvature(&self, z: &[T], y: &Self::Target, x: &[T], kept: &[T], dz: &[T], out: &mut [T]) {
        let (p, m) = (y.len(), out.len());
        for (k, y) in y.iter().enumerate() {
            let (z, kept) = (&z[part(z.len(), p, k)], &kept[part(kept.len(), p, k)]);
            let (dz, out) = (&dz[part(dz.len(), p, k)], &mut out[part(m, p, k)]);
            match y {
                Some(y) => self.0.curvature(z, y, x, kept, dz, out),
                None => out.fill(T::zero()),
            }
        }
    }

    fn factor_columns(&self, shape: &[usize]) -> Option<usize> {
        match shape {
            [positions @ .., m] => {
                let each = self.0.factor_columns(&[*m])?;
                Some(positions.iter().product::<usize>() * each)
            }
            [] => None,
        }
    }

    // Columns of the first position, then of the second: B has no entry between two.
    fn factor(&self, z: &[T], y: &Self::Target, x: &[T], kept: &[T], column: usize, out: &mut [T]) {
        out.fill(T::zero());
        let (p, all) = (y.len(), out.len());
        let m = part(all, p, 0).len();
        let each = self.0.factor_columns(&[m]).unwrap_or(0).max(1);
        let k = column / each;
        if let Some(Some(y)) = y.get(k) {
            let (z, kept) = (&z[part(z.len(), p, k)], &kept[part(kept.len(), p, k)]);
            let out = &mut out[part(all, p, k)];
            self.0.factor(z, y, x, kept, column % each, out);
        }
    }
}
