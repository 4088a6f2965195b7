//! Ops that are linear in each of two operands: products and convolutions.

use crate::op::{At, Deferred, DeferredSum, Needs, Op, Rules, SavedMut, SquareSum, Tile, Turned};
use crate::{Scalar, Shape, Slot, View};
use std::fmt::Debug;

/// A bilinear op before it has met its operands' shapes.
pub trait BilinearOp: Debug + Send + Sync + 'static {
    /// The name that messages show.
    fn name(&self) -> &'static str;

    /// Meets the shapes of both operands.
    ///
    /// # Errors
    /// What is wrong with them and what to do about it.
    fn resolve<T: Scalar>(&self, a: &Shape, b: &Shape) -> Result<Box<dyn BilinearMap<T>>, String>;
}

/// y = B(a, b), linear in a and in b, for operands of known shapes. Every rule adds.
pub trait BilinearMap<T: Scalar>: Debug + Send + Sync {
    /// The shape of y.
    fn shape(&self) -> &Shape;

    /// Multiply-adds per example.
    fn work(&self) -> usize;

    /// Numbers of workspace for a tile of `k` examples.
    fn scratch(&self, _k: usize) -> usize {
        0
    }

    /// y += B(a, b).
    fn apply(&self, k: usize, a: View<'_, T>, b: View<'_, T>, scratch: &mut [T], y: &mut [T]);

    /// ga += B(·, b)ᵀ g.
    fn adjoint_a(&self, k: usize, g: &[T], b: View<'_, T>, scratch: &mut [T], ga: &mut Slot<'_, T>);

    /// gb += B(a, ·)ᵀ g.
    fn adjoint_b(&self, k: usize, a: View<'_, T>, g: &[T], scratch: &mut [T], gb: &mut Slot<'_, T>);

    /// How the squares of `adjoint_b`, taken for each example, are summed, where there is a better
    /// way than to write each down.
    fn squares(&self) -> Option<&dyn SquareSum<T>> {
        None
    }

    /// `adjoint_b` for many examples and a range of b at a time, where there is a better way than
    /// one tile after the other: the smallest unit of a range, and the sum.
    fn deferred(&self) -> Option<(usize, &dyn DeferredSum<T>)> {
        None
    }

    /// `adjoint_a` from b turned, where that is faster and b large enough to turn it once for all.
    fn turned(&self) -> Option<&dyn Turned<T>> {
        None
    }
}

/// The kind of bilinear ops.
#[derive(Clone, Debug)]
pub struct Bilinear<B>(pub B);

impl<T: Scalar, B: BilinearOp> Op<T> for Bilinear<B> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn resolve(&self, x: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        let [a, b] = x else {
            return Err(format!("it takes two operands, not {}", x.len()));
        };
        Ok(Box::new(BilinearRules(self.0.resolve(a, b)?)))
    }
}

#[derive(Debug)]
struct BilinearRules<T>(Box<dyn BilinearMap<T>>);

impl<T: Scalar> Rules<T> for BilinearRules<T> {
    fn shape(&self) -> &Shape {
        self.0.shape()
    }

    fn needs(&self) -> Needs {
        Needs::inputs(2)
    }

    fn scratch(&self, k: usize) -> usize {
        self.0.scratch(k)
    }

    fn work(&self) -> usize {
        self.0.work()
    }

    fn forward(
        &self,
        tile: Tile<'_>,
        x: &[View<'_, T>],
        _: SavedMut<'_, T>,
        scratch: &mut [T],
        y: &mut [T],
    ) {
        y.fill(T::zero());
        self.0.apply(tile.len, x[0], x[1], scratch, y);
    }

    // dy = B(da, b) + B(a, db)
    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], scratch: &mut [T], dy: &mut [T]) {
        if let Some(da) = dx[0] {
            self.0.apply(at.tile.len, da, at.input(1), scratch, dy);
        }
        if let Some(db) = dx[1] {
            self.0.apply(at.tile.len, at.input(0), db, scratch, dy);
        }
    }

    fn vjp(&self, at: &At<'_, T>, g: &[T], scratch: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        let k = at.tile.len;
        if let Some(ga) = &mut gx[0] {
            self.0.adjoint_a(k, g, at.input(1), scratch, ga);
        }
        if let Some(gb) = &mut gx[1] {
            self.0.adjoint_b(k, at.input(0), g, scratch, gb);
        }
    }

    fn vjp_columns(
        &self,
        at: &At<'_, T>,
        columns: usize,
        g: &[T],
        scratch: &mut [T],
        gx: &mut [Option<Slot<'_, T>>],
    ) {
        let k = at.tile.len;
        if let [Some(ga), None] = gx
            && at.input(1).is_shared()
        {
            // The adjoint in a reads b alone, so that columns are examples like others.
            return self.0.adjoint_a(columns * k, g, at.input(1), scratch, ga);
        }
        for (c, g) in g.chunks_exact(g.len() / columns.max(1)).enumerate() {
            let [ga, gb] = gx else { return };
            let mut gx = [ga, gb].map(|slot| slot.as_mut().map(|slot| slot.part(c * k, k)));
            self.vjp(at, g, scratch, &mut gx);
        }
    }

    fn squares(&self, j: usize) -> Option<&dyn SquareSum<T>> {
        if j == 1 { self.0.squares() } else { None }
    }

    // ha = B(·, b)ᵀ dg + B(·, db)ᵀ g, and hb likewise
    fn vjp_jvp(
        &self,
        at: &At<'_, T>,
        dx: &[Option<View<'_, T>>],
        g: &[T],
        dg: Option<&[T]>,
        scratch: &mut [T],
        hx: &mut [Option<Slot<'_, T>>],
    ) {
        let k = at.tile.len;
        if let Some(ha) = &mut hx[0] {
            if let Some(dg) = dg {
                self.0.adjoint_a(k, dg, at.input(1), scratch, ha);
            }
            if let Some(db) = dx[1] {
                self.0.adjoint_a(k, g, db, scratch, ha);
            }
        }
        if let Some(hb) = &mut hx[1] {
            if let Some(dg) = dg {
                self.0.adjoint_b(k, at.input(0), dg, scratch, hb);
            }
            if let Some(da) = dx[0] {
                self.0.adjoint_b(k, da, g, scratch, hb);
            }
        }
    }

    fn deferred(&self) -> Option<Deferred<'_, T>> {
        let (row, sum) = self.0.deferred()?;
        Some(Deferred {
            a: 0,
            b: 1,
            row,
            sum,
        })
    }

    fn turned(&self) -> Option<&dyn Turned<T>> {
        self.0.turned()
    }
}
