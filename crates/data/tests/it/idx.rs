//! IDX arrays, images and labels: what is read, and what each kind of bad file is told.

use std::io::{self, Read};

use crate::common::gzip;
use crate::idx_file::idx;
use osculant_data::idx::{IdxValues, read_array, read_dataset, read_images, read_labels};

/// Two images of 1 × 2 pixels.
fn images() -> Vec<u8> {
    idx(0x08, &[2, 1, 2], &[0, 255, 7, 9])
}

fn message(file: &[u8]) -> String {
    read_array(file, "digits.idx").unwrap_err().to_string()
}

#[test]
fn plain_and_gzip_read_alike() {
    let plain = read_images(&images()[..], "plain").unwrap();
    let packed = read_images(&gzip(&images())[..], "packed").unwrap();
    assert_eq!(plain, packed);
    assert_eq!(plain.count, 2);
    assert_eq!(plain.shape, [1, 2, 1]);
    assert_eq!(plain.inputs, [0.0, 255.0, 7.0, 9.0]);
}

#[test]
fn gzip_of_several_members_is_one_file() {
    let file = images();
    let members = [gzip(&file[..9]), gzip(&file[9..])].concat();
    assert_eq!(
        read_array(&members[..], "two").unwrap(),
        read_array(&file[..], "one").unwrap()
    );
}

#[test]
fn images_may_bring_their_channels() {
    let file = idx(0x08, &[1, 1, 2, 3], &[1, 2, 3, 4, 5, 6]);
    let images = read_images(&file[..], "colour").unwrap();
    assert_eq!(images.shape, [1, 2, 3]);
    assert_eq!(images.inputs, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn every_element_type_is_big_endian() {
    let cases = [
        (0x08, vec![0x80, 2], IdxValues::U8(vec![128, 2])),
        (0x09, vec![0x80, 2], IdxValues::I8(vec![-128, 2])),
        (0x0b, vec![0xff, 0xfe, 1, 0], IdxValues::I16(vec![-2, 256])),
        (
            0x0c,
            vec![0xff, 0xff, 0xff, 0xfe, 0, 1, 0, 0],
            IdxValues::I32(vec![-2, 65536]),
        ),
        (
            0x0d,
            vec![0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0],
            IdxValues::F32(vec![1.5, -2.0]),
        ),
        (
            0x0e,
            [1.5_f64.to_be_bytes(), (-2.0_f64).to_be_bytes()].concat(),
            IdxValues::F64(vec![1.5, -2.0]),
        ),
    ];
    for (code, bytes, values) in cases {
        let array = read_array(&idx(code, &[2], &bytes)[..], "array").unwrap();
        assert_eq!((array.shape, array.values), (vec![2], values));
    }
}

#[test]
fn an_axis_of_length_zero_has_no_values() {
    let array = read_array(&idx(0x0d, &[3, 0], &[])[..], "array").unwrap();
    assert_eq!(array.shape, [3, 0]);
    assert!(array.values.is_empty());
}

#[test]
fn a_truncated_file_says_how_many_bytes_are_missing() {
    assert_eq!(
        message(&images()[..18]),
        "`digits.idx` is truncated: its header announces shape [2, 1, 2], which makes 20 bytes, \
         found 18; fetch the file again"
    );
    assert_eq!(
        message(&images()[..9]),
        "`digits.idx` is truncated: its header needs 16 bytes, found 9; fetch the file again"
    );
}

/// A download that broke off: gzip data do not end where the array ends.
#[test]
fn every_cut_of_a_file_is_an_error() {
    for whole in [images(), gzip(&images())] {
        for end in 0..whole.len() {
            assert!(
                read_array(&whole[..end], "cut").is_err(),
                "{end} bytes of {}",
                whole.len()
            );
        }
    }
}

#[test]
fn truncated_gzip_counts_decompressed_bytes() {
    // Without compression, the bytes of the array are those of the gzip file from 15 on.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    io::Write::write_all(&mut packed, &images()).unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(
        message(&packed[..15 + 17]),
        "`digits.idx` is truncated: its header announces shape [2, 1, 2], which makes 20 bytes, \
         found 17; fetch the file again"
    );
    assert_eq!(
        message(&packed[..5]),
        "`digits.idx` is truncated: its header needs 4 bytes, found 0; fetch the file again"
    );
    assert_eq!(
        message(&packed[..packed.len() - 1]),
        "the gzip data of `digits.idx` are damaged (it ends inside its checksum, or is followed \
         by other bytes); fetch the file again"
    );
}

#[test]
fn a_wrong_checksum_is_damage() {
    let mut packed = gzip(&images());
    let checksum = packed.len() - 8;
    packed[checksum] ^= 1;
    let message = message(&packed);
    assert!(
        message.starts_with("the gzip data of `digits.idx` are damaged ("),
        "{message}"
    );
}

#[test]
fn bytes_after_the_array_are_an_error() {
    let long = [images(), vec![1]].concat();
    for file in [long.clone(), gzip(&long)] {
        assert_eq!(
            message(&file),
            "`digits.idx` has more bytes than its header announces: its header announces shape \
             [2, 1, 2], which makes 20 bytes, and more follow; the header or the file is damaged, \
             fetch it again"
        );
    }
    for rest in [&[0_u8][..], b"something else entirely"] {
        let message = message(&[gzip(&images()), rest.to_vec()].concat());
        assert!(
            message.starts_with("the gzip data of `digits.idx` are damaged ("),
            "{message}"
        );
    }
}

#[test]
fn a_foreign_file_shows_its_first_bytes() {
    let expected = "where an IDX file has 00 00, an element type (08, 09, 0b, 0c, 0d or 0e) and a \
                    number of axes from 1 to 255; check that this is the right file and that its \
                    download was complete";
    let cases: [(&[u8], &str); 7] = [
        (b"<html><body>404 Not Found", "3c 68 74 6d (\"<htm\")"),
        (b"\x89PNG\r\n\x1a\n", "89 50 4e 47"),
        (&[0, 0, 0x0a, 3, 0, 0, 0, 0], "00 00 0a 03"), // no such element type
        (&[0, 0, 0x08, 0, 1], "00 00 08 00"),          // no axes
        (&[3, 8, 0, 0], "03 08 00 00"),                // byte order exchanged
        (&[0, 0], "00 00"),
        (&[], "nothing (it is empty)"),
    ];
    for (file, first) in cases {
        let whole = format!("`digits.idx` is not an IDX file: it begins with {first}, {expected}");
        assert_eq!(message(file), whole);
        assert_eq!(message(&gzip(file)), whole);
    }
}

/// The header of 2³¹ images once asked for 1.7 TB before it looked at the file.
#[test]
fn a_header_that_announces_terabytes_costs_nothing() {
    let file = idx(0x08, &[1 << 31, 28, 28], &[0; 100]);
    assert_eq!(
        message(&file),
        "`digits.idx` is truncated: its header announces shape [2147483648, 28, 28], which makes \
         1683627180048 bytes, found 116; fetch the file again"
    );
    let vast = u32::MAX;
    assert_eq!(
        message(&idx(0x0e, &[vast, vast, vast], &[])),
        "the header of `digits.idx` announces shape [4294967295, 4294967295, 4294967295], more \
         than any memory holds; the file is damaged, fetch it again"
    );
}

/// Reading asks an endless source for one byte more than announced, and no further.
#[test]
fn an_endless_source_is_not_read_to_its_end() {
    let endless = io::Cursor::new(images()).chain(io::repeat(0));
    let message = read_array(endless, "endless").unwrap_err().to_string();
    assert!(
        message.starts_with("`endless` has more bytes than its header announces"),
        "{message}"
    );
}

#[test]
fn a_source_that_fails_says_why() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the cable is out"))
        }
    }
    let expected = "cannot read `remote`: the cable is out; check the path and its permissions";
    assert_eq!(
        read_array(Broken, "remote").unwrap_err().to_string(),
        expected
    );
    // also behind the first bytes of a gzip file
    let later = io::Cursor::new(gzip(&images())[..12].to_vec()).chain(Broken);
    assert_eq!(
        read_array(later, "remote").unwrap_err().to_string(),
        expected
    );
}

