//! Data sets for Osculant: reading them, checking them, preparing them.
//!
//! - [`digits`]: 10,000 real handwritten digits that come with the crate. Start here.
//! - [`idx`]: the format of MNIST and its relatives, from files, folders or any reader.
//! - [`cifar10`]: colour images in the binary layout of CIFAR-10.
//! - [`read_folder`]: a folder of either format, told apart by the names of its files.
//! - [`Dataset`]: examples in memory, checked when they enter. [`Split`]: training and test.
//! - [`Preprocess`]: scale and centre inputs, and store how with a model.
//! - [`ModelFile`]: a trained network in a file, with all that predicting needs.
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
//! [`Examples`](osculant_optim::examples::Examples), with labels as targets.
//!
//! Inputs are `f32`, channels last, one example after the other; labels are classes counted
//! from 0. Nothing here trusts a file: every count is checked against the bytes that are
//! there, and NaN or infinity never gets into a [`Dataset`].

pub mod cifar10;
pub mod idx;

mod dataset;
mod digits;
mod error;
mod examples;
mod folder;
mod input;
mod model_file;
mod preprocess;
mod write;

pub use self::dataset::{Dataset, Split};
pub use self::digits::digits;
pub use self::error::DataError;
pub use self::folder::read_folder;
pub use self::model_file::{About, ModelFault, ModelFile, Tensor};
pub use self::preprocess::{Preprocess, PreprocessOptions};
pub use self::write::{check_destination, write_whole};
