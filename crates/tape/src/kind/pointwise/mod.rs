//! Ops that work elementwise: activations, quotients, powers.

mod walk;

use self::walk::{Walk, gaps, slot_gaps};
use crate::kernel::zip::{self, Part, array, zip_into};
use crate::op::{At, Needs, Op, Rules, SavedMut, Tile};
use crate::{Scalar, Shape, Slot, View};
use std::fmt::Debug;

/// What the derivatives of a pointwise function are computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Neither: the derivatives are constant.
    Nothing,
    /// The inputs.
    Inputs,
    /// The output, as for tanh: y' = 1 − y².
    Output,
    /// Both.
    Both,
}

impl Reads {
    #[inline(always)]
    const fn inputs(self) -> bool {
        matches!(self, Reads::Inputs | Reads::Both)
    }

    #[inline(always)]
    const fn output(self) -> bool {
        matches!(self, Reads::Output | Reads::Both)
    }
}

/// A function of N scalars, with its first and second derivatives.
///
/// At a kink the derivative is a useful one-sided value, never NaN, and its documentation says
/// which.
pub trait PointwiseFn<const N: usize>: Debug + Send + Sync + 'static {
    /// What [`df`](Self::df) and [`d2f`](Self::d2f) read. What is not declared arrives as NaN.
    const READS: Reads;

    /// Whether the second derivatives are 0 wherever they exist; then [`d2f`](Self::d2f) is not
    /// called.
    const PIECEWISE_LINEAR: bool = false;

    /// The name that messages show.
    fn name(&self) -> &'static str;

    /// Refuses options without meaning, or that no number of type `T` is near.
    ///
    /// # Errors
    /// Which option, and what it may be.
    fn check<T: Scalar>(&self) -> Result<(), String> {
        Ok(())
    }

    /// y = f(x).
    ///
    /// Mark the three functions `#[inline(always)]`: then the loops that call them can become
    /// vectors. [`kernel::elementary`](crate::kernel::elementary) has functions fit for that.
    fn f<T: Scalar>(&self, x: [T; N]) -> T;

    /// ∂f/∂xⱼ at x, where y = f(x).
    fn df<T: Scalar>(&self, x: [T; N], y: T) -> [T; N];

    /// ∂²f/∂xᵢ∂xⱼ at x, where y = f(x).
    fn d2f<T: Scalar>(&self, x: [T; N], y: T) -> [[T; N]; N];
}

/// How the operands of a pointwise op fit together: all have the output's shape, or its last axes.
///
/// So `[h, w, c] + [c]` and `x · scalar` work, and nothing else is stretched: an `[n, 1]` next to
/// an `[n]` is an error, not an `[n, n]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// The output's shape.
    pub shape: Shape,
    /// How many numbers each operand has; output number e takes operand number e mod that.
    pub sizes: Vec<usize>,
}

impl Broadcast {
    /// The longest of the shapes, provided that every other is a tail of it.
    ///
    /// # Errors
    /// Which shape does not fit.
    pub fn of(x: &[Shape]) -> Result<Broadcast, String> {
        let shape = x
            .iter()
            .max_by_key(|s| (s.len(), s.size()))
            .cloned()
            .unwrap_or_default();
        for s in x {
            if !shape.ends_with(s) {
                return Err(format!(
                    "{s} is neither {shape} nor the last axes of it; reshape one operand so that \
                     the axes they share come last"
                ));
            }
        }
        Ok(Broadcast {
            shape,
            sizes: x.iter().map(Shape::size).collect(),
        })
    }

    /// The length of a run: a block of outputs along which every operand either advances with
    /// them or is a single number.
    pub fn run(&self) -> usize {
        let several = self.sizes.iter().copied().filter(|&size| size > 1);
        several.min().unwrap_or(1)
    }
}

/// The kind of pointwise ops in N operands.
#[derive(Clone, Debug)]
pub struct Pointwise<F, const N: usize>(pub F);

impl<T: Scalar, F: PointwiseFn<N> + Clone, const N: usize> Op<T> for Pointwise<F, N> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn resolve(&self, x: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        if x.len() != N {
            return Err(format!("it takes {N} operands, not {}", x.len()));
        }
        if N > 32 {
            return Err(format!("it has {N} operands, and an op has at most 32"));
        }
        self.0.check::<T>()?;
        Ok(Box::new(PointwiseRules::<F, N> {
            f: self.0.clone(),
            fit: Broadcast::of(x)?,
        }))
    }
}

#[derive(Debug)]
struct PointwiseRules<F, const N: usize> {
    f: F,
    fit: Broadcast,
}

/// Calls `f(0)`, …, `f(N − 1)`, written out so that each inlines with its number known: then a
/// loop over one derivative does not compute the others.
#[inline(always)]
fn each_of<const N: usize>(mut f: impl FnMut(usize)) {
    if N > 0 {
        f(0);
    }
    if N > 1 {
        f(1);
    }
    for j in 2..N {
        f(j);
    }
}

/// The derivatives, with NaN in the place of what they may not read.
impl<F: PointwiseFn<N>, const N: usize> PointwiseRules<F, N> {
    #[inline(always)]
    fn df<T: Scalar>(f: &F, x: [T; N], y: T) -> [T; N] {
        let (x, y) = Self::read(x, y);
        f.df(x, y)
    }

