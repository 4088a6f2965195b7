//! Ops that work number by number: activations, quotients, powers.

use crate::op::{At, Needs, Op, Rules, SavedMut, Tile};
use crate::{Scalar, Shape, Slot, View};
use std::fmt::Debug;
use std::ops::Range;

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
    const fn inputs(self) -> bool {
        matches!(self, Reads::Inputs | Reads::Both)
    }

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

    /// Refuses options without meaning.
    ///
    /// # Errors
    /// Which option, and what it may be.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// y = f(x).
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
        self.0.check()?;
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

/// The part of an operand that the run from output `start` on reads: one number for each output,
/// or a single one.
#[inline(always)]
fn part<T>(x: &[T], start: usize, run: usize) -> &[T] {
    match x.len() {
        0 | 1 => x,
        n => &x[start % n..][..run],
    }
}

/// Number e of a part.
#[inline(always)]
fn pick<T: Copy, const N: usize>(part: &[T], e: usize) -> T {
    // With one operand there is nothing to stretch, and the loop has no branch.
    part[if N > 1 && part.len() == 1 { 0 } else { e }]
}

/// What the derivatives read along a run.
#[derive(Clone, Copy)]
struct Run<'a, T, const N: usize> {
    x: [&'a [T]; N],
    y: &'a [T],
}

impl<'a, T: Scalar, const N: usize> Run<'a, T, N> {
    /// Number e of each operand and of the output; NaN for what `F` does not read.
    #[inline(always)]
    fn at<F: PointwiseFn<N>>(&self, e: usize) -> ([T; N], T) {
        let x = match F::READS.inputs() {
            true => std::array::from_fn(|j| pick::<T, N>(self.x[j], e)),
            false => [T::nan(); N],
        };
        let y = match F::READS.output() {
            true => self.y[e],
            false => T::nan(),
        };
        (x, y)
    }
}

impl<F: PointwiseFn<N>, const N: usize> PointwiseRules<F, N> {
    /// Calls `visit(outputs, run)` for every run of every example, where `outputs` says which
    /// example, where in it, and where in the tile.
    #[inline(always)]
    fn each<T: Scalar>(&self, at: &At<'_, T>, mut visit: impl FnMut(Place, Run<'_, T, N>)) {
        let (n, run) = (self.fit.shape.size(), self.fit.run());
        for example in 0..at.tile.len {
            for start in (0..n).step_by(run) {
                let outputs = example * n + start..example * n + start + run;
                let reads = Run {
                    x: std::array::from_fn(|j| match F::READS.inputs() {
                        true => part(at.input(j).example(example), start, run),
                        false => &[],
                    }),
                    y: match F::READS.output() {
                        true => &at.output()[outputs.clone()],
                        false => &[],
                    },
                };
                let place = Place {
                    example,
                    start,
                    run,
                    outputs,
                };
                visit(place, reads);
            }
        }
    }
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

/// Where a run lies: from `start` in its example, `outputs` in the tile.
struct Place {
    example: usize,
    start: usize,
    run: usize,
    outputs: Range<usize>,
}

impl Place {
    /// The part of the tangents that this run reads.
    #[inline(always)]
    fn tangents<'a, T: Scalar, const N: usize>(
        &self,
        dx: &[Option<View<'a, T>>],
    ) -> [Option<&'a [T]>; N] {
        std::array::from_fn(|j| {
            dx[j].map(|dx| part(dx.example(self.example), self.start, self.run))
        })
    }

    /// Adds `value(e)` to number e of the operand's cotangent, for the outputs e of this run.
    #[inline(always)]
    fn add<T: Scalar, const N: usize>(&self, slot: &mut Slot<'_, T>, value: impl Fn(usize) -> T) {
        let gx = slot.example(self.example);
        match (gx.len(), gx) {
            // A single number that all outputs read.
            (1, [gx]) if N > 1 => {
                let sum: f64 = (0..self.run).map(|e| value(e).to_f64()).sum();
                *gx += T::from_f64(sum);
            }
            (n, gx) => {
                let gx = &mut gx[self.start % n.max(1)..][..self.run];
                for (e, gx) in gx.iter_mut().enumerate() {
                    *gx += value(e);
                }
            }
        }
    }
}

impl<T: Scalar, F: PointwiseFn<N>, const N: usize> Rules<T> for PointwiseRules<F, N> {
    fn shape(&self) -> &Shape {
        &self.fit.shape
    }

    fn needs(&self) -> Needs {
        Needs {
            inputs: match F::READS.inputs() {
                true => Needs::inputs(N as u32).inputs,
                false => 0,
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
        let (n, run) = (self.fit.shape.size(), self.fit.run());
        for i in 0..tile.len {
            for start in (0..n).step_by(run) {
                let x: [&[T]; N] = std::array::from_fn(|j| part(x[j].example(i), start, run));
                let y = &mut y[i * n + start..][..run];
                for (e, y) in y.iter_mut().enumerate() {
                    *y = self.f.f(std::array::from_fn(|j| pick::<T, N>(x[j], e)));
                }
            }
        }
    }

    // dy = Σ ∂f/∂xⱼ dxⱼ
    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], _: &mut [T], dy: &mut [T]) {
        self.each(at, |place, reads| {
            let dx = place.tangents::<T, N>(dx);
            let dy = &mut dy[place.outputs];
            each_of::<N>(
                #[inline(always)]
                |j| {
                    let Some(dx) = dx[j] else { return };
                    for (e, dy) in dy.iter_mut().enumerate() {
                        let (x, y) = reads.at::<F>(e);
                        *dy += self.f.df(x, y)[j] * pick::<T, N>(dx, e);
                    }
                },
            );
        });
    }

    // gⱼ = ∂f/∂xⱼ g
    fn vjp(&self, at: &At<'_, T>, g: &[T], _: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        self.each(at, |place, reads| {
            let g = &g[place.outputs.clone()];
            each_of::<N>(
                #[inline(always)]
                |j| {
                    let Some(gx) = &mut gx[j] else { return };
                    place.add::<T, N>(gx, |e| {
                        let (x, y) = reads.at::<F>(e);
                        self.f.df(x, y)[j] * g[e]
                    });
                },
            );
        });
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
        self.each(at, |place, reads| {
            let dx = place.tangents::<T, N>(dx);
            let g = &g[place.outputs.clone()];
            each_of::<N>(
                #[inline(always)]
                |j| {
                    let Some(hx) = &mut hx[j] else { return };
                    each_of::<N>(
                        #[inline(always)]
                        |i| {
                            let Some(dx) = dx[i] else { return };
                            place.add::<T, N>(hx, |e| {
                                let (x, y) = reads.at::<F>(e);
                                self.f.d2f(x, y)[j][i] * pick::<T, N>(dx, e) * g[e]
                            });
                        },
                    );
                },
            );
        });
    }
}
