//! Differences of a function around θ, along random directions, where they settle.

use crate::error::Result;
use osculant_tape::Random;
use osculant_tape::check::{Differences, ridders};

/// How much the slopes to either side may differ: at a kink central differences settle too, on the
/// mean of both slopes.
const KINK: f64 = 1e-5;
/// Steps at which they are compared, from the shortest of the differences down to where rounding
/// begins to count; a kink farther out than the first keeps the differences from settling.
const KINK_STEPS: [f64; 6] = [6.4e-5, 1.6e-5, 4e-6, 1e-6, 2.5e-7, 1e-7];
/// Slopes below this count as this.
pub(super) const SMALLEST: f64 = 1e-6;
/// By how many roundings of f its computed values may be off.
const ROUNDINGS: f64 = 16.0;
/// First steps of the differences, relative to the direction: small, to stay clear of kinks. Two,
/// because at a kink the extrapolations of one table can agree by chance.
const STEPS: [f64; 2] = [1e-3, 6.3e-4];
/// Directions to try before giving up.
pub(super) const DIRECTIONS: u64 = 8;

/// Where differences are taken, and their steps as a multiple of the usual ones.
pub(super) struct Around<'a> {
    pub theta: &'a [f64],
    pub step: f64,
}

impl Around<'_> {
    /// A random direction as long as θ, or as 1 if that is shorter.
    pub fn direction(&self, seed: u64, stream: u64) -> Vec<f64> {
        let mut v = vec![0.0; self.theta.len()];
        Random::new(seed, stream).normal(1.0, &mut v);
        let scale = norm(self.theta).max(1.0) / norm(&v).max(f64::MIN_POSITIVE);
        v.iter_mut().for_each(|v| *v *= scale);
        v
    }

    /// How well differences of a function of this size can be known, over steps of `h` and more.
    ///
    /// Beside a minimum of f, where its slope vanishes and f does not, this is all that there is.
    fn floor(&self, size: f64, h: f64) -> f64 {
        ROUNDINGS * f64::EPSILON * size / (self.step * h)
    }

    /// The same over the steps of the differences.
    pub fn rounding(&self, size: f64) -> f64 {
        self.floor(size, KINK_STEPS[0])
    }

    fn moved(&self, t: f64, v: &[f64]) -> Vec<f64> {
        self.theta.iter().zip(v).map(|(x, v)| x + t * v).collect()
    }

    /// The first random direction along which differences of `f` settle, up to `tolerance` relative
    /// to them, with its differences; `None` if there is none among a few.
    pub fn settled(
        &self,
        seed: u64,
        tolerance: f64,
        f: impl Fn(&[f64]) -> Result<Vec<f64>>,
    ) -> Result<Option<(Vec<f64>, Differences)>> {
        let size = norm(&f(self.theta)?);
        let nearest = self.floor(size, KINK_STEPS[KINK_STEPS.len() - 1]);
        for stream in 0..DIRECTIONS {
            let v = self.direction(seed, stream);
            let mut error = None;
            let [found, again] = STEPS.map(|step| {
                ridders(self.step * step, |t| match f(&self.moved(t, &v)) {
                    Ok(value) => value,
                    Err(e) => {
                        error = Some(e);
                        Vec::new()
                    }
                })
            });
            if let Some(error) = error {
                return Err(error);
            }
            let scale = norm(&found.value).max(SMALLEST);
            let apart = found.value.iter().zip(&again.value).map(|(a, b)| a - b);
            let unsettled = norm(&found.error).max(norm(&apart.collect::<Vec<_>>()));
            if unsettled <= tolerance * scale + self.rounding(size)
                && self.kink(&v, &f)? <= KINK * scale + nearest
            {
                return Ok(Some((v, found)));
            }
        }
        Ok(None)
    }

    /// By how much the slope of `f` along v jumps near θ, at most.
    ///
    /// The bend at step h, (f(θ + hv) + f(θ − hv) − 2f(θ))/h, is proportional to h where f is
    /// smooth. From a kink at 0 < t < h it has J(1 − t/h) besides, for a jump J of the slope, which
    /// is proportional to h at no two steps in a row.
    fn kink(&self, v: &[f64], f: impl Fn(&[f64]) -> Result<Vec<f64>>) -> Result<f64> {
        let here = f(self.theta)?;
        let mut bends = Vec::with_capacity(KINK_STEPS.len());
        for h in KINK_STEPS.map(|h| self.step * h) {
            let (above, below) = (f(&self.moved(h, v))?, f(&self.moved(-h, v))?);
            let sides = above.iter().zip(&below).zip(&here);
            bends.push(sides.map(|((a, b), c)| (a + b - 2.0 * c) / h).collect());
        }
        let steps = KINK_STEPS.windows(2).zip(bends.windows(2));
        Ok(steps.fold(0.0, |most, (h, bend): (_, &[Vec<f64>])| {
            let rest = bend[0]
                .iter()
                .zip(&bend[1])
                .map(|(far, near)| far * h[1] / h[0] - near);
            f64::max(most, norm(&rest.collect::<Vec<_>>()))
        }))
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(super) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}
