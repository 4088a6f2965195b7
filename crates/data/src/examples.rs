//! Data sets as the examples of an objective.

use osculant_optim::examples::Examples;
use osculant_tape::Scalar;

use crate::dataset::{Dataset, Reals, Targets};

/// Inputs are converted as they are written: to `f64` without loss, to `f32` as they are.
fn write_input<T: Scalar, Y: Targets>(data: &Dataset<Y>, i: usize, out: &mut [T]) {
    for (out, &x) in out.iter_mut().zip(data.input(i).unwrap_or_default()) {
        *out = T::from_f64(f64::from(x));
    }
}

/// With class labels as targets.
impl<T: Scalar> Examples<T> for Dataset {
    type Target = u32;

    fn len(&self) -> usize {
        Dataset::len(self)
    }

    fn input_size(&self) -> usize {
        self.each()
    }

    fn write_input(&self, i: usize, out: &mut [T]) {
        write_input(self, i, out);
    }

    fn target(&self, i: usize) -> &u32 {
        &self.labels()[i]
    }
}

/// With vectors of `f32` as targets.
impl Examples<f32> for Dataset<Reals> {
    type Target = [f32];

    fn len(&self) -> usize {
        Dataset::len(self)
    }

    fn input_size(&self) -> usize {
        self.each()
    }

    fn write_input(&self, i: usize, out: &mut [f32]) {
        write_input(self, i, out);
    }

    fn target(&self, i: usize) -> &[f32] {
        self.target(i).unwrap_or_default()
    }
}
