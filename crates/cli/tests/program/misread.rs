//! Files and options that could be taken for what they are not: each is read as it was meant, or
//! refused with what to do.

use crate::run::{Ran, osculant};
use osculant_data::npy::{Array, Values, write_archive};
use std::fs::{self, File};
use tempfile::TempDir;

/// A folder with files of data, and commands on them: `@` stands for the folder.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Files(folder)
    }

    fn run(&self, command: &str) -> Ran {
        osculant(&command.replace('@', &self.0.path().display().to_string()))
    }

    #[track_caller]
    fn passes(&self, command: &str, says: &str) -> Ran {
        let ran = self.run(command);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
        assert!(ran.out.contains(says), "{ran:?}");
        ran
    }

    #[track_caller]
    fn refused(&self, command: &str, says: &[&str]) {
        let ran = self.run(command);
        assert_ne!(ran.code, Some(0), "{ran:?}");
        assert!(says.iter().all(|says| ran.err.contains(says)), "{ran:?}");
    }
}

/// So many lines, after a first one.
fn lines(first: &str, count: usize, line: impl Fn(usize) -> String) -> String {
    let lines = (0..count).map(|i| line(i) + "\n");
    first.to_string() + &lines.collect::<String>()
}

const FAST: &str = "--net linear --iterations 1";

#[test]
fn prices_in_whole_numbers_are_no_classes() {
    let prices = lines("size,price\n", 60, |i| format!("{i}.5,{}", 1000 + 7 * i));
    let grades = lines("size,grade\n", 60, |i| format!("{i}.5,{}", i % 6));
    let files = Files::new(&[("prices.csv", &prices), ("grades.csv", &grades)]);
    files.passes(
        &format!("train --data @/prices.csv {FAST}"),
        "real targets of 1",
    );
    files.passes(&format!("train --data @/grades.csv {FAST}"), "6 classes");
}

#[test]
fn data_with_a_test_part_are_tested_on_by_it() {
    let files = Files::new(&[]);
    let reals = |shape: &[usize], shift: usize| Array {
        shape: shape.to_vec(),
        values: Values::Reals(
            (0..shape.iter().product())
                .map(|i| ((i * 7 + shift) % 5) as f32)
                .collect(),
        ),
    };
    let labels = |count: usize, shift: usize| Array {
        shape: vec![count],
        values: Values::Integers((0..count).map(|i| ((i + shift) % 3) as i64).collect()),
    };
    let arrays = [
        ("x_train", reals(&[30, 2], 0)),
        ("y_train", labels(30, 0)),
        ("x_test", reals(&[12, 2], 3)),
        ("y_test", labels(12, 1)),
    ];
    let file = File::create(files.0.path().join("data.npz")).unwrap();
    let arrays: Vec<_> = arrays.iter().map(|(name, array)| (*name, array)).collect();
    write_archive(file, &arrays).unwrap();
    let command = format!("train --data @/data.npz {FAST} --quiet");
    let expected = files.passes(&command, "/12)").out;
    let again = files
        .passes(&format!("{command} --test @/data.npz"), "/12)")
        .out;
    assert_eq!(again, expected);
}

#[test]
fn columns_without_names_are_counted() {
    let four = lines("", 30, |i| format!("{}.5,{i},{},9", i % 4, i % 7));
    let three = lines("", 30, |i| format!("{i},{},9", i % 7));
    let two = lines("", 30, |i| format!("{i},{}", i % 7));
    let files = Files::new(&[("4.csv", &four), ("3.csv", &three), ("2.csv", &two)]);
    files.passes(
        &format!("train --data @/4.csv --target 1 --ignore 4 {FAST} --save @/m"),
        "saved",
    );
    files.passes("predict @/m --data @/4.csv", "R²");
    files.passes("predict @/m --data @/2.csv --output @/out", "predicted 30");
    files.refused(
        "predict @/m --data @/3.csv",
        &[
            "3.csv",
            "3 columns without names",
            "had 4, 2 of them inputs",
        ],
    );
}

#[test]
fn the_outputs_of_an_autoencoder_are_called_like_its_inputs() {
    let text = lines("a,b,c,kind\n", 30, |i| {
        format!("{i},{},{}.5,x", i % 3, i % 5)
    });
    let files = Files::new(&[("data.csv", &text)]);
    files.passes(
        "train --data @/data.csv --net autoencoder:2 --iterations 1 --save @/m",
        "saved",
    );
    files.passes("predict @/m --data @/data.csv --output @/out", "R²");
    let table = fs::read_to_string(files.0.path().join("out")).unwrap();
    let head = table.lines().next().unwrap();
    assert_eq!(head, "example,a,b,c,predicted_a,predicted_b,predicted_c");
}

#[test]
fn columns_need_names_of_their_own() {
    let index = lines(",a,y\n", 30, |i| format!("{i},{}.5,{}", i % 5, i % 2));
    let twice = lines("a,b,a\n", 30, |i| format!("{i},{}.5,{}", i % 5, i % 2));
    let files = Files::new(&[("index.csv", &index), ("twice.csv", &twice)]);
    files.refused(
        &format!("train --data @/index.csv {FAST}"),
        &["index.csv", "no name for column 1", "index"],
    );
    files.passes(
        &format!("train --data @/index.csv --ignore 1 {FAST}"),
        "[1]",
    );
    files.refused(
        &format!("train --data @/twice.csv {FAST}"),
        &["two columns named `a`"],
    );
}

