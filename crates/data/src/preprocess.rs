//! Scaling inputs and centring them at the mean of the training inputs.

use crate::{DataError, Dataset};

/// What [`Preprocess::fit`] is to do; by default both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreprocessOptions {
    /// The constant to multiply by, or `None` to leave the scale; by default 1/255.
    pub scale: Option<f32>,
    /// Whether to subtract the mean of the training inputs at each position; by default true.
    pub subtract_mean: bool,
}

impl Default for PreprocessOptions {
    fn default() -> Self {
        Self {
            scale: Some(1.0 / 255.0),
            subtract_mean: true,
        }
    }
}

/// What is done to each input before a network sees it, learnt from the training inputs alone.
///
/// # Formula
///
/// At each position p of an input, x_p ← s·x_p − m_p, where s is the scale and m the mean over
/// the training examples of the *scaled* input s·x. The mean is accumulated in f64.
///
/// A network is only as good as the preprocessing that it was trained with, so a program keeps
/// [`scale`](Self::scale) and [`mean`](Self::mean) beside the parameters and restores them
/// with [`from_parts`](Self::from_parts).
///
/// # Example
///
/// ```
/// use osculant_data::{Dataset, Preprocess, PreprocessOptions};
///
/// let mut train = Dataset::new([2], vec![0.0, 255.0, 255.0, 255.0], vec![0, 1], 2)?;
/// let preprocess = Preprocess::fit(&train, PreprocessOptions::default())?;
/// preprocess.apply(&mut train)?;
/// assert_eq!(train.inputs(), [-0.5, 0.0, 0.5, 0.0]);
///
/// let restored = Preprocess::from_parts(preprocess.scale(), Some(vec![0.5, 1.0]))?;
/// assert_eq!(restored, preprocess);
/// # Ok::<(), osculant_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocess {
    /// Finite and not 0.
    scale: f32,
    /// Not empty, all finite.
    mean: Option<Vec<f32>>,
}

impl Preprocess {
    /// Learns the preprocessing from the training examples, which stay as they are.
    ///
    /// # Errors
    ///
    /// A scale that is 0, NaN or infinite, or so large that a mean overflows.
    pub fn fit(train: &Dataset, options: PreprocessOptions) -> Result<Self, DataError> {
        let scale = options.scale.unwrap_or(1.0);
        let mean = options.subtract_mean.then(|| {
            let mut sum = vec![0.0_f64; train.each()];
            for (input, _) in train.examples() {
                for (sum, &x) in sum.iter_mut().zip(input) {
                    *sum += f64::from(x);
                }
            }
            let factor = f64::from(scale) / train.len() as f64;
            sum.into_iter().map(|sum| (factor * sum) as f32).collect()
        });
        Self::from_parts(scale, mean)
    }

    /// The preprocessing with this scale (1 for none) and mean, as a program has stored them.
    ///
    /// # Errors
    ///
    /// A scale that is 0, NaN or infinite; a mean that is empty or holds NaN or infinity.
    pub fn from_parts(scale: f32, mean: Option<Vec<f32>>) -> Result<Self, DataError> {
        if !scale.is_finite() || scale == 0.0 {
            return Err(DataError::Scale { scale });
        }
        if let Some(mean) = &mean {
            let len = mean.len();
            if let Some(at) = mean.iter().position(|m| !m.is_finite()) {
                let fault = format!("and the one at position {at} is {}", mean[at]);
                return Err(DataError::Mean { len, fault });
            }
            if len == 0 {
                return Err(DataError::Mean {
                    len,
                    fault: "so it is of no input".into(),
                });
            }
        }
        Ok(Self { scale, mean })
    }

    /// The constant that inputs are multiplied by; 1 if they keep their scale.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// What is subtracted after scaling, for each position of an input; `None` for nothing.
    pub fn mean(&self) -> Option<&[f32]> {
        self.mean.as_deref()
    }

    /// Preprocesses all inputs of a data set, in place. Nothing remembers that this was done:
    /// apply it once.
    ///
    /// # Errors
    ///
    /// Inputs of another size than those of the training examples (a mean is stored without
    /// its axes, so `[28, 28, 1]` and `[784]` are the same here); a value that overflows. The
    /// data then stay as they were.
    pub fn apply(&self, data: &mut Dataset) -> Result<(), DataError> {
        if let Some(mean) = &self.mean
            && mean.len() != data.each()
        {
            let found = format!(
                "inputs of shape {:?} ({} values)",
                data.shape(),
                data.each()
            );
            return Err(DataError::PreprocessShape {
                expected: mean.len(),
                found,
            });
        }
        let each = data.each();
        self.apply_in_chunks(data.inputs_mut(), each)
    }

    /// Preprocesses inputs that have no labels, one after the other in one slice, in place.
    ///
    /// # Errors
    ///
    /// A number of values that is not a multiple of the size of a training input; a value that
    /// is NaN or infinite, or becomes so. The values then stay as they were.
    pub fn apply_to_inputs(&self, inputs: &mut [f32]) -> Result<(), DataError> {
        // Without a mean no size is known and all values count as one input.
        let each = self.mean.as_ref().map_or(inputs.len().max(1), Vec::len);
        if !inputs.len().is_multiple_of(each) {
            let found = format!("{} values, which is no multiple of it", inputs.len());
            return Err(DataError::PreprocessShape {
                expected: each,
                found,
            });
        }
        if let Some(at) = inputs.iter().position(|x| !x.is_finite()) {
            let (example, position) = (at / each, at % each);
            return Err(DataError::NotFinite {
                example,
                position,
                value: inputs[at],
            });
        }
        self.apply_in_chunks(inputs, each)
    }

    /// The formula, on inputs of `each` values, which is the length of the mean if there is one.
    fn apply_in_chunks(&self, inputs: &mut [f32], each: usize) -> Result<(), DataError> {
        let new = |x: f32, position: usize| match &self.mean {
            Some(mean) => self.scale * x - mean[position],
            None => self.scale * x,
        };
        // Everything is looked at before anything is changed: an error leaves the data whole.
        for (example, input) in inputs.chunks(each).enumerate() {
            for (position, &x) in input.iter().enumerate() {
                let value = new(x, position);
                if !value.is_finite() {
                    return Err(DataError::Overflow {
                        example,
                        position,
                        value,
                    });
                }
            }
        }
        for input in inputs.chunks_mut(each) {
            for (position, x) in input.iter_mut().enumerate() {
                *x = new(*x, position);
            }
        }
        Ok(())
    }
}