#[test]
fn images_and_labels_must_be_ubyte() {
    let floats = idx(0x0d, &[1, 1, 1], &[0; 4]);
    assert_eq!(
        read_images(&floats[..], "floats.idx")
            .unwrap_err()
            .to_string(),
        "`floats.idx` holds float values; images and labels must be ubyte (element type 08): \
         convert the file, or read it with `idx::read_array` and build a `Dataset` from it"
    );
    let ints = idx(0x0c, &[1], &[0; 4]);
    let message = read_labels(&ints[..], "ints.idx").unwrap_err().to_string();
    assert!(
        message.starts_with("`ints.idx` holds int values;"),
        "{message}"
    );
}

#[test]
fn images_and_labels_exchanged_are_recognized() {
    let labels = idx(0x08, &[2], &[0, 1]);
    assert_eq!(
        read_images(&labels[..], "labels.idx")
            .unwrap_err()
            .to_string(),
        "`labels.idx` has shape [2]; images have axes [n, height, width] or [n, height, width, \
         channels]: are images and labels exchanged?"
    );
    assert_eq!(
        read_labels(&images()[..], "images.idx")
            .unwrap_err()
            .to_string(),
        "`images.idx` has shape [2, 1, 2]; labels have one axis, [n]: are images and labels \
         exchanged?"
    );
}

#[test]
fn each_image_needs_one_label() {
    let labels = idx(0x08, &[3], &[0, 1, 0]);
    let outcome = read_dataset((&images()[..], "images"), (&labels[..], "labels"), 2);
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "`images` holds 2 images and `labels` 3 labels; each image needs one label: take both \
         files from the same part of the same data set"
    );
}

#[test]
fn a_label_out_of_range_names_file_and_example() {
    let labels = idx(0x08, &[2], &[1, 2]);
    let outcome = read_dataset((&images()[..], "images"), (&labels[..], "labels"), 2);
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "`labels` gives example 1 the label 2, but there are 2 classes and labels are counted \
         from 0; correct the label or the number of classes"
    );
}

#[test]
fn files_without_images_are_no_data_set() {
    let (no_images, no_labels) = (idx(0x08, &[0, 28, 28], &[]), idx(0x08, &[0], &[]));
    let outcome = read_dataset((&no_images[..], "images"), (&no_labels[..], "labels"), 2);
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "`images` holds no examples; a data set needs at least one"
    );
}

#[test]
fn images_without_pixels_are_no_inputs() {
    let (flat, labels) = (idx(0x08, &[2, 0, 28], &[]), idx(0x08, &[2], &[0, 1]));
    let outcome = read_dataset((&flat[..], "images"), (&labels[..], "labels"), 2);
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "`images` gives inputs the shape [0, 28, 1]; they need at least one axis, each of length 1 \
         or more, such as [28, 28, 1]"
    );
}