#[test]
fn a_first_line_of_text_and_numbers_may_name_the_columns() {
    let text = lines("id,2019,2020\n", 30, |i| {
        format!("{i},{}.5,{}", i % 5, i % 2)
    });
    let files = Files::new(&[("years.csv", &text)]);
    let command = format!("train --data @/years.csv {FAST}");
    files.refused(&command, &["line 1", "`id` is no number", "--header yes"]);
    files.passes(&format!("{command} --header yes"), "2 classes");
}

#[test]
fn what_separates_columns_is_seen_or_said() {
    let quoted = lines("\"a, first\";b;y\n", 30, |i| {
        format!("{i};{}.5;{}", i % 5, i % 2)
    });
    let blanks = lines("a b y\n", 30, |i| format!("{i} {}.5 {}", i % 5, i % 2));
    let times = lines("time;x;y\n", 30, |i| {
        format!("2020-01-01 12:{:02}:00;{}.5;{}", i, i % 5, i % 2)
    });
    let files = Files::new(&[
        ("quoted.csv", &quoted),
        ("blanks.csv", &blanks),
        ("times.csv", &times),
    ]);
    files.passes(&format!("train --data @/quoted.csv {FAST}"), "[2]");
    files.refused(
        &format!("train --data @/blanks.csv {FAST}"),
        &["one column `a b y`", "commas, semicolons or tabs"],
    );
    files.passes(
        &format!("train --data @/times.csv --ignore time {FAST}"),
        "[1]",
    );
}

#[test]
fn a_mark_before_the_text_is_no_part_of_it() {
    let text = lines("\u{feff}", 30, |i| format!("{} 1:{}.5 2:1", i % 2, i % 5));
    let files = Files::new(&[("bom.txt", &text)]);
    files.passes(&format!("train --data @/bom.txt {FAST}"), "2 classes");
}

#[test]
fn none_may_be_a_class() {
    let kinds = ["none", "mild"];
    let text = lines("a,kind\n", 30, |i| format!("{i},{}", kinds[i % 2]));
    let files = Files::new(&[("kinds.csv", &text)]);
    files.passes(&format!("train --data @/kinds.csv {FAST}"), "2 classes");
}

#[test]
fn options_that_would_not_be_heard() {
    let text = lines("a,y\n", 30, |i| format!("{i},{}.5", i % 5));
    let files = Files::new(&[("data.csv", &text)]);
    let train = format!("train --data @/data.csv {FAST}");
    files.passes(&format!("{train} --save @/m"), "saved");
    for target in ["z", "3"] {
        files.refused(
            &format!("predict @/m --data @/data.csv --target {target}"),
            &["no column", "`a`, `y`"],
        );
    }
    files.refused(&format!("{train} --checkpoint-every 2"), &["give --run"]);
    files.refused(
        "train --train-examples 50 --raw-targets",
        &["--raw-targets is for real targets"],
    );
    files.refused(
        "convert @/m --to keras --save @/k --loss huber",
        &["--loss", "--to"],
    );
}

#[test]
fn targets_that_a_loss_cannot_take_are_told_with_what_to_do() {
    let text = lines("a,b,y\n", 30, |i| format!("{i},{}.5,{}.5", i % 5, i % 3));
    let files = Files::new(&[("data.csv", &text)]);
    files.refused(
        &format!("train --data @/data.csv --loss logistic {FAST}"),
        &["training example", "must lie in [0, 1]"],
    );
    files.refused(
        "train --net autoencoder:4 --train-examples 50 --loss logistic",
        &["training example 0", "--inputs keep"],
    );
}

#[test]
fn a_diverged_run_leaves_its_model_and_its_page() {
    let text = lines("a,b,y\n", 30, |i| format!("{i},{}.5,{}", i % 5, i % 2));
    let files = Files::new(&[("data.csv", &text)]);
    let ran = files.run(
        "train --data @/data.csv --test @/data.csv --optimizer sgd --learning-rate 1e3 --epochs 30 \
         --run @/run --save @/m --report @/run/page.html",
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("diverged"), "{ran:?}");
    for file in ["m", "run/page.html", "run/last.safetensors"] {
        assert!(files.0.path().join(file).is_file(), "{file}: {ran:?}");
    }
    // What is said of the run is said of the θ that it went back to.
    let tested = files.run("predict @/run/last.safetensors --data @/data.csv");
    let accuracy = tested.out.lines().next().unwrap();
    assert!(accuracy.starts_with("accuracy "), "{tested:?}");
    let last = ran.out.lines().find(|line| line.starts_with("final: "));
    assert!(last.unwrap().contains(accuracy), "{ran:?} {tested:?}");
    let record = fs::read_to_string(files.0.path().join("run/record.jsonl")).unwrap();
    assert!(record.contains("\"event\":\"end\""), "{record}");
}
