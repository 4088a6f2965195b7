//! A data set whose kind of targets is known at run time only.

use crate::dataset::{Classes, Dataset, Reals, Unlabelled};
use crate::{DataError, Legend, Preprocess, PreprocessOptions};

/// A data set with labels, with real targets or with none, as a file turned out to hold.
///
/// # Example
///
/// ```
/// use osculant_data::{AnyDataset, Dataset};
///
/// let data = AnyDataset::from(Dataset::new([1], vec![1.0, 2.0], vec![0, 1], 2)?);
/// assert_eq!((data.len(), data.outputs()), (2, Some(2)));
/// let AnyDataset::Classes(data) = data else { unreachable!() };
/// assert_eq!(data.labels(), [0, 1]);
/// # Ok::<(), osculant_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum AnyDataset {
    /// With a class for each example.
    Classes(Dataset<Classes>),
    /// With numbers for each example.
    Reals(Dataset<Reals>),
    /// Inputs alone.
    Unlabelled(Dataset<Unlabelled>),
}

impl From<Dataset<Classes>> for AnyDataset {
    fn from(data: Dataset<Classes>) -> Self {
        AnyDataset::Classes(data)
    }
}

impl From<Dataset<Reals>> for AnyDataset {
    fn from(data: Dataset<Reals>) -> Self {
        AnyDataset::Reals(data)
    }
}

impl From<Dataset<Unlabelled>> for AnyDataset {
    fn from(data: Dataset<Unlabelled>) -> Self {
        AnyDataset::Unlabelled(data)
    }
}

/// The same for each kind.
macro_rules! each {
    ($any:expr, $data:ident => $what:expr) => {
        match $any {
            AnyDataset::Classes($data) => $what,
            AnyDataset::Reals($data) => $what,
            AnyDataset::Unlabelled($data) => $what,
        }
    };
}

impl AnyDataset {
    /// The number of examples, at least 1.
    pub fn len(&self) -> usize {
        each!(self, data => data.len())
    }

    /// Always false: a data set without examples cannot be made.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of one input, channels last.
    pub fn shape(&self) -> &[usize] {
        each!(self, data => data.shape())
    }

    /// All inputs, one after the other.
    pub fn inputs(&self) -> &[f32] {
        each!(self, data => data.inputs())
    }

    /// How many outputs a network for these data has: one for each class, or for each number of a
    /// target. `None` where there are no targets.
    pub fn outputs(&self) -> Option<usize> {
        match self {
            AnyDataset::Classes(data) => Some(data.classes()),
            AnyDataset::Reals(data) => Some(data.target_size()),
            AnyDataset::Unlabelled(_) => None,
        }
    }

    /// What tells these data from others: their number and shape, and the CRC-32 of inputs and of
    /// targets.
    ///
    /// # Example
    ///
    /// ```
    /// use osculant_data::{AnyDataset, Dataset};
    ///
    /// let of = |x| Dataset::new([2], vec![0.5, x], vec![1], 2).map(AnyDataset::from);
    /// assert_eq!(of(1.0)?.fingerprint(), of(1.0)?.fingerprint());
    /// assert_ne!(of(1.0)?.fingerprint(), of(1.5)?.fingerprint());
    /// # Ok::<(), osculant_data::DataError>(())
    /// ```
    pub fn fingerprint(&self) -> String {
        let targets = match self {
            AnyDataset::Classes(data) => {
                let sum = checksum(data.labels(), |label| label.to_le_bytes());
                format!("{} classes {sum}", data.classes())
            }
            AnyDataset::Reals(data) => {
                let sum = checksum(data.targets(), |y| y.to_le_bytes());
                format!("targets of {} {sum}", data.target_size())
            }
            AnyDataset::Unlabelled(_) => "no targets".into(),
        };
        let inputs = checksum(self.inputs(), |x| x.to_le_bytes());
        let (count, shape) = (self.len(), self.shape());
        format!("{count} examples of {shape:?}, inputs {inputs}, {targets}")
    }

    /// Keeps the first examples; see [`Dataset::keep_first`].
    ///
    /// # Errors
    ///
    /// Those of [`Dataset::keep_first`].
    pub fn keep_first(&mut self, count: usize) -> Result<(), DataError> {
        each!(self, data => data.keep_first(count))
    }

    /// A copy of these examples; see [`Dataset::select`].
    ///
    /// # Errors
    ///
    /// Those of [`Dataset::select`].
    pub fn select(&self, examples: &[usize]) -> Result<Self, DataError> {
        Ok(each!(self, data => data.select(examples)?.into()))
    }

    /// Learns the preprocessing from all inputs; see [`Preprocess::fit`].
    ///
    /// # Errors
    ///
    /// Those of [`Preprocess::fit`].
    pub fn fit(&self, options: PreprocessOptions) -> Result<Preprocess, DataError> {
        each!(self, data => Preprocess::fit(data, options))
    }

    /// Preprocesses all inputs; see [`Preprocess::apply`].
    ///
    /// # Errors
    ///
    /// Those of [`Preprocess::apply`].
    pub fn preprocess(&mut self, preprocess: &Preprocess) -> Result<(), DataError> {
        each!(self, data => preprocess.apply(data))
    }

    /// The same examples with their inputs as targets, for [`Task::Inputs`](crate::Task::Inputs);
    /// what is done to inputs is done before.
    ///
    /// # Errors
    ///
    /// None that these data could cause.
    ///
    /// # Example
    ///
    /// ```
    /// use osculant_data::{AnyDataset, Dataset};
    ///
    /// let data = AnyDataset::from(Dataset::new([2, 1], vec![0.5, 1.0], vec![1], 2)?);
    /// let AnyDataset::Reals(data) = data.to_itself()? else { unreachable!() };
    /// assert_eq!(data.target(0), Some(&[0.5, 1.0][..]));
    /// # Ok::<(), osculant_data::DataError>(())
    /// ```
    pub fn to_itself(&self) -> Result<Self, DataError> {
        let (shape, inputs) = (self.shape(), self.inputs());
        let each = shape.iter().product();
        Ok(Dataset::with_reals(shape, inputs.to_vec(), each, inputs.to_vec())?.into())
    }

    /// Standardizes real targets as the legend says, if it does.
    ///
    /// # Errors
    ///
    /// Targets of another size, or that overflow.
    pub fn scale_targets(&mut self, legend: &Legend) -> Result<(), DataError> {
        match (self, &legend.scaling) {
            (AnyDataset::Reals(data), Some(scaling)) => scaling.apply(data),
            _ => Ok(()),
        }
    }

    /// Divides the examples at random; see [`Dataset::split`].
    ///
    /// # Errors
    ///
    /// Those of [`Dataset::split`].
    pub fn split(&self, share: f64, seed: u64) -> Result<(Self, Self), DataError> {
        Ok(each!(self, data => {
            let (first, second) = data.split(share, seed)?;
            (first.into(), second.into())
        }))
    }
}

/// The CRC-32 of numbers.
fn checksum<X: Copy>(values: &[X], bytes: fn(X) -> [u8; 4]) -> String {
    let mut crc = crc32fast::Hasher::new();
    let mut block = Vec::new();
    for values in values.chunks(4096) {
        block.clear();
        values.iter().for_each(|&x| block.extend(bytes(x)));
        crc.update(&block);
    }
    format!("{:08x}", crc.finalize())
}
