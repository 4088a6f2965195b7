//! Data sets for Osculant: reading them, checking them, preparing them.
//!
//! - [`digits`]: 10,000 real handwritten digits that come with the crate. Start here.
//! - [`idx`]: the format of MNIST and its relatives, from files, folders or any reader.
//! - [`cifar10`]: colour images in the binary layout of CIFAR-10.
//! - [`read_folder`]: a folder of either format, told apart by the names of its files; [`load`]:
//!   whatever a path leads to.
//! - [`csv`], [`libsvm`] and [`npy`]: tables and arrays, with classes or real targets.
//! - [`Dataset`]: examples in memory, checked when they enter. [`Split`]: training and test.
//!   [`AnyDataset`]: of whichever kind of targets a file turned out to hold.
//! - [`Preprocess`]: scale, centre and standardize inputs, and store how with a model.
//! - [`Legend`]: what inputs, targets and classes are called, stored with a model too.
//! - [`ModelFile`]: a trained network in a file, with all that predicting needs.
//! - [`Checkpoint`]: the state of a training run in a file, to go on from; [`Checkpoints`] saves it
//!   while the run goes on.
//! - [`weights`]: parameters from PyTorch and Keras, and back.
//! - [`write_whole`]: a file that is either written to its end or not at all.
//! - [`DataError`]: what can be wrong, and what to do about it.
//!
//! The usual way:
//!
//! ```
//! use osculant_data::{Preprocess, PreprocessOptions, digits};
//!
//! let mut data = digits()?; // or read_folder("path/to/mnist")?
//! let preprocess = Preprocess::fit(&data.train, PreprocessOptions::default())?;
//! preprocess.apply(&mut data.train)?;
//! preprocess.apply(&mut data.test)?; // with the mean of the training inputs
//! # Ok::<(), osculant_data::DataError>(())
//! ```
//!
//! A [`Dataset`] goes straight into an objective: it implements
//! [`Examples`](osculant_optim::examples::Examples), with labels or vectors as targets.
//!
//! Inputs are `f32`, channels last, one example after the other; labels are classes counted
//! from 0. Nothing here trusts a file: every count is checked against the bytes that are
//! there, and NaN or infinity never gets into a [`Dataset`].

pub mod cifar10;
pub mod csv;
pub mod idx;
pub mod libsvm;
pub mod npy;
pub mod weights;

mod any;
mod checkpoint;
mod checkpoints;
mod dataset;
mod digits;
mod error;
mod examples;
mod folder;
mod input;
mod legend;
mod load;
mod model_file;
mod preprocess;
mod table;
mod tensors;
mod write;

pub use self::any::AnyDataset;
pub use self::checkpoint::Checkpoint;
pub use self::checkpoints::Checkpoints;
pub use self::dataset::{Classes, Dataset, Reals, Split, Targets, Unlabelled};
pub use self::digits::digits;
pub use self::error::DataError;
pub use self::folder::read_folder;
pub use self::legend::{Legend, TargetScaling, Task};
pub use self::load::{LoadOptions, Loaded, load};
pub use self::model_file::{About, ModelFault, ModelFile};
pub use self::preprocess::{Per, Preprocess, PreprocessOptions};
pub use self::table::Table;
pub use self::tensors::Tensor;
pub use self::write::{check_destination, write_whole};
