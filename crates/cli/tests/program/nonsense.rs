//! Data and options that would train to something, but not to what was meant.

use crate::run::{Ran, osculant};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A folder with one file of data.
fn with(name: &str, text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    folder
}

fn train(folder: &Path, name: &str, more: &str) -> Ran {
    let file = folder.join(name).display().to_string();
    osculant(&format!(
        "train --data {file} --net linear --iterations 1 --quiet {more}"
    ))
}

/// So many lines of a table: two inputs, and what `target` says.
fn table(lines: usize, target: impl Fn(usize) -> String) -> String {
    let line = |i: usize| format!("{}.5,{},{}\n", i % 7, i % 5, target(i));
    "width,height,kind\n".to_string() + &(0..lines).map(line).collect::<String>()
}

#[track_caller]
fn refused(ran: &Ran, says: &[&str]) {
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(says.iter().all(|says| ran.err.contains(says)), "{ran:?}");
}

#[test]
fn a_single_class_is_nothing_to_learn() {
    let folder = with("one.csv", &table(30, |_| "cat".into()));
    let ran = train(folder.path(), "one.csv", "");
    refused(&ran, &["one.csv", "one class `cat`", "column `kind`"]);
}

#[test]
fn real_numbers_are_no_classes() {
    let folder = with("real.csv", &table(30, |i| format!("{}.25", i % 4)));
    for more in ["--task classes", "--loss softmax"] {
        let ran = train(folder.path(), "real.csv", more);
        refused(&ran, &["line 2", "0.25 is no class"]);
    }
}

#[test]
fn a_first_line_that_counts_columns_is_a_header() {
    let rows: String = (0..30)
        .map(|i| format!("{}.5,{},{}\n", i % 7, i % 5, i % 2))
        .collect();
    for (first, says) in [
        ("0,1,2\n", "24 examples"),
        ("", "24 examples"),
        ("1,1,0\n", "25 examples"),
    ] {
        let folder = with("frame.csv", &(first.to_string() + &rows));
        let file = folder.path().join("frame.csv").display().to_string();
        let ran = osculant(&format!(
            "train --data {file} --net linear --iterations 1 --task classes"
        ));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains(says), "{first:?}: {ran:?}");
    }
}

#[test]
fn codes_that_begin_with_zero_are_words() {
    let codes = ["01234", "1234"];
    let folder = with("codes.csv", &table(40, |i| codes[i % 2].into()));
    let ran = train(folder.path(), "codes.csv", "--train-examples 20");
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn columns_are_of_tables() {
    let folder = with(
        "sparse.svm",
        "+1 1:0.5 2:1\n-1\n+1 2:3\n-1 1:2\n+1 1:1\n-1 2:2\n",
    );
    assert_eq!(train(folder.path(), "sparse.svm", "").code, Some(0));
    for (more, says) in [
        ("--target kind", "no column `kind` as the target"),
        ("--ignore kind", "no column `kind` to be ignored"),
        ("--header yes", "no header"),
    ] {
        refused(
            &train(folder.path(), "sparse.svm", more),
            &["sparse.svm", says],
        );
        let (option, _) = more.split_once(' ').unwrap();
        refused(
            &osculant(&format!("train {more} --iterations 1")),
            &[option],
        );
    }
    let folder = with("pets.csv", &table(30, |i| ["cat", "dog"][i % 2].into()));
    let ran = train(folder.path(), "pets.csv", "--target kind --target kind");
    refused(&ran, &["column `kind`", "twice"]);
    let ran = train(folder.path(), "pets.csv", "--target kind --ignore kind");
    refused(&ran, &["column `kind`", "ignored"]);
}

#[test]
fn a_sparse_file_may_begin_with_an_example_of_zeros() {
    let folder = with("zeros.svm", "1\n-1 1:1\n1 2:1\n-1 1:2\n1 2:3\n-1\n");
    assert_eq!(train(folder.path(), "zeros.svm", "").code, Some(0));
    let folder = with("ranking.svm", "1 qid:3 1:1\n2 qid:3 1:2\n");
    refused(
        &train(folder.path(), "ranking.svm", ""),
        &["line 1", "`qid:3`"],
    );
}

#[test]
fn a_network_beyond_all_memory_is_refused_before_it_is_made() {
    let ran = osculant("train --net mlp:30000000,30000000 --iterations 1");
    refused(
        &ran,
        &["mlp:30000000,30000000", "parameters", "make it smaller"],
    );
    assert!(!ran.err.contains("backtrace"), "{ran:?}");
}

#[test]
fn more_threads_than_make_sense_are_refused() {
    refused(
        &osculant("train --threads 100000"),
        &["100000 threads", "at most 1024"],
    );
}

#[test]
fn a_run_that_diverges_is_a_failure() {
    let folder = with("real.csv", &table(30, |i| format!("{}.25", i % 4)));
    let more = "--optimizer sgd --learning-rate 1e10 --epochs 3 --loss squared --task reals";
    let file = folder.path().join("real.csv").display().to_string();
    let ran = osculant(&format!("train --data {file} --net mlp:8 --quiet {more}"));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("diverged"), "{ran:?}");
}

#[test]
fn rows_of_pixels_are_images() {
    let pixels = |i: usize| {
        (0..16)
            .map(|k| format!("{},", (i * k) % 5))
            .collect::<String>()
    };
    let line = |i: usize| format!("{}{}\n", pixels(i), i % 2);
    let folder = with("rows.csv", &(0..40).map(line).collect::<String>());
    let net = folder.path().join("net.json");
    let layers = r#"[{"type": "conv2d", "out_channels": 2, "kernel": 3}, {"type": "flatten"},
        {"type": "dense", "out": 2}]"#;
    fs::write(
        &net,
        format!(r#"{{"input_shape": [4, 4, 1], "layers": {layers}}}"#),
    )
    .unwrap();
    let (file, model) = (
        folder.path().join("rows.csv"),
        folder.path().join("model.safetensors"),
    );
    let ran = osculant(&format!(
        "train --data {} --net {} --iterations 2 --quiet --save {}",
        file.display(),
        net.display(),
        model.display()
    ));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = osculant(&format!(
        "predict {} --data {}",
        model.display(),
        file.display()
    ));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("/40)"), "{ran:?}");
}