    #[inline(always)]
    fn d2f<T: Scalar>(f: &F, x: [T; N], y: T) -> [[T; N]; N] {
        let (x, y) = Self::read(x, y);
        f.d2f(x, y)
    }

    #[inline(always)]
    fn read<T: Scalar>(x: [T; N], y: T) -> ([T; N], T) {
        (
            if F::READS.inputs() { x } else { [T::nan(); N] },
            if F::READS.output() { y } else { T::nan() },
        )
    }
}

// Every rule is one loop over numbers, compiled for the vectors of the machine; whatever `F` does
// in it becomes a part of the loop.
impl<T: Scalar, F: PointwiseFn<N> + Clone, const N: usize> Rules<T> for PointwiseRules<F, N> {
    fn shape(&self) -> &Shape {
        &self.fit.shape
    }

    fn needs(&self) -> Needs {
        Needs {
            inputs: if F::READS.inputs() {
                Needs::inputs(N as u32).inputs
            } else {
                0
            },
            output: F::READS.output(),
        }
    }

    fn forward(
        &self,
        tile: Tile<'_>,
        x: &[View<'_, T>],
        _: SavedMut<'_, T>,
        _: &mut [T],
        y: &mut [T],
    ) {
        let (k, f) = (tile.len, self.f.clone());
        let gaps = x.iter().any(|x| x.contiguous(k).is_none());
        Walk::new(&self.fit, k, gaps).each(
            #[inline(always)]
            |place| {
                let a: [Part<'_, T>; N] = array(
                    #[inline(always)]
                    |j| place.part::<T, N>(x[j]),
                );
                zip_into(
                    place.outputs_mut(y),
                    zip::Reads { a, b: [a[0]; 3] },
                    #[inline(always)]
                    |y, x, _, _, _| *y = f.f(x),
                );
            },
        );
    }

    // dy = Σ ∂f/∂xⱼ dxⱼ
    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], _: &mut [T], dy: &mut [T]) {
        let (k, f) = (at.tile.len, self.f.clone());
        let gaps = gaps(k, at.x) || gaps(k, dx);
        Walk::new(&self.fit, k, gaps).each(
            #[inline(always)]
            |place| {
                let dy = place.outputs_mut(dy);
                each_of::<N>(
                    #[inline(always)]
                    |j| {
                        let Some(dx) = dx[j] else { return };
                        let dx = place.part::<T, N>(dx);
                        let (a, y) = place.reads::<T, F, N>(at, dx);
                        zip_into(
                            dy,
                            zip::Reads { a, b: [y, dx, dx] },
                            #[inline(always)]
                            |dy, x, y, dx, _| *dy += Self::df(&f, x, y)[j] * dx,
                        );
                    },
                );
            },
        );
    }

    // gⱼ = ∂f/∂xⱼ g
    fn vjp(&self, at: &At<'_, T>, g: &[T], _: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        let (k, f) = (at.tile.len, self.f.clone());
        let gaps = gaps(k, at.x) || slot_gaps(k, gx);
        Walk::new(&self.fit, k, gaps).each(
            #[inline(always)]
            |place| {
                let g = Part::Each(place.outputs(g));
                let (a, y) = place.reads::<T, F, N>(at, g);
                each_of::<N>(
                    #[inline(always)]
                    |j| {
                        let Some(gx) = &mut gx[j] else { return };
                        place.add(
                            gx,
                            zip::Reads { a, b: [y, g, g] },
                            #[inline(always)]
                            |x, y, g, _| Self::df(&f, x, y)[j] * g,
                        );
                    },
                );
            },
        );
    }

    // hⱼ = ∂f/∂xⱼ dg + Σᵢ ∂²f/∂xⱼ∂xᵢ dxᵢ g
    fn vjp_jvp(
        &self,
        at: &At<'_, T>,
        dx: &[Option<View<'_, T>>],
        g: &[T],
        dg: Option<&[T]>,
        scratch: &mut [T],
        hx: &mut [Option<Slot<'_, T>>],
    ) {
        if let Some(dg) = dg {
            self.vjp(at, dg, scratch, hx);
        }
        if F::PIECEWISE_LINEAR {
            return;
        }
        let (k, f) = (at.tile.len, self.f.clone());
        let gaps = gaps(k, at.x) || gaps(k, dx) || slot_gaps(k, hx);
        Walk::new(&self.fit, k, gaps).each(
            #[inline(always)]
            |place| {
                let g = Part::Each(place.outputs(g));
                let (a, y) = place.reads::<T, F, N>(at, g);
                each_of::<N>(
                    #[inline(always)]
                    |j| {
                        let Some(hx) = &mut hx[j] else { return };
                        each_of::<N>(
                            #[inline(always)]
                            |i| {
                                let Some(dx) = dx[i] else { return };
                                let dx = place.part::<T, N>(dx);
                                place.add(
                                    hx,
                                    zip::Reads { a, b: [y, dx, g] },
                                    #[inline(always)]
                                    |x, y, dx, g| Self::d2f(&f, x, y)[j][i] * dx * g,
                                );
                            },
                        );
                    },
                );
            },
        );
    }
}
