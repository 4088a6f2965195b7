//! Ops that work number by number: activations, quotients, powers.

use crate::kernel::reduce::sum_of;
use crate::kernel::vectorized;
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

/// The part of an operand along a run: one number for each output, or a single one.
#[derive(Clone, Copy)]
struct Part<'a, T> {
    each: &'a [T],
    single: Option<T>,
}

impl<T: Scalar> Part<'_, T> {
    /// Nothing: NaN for every output.
    const fn absent(nan: T) -> Self {
        Part {
            each: &[],
            single: Some(nan),
        }
    }

    /// Number e.
    #[inline(always)]
    fn at(&self, e: usize) -> T {
        match self.single {
            Some(single) => single,
            None => self.each[e],
        }
    }
}

/// How a rule walks through a tile: by examples of `n` outputs, in runs.
#[derive(Clone, Copy)]
struct Walk {
    examples: usize,
    n: usize,
    run: usize,
    /// The examples of the tile, where they are taken as one.
    whole: Option<usize>,
    /// Whether an operand of one number is stretched.
    stretch: bool,
}

impl Walk {
    /// Through a tile of k examples. Where no operand is stretched and all lie without `gaps`, they
    /// are taken as one: loops are then long, however small an example is.
    fn new(fit: &Broadcast, k: usize, gaps: bool) -> Walk {
        let n = fit.shape.size();
        let whole = k > 1 && !gaps && fit.sizes.iter().all(|&size| size == n);
        let run = if whole { k * n } else { fit.run() };
        Walk {
            examples: if whole { 1 } else { k },
            n: if whole { k * n } else { n },
            run: run.max(1),
            whole: whole.then_some(k),
            stretch: n != 1,
        }
    }

    /// Calls `visit` for every run.
    #[inline(always)]
    fn each(self, mut visit: impl FnMut(Place)) {
        for example in 0..self.examples {
            for start in (0..self.n).step_by(self.run) {
                visit(Place {
                    walk: self,
                    example,
                    start,
                });
            }
        }
    }
}

/// Where a run lies: from output `start` of an example.
#[derive(Clone, Copy)]
struct Place {
    walk: Walk,
    example: usize,
    start: usize,
}

impl Place {
    /// Its outputs, in the tile.
    #[inline(always)]
    fn outputs(&self) -> Range<usize> {
        let from = self.example * self.walk.n + self.start;
        from..from + self.walk.run
    }

    /// The part of an operand, or of its tangent. (With one operand there is nothing to stretch.)
    #[inline(always)]
    fn part<'a, T: Scalar, const N: usize>(&self, x: View<'a, T>) -> Part<'a, T> {
        let from = self.example * x.stride();
        if N > 1 && x.len() == 1 && self.walk.stretch {
            return Part {
                each: &[],
                single: Some(x.data()[from]),
            };
        }
        Part {
            each: &x.data()[from + self.start % x.len()..][..self.walk.run],
            single: None,
        }
    }

    /// What the derivatives of `F` read.
    #[inline(always)]
    fn reads<'a, T: Scalar, F: PointwiseFn<N>, const N: usize>(
        &self,
        at: &At<'a, T>,
    ) -> ([Part<'a, T>; N], Part<'a, T>) {
        let x = std::array::from_fn(
            #[inline(always)]
            |j| match F::READS.inputs() {
                true => self.part::<T, N>(at.input(j)),
                false => Part::absent(T::nan()),
            },
        );
        let y = match F::READS.output() {
            true => Part {
                each: &at.output()[self.outputs()],
                single: None,
            },
            false => Part::absent(T::nan()),
        };
        (x, y)
    }

    /// Adds `value(e)` to number e of the operand's cotangent, for the outputs e of this run.
    #[inline(always)]
    fn add<T: Scalar, const N: usize>(&self, slot: &mut Slot<'_, T>, value: impl Fn(usize) -> T) {
        let gx = match self.walk.whole {
            Some(k) => slot.all(k),
            None => slot.example(self.example),
        };
        match gx {
            // A single number that all outputs read.
            [gx] if N > 1 && self.walk.stretch => {
                *gx += T::from_f64(sum_of(
                    self.walk.run,
                    #[inline(always)]
                    |e| value(e).to_f64(),
                ));
            }
            _ => {
                let start = self.start % gx.len();
                for (e, gx) in gx[start..][..self.walk.run].iter_mut().enumerate() {
                    *gx += value(e);
                }
            }
        }
    }
}

