//! Scaling inputs, centring them at the mean of the training inputs, giving them deviation 1.

use crate::DataError;
use crate::dataset::{Dataset, Targets};
use crate::legend::{check_deviation, check_finite, moments};

/// Over what a mean and a deviation are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Per {
    /// Over the examples, at each position of an input.
    #[default]
    Position,
    /// Over the examples and all positions of a channel, which is the last axis of an input.
    Channel,
}

/// What [`Preprocess::fit`] is to do; by default what suits images in bytes: 1/255, minus the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreprocessOptions {
    /// The constant to multiply by, or `None` to leave the scale; by default 1/255.
    pub scale: Option<f32>,
    /// Whether to subtract the mean of the training inputs; by default true.
    pub subtract_mean: bool,
    /// Whether to divide by their deviation; by default false.
    pub unit_deviation: bool,
    /// Over what mean and deviation are taken; by default the examples, at each position.
    pub per: Per,
}

impl Default for PreprocessOptions {
    fn default() -> Self {
        Self {
            scale: Some(1.0 / 255.0),
            subtract_mean: true,
            unit_deviation: false,
            per: Per::Position,
        }
    }
}

impl PreprocessOptions {
    /// What suits tables, whose columns have units of their own: mean 0 and deviation 1 in each.
    pub fn standardize() -> Self {
        Self {
            scale: None,
            unit_deviation: true,
            ..Self::default()
        }
    }

    /// Inputs stay as they are.
    pub fn none() -> Self {
        Self {
            scale: None,
            subtract_mean: false,
            ..Self::default()
        }
    }
}

/// What is done to each input before a network sees it, learnt from the training inputs alone.
///
/// # Formula
///
/// At each position p of an input, x_p ← (s·x_p − m_p)/d_p, where s is the scale, and m and d are
/// the mean and the deviation over the training examples of the *scaled* input s·x; both are
/// accumulated in f64. A position whose values are all the same keeps d = 1. With
/// [`Per::Channel`], m and d are those of all values of a channel.
///
/// A network is only as good as the preprocessing that it was trained with, so a program keeps
/// [`scale`](Self::scale), [`mean`](Self::mean) and [`deviation`](Self::deviation) beside the
/// parameters and restores them with [`from_parts`](Self::from_parts) and
/// [`with_deviation`](Self::with_deviation).
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
    /// Not empty, all finite and above 0, as long as the mean if there is one.
    deviation: Option<Vec<f32>>,
}

impl Preprocess {
    /// Learns the preprocessing from the training examples, which stay as they are.
    ///
    /// # Errors
    ///
    /// A scale that is 0, NaN or infinite, or so large that a mean overflows.
    pub fn fit<Y: Targets>(
        train: &Dataset<Y>,
        options: PreprocessOptions,
    ) -> Result<Self, DataError> {
        let scale = options.scale.unwrap_or(1.0);
        if !options.subtract_mean && !options.unit_deviation {
            return Self::from_parts(scale, None);
        }
        let group = match options.per {
            Per::Position => train.each(),
            // A shape has at least one axis; a table has one channel per column.
            Per::Channel => train.shape().last().copied().unwrap_or(1),
        };
        let (mean, deviation) = moments(train.inputs(), group, scale);
        let at_each =
            |values: Vec<f32>| values.iter().copied().cycle().take(train.each()).collect();
        let fitted = Self::from_parts(scale, options.subtract_mean.then(|| at_each(mean)))?;
        if options.unit_deviation {
            return fitted.with_deviation(at_each(deviation));
        }
        Ok(fitted)
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
            check_finite("input", mean)?;
        }
        Ok(Self {
            scale,
            mean,
            deviation: None,
        })
    }

    /// The same preprocessing, but divided by these deviations.
    ///
    /// # Errors
    ///
    /// A deviation that is not above 0 or not finite; none at all, or another number than in the
    /// mean.
    pub fn with_deviation(mut self, deviation: Vec<f32>) -> Result<Self, DataError> {
        let expected = self.mean.as_ref().map_or(deviation.len().max(1), Vec::len);
        check_deviation("input", &deviation, expected)?;
        self.deviation = Some(deviation);
        Ok(self)
    }

    /// The constant that inputs are multiplied by; 1 if they keep their scale.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// What is subtracted after scaling, for each position of an input; `None` for nothing.
    pub fn mean(&self) -> Option<&[f32]> {
        self.mean.as_deref()
    }

    /// What is divided by at last, for each position of an input; `None` for nothing.
    pub fn deviation(&self) -> Option<&[f32]> {
        self.deviation.as_deref()
    }

    /// The number of values in an input, where that is known.
    fn size(&self) -> Option<usize> {
        self.mean().or(self.deviation()).map(<[f32]>::len)
    }

    /// Preprocesses all inputs of a data set, in place. Nothing remembers that this was done:
    /// apply it once.
    ///
    /// # Errors
    ///
    /// Inputs of another size than those of the training examples (a mean is stored without
    /// its axes, so `[28, 28, 1]` and `[784]` are the same here); a value that overflows. The
    /// data then stay as they were.
    pub fn apply<Y: Targets>(&self, data: &mut Dataset<Y>) -> Result<(), DataError> {
        if let Some(expected) = self.size()
            && expected != data.each()
        {
            let found = format!(
                "inputs of shape {:?} ({} values)",
                data.shape(),
                data.each()
            );
            return Err(DataError::PreprocessShape { expected, found });
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
        // Without mean and deviation no size is known and all values count as one input.
        let each = self.size().unwrap_or(inputs.len().max(1));
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
        let new = |x: f32, position: usize| {
            let mut x = self.scale * x;
            if let Some(mean) = &self.mean {
                x -= mean[position];
            }
            if let Some(deviation) = &self.deviation {
                x /= deviation[position];
            }
            x
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
