//! Strategies for shapes that many ops share.

use super::{Cases, Drawn};
use crate::Shape;
use proptest::prelude::*;

/// A shape of up to three short axes.
pub fn shape() -> BoxedStrategy<Shape> {
    proptest::collection::vec(1usize..=4, 0..=3)
        .prop_map(|axes| Shape::new(&axes))
        .boxed()
}

/// Two shapes of which one is the last axes of the other, in either order.
pub fn pair() -> BoxedStrategy<Vec<Shape>> {
    (shape(), 0usize..=3, any::<bool>())
        .prop_map(|(long, cut, swap)| {
            let short = Shape::new(&long[cut.min(long.len())..]);
            if swap {
                vec![short, long]
            } else {
                vec![long, short]
            }
        })
        .boxed()
}

/// An image [height, width, channels], not square in general, with one to twenty channels.
pub fn image() -> BoxedStrategy<Shape> {
    (1usize..=5, 1usize..=5, prop_oneof![1usize..=3, 4usize..=20])
        .prop_map(|(h, w, c)| Shape::from([h, w, c]))
        .boxed()
}

/// The cases of an op without options on one operand of any shape.
pub fn with_shape<Op: Cases>(op: Op) -> Drawn<Op> {
    shape().prop_map(move |x| (op.clone(), vec![x])).boxed()
}

/// The cases of an op without options on two operands that broadcast.
pub fn with_pair<Op: Cases>(op: Op) -> Drawn<Op> {
    pair().prop_map(move |x| (op.clone(), x)).boxed()
}

/// Windows over an image, and an image that they fit.
#[derive(Clone, Debug)]
pub struct WindowCase {
    /// Height and width of the window.
    pub window: [usize; 2],
    /// How far it moves.
    pub stride: [usize; 2],
    /// At most half the window.
    pub padding: [usize; 2],
    /// Whether windows that only partly fit count.
    pub ceil_mode: bool,
    /// [height, width, channels].
    pub image: Shape,
}

/// Windows of all options over images, not square in general.
pub fn windows() -> BoxedStrategy<WindowCase> {
    let axis = || {
        (1usize..=3, 1usize..=3, any::<bool>(), 0usize..=4).prop_map(
            |(window, stride, padded, more)| {
                let padding = if padded { window / 2 } else { 0 };
                let image = (window - 2 * padding).max(1) + more;
                (window, stride, padding, image)
            },
        )
    };
    let channels = prop_oneof![1usize..=3, 4usize..=20];
    (axis(), axis(), channels, any::<bool>())
        .prop_map(|(y, x, channels, ceil_mode)| WindowCase {
            window: [y.0, x.0],
            stride: [y.1, x.1],
            padding: [y.2, x.2],
            ceil_mode,
            image: Shape::from([y.3, x.3, channels]),
        })
        .boxed()
}
