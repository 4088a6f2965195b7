//! Pooling as layers: [`MaxPool2d`], [`AvgPool2d`] and [`GlobalAvgPool`] of the tape.

use crate::Layer;
use osculant_tape::ops::{AvgPool2d, GlobalAvgPool, MaxPool2d};
use osculant_tape::{Scalar, Var};

impl<T: Scalar> Layer<T> for MaxPool2d {
    fn name(&self) -> &str {
        "max_pool"
    }

    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        x.max_pool2d(*self)
    }
}

impl<T: Scalar> Layer<T> for AvgPool2d {
    fn name(&self) -> &str {
        "avg_pool"
    }

    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        x.avg_pool2d(*self)
    }
}

impl<T: Scalar> Layer<T> for GlobalAvgPool {
    fn name(&self) -> &str {
        "global_avg_pool"
    }

    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        x.global_avg_pool()
    }
}
