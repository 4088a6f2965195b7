//! What a fused node reads of a weight, computed once for all examples.

use crate::kernel::winners::Packing;
use crate::kind::{LinearMap, LinearOp};
use crate::op::{At, Needs, Op, Rules, SavedMut, Tile};
use crate::{Scalar, Shape, Slot, View};

/// The weight of a convolution, packed for its winners.
#[derive(Clone, Debug)]
pub(super) struct Pack<P> {
    shape: Shape,
    weight: usize,
    packing: P,
}

impl<P: Packing> Pack<P> {
    pub fn new(packing: &P, weight: &Shape) -> Self {
        Pack {
            shape: Shape::new(&[packing.packed_len()]),
            weight: weight.size(),
            packing: packing.clone(),
        }
    }
}

impl<P: Packing> LinearOp for Pack<P> {
    fn name(&self) -> &'static str {
        "packed weight"
    }

    fn resolve<T: Scalar>(&self, _: &[Shape]) -> Result<Box<dyn LinearMap<T>>, String> {
        Ok(Box::new(self.clone()))
    }
}

impl<T: Scalar, P: Packing> LinearMap<T> for Pack<P> {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn moves_numbers(&self) -> bool {
        true
    }

    // It is the only term and it runs once, so that adding and overwriting are the same.
    fn apply(&self, _: usize, k: usize, x: View<'_, T>, y: &mut [T]) {
        let n = self.shape.size();
        for i in 0..k {
            self.packing.pack(x.example(i), &mut y[i * n..][..n]);
        }
    }

    fn adjoint(&self, _: usize, k: usize, g: &[T], gx: &mut Slot<'_, T>) {
        let n = self.shape.size();
        for i in 0..k {
            self.packing
                .unpack(&g[i * n..][..n], &mut gx.example(i)[..self.weight]);
        }
    }
}

/// A copy that derivatives do not pass: the fused node's own rules account for them.
#[derive(Clone, Debug)]
pub(super) struct Detached(pub Shape);

impl<T: Scalar> Op<T> for Detached {
    fn name(&self) -> &'static str {
        "detached"
    }

    fn resolve(&self, x: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        Ok(Box::new(Detached(x[0].clone())))
    }
}

impl<T: Scalar> Rules<T> for Detached {
    fn shape(&self) -> &Shape {
        &self.0
    }

    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    fn is_constant(&self) -> bool {
        true
    }

    fn forward(
        &self,
        _: Tile<'_>,
        x: &[View<'_, T>],
        _: SavedMut<'_, T>,
        _: &mut [T],
        y: &mut [T],
    ) {
        y.copy_from_slice(x[0].example(0));
    }

    fn jvp(&self, _: &At<'_, T>, _: &[Option<View<'_, T>>], _: &mut [T], _: &mut [T]) {}

    fn vjp(&self, _: &At<'_, T>, _: &[T], _: &mut [T], _: &mut [Option<Slot<'_, T>>]) {}

    fn vjp_jvp(
        &self,
        _: &At<'_, T>,
        _: &[Option<View<'_, T>>],
        _: &[T],
        _: Option<&[T]>,
        _: &mut [T],
        _: &mut [Option<Slot<'_, T>>],
    ) {
    }
}
