//! A loss on data, with the types of both erased: all that an objective knows of them.

use super::{scale_by, seen};
use crate::error::Result;
use crate::examples::Examples;
use crate::loss::{Convexity, Loss, SquareRoot};
use osculant_tape::linearize::TileData;
use osculant_tape::{Scalar, Shape, View};

/// One example, as a loss sees it.
pub(crate) struct Seen<'a, T> {
    pub example: usize,
    pub z: &'a [T],
    pub x: &'a [T],
}

/// Σ wᵢ ξ(zⁱ; yⁱ), one example at a time; the products with B, of which there are many, tile by tile.
pub(crate) trait Term<T: Scalar>: Send + Sync {
    fn loss_name(&self) -> &str;
    fn convexity(&self) -> Convexity;
    fn write_input(&self, i: usize, out: &mut [T]);
    fn weight(&self, i: usize) -> f64;
    fn count(&self, i: usize) -> f64;
    fn kept(&self) -> usize;
    fn value(&self, at: &Seen<'_, T>, kept: &mut [T]) -> f64;
    fn gradient(&self, at: &Seen<'_, T>, kept: &[T], g: &mut [T]);
    /// B dz for every example of a tile, each times its scale; `kept` are those of the tile's examples.
    fn curvature(
        &self,
        data: &TileData<'_, T>,
        kept: View<'_, T>,
        scale: &[T],
        dz: &[T],
        out: &mut [T],
    );
    /// A factor of B; the number of its columns is in `root`.
    fn factor(&self, at: &Seen<'_, T>, kept: &[T], root: &mut SquareRoot<T>) -> Result<()>;
}

pub(crate) struct LossOnData<'d, L, D: ?Sized> {
    pub loss: L,
    pub data: &'d D,
    /// The shape of an output.
    pub shape: Shape,
}

impl<T, L, D> Term<T> for LossOnData<'_, L, D>
where
    T: Scalar,
    L: Loss<T>,
    D: Examples<T, Target = L::Target> + ?Sized,
{
    fn loss_name(&self) -> &str {
        self.loss.name()
    }
    fn convexity(&self) -> Convexity {
        self.loss.convexity()
    }
    fn write_input(&self, i: usize, out: &mut [T]) {
        self.data.write_input(i, out);
    }
    fn weight(&self, i: usize) -> f64 {
        self.data.weight(i)
    }
    fn count(&self, i: usize) -> f64 {
        self.loss.count(self.data.target(i))
    }
    fn kept(&self) -> usize {
        self.loss.kept(&self.shape)
    }
    fn value(&self, at: &Seen<'_, T>, kept: &mut [T]) -> f64 {
        self.loss
            .value(at.z, self.data.target(at.example), at.x, kept)
    }
    fn gradient(&self, at: &Seen<'_, T>, kept: &[T], g: &mut [T]) {
        self.loss
            .gradient(at.z, self.data.target(at.example), at.x, kept, g);
    }
    fn curvature(
        &self,
        data: &TileData<'_, T>,
        kept: View<'_, T>,
        scale: &[T],
        dz: &[T],
        out: &mut [T],
    ) {
        let m = self.shape.size();
        for (i, at) in seen(data).enumerate() {
            let (y, kept) = (self.data.target(at.example), kept.example(i));
            let (dz, out) = (&dz[i * m..][..m], &mut out[i * m..][..m]);
            self.loss.curvature(at.z, y, at.x, kept, dz, out);
            scale_by(scale[i], out);
        }
    }
    fn factor(&self, at: &Seen<'_, T>, kept: &[T], root: &mut SquareRoot<T>) -> Result<()> {
        let (y, example) = (self.data.target(at.example), at.example);
        root.compute(&self.loss, example, &self.shape, at.z, y, at.x, kept)
    }
}
