//! CIFAR-10: what is read, in which order, and what each kind of bad file or folder is told.

use std::fs;
use std::path::Path;

use crate::common::gzip;
use osculant_data::cifar10::{read_dataset, read_file, read_folder};
use tempfile::{TempDir, tempdir};

/// The bytes of a record, planes first.
const RECORD: usize = 3_073;

/// A record whose pixel in this plane, row and column has a value that tells all three apart.
fn record(label: u8) -> Vec<u8> {
    let mut record = vec![label];
    for channel in 0..3 {
        for row in 0..32 {
            record.extend((0..32).map(|column| pixel(label, channel, row, column) as u8));
        }
    }
    record
}

fn pixel(label: u8, channel: usize, row: usize, column: usize) -> usize {
    (usize::from(label) + 80 * channel + 7 * row + 2 * column) % 251
}

fn records(labels: &[u8]) -> Vec<u8> {
    labels.iter().flat_map(|&label| record(label)).collect()
}

fn message(bytes: &[u8]) -> String {
    read_dataset(bytes, "a.bin").unwrap_err().to_string()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).unwrap();
}

/// The official files, with one or two records each.
fn official() -> TempDir {
    let folder = tempdir().unwrap();
    for i in 1..=5 {
        write(
            folder.path(),
            &format!("data_batch_{i}.bin"),
            &records(&[i, i + 1]),
        );
    }
    write(folder.path(), "test_batch.bin", &records(&[9]));
    write(folder.path(), "batches.meta.txt", b"airplane\n");
    folder
}

#[test]
fn channels_come_last() {
    let data = read_dataset(&records(&[3, 8])[..], "two").unwrap();
    assert_eq!((data.len(), data.classes()), (2, 10));
    assert_eq!(data.shape(), [32, 32, 3]);
    assert_eq!(data.labels(), [3, 8]);
    for (input, label) in data.examples() {
        for row in 0..32 {
            for column in 0..32 {
                for channel in 0..3 {
                    assert_eq!(
                        input[(32 * row + column) * 3 + channel],
                        pixel(label as u8, channel, row, column) as f32,
                    );
                }
            }
        }
    }
}

#[test]
fn real_images_are_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cifar10/ten.bin.gz");
    let data = read_file(path).unwrap();
    assert_eq!(data.labels(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    // The first two pixels and the last of an airplane and of a cat.
    let ends = |i| {
        let input = data.input(i).unwrap();
        [&input[..6], &input[3_069..]].concat()
    };
    assert_eq!(
        ends(0),
        [155.0, 156.0, 149.0, 167.0, 176.0, 187.0, 73.0, 68.0, 50.0]
    );
    assert_eq!(
        ends(3),
        [158.0, 112.0, 49.0, 159.0, 111.0, 47.0, 21.0, 67.0, 110.0]
    );
}

#[test]
fn the_official_files_are_read_in_their_order() {
    let folder = official();
    let split = read_folder(folder.path()).unwrap();
    assert_eq!(split.train.labels(), [1, 2, 2, 3, 3, 4, 4, 5, 5, 6]);
    assert_eq!(split.test.labels(), [9]);
    assert_eq!(osculant_data::read_folder(folder.path()).unwrap(), split);
}

#[test]
fn compressed_files_serve_as_well() {
    let (plain, packed) = (official(), official());
    for name in ["data_batch_2.bin", "test_batch.bin"] {
        let path = packed.path().join(name);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(path).unwrap();
        write(packed.path(), &format!("{name}.gz"), &gzip(&bytes));
    }
    assert_eq!(
        read_folder(packed.path()).unwrap(),
        read_folder(plain.path()).unwrap()
    );
}

#[test]
fn other_files_say_train_and_test_in_their_names() {
    let folder = tempdir().unwrap();
    write(folder.path(), "Train_b.bin", &records(&[2]));
    write(
        folder.path(),
        "subset_train_a.bin.gz",
        &gzip(&records(&[3])),
    );
    write(folder.path(), "my_test.bin", &records(&[4, 5]));
    write(folder.path(), "train.txt", b"no records");
    write(folder.path(), "else.bin", b"no records");
    let split = read_folder(folder.path()).unwrap();
    // In the order of the names, in which capitals come first.
    assert_eq!(split.train.labels(), [2, 3]);
    assert_eq!(split.test.labels(), [4, 5]);

    write(folder.path(), "train_test.bin", &records(&[1]));
    assert_eq!(
        read_folder(folder.path()).unwrap_err().to_string(),
        format!(
            "`{}` has both `train` and `test` in its name; rename it so that it says what its \
             images are for",
            folder.path().join("train_test.bin").display()
        )
    );
}

#[test]
fn a_missing_file_lists_the_names_tried() {
    let folder = official();
    fs::remove_file(folder.path().join("data_batch_4.bin")).unwrap();
    assert_eq!(
        read_folder(folder.path()).unwrap_err().to_string(),
        format!(
            "the folder `{}` holds no training images; put there a file with one of these names: \
             data_batch_4.bin, data_batch_4.bin.gz",
            folder.path().display()
        )
    );
    let folder = tempdir().unwrap();
    write(folder.path(), "train.bin", &records(&[1]));
    assert_eq!(
        read_folder(folder.path()).unwrap_err().to_string(),
        format!(
            "the folder `{}` holds no test images; put there a file with one of these names: \
             *test*.bin, *test*.bin.gz",
            folder.path().display()
        )
    );
}

#[test]
fn every_cut_that_leaves_part_of_a_record_is_an_error() {
    let whole = records(&[1, 2]);
    for end in (0..whole.len()).filter(|end| *end != RECORD) {
        assert!(read_dataset(&whole[..end], "cut").is_err(), "{end} bytes");
    }
    let packed = gzip(&whole);
    for end in 0..packed.len() {
        assert!(read_dataset(&packed[..end], "cut").is_err(), "{end} bytes");
    }
    assert_eq!(
        message(&whole[..RECORD + 10]),
        "`a.bin` holds 3083 bytes, which are not records of CIFAR-10: each has 3073 bytes, a \
         label and 3072 pixels (those of CIFAR-100 have one more); check that this is the right \
         file and that its download was complete"
    );
    assert!(message(&[]).starts_with("`a.bin` holds 0 bytes, "));
}

/// A page of a server that says "not found" is no image, whatever its length.
#[test]
fn a_label_above_9_names_file_and_example() {
    let mut bytes = records(&[1, 2]);
    bytes[RECORD] = b'<';
    assert_eq!(
        message(&bytes),
        "`a.bin` gives example 1 the label 60, but there are 10 classes and labels are counted \
         from 0; correct the label or the number of classes"
    );
}

#[test]
fn damaged_gzip_data_are_an_error() {
    let mut packed = gzip(&records(&[1]));
    let checksum = packed.len() - 8;
    packed[checksum] ^= 1;
    let text = message(&packed);
    assert!(
        text.starts_with("the gzip data of `a.bin` are damaged ("),
        "{text}"
    );
    packed.truncate(checksum);
    let text = message(&packed);
    assert!(text.contains("it ends inside its checksum"), "{text}");
}
