use super::{classes, reals, survives};
use osculant_data::npy::{
    Array, Values, read, read_archive, read_archive_tables, read_array, write_archive, write_array,
};
use osculant_data::{AnyDataset, Table};
use proptest::prelude::*;
use std::io::Cursor;

/// A file with this header and these bytes.
fn npy(header: &str, values: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(values);
    file
}

/// The header that NumPy writes for this type and shape.
fn header(descr: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n")
}

fn array(descr: &str, shape: &str, values: &[u8]) -> Array {
    read_array(&npy(&header(descr, shape), values)[..], "a.npy").unwrap()
}

fn message(file: &[u8]) -> String {
    read_array(file, "a.npy").unwrap_err().to_string()
}

fn reals_of(shape: &[usize], values: &[f32]) -> Array {
    Array {
        shape: shape.to_vec(),
        values: Values::Reals(values.to_vec()),
    }
}

fn integers(values: &[i64]) -> Array {
    Array {
        shape: vec![values.len()],
        values: Values::Integers(values.to_vec()),
    }
}

fn bytes(array: &Array) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_array(&mut bytes, array).unwrap();
    bytes
}

fn archive(arrays: &[(&str, &Array)]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    write_archive(&mut bytes, arrays).unwrap();
    bytes.into_inner()
}

fn tables(arrays: &[(&str, &Array)]) -> Result<(Table, Option<Table>), String> {
    read_archive_tables(&archive(arrays), "a.npz").map_err(|e| e.to_string())
}

#[test]
fn every_type_is_read_in_both_byte_orders() {
    let integers = |array: Array| match array.values {
        Values::Integers(values) => values,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        array("|u1", "(2,)", &[0, 255]).values,
        Values::Bytes(vec![0, 255])
    );
    assert_eq!(integers(array("|b1", "(2,)", &[0, 1])), [0, 1]);
    assert_eq!(integers(array("|i1", "(2,)", &[127, 255])), [127, -1]);
    assert_eq!(integers(array("<i2", "(1,)", &[0xfe, 0xff])), [-2]);
    assert_eq!(integers(array(">i2", "(1,)", &[0xff, 0xfe])), [-2]);
    assert_eq!(integers(array("<u2", "(1,)", &[0xfe, 0xff])), [65534]);
    assert_eq!(integers(array("<i4", "(1,)", &(-7i32).to_le_bytes())), [-7]);
    assert_eq!(
        integers(array(">u4", "(1,)", &[0xff; 4])),
        [i64::from(u32::MAX)]
    );
    assert_eq!(
        integers(array("<i8", "(1,)", &i64::MIN.to_le_bytes())),
        [i64::MIN]
    );
    assert_eq!(integers(array("<u8", "(1,)", &7u64.to_le_bytes())), [7]);
    let reals = |array: Array| match array.values {
        Values::Reals(values) => values,
        other => panic!("{other:?}"),
    };
    assert_eq!(reals(array("<f4", "(1,)", &1.5f32.to_le_bytes())), [1.5]);
    assert_eq!(reals(array(">f8", "(1,)", &0.1f64.to_be_bytes())), [0.1f32]);
    // 1, -2, 65504 (the largest), 2^-24 (the smallest), infinity
    let halves: Vec<u8> = [0x3c00u16, 0xc000, 0x7bff, 0x0001, 0x7c00]
        .iter()
        .flat_map(|h| h.to_le_bytes())
        .collect();
    assert_eq!(
        reals(array("<f2", "(5,)", &halves)),
        [1.0, -2.0, 65504.0, 2f32.powi(-24), f32::INFINITY]
    );
    assert!(reals(array("<f2", "(1,)", &0x7e00u16.to_le_bytes()))[0].is_nan());
    let text = message(&npy(&header("<u8", "(1,)"), &[0xff; 8]));
    assert!(text.contains("an integer above 2⁶³ − 1"), "{text}");
}

