//! Folders of IDX files: which names are found, and what a wrong folder is told.

use std::fs;
use std::path::Path;

use crate::common::gzip;
use crate::idx_file::idx;
use osculant_data::idx::{read_files, read_folder};
use tempfile::{TempDir, tempdir};

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).unwrap();
}

/// Images of 1 × 1 pixels, one for each value.
fn images(pixels: &[u8]) -> Vec<u8> {
    idx(0x08, &[pixels.len() as u32, 1, 1], pixels)
}

fn labels(labels: &[u8]) -> Vec<u8> {
    idx(0x08, &[labels.len() as u32], labels)
}

/// A folder with three training and two test examples of three classes.
fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    write(
        folder.path(),
        "train-images-idx3-ubyte",
        &images(&[10, 20, 30]),
    );
    write(
        folder.path(),
        "train-labels-idx1-ubyte",
        &labels(&[0, 2, 1]),
    );
    write(folder.path(), "t10k-images-idx3-ubyte", &images(&[40, 50]));
    write(folder.path(), "t10k-labels-idx1-ubyte", &labels(&[1, 1]));
    folder
}

#[test]
fn the_four_official_files_are_a_split() {
    let split = read_folder(folder().path()).unwrap();
    assert_eq!(split.train.inputs(), [10.0, 20.0, 30.0]);
    assert_eq!(split.train.labels(), [0, 2, 1]);
    assert_eq!(split.test.inputs(), [40.0, 50.0]);
    assert_eq!(split.test.labels(), [1, 1]);
    assert_eq!((split.train.classes(), split.test.classes()), (3, 3));
    assert_eq!(split.train.shape(), [1, 1, 1]);
}

#[test]
fn every_form_of_the_names_is_found() {
    let expected = read_folder(folder().path()).unwrap();
    for (separator, packed) in [("-", true), (".", false), (".", true)] {
        let official = folder();
        let other = tempdir().unwrap();
        for entry in fs::read_dir(official.path()).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let mut name = name.replace("-idx", &format!("{separator}idx"));
            let mut bytes = fs::read(entry.path()).unwrap();
            if packed {
                name += ".gz";
                bytes = gzip(&bytes);
            }
            write(other.path(), &name, &bytes);
        }
        assert_eq!(read_folder(other.path()).unwrap(), expected);
    }
}

/// Browsers decompress what they download and keep the name.
#[test]
fn compression_is_seen_from_the_bytes_not_from_the_name() {
    let folder = folder();
    let expected = read_folder(folder.path()).unwrap();
    fs::remove_file(folder.path().join("train-images-idx3-ubyte")).unwrap();
    write(
        folder.path(),
        "train-images-idx3-ubyte.gz",
        &images(&[10, 20, 30]),
    );
    write(
        folder.path(),
        "t10k-images-idx3-ubyte",
        &gzip(&images(&[40, 50])),
    );
    assert_eq!(read_folder(folder.path()).unwrap(), expected);
}

/// Some archives unpack into a folder named like the file.
#[test]
fn a_folder_in_place_of_a_file_is_passed_over() {
    let folder = folder();
    let expected = read_folder(folder.path()).unwrap();
    let plain = folder.path().join("t10k-labels-idx1-ubyte");
    fs::rename(&plain, folder.path().join("t10k-labels.idx1-ubyte")).unwrap();
    fs::create_dir(plain).unwrap();
    assert_eq!(read_folder(folder.path()).unwrap(), expected);
}

#[test]
fn a_missing_folder_is_named() {
    let folder = folder();
    for absent in [
        "nowhere",
        "train-images-idx3-ubyte",
        "train-images-idx3-ubyte/inside",
    ] {
        let path = folder.path().join(absent);
        assert_eq!(
            read_folder(&path).unwrap_err().to_string(),
            format!(
                "there is no file or folder `{}`; give a file of data, or the folder that holds the \
                 files of the data set",
                path.display()
            )
        );
    }
}

