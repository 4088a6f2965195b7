//! Ops that work number by number: activations, quotients, powers.

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

/// A function of N scalars, with its first and second derivatives.
///
/// At a kink the derivative is a useful one-sided value, never NaN, and its documentation says
/// which.
pub trait PointwiseFn<const N: usize>: Debug + Send + Sync + 'static {
    /// What [`df`](Self::df) and [`d2f`](Self::d2f) read. What is not declared arrives as NaN.
    const READS: Reads;

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

impl<F: PointwiseFn<N>, const N: usize> PointwiseRules<F, N> {
    /// Calls `visit(e, x, y)` for every output number e of example i, with NaN for whatever the
    /// function does not read.
    fn each<T: Scalar>(&self, at: &At<'_, T>, i: usize, mut visit: impl FnMut(usize, [T; N], T)) {
        let n = self.fit.shape.size();
        let x: [&[T]; N] = std::array::from_fn(|j| match F::READS {
            Reads::Inputs | Reads::Both => at.input(j).example(i),
            Reads::Output | Reads::Nothing => &[],
        });
        let y: &[T] = match F::READS {
            Reads::Output | Reads::Both => &at.output()[i * n..][..n],
            Reads::Inputs | Reads::Nothing => &[],
        };
        let plain = x.iter().all(|x| x.len() == n || x.is_empty());
        for e in 0..n {
            let xs = std::array::from_fn(|j| match x[j].len() {
                0 => T::nan(),
                _ if plain => x[j][e],
                len => x[j][e % len],
            });
            visit(e, xs, y.get(e).copied().unwrap_or(T::nan()));
        }
    }
}

impl<T: Scalar, F: PointwiseFn<N>, const N: usize> Rules<T> for PointwiseRules<F, N> {
    fn shape(&self) -> &Shape {
        &self.fit.shape
    }

    fn needs(&self) -> Needs {
        let inputs = matches!(F::READS, Reads::Inputs | Reads::Both);
        Needs {
            inputs: if inputs {
                Needs::inputs(N as u32).inputs
            } else {
                0
            },
            output: matches!(F::READS, Reads::Output | Reads::Both),
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
        let n = self.fit.shape.size();
        for (i, y) in y.chunks_exact_mut(n.max(1)).take(tile.len).enumerate() {
            let x: [&[T]; N] = std::array::from_fn(|j| x[j].example(i));
            if x.iter().all(|x| x.len() == n) {
                for (e, y) in y.iter_mut().enumerate() {
                    *y = self.f.f(std::array::from_fn(|j| x[j][e]));
                }
            } else {
                for (e, y) in y.iter_mut().enumerate() {
                    *y = self.f.f(std::array::from_fn(|j| x[j][e % x[j].len()]));
                }
            }
        }
    }

    // dy = Σ ∂f/∂xⱼ dxⱼ
    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], _: &mut [T], dy: &mut [T]) {
        let n = self.fit.shape.size();
        for i in 0..at.tile.len {
            let dx: [Option<&[T]>; N] = std::array::from_fn(|j| dx[j].map(|dx| dx.example(i)));
            let dy = &mut dy[i * n..][..n];
            self.each(at, i, |e, x, y| {
                let df = self.f.df(x, y);
                for j in 0..N {
                    if let Some(dx) = dx[j] {
                        dy[e] += df[j] * dx[if dx.len() == n { e } else { e % dx.len() }];
                    }
                }
            });
        }
    }

    // gⱼ = ∂f/∂xⱼ g
    fn vjp(&self, at: &At<'_, T>, g: &[T], _: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        let n = self.fit.shape.size();
        for i in 0..at.tile.len {
            let g = &g[i * n..][..n];
            for (j, slot) in gx.iter_mut().enumerate() {
                let Some(slot) = slot else { continue };
                let gx = slot.example(i);
                let len = gx.len();
                self.each(at, i, |e, x, y| {
                    gx[if len == n { e } else { e % len }] += self.f.df(x, y)[j] * g[e];
                });
            }
        }
    }

    // hⱼ = ∂f/∂xⱼ dg + Σᵢ ∂²f/∂xⱼ∂xᵢ dxᵢ g
    fn vjp_jvp(
        &self,
        at: &At<'_, T>,
        dx: &[Option<View<'_, T>>],
        g: &[T],
        dg: Option<&[T]>,
        _: &mut [T],
        hx: &mut [Option<Slot<'_, T>>],
    ) {
        let n = self.fit.shape.size();
        for i in 0..at.tile.len {
            let g = &g[i * n..][..n];
            let dg = dg.map(|dg| &dg[i * n..][..n]);
            let dx: [Option<&[T]>; N] = std::array::from_fn(|j| dx[j].map(|dx| dx.example(i)));
            for (j, slot) in hx.iter_mut().enumerate() {
                let Some(slot) = slot else { continue };
                let hx = slot.example(i);
                let len = hx.len();
                self.each(at, i, |e, x, y| {
                    let d2f = self.f.d2f(x, y)[j];
                    let mut df_tangent = T::zero();
                    for (d2f, dx) in d2f.iter().zip(&dx) {
                        if let Some(dx) = dx {
                            df_tangent += *d2f * dx[e % dx.len()];
                        }
                    }
                    let mut h = df_tangent * g[e];
                    if let Some(dg) = dg {
                        h += self.f.df(x, y)[j] * dg[e];
                    }
                    hx[e % len] += h;
                });
            }
        }
    }
}
