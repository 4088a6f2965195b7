//! The regularization term 1/(2C) ‖θ‖², over the parts of θ that it covers.

use crate::error::{OptimError, Result, expect_finite};
use crate::vector;
use osculant_tape::{Params, Scalar};
use std::ops::Range;

/// C, and what the term covers.
#[derive(Clone, Debug)]
pub(crate) struct Regularizer {
    c: f64,
    /// 1/C.
    inverse: f64,
    covered: Vec<Range<usize>>,
}

impl Regularizer {
    /// Switched off: C = ∞. It is to cover all trained parameters that are not exempt.
    pub fn off<T: Scalar>(params: &Params<T>) -> Self {
        let slices = params.slices().iter();
        let covered = slices
            .filter(|s| s.is_regularized())
            .filter_map(|s| s.range());
        Regularizer {
            c: f64::INFINITY,
            inverse: 0.0,
            covered: merge(covered),
        }
    }

    /// Sets C.
    pub fn set<T: Scalar>(&mut self, c: f64) -> Result<()> {
        let inverse = 1.0 / c;
        if c.is_nan() || c <= 0.0 || !T::from_f64(inverse).is_finite() {
            let message =
                "it must be above 0; larger is weaker, and infinity switches the term off";
            return Err(OptimError::invalid(
                "the regularization constant C",
                c,
                message,
            ));
        }
        (self.c, self.inverse) = (c, inverse);
        Ok(())
    }

    /// C.
    pub fn c(&self) -> f64 {
        self.c
    }

    /// The parts of θ that are covered, whatever C is.
    pub fn covered(&self) -> &[Range<usize>] {
        &self.covered
    }

    /// The same, empty where the term is switched off.
    fn active(&self) -> &[Range<usize>] {
        match self.inverse {
            0.0 => &[],
            _ => &self.covered,
        }
    }

    /// 1/(2C) ‖θ‖².
    pub fn value<T: Scalar>(&self, theta: &[T]) -> f64 {
        let parts = self.active().iter();
        let squares = parts.map(|r| vector::norm_squared(&theta[r.clone()]));
        0.5 * self.inverse * squares.sum::<f64>()
    }

    /// out += 1/C v, a product with curvature.
    ///
    /// # Errors
    /// A sum that is not finite.
    pub fn add_product<T: Scalar>(&self, v: &[T], out: &mut [T]) -> Result<()> {
        self.add(v, out);
        match self.active() {
            [] => Ok(()),
            _ => expect_finite("the product, with 1/C v,", out),
        }
    }

    /// out += 1/C v: the term's gradient at v, and its curvature times v.
    pub fn add<T: Scalar>(&self, v: &[T], out: &mut [T]) {
        let inverse = T::from_f64(self.inverse);
        for r in self.active() {
            // Equal lengths, so this cannot fail.
            let _ = vector::add_scaled(inverse, &v[r.clone()], &mut out[r.clone()]);
        }
    }

    /// diagonal += 1/C: the diagonal of the term's curvature.
    pub fn add_diagonal<T: Scalar>(&self, diagonal: &mut [T]) {
        let inverse = T::from_f64(self.inverse);
        let add = |[x]: [&mut [T]; 1]| x.iter_mut().for_each(|x| *x += inverse);
        for r in self.active() {
            vector::each_chunk([&mut diagonal[r.clone()]], &add);
        }
    }
}

/// Joins neighbouring ranges.
fn merge(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => merged.push(range),
        }
    }
    merged
}
