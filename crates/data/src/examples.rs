//! Data sets as the examples of an objective, with class labels as targets.

use osculant_optim::examples::Examples;
use osculant_tape::Scalar;

use crate::Dataset;

/// Inputs are converted as they are written: to `f64` without loss, to `f32` as they are.
impl<T: Scalar> Examples<T> for Dataset {
    type Target = u32;

    fn len(&self) -> usize {
        Dataset::len(self)
    }

    fn input_size(&self) -> usize {
        self.each()
    }

    fn write_input(&self, i: usize, out: &mut [T]) {
        for (out, &x) in out.iter_mut().zip(self.input(i).unwrap_or_default()) {
            *out = T::from_f64(f64::from(x));
        }
    }

    fn target(&self, i: usize) -> &u32 {
        &self.labels()[i]
    }
}
