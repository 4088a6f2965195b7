//! The axes in another order: transposes.

use crate::kernel::add_transpose;
use crate::kernel::gemm::{Mat, MatMut};
use crate::kind::{Linear, LinearMap, LinearOp};
use crate::{Scalar, Shape, Slot, Var, View};
use smallvec::SmallVec;

/// The same numbers with their axes in another order.
///
/// # Shapes
/// x of n axes; axis i of the output is axis `axes[i]` of x.
///
/// # Formula
/// y[j₀, …, jₙ₋₁] = x[i₀, …, iₙ₋₁] with i at `axes[k]` being jₖ
///
/// # Errors
/// Axes that are not the numbers from 0 to n − 1, each once.
///
/// # Example
/// ```
/// use osculant_tape::{Init, Tape, ops::dense};
/// let tape = Tape::<f32>::new();
/// let channels_first = tape.input([3, 32, 30]);
/// assert_eq!(*channels_first.permute([1, 2, 0]).shape(), [32, 30, 3]);
///
/// // A decoder with the encoder's weight.
/// let weight = tape.param("weight", [784, 20], Init::Zeros);
/// let code = dense(tape.input([784]), weight).tanh();
/// assert_eq!(*dense(code, weight.transpose()).shape(), [784]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permute {
    /// For each axis of the output, the axis of the operand that it is.
    pub axes: SmallVec<[usize; 4]>,
}

impl LinearOp for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn resolve<T: Scalar>(&self, x: &[Shape]) -> Result<Box<dyn LinearMap<T>>, String> {
        let [x] = x else {
            return Err(format!("it takes one operand, not {}", x.len()));
        };
        let mut seen: SmallVec<[usize; 4]> = self.axes.clone();
        seen.sort_unstable();
        if !seen.iter().copied().eq(0..x.len()) {
            return Err(format!(
                "the axes {:?} are no order of the {} axes of {x}; give each number from 0 up once",
                &self.axes[..],
                x.len()
            ));
        }
        if x.checked_size().is_none() {
            return Err(format!("{x} holds more numbers than can be counted"));
        }
        Ok(Box::new(Permuted::new(x, &self.axes)))
    }
}

/// Numbers of x, in the order of the output.
#[derive(Debug)]
struct Permuted {
    shape: Shape,
    /// The length of each axis of the output, and how far apart its neighbours are in x. Axes that
    /// stay next to each other are one.
    axes: SmallVec<[(usize, usize); 4]>,
}

impl Permuted {
    fn new(x: &Shape, order: &[usize]) -> Self {
        let mut strides: SmallVec<[usize; 4]> = SmallVec::from_elem(1, x.len());
        for i in (1..x.len()).rev() {
            strides[i - 1] = strides[i] * x[i];
        }
        let shape: SmallVec<[usize; 4]> = order.iter().map(|&axis| x[axis]).collect();
        let mut axes: SmallVec<[(usize, usize); 4]> = SmallVec::new();
        for &axis in order.iter().filter(|&&axis| x[axis] != 1) {
            let (len, stride) = (x[axis], strides[axis]);
            match axes.last_mut() {
                Some(last) if last.1 == len * stride => *last = (last.0 * len, stride),
                _ => axes.push((len, stride)),
            }
        }
        Permuted {
            shape: Shape::new(&shape),
            axes,
        }
    }

    /// The two lengths of x as a matrix, where y is its transpose.
    fn transposed(&self) -> Option<[usize; 2]> {
        match self.axes[..] {
            [(cols, 1), (rows, stride)] if stride == cols => Some([rows, cols]),
            _ => None,
        }
    }

    /// Calls `visit` with the place of each number of the output in x, in the output's order.
    fn each(&self, mut visit: impl FnMut(usize, usize)) {
        let mut at: SmallVec<[usize; 4]> = SmallVec::from_elem(0, self.axes.len());
        let mut from = 0;
        for to in 0..self.shape.size() {
            visit(to, from);
            for (index, &(len, stride)) in at.iter_mut().zip(&self.axes).rev() {
                *index += 1;
                from += stride;
                if *index < len {
                    break;
                }
                from -= len * stride;
                *index = 0;
            }
        }
    }
}

impl<T: Scalar> LinearMap<T> for Permuted {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn moves_numbers(&self) -> bool {
        true
    }

    fn apply(&self, _: usize, k: usize, x: View<'_, T>, y: &mut [T]) {
        for (i, y) in y.chunks_exact_mut(self.shape.size()).take(k).enumerate() {
            let x = x.example(i);
            match self.transposed() {
                Some([m, n]) => add_transpose(Mat::new(x, m, n), MatMut::new(y, n, m)),
                None => self.each(|to, from| y[to] += x[from]),
            }
        }
    }

    fn adjoint(&self, _: usize, k: usize, g: &[T], gx: &mut Slot<'_, T>) {
        for (i, g) in g.chunks_exact(self.shape.size()).take(k).enumerate() {
            let gx = gx.example(i);
            match self.transposed() {
                Some([m, n]) => add_transpose(Mat::new(g, n, m), MatMut::new(gx, m, n)),
                None => self.each(|to, from| gx[from] += g[to]),
            }
        }
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The axes in another order; see [`Permute`].
    #[track_caller]
    pub fn permute(self, axes: impl IntoIterator<Item = usize>) -> Var<'t, T> {
        let axes = axes.into_iter().collect();
        self.apply(Linear(Permute { axes }))
    }

    /// The transpose of a matrix, or all axes in reverse order; see [`Permute`].
    #[track_caller]
    pub fn transpose(self) -> Var<'t, T> {
        self.permute((0..self.shape().len()).rev())
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Permute {
    fn cases() -> crate::check::Drawn<Self> {
        use proptest::prelude::*;
        proptest::collection::vec(1usize..=4, 0..=4)
            .prop_flat_map(|shape| {
                let axes: Vec<usize> = (0..shape.len()).collect();
                (Just(shape), Just(axes).prop_shuffle())
            })
            .prop_map(|(shape, axes)| {
                let axes = axes.into_iter().collect();
                (Permute { axes }, vec![Shape::new(&shape)])
            })
            .boxed()
    }
}