#[test]
fn an_array_in_the_order_of_fortran_is_turned() {
    let columns: Vec<u8> = (0..12)
        .map(|i| [0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11][i])
        .collect();
    let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 3), }";
    let array = read_array(&npy(header, &columns)[..], "a").unwrap();
    assert_eq!(array.values, Values::Bytes((0..12).collect()));
}

#[test]
fn what_is_written_is_read() {
    for array in [
        reals_of(&[2, 3], &[0.1, -1e30, 0.0, 1.0, 2.0, 3.0]),
        reals_of(&[], &[1.0]),
        integers(&[i64::MAX, -1]),
        Array {
            shape: vec![0, 4],
            values: Values::Bytes(vec![]),
        },
    ] {
        let bytes = bytes(&array);
        assert_eq!(read_array(&bytes[..], "a").unwrap(), array);
        // NumPy wants the numbers to begin at a multiple of 64.
        let length = u16::from_le_bytes([bytes[8], bytes[9]]);
        assert_eq!((length + 10) % 64, 0);
        assert_eq!(bytes[usize::from(length) + 9], b'\n');
        for end in 0..bytes.len() {
            assert!(read_array(&bytes[..end], "cut").is_err(), "{end} bytes");
        }
        assert!(read_array(&[&bytes[..], &[0]].concat()[..], "long").is_err());
    }
}

#[test]
fn a_bad_header_says_what_is_wrong() {
    for (header, what) in [
        ("", "it is no dictionary"),
        ("{'descr': '<f4', 'shape': (1,)}", "the order is missing"),
        (
            "{'descr': '<f4', 'fortran_order': False}",
            "the shape is missing",
        ),
        (
            "{'fortran_order': False, 'shape': (1,)}",
            "the type is missing",
        ),
        (
            "{'descr': [('a', '<f4')], }",
            "the type is not a single one",
        ),
        ("{'descr': '<f4', 'fortran_order': 1}", "no order"),
        ("{'shape': (-1,)}", "an axis is no whole number"),
        ("{'shape': 3}", "the shape is no tuple"),
        ("{'shape': (3", "the shape has no end"),
        ("{'other': 1}", "unknown key `other`"),
        ("{'descr' '<f4'}", "a value is missing"),
        ("{é", "a key is missing"),
    ] {
        let text = message(&npy(header, &[]));
        assert!(text.contains(&format!("({what})")), "{header}: {text}");
    }
    let text = message(&npy(&header("<c8", "(1,)"), &[0; 8]));
    assert!(text.contains("holds values of type `<c8`"), "{text}");
    let text = message(&npy(&header("|O", "(1,)"), &[0; 8]));
    assert!(text.contains("holds values of type `|O`"), "{text}");
    assert!(message(b"P6 1 1 255").contains("is no .npy file"));
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend(u32::MAX.to_le_bytes());
    assert!(message(&long).contains("announces a header of 4294967295 bytes"));
}

#[test]
fn a_header_that_announces_terabytes_costs_nothing() {
    let text = message(&npy(&header("<f8", "(1000000, 1000000)"), &[0; 16]));
    assert_eq!(
        text,
        "`a.npy` has fewer bytes than shape [1000000, 1000000] of type `<f8` makes, 8000000000000; \
         copy it again"
    );
    let text = message(&npy(&header("<f8", "(9999999999999, 9999999999999)"), &[]));
    assert!(text.contains("more than any memory holds"), "{text}");
}

#[test]
fn axes_beyond_counting_are_refused_with_no_example_too() {
    let axes = 1usize << 40;
    let x = reals_of(&[0, axes, axes], &[]);
    let y = integers(&[]);
    let (table, _) = tables(&[("x", &x), ("y", &y)]).unwrap();
    assert!(table.decode(None).is_err());
}

