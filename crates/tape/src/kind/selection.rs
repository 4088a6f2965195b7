//! Ops whose every output is one of the inputs: max-pooling, and maxima of one's own.

use crate::op::{At, Needs, Op, Rules, Saved, SavedMut, Tile};
use crate::{Scalar, Shape, Slot, View};
use std::fmt::Debug;

/// The winner of an output that takes no input: its value and derivatives are 0.
pub const NONE: u32 = u32::MAX;

/// A selecting op before it has met its operand's shape.
pub trait SelectionOp: Debug + Send + Sync + 'static {
    /// The name that messages show.
    fn name(&self) -> &'static str;

    /// Meets the operand's shape.
    ///
    /// # Errors
    /// What is wrong with it and what to do about it.
    fn resolve<T: Scalar>(&self, x: &Shape) -> Result<Box<dyn Select<T>>, String>;
}

/// Which input each output takes, for an operand of known shape.
pub trait Select<T: Scalar>: Debug + Send + Sync {
    /// The shape of the output.
    fn shape(&self) -> &Shape;

    /// Writes, for one example, the index of the input that each output takes, or [`NONE`].
    ///
    /// Among equals the first in row-major order wins; NaN wins over every number, so that it is
    /// never lost.
    fn choose(&self, x: &[T], winner: &mut [u32]);
}

/// The kind of selecting ops: the winners are kept, so that J and Jᵀ always agree on them.
#[derive(Clone, Debug)]
pub struct Selection<S>(pub S);

impl<T: Scalar, S: SelectionOp> Op<T> for Selection<S> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn resolve(&self, x: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        let [x] = x else {
            return Err(format!("it takes one operand, not {}", x.len()));
        };
        if x.size() >= NONE as usize {
            return Err(format!(
                "its operand has {} numbers, more than an index holds",
                x.size()
            ));
        }
        Ok(Box::new(SelectionRules(self.0.resolve(x)?)))
    }
}

#[derive(Debug)]
struct SelectionRules<T>(Box<dyn Select<T>>);

impl<T: Scalar> SelectionRules<T> {
    fn scatter(&self, at: &At<'_, T>, g: &[T], gx: &mut [Option<Slot<'_, T>>]) {
        let Some(gx) = &mut gx[0] else { return };
        let n = self.shape().size();
        for i in 0..at.tile.len {
            let gx = gx.example(i);
            for (&g, &w) in g[i * n..][..n].iter().zip(&at.saved.indices[i * n..][..n]) {
                if w != NONE {
                    gx[w as usize] += g;
                }
            }
        }
    }
}

impl<T: Scalar> Rules<T> for SelectionRules<T> {
    fn shape(&self) -> &Shape {
        self.0.shape()
    }

    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    fn saved(&self) -> Saved {
        Saved {
            reals: 0,
            indices: self.shape().size(),
        }
    }

    fn forward(
        &self,
        tile: Tile<'_>,
        x: &[View<'_, T>],
        saved: SavedMut<'_, T>,
        _: &mut [T],
        y: &mut [T],
    ) {
        let n = self.shape().size();
        for i in 0..tile.len {
            let x = x[0].example(i);
            let winners = &mut saved.indices[i * n..][..n];
            self.0.choose(x, winners);
            for (y, &w) in y[i * n..][..n].iter_mut().zip(&*winners) {
                *y = if w == NONE { T::zero() } else { x[w as usize] };
            }
        }
    }

    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], _: &mut [T], dy: &mut [T]) {
        let Some(dx) = dx[0] else { return };
        let n = self.shape().size();
        for i in 0..at.tile.len {
            let dx = dx.example(i);
            for (dy, &w) in dy[i * n..][..n]
                .iter_mut()
                .zip(&at.saved.indices[i * n..][..n])
            {
                if w != NONE {
                    *dy += dx[w as usize];
                }
            }
        }
    }

    fn vjp(&self, at: &At<'_, T>, g: &[T], _: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        self.scatter(at, g, gx);
    }

    fn vjp_jvp(
        &self,
        at: &At<'_, T>,
        _: &[Option<View<'_, T>>],
        _: &[T],
        dg: Option<&[T]>,
        _: &mut [T],
        hx: &mut [Option<Slot<'_, T>>],
    ) {
        if let Some(dg) = dg {
            self.scatter(at, dg, hx);
        }
    }
}
