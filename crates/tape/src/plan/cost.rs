//! What the routes to G v cost: multiply-adds per example, from what the steps say of their work.
//!
//! Nothing here is timed, and nothing depends on the machine: the same problem takes the same
//! route, and so gives the same bits, everywhere.

use super::segments::Segments;
use super::{Plan, Role, Step, Stratum};
use crate::Scalar;

/// What one kept number of S costs in a product, in multiply-adds: two of arithmetic, and its way
/// from memory, for which the arithmetic waits. Measured on `f32`: 0.16 ns from memory on a core by
/// itself, 0.08 from its cache, where the same core makes some 50 multiply-adds in 1 ns; cores that
/// share the memory wait longer. In `f64` a number is twice the bytes, and a multiply-add takes
/// twice as long.
pub(crate) const KEPT: f64 = 10.0;

/// What the way of a number through a step costs in each half of a product, at least: an op that
/// works elementwise computes little, but reads and writes. From the cache, that takes about
/// half as long as what a kept number takes.
const PASSED: usize = 5;

/// The work of operand j's part of the two halves of a product, jvp and vjp.
pub(super) fn operand_cost<T: Scalar>(step: &Step<T>, j: usize) -> f64 {
    let work = step.rules.derivative_work(j).max(PASSED * step.len);
    2.0 * work as f64
}

/// The work of the two halves for all operands that have a tangent.
fn sweep_cost<T: Scalar>(stratum: &Stratum<T>) -> f64 {
    let step_cost = |s: &Step<T>| -> f64 {
        let passed = |role: &Role| matches!(role, Role::Inner | Role::Shared(_));
        let operands = (0..s.operands.len()).filter(|&j| passed(&s.operands[j].role));
        operands.map(|j| operand_cost(s, j)).sum()
    };
    stratum
        .steps
        .iter()
        .filter(|s| s.active)
        .map(step_cost)
        .sum()
}

/// Multiply-adds per example of each route, and what each keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Costs {
    /// A product by the sweep route: about 4 F.
    pub sweep: f64,
    /// A product by the stored route: about 2 F, and the kept numbers.
    pub stored: f64,
    /// Preparing S: a reverse half for each of the output's numbers.
    pub preparation: f64,
    /// Numbers of S per example.
    pub kept: usize,
}

impl Costs {
    pub(super) fn new<T: Scalar>(tile: &Stratum<T>, segments: &Segments<T>, m: usize) -> Self {
        let kept = m.saturating_mul(segments.exits.iter().map(|e| e.len).sum());
        let weight = KEPT * kept as f64;
        Costs {
            sweep: sweep_cost(tile),
            stored: sweep_cost(&segments.inside) + weight,
            // Writing S is half of what reading it twice takes.
            preparation: m as f64 * sweep_cost(&segments.between) / 2.0 + weight / 2.0,
            kept,
        }
    }
}

/// Examples per tile at least, where weights rather than examples are the traffic.
const FEW: usize = 8;

/// What a larger tile may take then: it has left a core's own cache, but not the one that cores
/// share.
const LARGER: usize = 4 * super::TILE_BYTES;

/// Examples per tile where each needs so many bytes: a power of two, so that tiles fill rounds.
///
/// As many as the cache holds; but every tile reads large weights anew. Where tiles of more
/// examples than fit mean less traffic, weights and the examples' own second reading together, they
/// are taken.
pub(super) fn tile_len(bytes: usize, weights: usize) -> usize {
    let most = |room: usize| 1 << (room / bytes.max(1)).clamp(1, super::MAX_TILE).ilog2();
    let (fit, many) = (most(super::TILE_BYTES), most(LARGER).max(FEW));
    if weights / many + bytes < weights / fit {
        many
    } else {
        fit
    }
}

impl<T: Scalar> Plan<T> {
    /// Bytes of S per example.
    pub fn sensitivity_bytes(&self) -> usize {
        self.costs.kept.saturating_mul(size_of::<T>())
    }
}

#[cfg(test)]
mod tests {
    use super::tile_len;

    #[test]
    fn large_weights_make_tiles_larger_than_the_cache() {
        let kib = 1024;
        assert_eq!(tile_len(100 * kib, 0), 4);
        assert_eq!(
            tile_len(100 * kib, 300 * kib),
            4,
            "these are read often at no price"
        );
        assert_eq!(tile_len(100 * kib, 3000 * kib), 16);
        assert_eq!(tile_len(kib, 100_000 * kib), 64, "more would gain nothing");
        assert_eq!(
            tile_len(700 * kib, 3000 * kib),
            8,
            "one example fits, eight share the weights"
        );
    }
}
