//! One file per op, and the registry.
//!
//! An op's file holds its options, its derivatives, the method of [`Var`](crate::Var) that
//! records it, and the cases that its tests draw. To add an op, write such a file, name it here,
//! and add one line to the registry below: the tests in `tests/it/ops.rs` follow from that line.
//! `product.rs` is no op: dense layers and products of two matrices share it.

mod add;
mod affine;
mod avg_pool2d;
mod conv2d;
mod dense;
mod div;
mod exp;
mod gelu;
mod global_avg_pool;
mod leaky_relu;
mod log;
mod matmul;
mod max_pool2d;
mod mean;
mod mul;
mod permute;
mod powi;
mod product;
mod recip;
mod relu;
mod reshape;
mod sigmoid;
mod silu;
mod softplus;
mod sqrt;
mod square;
mod sub;
mod sum;
mod tanh;

pub use add::Add;
pub use affine::Affine;
pub use avg_pool2d::AvgPool2d;
pub use conv2d::{Conv2d, Padding, conv2d};
pub use dense::{Dense, dense};
pub use div::Div;
pub use exp::Exp;
pub use gelu::Gelu;
pub use global_avg_pool::GlobalAvgPool;
pub use leaky_relu::LeakyRelu;
pub use log::Log;
pub use matmul::{MatMul, matmul};
pub use max_pool2d::MaxPool2d;
pub use mean::Mean;
pub use mul::Mul;
pub use permute::Permute;
pub use powi::Powi;
pub use recip::Recip;
pub use relu::Relu;
pub use reshape::Reshape;
pub use sigmoid::Sigmoid;
pub use silu::Silu;
pub use softplus::Softplus;
pub use sqrt::Sqrt;
pub use square::Square;
pub use sub::Sub;
pub use sum::Sum;
pub use tanh::Tanh;

/// The registry: calls a macro with every op's name and type.
///
/// ```
/// macro_rules! count {
///     ($($name:ident: $Op:ty,)*) => { [$(stringify!($name)),*].len() };
/// }
/// assert!(osculant_tape::for_each_op!(count) > 20);
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_op {
    ($callback:ident) => {
        $callback! {
            add: $crate::kind::Linear<$crate::ops::Add>,
            affine: $crate::kind::Pointwise<$crate::ops::Affine, 1>,
            avg_pool2d: $crate::kind::Linear<$crate::ops::AvgPool2d>,
            conv2d: $crate::kind::Bilinear<$crate::ops::Conv2d>,
            dense: $crate::kind::Bilinear<$crate::ops::Dense>,
            div: $crate::kind::Pointwise<$crate::ops::Div, 2>,
            exp: $crate::kind::Pointwise<$crate::ops::Exp, 1>,
            gelu: $crate::kind::Pointwise<$crate::ops::Gelu, 1>,
            global_avg_pool: $crate::kind::Linear<$crate::ops::GlobalAvgPool>,
            leaky_relu: $crate::kind::Pointwise<$crate::ops::LeakyRelu, 1>,
            log: $crate::kind::Pointwise<$crate::ops::Log, 1>,
            matmul: $crate::kind::Bilinear<$crate::ops::MatMul>,
            max_pool2d: $crate::kind::Selection<$crate::ops::MaxPool2d>,
            mean: $crate::kind::Linear<$crate::ops::Mean>,
            mul: $crate::kind::Bilinear<$crate::ops::Mul>,
            permute: $crate::kind::Linear<$crate::ops::Permute>,
            powi: $crate::kind::Pointwise<$crate::ops::Powi, 1>,
            recip: $crate::kind::Pointwise<$crate::ops::Recip, 1>,
            relu: $crate::kind::Pointwise<$crate::ops::Relu, 1>,
            reshape: $crate::kind::Linear<$crate::ops::Reshape>,
            sigmoid: $crate::kind::Pointwise<$crate::ops::Sigmoid, 1>,
            silu: $crate::kind::Pointwise<$crate::ops::Silu, 1>,
            softplus: $crate::kind::Pointwise<$crate::ops::Softplus, 1>,
            sqrt: $crate::kind::Pointwise<$crate::ops::Sqrt, 1>,
            square: $crate::kind::Pointwise<$crate::ops::Square, 1>,
            sub: $crate::kind::Linear<$crate::ops::Sub>,
            sum: $crate::kind::Linear<$crate::ops::Sum>,
            tanh: $crate::kind::Pointwise<$crate::ops::Tanh, 1>,
        }
    };
}