#[test]
fn an_archive_of_x_and_y_is_a_data_set() {
    let x = reals_of(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let (table, test) = tables(&[("x", &x), ("y", &integers(&[7, 3])), ("z", &x)]).unwrap();
    let (data, legend) = classes(table);
    assert_eq!((data.shape(), data.labels()), (&[3][..], &[1, 0][..]));
    assert_eq!((legend.classes, test), (vec!["3".into(), "7".into()], None));
    let y = reals_of(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let (table, _) = tables(&[("Data", &x), ("targets", &y)]).unwrap();
    assert_eq!(reals(table).target_size(), 2);
}

#[test]
fn images_in_bytes_are_known_as_such_and_get_a_channel() {
    let x = Array {
        shape: vec![1, 2, 2],
        values: Values::Bytes(vec![0, 1, 2, 255]),
    };
    let y = integers(&[1]);
    let parts = [
        ("x_train", &x),
        ("y_train", &y),
        ("test_x", &x),
        ("y_test", &y),
    ];
    let (train, test) = tables(&parts).unwrap();
    assert!(train.holds_bytes() && test.is_some());
    let (data, _) = classes(train);
    assert_eq!(data.shape(), [2, 2, 1]);
    assert_eq!(data.inputs(), [0.0, 1.0, 2.0, 255.0]);
}

#[test]
fn an_archive_that_is_no_data_set_is_told_why() {
    let x = reals_of(&[2, 1], &[0.0, 1.0]);
    let told = |arrays: &[(&str, &Array)]| tables(arrays).unwrap_err();
    assert!(told(&[("weights", &x)]).contains("looked for an array named x"));
    assert!(told(&[("x", &x), ("data", &x)]).contains("has both `data` and `x`"));
    assert!(told(&[("x", &x), ("x_test", &x)]).contains("leave out one kind"));
    assert_eq!(
        told(&[("x", &x), ("y", &integers(&[1]))]),
        "`a.npz: y` has 1 targets for 2 inputs; give one for each"
    );
    let single = reals_of(&[], &[1.0]);
    assert!(told(&[("x", &single)]).contains("is a single number"));
    let bad = reals_of(&[2, 2], &[0.0, 1.0, 2.0, f32::NAN]);
    let text = told(&[("x", &bad)]);
    assert!(
        text.contains("example 1, position 1: the value NaN is not finite"),
        "{text}"
    );
    let text = read_archive(b"PK\x03\x04 and no more", "a.npz", |_| true);
    assert!(
        text.unwrap_err()
            .to_string()
            .contains("cannot be read as a .npz archive")
    );
}

#[test]
fn inputs_alone_are_unlabelled() {
    let x = bytes(&reals_of(&[3], &[0.0, 1.0, 2.0]));
    let table = read((&x[..], "x.npy"), None::<(&[u8], &str)>).unwrap();
    let (data, _) = table.decode(None).unwrap();
    assert!(matches!(data, AnyDataset::Unlabelled(_)));
    assert_eq!((data.len(), data.shape()), (3, &[1][..]));
}

#[test]
fn equal_arrays_make_equal_archives() {
    let x = reals_of(&[2, 1], &[0.0, 1.0]);
    assert_eq!(archive(&[("x", &x)]), archive(&[("x", &x)]));
}

#[test]
fn every_change_and_every_cut_of_an_archive_is_survived() {
    let x = reals_of(&[2, 1], &[0.0, 1.0]);
    let whole = archive(&[("x", &x), ("y", &integers(&[0, 1]))]);
    for i in 0..whole.len() {
        survives(read_archive_tables(&whole[..i], "a").map(|(table, _)| table));
        let mut changed = whole.clone();
        changed[i] ^= 0xff;
        survives(read_archive_tables(&changed, "a").map(|(table, _)| table));
    }
}

proptest! {
    #[test]
    fn any_bytes_give_an_array_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = read_array(&bytes[..], "a");
        let _ = read_array(&npy("", &bytes)[..], "a");
    }

    #[test]
    fn any_header_gives_an_array_or_an_error(header in "[{}()'\":, a-f0-9<]{0,60}") {
        let _ = read_array(&npy(&header, &[0; 8])[..], "a");
        let whole = format!("{{'descr': '<f4', 'fortran_order': True, 'shape': ({header}), }}");
        let _ = read_array(&npy(&whole, &[0; 8])[..], "a");
    }
}
