//! The sum over examples: f and its gradient, streamed tile by tile.

use super::{Objective, Seen};
use crate::error::{OptimError, Result, expect_finite};
use crate::vector;
use osculant_tape::linearize::TileData;
use osculant_tape::{GraphError, Scalar};

impl<T: Scalar> Objective<'_, T> {
    /// f over all examples, or these, and its gradient where it is wanted. Neither need be finite.
    pub(crate) fn stream(
        &self,
        theta: &[T],
        examples: Option<&[usize]>,
        mut gradient: Option<&mut [T]>,
    ) -> Result<f64> {
        let (examples, total) = match examples {
            Some(examples) => (examples, self.weight_of(examples)?),
            None => (&self.all[..], self.total_weight),
        };
        let losses = |d: &TileData<'_, T>, u: Option<&mut [T]>| self.losses(d, total, u);
        let out = gradient.as_deref_mut();
        let data = self
            .graph
            .stream(theta, &*self.feed, examples, &losses, out)?;
        if let Some(gradient) = gradient {
            self.regularizer.add(theta, gradient);
        }
        Ok(self.regularizer.value(theta) + data)
    }

    /// Refuses a value or a gradient that is not finite, with the node where it arose.
    pub(super) fn expect_finite(
        &self,
        theta: &[T],
        examples: &[usize],
        value: f64,
        gradient: &[T],
    ) -> Result<()> {
        if value.is_finite() && vector::all_finite(gradient) {
            return Ok(());
        }
        self.graph.audit(theta, &*self.feed, examples)?;
        self.refuse("the objective's value", value)?;
        expect_finite("the gradient", gradient)
    }

    fn refuse(&self, what: &str, value: f64) -> Result<()> {
        if value.is_finite() {
            return Ok(());
        }
        let message = format!(
            "all outputs are finite, so the {} loss overflows; check the targets, or start from \
             smaller parameters",
            self.term.loss_name()
        );
        Err(OptimError::invalid(what, value, &message))
    }

    /// The weighted losses of a tile, and their gradients, scaled by 1/W, W = `total`.
    fn losses(
        &self,
        data: &TileData<'_, T>,
        total: f64,
        mut u: Option<&mut [T]>,
    ) -> Result<f64, GraphError> {
        let mut kept = smallvec::SmallVec::<[T; 64]>::from_elem(T::zero(), self.term.kept());
        let mut sum = 0.0;
        for (k, at) in seen(data).enumerate() {
            let scale = self.term.weight(at.example) / total;
            let m = at.z.len();
            if scale == 0.0 {
                // Nothing at all, even where the loss is infinite.
                if let Some(u) = &mut u {
                    u[k * m..][..m].fill(T::zero());
                }
                continue;
            }
            sum += scale * self.term.value(&at, &mut kept);
            if let Some(u) = &mut u {
                let u = &mut u[k * m..][..m];
                self.term.gradient(&at, &kept, u);
                scale_by(T::from_f64(scale), u);
            }
        }
        Ok(sum)
    }

    /// W of these examples.
    pub(super) fn weight_of(&self, examples: &[usize]) -> Result<f64> {
        if examples.is_empty() {
            let message = "a mean needs at least one example";
            return Err(OptimError::invalid(
                "the number of examples in the subset",
                0,
                message,
            ));
        }
        if let Some(&i) = examples.iter().find(|&&i| i >= self.len()) {
            let message = format!("there are {} examples, numbered from 0", self.len());
            return Err(OptimError::invalid("an example of the subset", i, &message));
        }
        let weight = self.term.total_weight(examples);
        check_weight(weight)?;
        Ok(weight)
    }
}

/// Refuses a sum W of weights by which nothing can be divided.
pub(super) fn check_weight(total: f64) -> Result<()> {
    if total.is_finite() && total > 0.0 {
        return Ok(());
    }
    Err(OptimError::invalid(
        "the sum W of weights",
        total,
        "it must be finite and above 0",
    ))
}

/// The examples of a tile, one after the other.
pub(crate) fn seen<'a, T>(data: &'a TileData<'a, T>) -> impl Iterator<Item = Seen<'a, T>> {
    let k = data.examples.len();
    let (m, n) = (data.outputs.len() / k.max(1), data.inputs.len() / k.max(1));
    data.examples
        .iter()
        .enumerate()
        .map(move |(i, &example)| Seen {
            example,
            z: &data.outputs[i * m..][..m],
            x: &data.inputs[i * n..][..n],
        })
}

/// u ← scale·u; by 0 it is 0, even where u is infinite or NaN: what has no weight counts nothing.
pub(crate) fn scale_by<T: Scalar>(scale: T, u: &mut [T]) {
    if scale == T::zero() {
        return u.fill(T::zero());
    }
    u.iter_mut().for_each(|u| *u *= scale);
}
