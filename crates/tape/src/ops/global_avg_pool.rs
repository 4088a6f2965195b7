//! The mean over all positions, channel by channel.

use crate::kernel::reduce::add_scaled;
use crate::kind::{Linear, LinearMap, LinearOp};
use crate::{Scalar, Shape, Slot, Var, View};

/// The mean over all positions, channel by channel.
///
/// # Shapes
/// `[h, w, c]` gives `[c]`; so does any shape of two or more axes that ends with `c`, such as a
/// sequence `[t, c]`.
///
/// # Formula
/// y_c = 1/(h w) Σ_{i,j} x_{ijc}
///
/// # Reference
/// Lin, Chen and Yan, *Network in network*, ICLR 2014, section 3.2.
///
/// # Errors
/// Fewer than two axes.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let image = tape.input([7, 7, 64]);
/// assert_eq!(*image.global_avg_pool().shape(), [64]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct GlobalAvgPool;

impl LinearOp for GlobalAvgPool {
    fn name(&self) -> &'static str {
        "global_avg_pool"
    }

    fn resolve<T: Scalar>(&self, x: &[Shape]) -> Result<Box<dyn LinearMap<T>>, String> {
        let [x] = x else {
            return Err(format!("it takes one operand, not {}", x.len()));
        };
        match &**x {
            [positions @ .., c] if !positions.is_empty() => Ok(Box::new(MeanRow {
                shape: Shape::from([*c]),
                weight: T::from_f64(1.0 / Shape::new(positions).size() as f64),
            })),
            _ => Err(format!(
                "it takes an image [height, width, channels], not {x}"
            )),
        }
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The mean over all positions, channel by channel; see [`GlobalAvgPool`].
    #[track_caller]
    pub fn global_avg_pool(self) -> Var<'t, T> {
        self.apply(Linear(GlobalAvgPool))
    }
}

/// The mean of the rows of a matrix of c columns.
#[derive(Debug)]
struct MeanRow<T> {
    shape: Shape,
    weight: T,
}

impl<T: Scalar> LinearMap<T> for MeanRow<T> {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn apply(&self, _: usize, k: usize, x: View<'_, T>, y: &mut [T]) {
        let c = self.shape.size();
        for i in 0..k {
            let y = &mut y[i * c..][..c];
            for row in x.example(i).chunks(c.max(1)) {
                add_scaled(self.weight, row, y);
            }
        }
    }

    fn adjoint(&self, _: usize, k: usize, g: &[T], gx: &mut Slot<'_, T>) {
        let c = self.shape.size();
        for i in 0..k {
            let g = &g[i * c..][..c];
            for row in gx.example(i).chunks_mut(c.max(1)) {
                add_scaled(self.weight, g, row);
            }
        }
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for GlobalAvgPool {
    fn cases() -> crate::check::Drawn<Self> {
        use proptest::prelude::*;
        crate::check::draw::image()
            .prop_map(|x| (GlobalAvgPool, vec![x]))
            .boxed()
    }
}