#[test]
fn a_missing_file_lists_the_names_tried() {
    let folder = folder();
    fs::remove_file(folder.path().join("t10k-labels-idx1-ubyte")).unwrap();
    assert_eq!(
        read_folder(folder.path()).unwrap_err().to_string(),
        format!(
            "the folder `{}` holds no test labels; put there a file with one of these names: \
             t10k-labels-idx1-ubyte, t10k-labels-idx1-ubyte.gz, t10k-labels.idx1-ubyte, \
             t10k-labels.idx1-ubyte.gz",
            folder.path().display()
        )
    );
}

#[test]
fn a_fault_in_a_file_names_its_path() {
    let folder = folder();
    let path = folder.path().join("train-images-idx3-ubyte");
    fs::write(&path, b"not a picture").unwrap();
    let message = read_folder(folder.path()).unwrap_err().to_string();
    let start = format!(
        "`{}` is not an IDX file: it begins with 6e 6f 74 20",
        path.display()
    );
    assert!(message.starts_with(&start), "{message}");
}

#[test]
fn a_test_label_unknown_to_training_is_refused() {
    let folder = folder();
    write(folder.path(), "t10k-labels-idx1-ubyte", &labels(&[1, 3]));
    let path = folder.path().join("t10k-labels-idx1-ubyte");
    assert_eq!(
        read_folder(folder.path()).unwrap_err().to_string(),
        format!(
            "`{}` gives example 1 the label 3, but there are 3 classes and labels are counted \
             from 0; correct the label or the number of classes",
            path.display()
        )
    );
}

#[test]
fn training_and_test_images_have_one_shape() {
    let folder = folder();
    write(
        folder.path(),
        "t10k-images-idx3-ubyte",
        &idx(0x08, &[2, 1, 2], &[1, 2, 3, 4]),
    );
    assert_eq!(
        read_folder(folder.path()).unwrap_err().to_string(),
        "training inputs have shape [1, 1, 1] and 3 classes, test inputs [1, 2, 1] and 3; both \
         must be the same: take both parts from the same data set"
    );
}

#[test]
fn a_pair_of_files_under_any_name_is_a_data_set() {
    let folder = tempdir().unwrap();
    write(folder.path(), "pictures", &images(&[1, 2]));
    write(folder.path(), "answers", &gzip(&labels(&[0, 1])));
    let (pictures, answers) = (
        folder.path().join("pictures"),
        folder.path().join("answers"),
    );
    let data = read_files(&pictures, &answers, 10).unwrap();
    assert_eq!((data.len(), data.classes()), (2, 10));

    let absent = folder.path().join("absent");
    let message = read_files(&absent, &answers, 10).unwrap_err().to_string();
    let start = format!("cannot read `{}`: ", absent.display());
    assert!(message.starts_with(&start), "{message}");
}

#[test]
fn the_format_of_a_folder_is_seen_from_the_names_of_its_files() {
    let folder = folder();
    let known = osculant_data::read_folder(folder.path());
    assert_eq!(known.unwrap(), read_folder(folder.path()).unwrap());

    write(folder.path(), "data_batch_1.bin", b"");
    let message = |folder: &Path| osculant_data::read_folder(folder).unwrap_err().to_string();
    assert_eq!(
        message(folder.path()),
        format!(
            "the folder `{}` holds both IDX files and files that end in .bin, as CIFAR-10 has \
             them; give a folder with one data set",
            folder.path().display()
        )
    );
    let empty = tempdir().unwrap();
    let text = message(empty.path());
    for looked_for in [
        "holds no data set of a known form",
        "train-images-idx3-ubyte",
        "data_batch_1.bin to data_batch_5.bin and test_batch.bin",
        ".gz",
    ] {
        assert!(text.contains(looked_for), "{text}");
    }
    let text = message(&empty.path().join("nowhere"));
    assert!(text.starts_with("there is no file or folder `"), "{text}");
}