/// Number e of each part.
#[inline(always)]
fn numbers<T: Scalar, const N: usize>(x: &[Part<'_, T>; N], e: usize) -> [T; N] {
    std::array::from_fn(
        #[inline(always)]
        |j| x[j].at(e),
    )
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

/// Whether an operand's examples do not follow each other without gaps.
fn gaps<T: Copy>(k: usize, x: &[Option<View<'_, T>>]) -> bool {
    x.iter().flatten().any(|x| x.contiguous(k).is_none())
}

/// The same of cotangents.
fn slot_gaps<T>(k: usize, gx: &[Option<Slot<'_, T>>]) -> bool {
    gx.iter().flatten().any(|gx| !gx.is_contiguous(k))
}

// Every rule is one loop over numbers, compiled for the vectors of the machine; whatever `F` does
// in it becomes a part of the loop.
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
        let k = tile.len;
        let gaps = x.iter().any(|x| x.contiguous(k).is_none());
        let walk = Walk::new(&self.fit, k, gaps);
        vectorized(
            #[inline(always)]
            || {
                walk.each(
                    #[inline(always)]
                    |place| {
                        let x: [Part<'_, T>; N] = std::array::from_fn(
                            #[inline(always)]
                            |j| place.part::<T, N>(x[j]),
                        );
                        for (e, y) in y[place.outputs()].iter_mut().enumerate() {
                            *y = self.f.f(numbers(&x, e));
                        }
                    },
                );
            },
        );
    }

    // dy = Σ ∂f/∂xⱼ dxⱼ
    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], _: &mut [T], dy: &mut [T]) {
        let k = at.tile.len;
        let walk = Walk::new(&self.fit, k, gaps(k, at.x) || gaps(k, dx));
        vectorized(
            #[inline(always)]
            || {
                walk.each(
                    #[inline(always)]
                    |place| {
                        let (x, y) = place.reads::<T, F, N>(at);
                        let dy = &mut dy[place.outputs()];
                        each_of::<N>(
                            #[inline(always)]
                            |j| {
                                let Some(dx) = dx[j] else { return };
                                let dx = place.part::<T, N>(dx);
                                for (e, dy) in dy.iter_mut().enumerate() {
                                    let df = self.f.df(numbers(&x, e), y.at(e));
                                    *dy += df[j] * dx.at(e);
                                }
                            },
                        );
                    },
                );
            },
        );
    }

    // gⱼ = ∂f/∂xⱼ g
    fn vjp(&self, at: &At<'_, T>, g: &[T], _: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        let k = at.tile.len;
        let walk = Walk::new(&self.fit, k, gaps(k, at.x) || slot_gaps(k, gx));
        vectorized(
            #[inline(always)]
            || {
                walk.each(
                    #[inline(always)]
                    |place| {
                        let (x, y) = place.reads::<T, F, N>(at);
                        let g = &g[place.outputs()];
                        each_of::<N>(
                            #[inline(always)]
                            |j| {
                                let Some(gx) = &mut gx[j] else { return };
                                place.add::<T, N>(
                                    gx,
                                    #[inline(always)]
                                    |e| self.f.df(numbers(&x, e), y.at(e))[j] * g[e],
                                );
                            },
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
        let k = at.tile.len;
        let gaps = gaps(k, at.x) || gaps(k, dx) || slot_gaps(k, hx);
        let walk = Walk::new(&self.fit, k, gaps);
        vectorized(
            #[inline(always)]
            || {
                walk.each(
                    #[inline(always)]
                    |place| {
                        let (x, y) = place.reads::<T, F, N>(at);
                        let g = &g[place.outputs()];
                        each_of::<N>(
                            #[inline(always)]
                            |j| {
                                let Some(hx) = &mut hx[j] else { return };
                                each_of::<N>(
                                    #[inline(always)]
                                    |i| {
                                        let Some(dx) = dx[i] else { return };
                                        let dx = place.part::<T, N>(dx);
                                        place.add::<T, N>(
                                            hx,
                                            #[inline(always)]
                                            |e| {
                                                let d2f = self.f.d2f(numbers(&x, e), y.at(e));
                                                d2f[j][i] * dx.at(e) * g[e]
                                            },
                                        );
                                    },
                                );
                            },
                        );
                    },
                );
            },
        );
    }
}
