//! What formats, preprocessing and files promise, one module for each subject.

mod checkpoint;
mod cifar10;
mod common;
mod dataset;
mod digits;
mod examples;
mod folder;
mod formats;
mod idx;
mod idx_file;
mod model_file;
mod preprocess;
mod weights;
