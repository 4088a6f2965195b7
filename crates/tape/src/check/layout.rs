//! What a case of a check looks like: shapes, and the examples of a small tile.

use super::subject::Subject;
use crate::Shape;
use proptest::prelude::*;
use std::sync::Arc;

/// An op, the shapes of its operands, and how the tile looks.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) op: Arc<dyn Subject>,
    pub(super) shapes: Vec<Shape>,
    pub(super) layout: Layout,
}

/// How a tile looks. Bit j of a mask speaks of operand j.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// How many examples.
    pub(super) k: usize,
    /// Which operands all examples share.
    pub(super) shared: u8,
    /// Which of the shared operands get one cotangent per example all the same.
    pub(super) apart: u8,
    /// Which operands have no tangent, or want no cotangent, where a check allows that.
    pub(super) absent: u8,
    /// Whether the examples of an operand lie apart, with NaN between them.
    pub(super) gaps: bool,
    /// Where all numbers come from.
    pub(super) seed: u64,
}

impl Layout {
    pub(super) fn draw() -> BoxedStrategy<Layout> {
        let k = prop_oneof![4 => 1usize..=3, 1 => Just(7)];
        let masks = (any::<u8>(), any::<u8>(), any::<u8>());
        (k, masks, any::<bool>(), 0u64..10_000)
            .prop_map(|(k, (shared, apart, absent), gaps, seed)| Layout {
                k,
                shared,
                apart,
                absent,
                gaps,
                seed,
            })
            .boxed()
    }

    /// For failures: in words.
    pub(super) fn describe(&self, operands: usize) -> String {
        let each = (0..operands.min(8)).map(|j| match (has(self.shared, j), has(self.apart, j)) {
            (false, _) => format!("operand {j} of each example"),
            (true, false) => format!("operand {j} shared"),
            (true, true) => format!("operand {j} shared, its cotangent per example"),
        });
        let each: Vec<String> = each.collect();
        format!("k = {}; {}", self.k, each.join("; "))
    }
}

pub(super) fn has(mask: u8, j: usize) -> bool {
    j < 8 && mask & (1 << j) != 0
}
