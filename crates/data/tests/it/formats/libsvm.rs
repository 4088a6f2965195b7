use super::{classes, reals, survives};
use crate::common::gzip;
use osculant_data::libsvm::read;
use osculant_data::{AnyDataset, Legend};
use proptest::prelude::*;

fn message(text: &str, width: Option<usize>) -> String {
    let table = read(text.as_bytes(), "t", width);
    table.unwrap_err().to_string()
}

#[test]
fn zeros_are_filled_in_and_labels_keep_their_names() {
    let text = "# a comment\n+1 1:0.5 3:-2e1\n\n-1 2:1 # another\n1.0\n";
    let (data, legend) = classes(read(text.as_bytes(), "t", None).unwrap());
    assert_eq!(data.shape(), [3]);
    assert_eq!(
        data.inputs(),
        [0.5, 0.0, -20.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    );
    assert_eq!(data.labels(), [1, 0, 1]);
    assert_eq!(legend.classes, ["-1", "1"]);
}

#[test]
fn real_labels_are_targets() {
    let data = reals(read("1.5 1:1\r\n-2 1:0\r\n".as_bytes(), "t", None).unwrap());
    assert_eq!(data.targets(), [1.5, -2.0]);
}

#[test]
fn the_width_of_training_holds_for_the_test() {
    let (data, _) = classes(read("1 1:7\n".as_bytes(), "t", Some(3)).unwrap());
    assert_eq!(data.inputs(), [7.0, 0.0, 0.0]);
    assert_eq!(
        message("1 1:7\n1 4:1\n", Some(3)),
        "`t`, line 2: it has the index 4, and inputs have 3 values; leave out entries \
         above 3, which training never saw"
    );
}

#[test]
fn lines_may_have_no_labels_if_none_has_one() {
    let table = read("1:1 2:2\n2:5\n".as_bytes(), "t", None).unwrap();
    let data = table.decode_with(&Legend::default(), 2).unwrap();
    assert!(matches!(data, AnyDataset::Unlabelled(_)), "{data:?}");
    assert_eq!(data.inputs(), [1.0, 2.0, 0.0, 5.0]);
    for text in ["1 1:1\n2:5\n", "1:1\n1 2:5\n"] {
        let text = message(text, None);
        assert!(
            text.starts_with("`t`, line 2: here lines with a label"),
            "{text}"
        );
    }
}

#[test]
fn a_bad_line_is_told_by_its_number() {
    let told = |line: &str| message(&format!("1 1:1\n{line}\n"), None);
    for (line, fault) in [
        (
            "1 0:1",
            "it has the index 0; indices are counted from 1: add 1 to each (scikit-learn's \
             dump_svmlight_file does so with zero_based=False)",
        ),
        (
            "1 2:1 2:1",
            "the index 2 follows 2; indices must ascend: sort them",
        ),
        (
            "1 3:1 2:1",
            "the index 2 follows 3; indices must ascend: sort them",
        ),
        (
            "1 2",
            "`2` is not of the form index:value; correct it, as in 3:0.5",
        ),
        (
            "1 x:2",
            "`x:2` is not of the form index:value; correct it, as in 3:0.5",
        ),
        (
            "1 2:",
            "`2:` is not of the form index:value; correct it, as in 3:0.5",
        ),
        (
            "1 -2:1",
            "`-2:1` is not of the form index:value; correct it, as in 3:0.5",
        ),
        (
            "1 2:nan",
            "the value at index 2 is NaN; every value must be finite: correct it, or leave the \
             example out",
        ),
        ("one 2:1", "the label `one` is no finite number; correct it"),
        ("inf 2:1", "the label `inf` is no finite number; correct it"),
    ] {
        assert_eq!(told(line), format!("`t`, line 2: {fault}"));
    }
    assert!(told("1 qid:3 1:1").contains("`qid:3`, a query of ranking data"));
    assert_eq!(
        message("# nothing\n", None),
        "`t` holds no examples; a data set needs at least one"
    );
    assert!(message("1\n2\n", None).contains("has no index:value at all"));
}

/// An index once asked for its zeros: one line, and 16 GB of them.
#[test]
fn zeros_that_fit_in_no_memory_are_refused() {
    let text = message("1 4000000000:1\n", None);
    assert!(
        text.contains("these are more than 2147483648 values"),
        "{text}"
    );
    let text = message(&format!("1 {}:1\n1 1:1\n", usize::MAX), None);
    assert!(
        text.contains("these are more than 2147483648 values"),
        "{text}"
    );
}

#[test]
fn a_file_may_be_gzip_and_every_cut_of_it_is_an_error() {
    let packed = gzip(b"+1 1:0.5 3:2\n-1 2:1\n");
    assert_eq!(classes(read(&packed[..], "t", None).unwrap()).0.len(), 2);
    for end in 2..packed.len() {
        assert!(read(&packed[..end], "t", None).is_err(), "{end} bytes");
    }
}

proptest! {
    #[test]
    fn any_bytes_give_a_table_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(read(&bytes[..], "t", None));
    }

    #[test]
    fn any_lines_give_a_table_or_an_error(text in "([-+0-9a.:#\n ]|[1-9]:[0-9] ){0,40}") {
        survives(read(text.as_bytes(), "t", Some(9)));
    }
}
