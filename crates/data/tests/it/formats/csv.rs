use super::{classes, reals, survives};
use crate::common::gzip;
use osculant_data::csv::{CsvOptions, read};
use osculant_data::{AnyDataset, Legend, Task};
use proptest::prelude::*;

fn table(text: &str) -> osculant_data::Table {
    read(text.as_bytes(), "t.csv", &CsvOptions::default()).unwrap()
}

fn message(text: &str, options: &CsvOptions) -> String {
    let table = read(text.as_bytes(), "t.csv", options);
    table.unwrap_err().to_string()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn targets(targets: &[&str]) -> CsvOptions {
    CsvOptions {
        targets: names(targets),
        ..CsvOptions::default()
    }
}

#[test]
fn text_in_the_last_column_is_the_class() {
    let text = "a,b,kind\n1,2.5,\"dog, big\"\n-3e2,4,cat\n5,6,\"dog, big\"\n";
    let (data, legend) = classes(table(text));
    assert_eq!(data.shape(), [2]);
    assert_eq!(data.inputs(), [1.0, 2.5, -300.0, 4.0, 5.0, 6.0]);
    assert_eq!(data.labels(), [1, 0, 1]);
    assert_eq!(legend.classes, ["cat", "dog, big"]);
    assert_eq!(legend.inputs, ["a", "b"]);
    assert_eq!(legend.targets, ["kind"]);
}

#[test]
fn whole_numbers_are_classes_in_their_order_and_fractions_are_reals() {
    let (data, legend) = classes(table("x,y\n0,10\n0,9\n0,-1\n0,9.0\n"));
    assert_eq!(legend.classes, ["-1", "9", "10"]);
    assert_eq!(data.labels(), [2, 1, 0, 1]);
    assert_eq!(reals(table("x,y\n0,10\n0,9.5\n")).targets(), [10.0, 9.5]);
    let twice = |count| -> String { (0..count).map(|i| format!("0,{i}\n1,{i}\n")).collect() };
    assert_eq!(reals(table(&twice(101))).len(), 202);
    let (data, _) = classes(table(&twice(100)));
    assert_eq!(data.classes(), 100);
    // Where hardly any occurs twice they measure something, unless there are few at all.
    let once = |count| -> String { (0..count).map(|i| format!("0,{i}\n")).collect() };
    assert_eq!(reals(table(&once(20))).len(), 20);
    assert_eq!(classes(table(&once(19))).0.classes(), 19);
}

#[test]
fn the_task_can_be_said() {
    let (data, legend) = table("0,1\n0,2\n").decode(Some(Task::Reals)).unwrap();
    let AnyDataset::Reals(data) = data else {
        panic!("{data:?}")
    };
    assert_eq!(
        (data.targets(), legend.task),
        (&[1.0, 2.0][..], Task::Reals)
    );
    let error = table("x,y\n0,dog\n").decode(Some(Task::Reals));
    assert_eq!(
        error.unwrap_err().to_string(),
        "`t.csv`, line 2: the target `dog` is no number; correct it, or train for classes"
    );
}

#[test]
fn a_line_without_any_number_is_the_header() {
    assert_eq!(table("1,2\n3,4\n").decode(None).unwrap().0.len(), 2);
    assert_eq!(table("a,b\n3,4\n").decode(None).unwrap().0.len(), 1);
    // Flowers often come without a header.
    assert_eq!(
        table("1,2,setosa\n3,4,setosa\n")
            .decode(None)
            .unwrap()
            .0
            .len(),
        2
    );
    let header = |header| CsvOptions {
        header: Some(header),
        ..CsvOptions::default()
    };
    let with = |text: &str, is| read(text.as_bytes(), "t", &header(is)).unwrap();
    assert_eq!(with("0,1\n3,4\n", true).decode(None).unwrap().0.len(), 1);
    let text = message("a,b\n3,4\n", &header(false));
    assert!(
        text.contains("line 1, column `1`: `a` is no number"),
        "{text}"
    );
}

#[test]
fn columns_are_chosen_by_name_or_number() {
    let text = "id,y,x1,x2\n7,0.5,1,2\n8,1.5,3,4\n";
    let options = CsvOptions {
        targets: names(&["y"]),
        ignore: names(&["1"]),
        ..CsvOptions::default()
    };
    let data = reals(read(text.as_bytes(), "t", &options).unwrap());
    assert_eq!(data.inputs(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(data.targets(), [0.5, 1.5]);
    let two = read(text.as_bytes(), "t", &targets(&["x2", "y"])).unwrap();
    let data = reals(two);
    assert_eq!(
        (data.target_size(), data.targets()),
        (2, &[2.0, 0.5, 4.0, 1.5][..])
    );
    assert_eq!(
        message(text, &targets(&["z"])),
        "`t.csv` has no column `z`; it has 4 columns: `id`, `y`, `x1`, `x2`"
    );
    assert_eq!(
        message("a,a,b\n1,2,3\n", &CsvOptions::default()),
        "`t.csv` has two columns named `a`; rename one of them"
    );
    let text = message("a\n1\n", &CsvOptions::default());
    assert!(text.contains("the one column `a`; commas"), "{text}");
    let text = message("a,b\n1,2\n", &targets(&["a", "b"]));
    assert!(text.contains("leaves no column for the inputs"), "{text}");
}

/// What `predict` does: columns by the names of training, in that order, with or without targets.
#[test]
fn inputs_are_found_by_their_names_in_any_order() {
    let options = CsvOptions {
        inputs: names(&["b", "a"]),
        targets: names(&["y"]),
        ..CsvOptions::default()
    };
    let legend = Legend {
        classes: names(&["no", "yes"]),
        ..Legend::default()
    };
    let decode = |text: &str| {
        let table = read(text.as_bytes(), "t.csv", &options).unwrap();
        table.decode_with(&legend, 2)
    };
    let AnyDataset::Classes(data) = decode("y,a,more,b\nyes,1,text,2\n").unwrap() else {
        panic!("no classes")
    };
    assert_eq!((data.inputs(), data.labels()), (&[2.0, 1.0][..], &[1][..]));
    let unlabelled = decode("b,a\n2,1\n").unwrap();
    assert_eq!(
        (unlabelled.inputs(), unlabelled.outputs()),
        (&[2.0, 1.0][..], None)
    );
    assert_eq!(
        decode("y,a,b\nno,1,2\nperhaps,1,2\n")
            .unwrap_err()
            .to_string(),
        "`t.csv`, line 3: the class `perhaps` did not occur in training, which had `no`, `yes`; \
         correct it, or leave the example out"
    );
    let text = message("a,c\n1,2\n", &options);
    assert!(text.contains("has no column `b`"), "{text}");
}

/// Names of columns may be numbers, as data frames write them; those of a model's inputs are names.
#[test]
fn an_input_that_is_missing_is_not_taken_from_another_column() {
    let options = |inputs: &[&str], columns| CsvOptions {
        inputs: names(inputs),
        columns,
        ..CsvOptions::default()
    };
    let text = "0,1,2\n5,6,7\n";
    let found = message(text, &options(&["0", "1", "3"], None));
    assert!(found.contains("has no column `3`"), "{found}");
    // Trained without a header, it means the third.
    let table = read(text.as_bytes(), "t", &options(&["0", "1", "3"], Some(3))).unwrap();
    let (data, _) = table.decode(None).unwrap();
    assert_eq!(data.inputs(), [5.0, 6.0, 7.0]);
    let found = message(text, &options(&["1", "2", "1"], None));
    assert!(found.contains("its column `1` to two inputs"), "{found}");
}

#[test]
fn what_separates_values_is_seen_behind_empty_lines() {
    let (data, _) = table("\n\na;b;y\n1;2;0\n3;4;1\n").decode(None).unwrap();
    assert_eq!(data.inputs(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn any_number_of_outputs_may_be_named() {
    let text = "x,y\n1,3\n2,18446744073709551615\n";
    let decode = |text: &str| table(text).decode_with(&Legend::default(), usize::MAX);
    let AnyDataset::Classes(data) = decode("x,y\n1,3\n").unwrap() else {
        panic!("no classes")
    };
    assert_eq!(data.labels(), [3]);
    let found = decode(text).unwrap_err().to_string();
    assert!(found.contains("did not occur in training"), "{found}");
}

#[test]
fn without_a_header_the_targets_may_be_left_away() {
    let options = CsvOptions {
        inputs: names(&["2", "3"]),
        targets: names(&["1"]),
        ..CsvOptions::default()
    };
    let decode = |text: &str| {
        let table = read(text.as_bytes(), "t", &options).unwrap();
        table.decode_with(&Legend::default(), 2).unwrap()
    };
    assert_eq!(decode("1,5,6\n").inputs(), decode("5,6\n").inputs());
    assert_eq!(decode("1,5,6\n").outputs(), Some(2));
}

#[test]
fn semicolons_tabs_byte_order_marks_line_ends_and_gzip_are_understood() {
    let (expected, _) = table("a,b,y\n1,2,0\n3,4,1\n").decode(None).unwrap();
    for text in [
        "a;b;y\n1;2;0\n3;4;1",
        "a\tb\ty\r\n1\t2\t0\r\n3\t4\t1\r\n",
        "\u{feff}a,b,y\n1,2,0\n\n3, 4 ,1\n",
        "\"a\",\"b\",\"y\"\n\"1\",2,0\n3,\"4\",\"1\"\n",
    ] {
        assert_eq!(table(text).decode(None).unwrap().0, expected, "{text:?}");
    }
    let packed = gzip(b"a,b,y\n1,2,0\n3,4,1\n");
    let packed = read(&packed[..], "t", &CsvOptions::default()).unwrap();
    assert_eq!(packed.decode(None).unwrap().0, expected);
}

#[test]
fn a_bad_value_is_told_by_line_and_column() {
    let told = |text: &str| message(text, &CsvOptions::default());
    assert_eq!(
        told("a,b,y\n1,2,0\n1,NA,0\n"),
        "`t.csv`, line 3, column `b`: the value is missing; fill it in, or leave the line or the \
         column out"
    );
    assert_eq!(
        told("a,b,y\n1,inf,0\n"),
        "`t.csv`, line 2, column `b`: the value inf is not finite in f32; correct it, or leave the line out"
    );
    assert!(told("a,b,y\n1e39,1,0\n").contains("line 2, column `a`: the value 1e39"));
    assert!(told("a,b,y\nnan,1,0\n").contains("line 2, column `a`: the value is missing"));
    assert!(told("a,b,y\nmale,1,0\n").contains("`male` is no number; write categories as numbers"));
    assert_eq!(
        told("a,b,y\n1,2,0\n\n1,2\n"),
        "`t.csv`, line 4: it has 2 values, and the first line has 3; each line needs as many"
    );
    assert!(told("a,b,y\n1,2,\n").contains("line 2, column `y`: the target is missing"));
    assert_eq!(
        told(""),
        "`t.csv` holds no examples; a data set needs at least one"
    );
    assert_eq!(
        table("a,b\n").decode(None).unwrap_err().to_string(),
        "`t.csv` holds no examples; a data set needs at least one"
    );
    let bad = read(&b"a,b\n1,\xff\n"[..], "t.csv", &CsvOptions::default()).unwrap_err();
    assert_eq!(
        bad.to_string(),
        "`t.csv`, line 2: it is no text in UTF-8; save the file in this encoding"
    );
    assert_eq!(
        table("x,y\n0,0.5\n0,inf\n")
            .decode(None)
            .unwrap_err()
            .to_string(),
        "`t.csv`, line 3: the target inf is not finite; correct it, or leave it out"
    );
}

proptest! {
    #[test]
    fn any_bytes_give_a_table_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(read(&bytes[..], "t", &CsvOptions::default()));
    }

    #[test]
    fn any_table_gives_a_table_or_an_error(text in "[-0-9a.e,;\"\n\t ]{0,80}", header: Option<bool>) {
        let options = CsvOptions { header, ..CsvOptions::default() };
        survives(read(text.as_bytes(), "t", &options));
    }
}
