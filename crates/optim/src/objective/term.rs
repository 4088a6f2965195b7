//! A loss on data, with the types of both erased: all that an objective knows of them.

use super::{scale_by, seen};
use crate::error::{OptimError, Result};
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

/// Σ wᵢ ξ(zⁱ; yⁱ), one example at a time; products with B and its factors, tile by tile.
pub(crate) trait Term<T: Scalar>: Send + Sync {
    fn loss_name(&self) -> &str;
    fn convexity(&self) -> Convexity;
    fn write_input(&self, i: usize, out: &mut [T]);
    fn weight(&self, i: usize) -> f64;
    /// Σ wᵢ·count(yⁱ) of these examples.
    fn total_weight(&self, examples: &[usize]) -> f64;
    /// wᵢ/`total` of these examples.
    fn scales(&self, examples: &[usize], total: f64) -> Vec<T>;
    fn kept(&self) -> usize;
    fn value(&self, at: &Seen<'_, T>, kept: &mut [T]) -> f64;
    fn gradient(&self, at: &Seen<'_, T>, kept: &[T], g: &mut [T]);
    /// B dz for every example of a tile, each times its scale; `kept` are those of the tile's
    /// examples.
    fn curvature(
        &self,
        data: &TileData<'_, T>,
        kept: View<'_, T>,
        scale: &[T],
        dz: &[T],
        out: &mut [T],
    );
    /// A factor of B for every example of a tile, times the root of its scale: column after column,
    /// in each example after example. Returns the number of columns; an example with fewer has
    /// zeros in the last ones.
    fn columns(
        &self,
        data: &TileData<'_, T>,
        kept: View<'_, T>,
        scale: &[T],
        out: &mut [T],
    ) -> Result<usize>;
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
    fn total_weight(&self, examples: &[usize]) -> f64 {
        let count = |i| self.loss.count(self.data.target(i));
        let weights = examples.iter().map(|&i| self.data.weight(i) * count(i));
        weights.sum()
    }
    fn scales(&self, examples: &[usize], total: f64) -> Vec<T> {
        let weights = examples.iter().map(|&i| self.data.weight(i));
        weights.map(|w| T::from_f64(w / total)).collect()
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
    fn columns(
        &self,
        data: &TileData<'_, T>,
        kept: View<'_, T>,
        scale: &[T],
        out: &mut [T],
    ) -> Result<usize> {
        let (m, tile) = (self.shape.size(), data.examples.len() * self.shape.size());
        if let Some(columns) = self.loss.factor_columns(&self.shape) {
            expect_columns(columns, m)?;
            for (i, at) in seen(data).enumerate() {
                let (y, kept, root) = (
                    self.data.target(at.example),
                    kept.example(i),
                    scale[i].sqrt(),
                );
                for c in 0..columns {
                    let out = &mut out[c * tile + i * m..][..m];
                    self.loss.factor(at.z, y, at.x, kept, c, out);
                    scale_by(root, out);
                }
            }
            return Ok(columns);
        }
        let (mut factor, mut most) = (SquareRoot::new(), 0);
        for (i, at) in seen(data).enumerate() {
            let (y, example) = (self.data.target(at.example), at.example);
            let (loss, shape, kept) = (&self.loss, &self.shape, kept.example(i));
            let mut columns = 0;
            // An example without weight has no column, whatever its B.
            if scale[i] != T::zero() {
                factor.compute(loss, example, shape, at.z, y, at.x, kept)?;
                columns = factor.columns();
            }
            // What earlier examples did not reach was not written.
            for c in most..columns {
                out[c * tile..][..i * m].fill(T::zero());
            }
            most = most.max(columns);
            for c in 0..most {
                let out = &mut out[c * tile + i * m..][..m];
                if c < columns {
                    out.copy_from_slice(factor.column(c));
                    scale_by(scale[i].sqrt(), out);
                } else {
                    out.fill(T::zero());
                }
            }
        }
        Ok(most)
    }
}

fn expect_columns(columns: usize, m: usize) -> Result<()> {
    if columns <= m {
        return Ok(());
    }
    let message = "a factor of B needs no more columns than the output has numbers";
    Err(OptimError::invalid("the columns of S", columns, message))
}
