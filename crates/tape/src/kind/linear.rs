//! Ops that are linear in all their operands together: sums, means, permutations, bias.

use crate::op::{At, Needs, Op, Rules, SavedMut, Tile};
use crate::{Scalar, Shape, Slot, View};
use std::fmt::Debug;

/// A linear op before it has met its operands' shapes.
pub trait LinearOp: Debug + Send + Sync + 'static {
    /// The name that messages show.
    fn name(&self) -> &'static str;

    /// Meets the operands' shapes.
    ///
    /// # Errors
    /// What is wrong with them and what to do about it.
    fn resolve<T: Scalar>(&self, x: &[Shape]) -> Result<Box<dyn LinearMap<T>>, String>;
}

/// y = Σ Lⱼxⱼ for operands of known shapes. Both rules add.
pub trait LinearMap<T: Scalar>: Debug + Send + Sync {
    /// The shape of y.
    fn shape(&self) -> &Shape;

    /// See [`Rules::is_alias`].
    fn is_alias(&self) -> bool {
        false
    }

    /// See [`Rules::moves_numbers`].
    fn moves_numbers(&self) -> bool {
        false
    }

    /// y += Lⱼ x for `k` examples.
    fn apply(&self, j: usize, k: usize, x: View<'_, T>, y: &mut [T]);

    /// gx += Lⱼᵀ g for `k` examples.
    fn adjoint(&self, j: usize, k: usize, g: &[T], gx: &mut Slot<'_, T>);
}

/// The kind of linear ops.
#[derive(Clone, Debug)]
pub struct Linear<L>(pub L);

impl<T: Scalar, L: LinearOp> Op<T> for Linear<L> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn resolve(&self, x: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        Ok(Box::new(LinearRules(self.0.resolve(x)?)))
    }
}

#[derive(Debug)]
struct LinearRules<T>(Box<dyn LinearMap<T>>);

impl<T: Scalar> LinearRules<T> {
    fn adjoints(&self, k: usize, g: &[T], gx: &mut [Option<Slot<'_, T>>]) {
        for (j, slot) in gx.iter_mut().enumerate() {
            if let Some(slot) = slot {
                self.0.adjoint(j, k, g, slot);
            }
        }
    }
}

impl<T: Scalar> Rules<T> for LinearRules<T> {
    fn shape(&self) -> &Shape {
        self.0.shape()
    }

    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    fn is_alias(&self) -> bool {
        self.0.is_alias()
    }

    fn moves_numbers(&self) -> bool {
        self.0.moves_numbers()
    }

    fn forward(
        &self,
        tile: Tile<'_>,
        x: &[View<'_, T>],
        _: SavedMut<'_, T>,
        _: &mut [T],
        y: &mut [T],
    ) {
        y.fill(T::zero());
        for (j, &x) in x.iter().enumerate() {
            self.0.apply(j, tile.len, x, y);
        }
    }

    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], _: &mut [T], dy: &mut [T]) {
        for (j, dx) in dx.iter().enumerate() {
            if let Some(dx) = *dx {
                self.0.apply(j, at.tile.len, dx, dy);
            }
        }
    }

    fn vjp(&self, at: &At<'_, T>, g: &[T], _: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        self.adjoints(at.tile.len, g, gx);
    }

    // What is linear reads no values, so that columns are examples like others.
    fn vjp_columns(
        &self,
        at: &At<'_, T>,
        columns: usize,
        g: &[T],
        _: &mut [T],
        gx: &mut [Option<Slot<'_, T>>],
    ) {
        self.adjoints(columns * at.tile.len, g, gx);
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
            self.adjoints(at.tile.len, dg, hx);
        }
    }
}
