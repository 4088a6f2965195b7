//! `osculant train --optimizer`: first-order trainers beside Newton's.

use crate::run::osculant;
use serde_json::Value;
use std::fs;

const SMALL: &str = "train --net mlp:12 --train-examples 300 --test-examples 100 --loss softmax";

/// The lines of the epochs, without the seconds.
fn epochs(out: &str) -> Vec<Vec<String>> {
    let lines = out.lines().skip_while(|line| !line.starts_with("epoch"));
    let lines = lines
        .skip(1)
        .take_while(|line| !line.starts_with("final: "));
    let cells = |line: &str| line.split_whitespace().map(String::from).collect();
    let mut lines: Vec<Vec<String>> = lines.map(cells).collect();
    lines.iter_mut().for_each(|cells| drop(cells.pop()));
    lines
}

#[test]
fn each_learns_in_epochs() {
    for (name, solver) in [
        (
            "sgd",
            "sgd, momentum 0.5, rate 0.05, batches of 20, at most 4 epochs",
        ),
        ("adam", "adam, rate 0.05, batches of 20, at most 4 epochs"),
        (
            "adamw",
            "adamw, weight decay 0.01, rate 0.05, batches of 20",
        ),
        ("smd", "smd, rate 0.05, batches of 20, at most 4 epochs"),
    ] {
        let momentum = if name == "sgd" { "--momentum 0.5" } else { "" };
        let run = osculant(&format!(
            "{SMALL} --optimizer {name} --epochs 4 --batch 20 --learning-rate 0.05 {momentum}"
        ));
        assert!(run.last().contains(" after 4 epochs"), "{run:?}");
        assert!(run.last().ends_with(": all epochs were made"), "{run:?}");
        assert!(run.out.contains(solver), "{run:?}");
        // Of these SMD alone makes products with G.
        assert_eq!(run.last().contains("products"), name == "smd", "{run:?}");
        let lines = epochs(&run.out);
        assert_eq!(lines.len(), 4, "{run:?}");
        let f = |line: &[String]| line[1].parse::<f64>().unwrap();
        assert!(f(&lines[3]) < f(&lines[0]), "{run:?}");
        assert_eq!(lines[0][2], "0.05000", "{run:?}");
    }
}

#[test]
fn a_run_goes_on_from_its_last_epoch_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for name in ["sgd", "adam", "adamw", "smd"] {
        let train = |run: &str, epochs: usize| {
            format!(
                "{SMALL} --optimizer {name} --epochs {epochs} --batch 50 --validation 60 --run {}",
                path(&format!("{name}-{run}"))
            )
        };
        let whole = osculant(&train("whole", 5));
        osculant(&train("parts", 2)).last();
        let parts = path(&format!("{name}-parts"));
        let resumed = osculant(&format!("train --resume {parts} --epochs 5"));
        assert_eq!(resumed.last(), whole.last());
        for model in ["best", "last"] {
            let of = |run: &str| {
                let run = path(&format!("{name}-{run}"));
                fs::read(format!("{run}/{model}.safetensors")).unwrap()
            };
            assert!(of("parts") == of("whole"), "{name}: {model}");
        }
        let refused = osculant(&format!("train --resume {parts} --optimizer newton"));
        let text = refused.refused(2);
        assert!(text.contains("--optimizer newton"), "{text}");
    }
}

#[test]
fn epochs_are_iterations_of_the_record() {
    let run = osculant(&format!("{SMALL} --optimizer adam --epochs 2 --json"));
    let events: Vec<Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len(), 5, "{run:?}");
    assert_eq!(events[2]["event"], "iteration");
    assert_eq!(events[2]["iteration"], 2);
    assert_eq!(events[2]["rate"], 0.001);
    assert!(events[2]["lambda"].is_null() && events[2]["products"].is_null());
}

#[test]
fn the_learning_rate_follows_its_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("run").display().to_string();
    let options = "--optimizer adam --learning-rate 0.1 --schedule step:1,0.5 --warm-up 1";
    let begun = osculant(&format!("{SMALL} {options} --epochs 2 --run {folder}"));
    let words = "adam, rate 0.1 on step:1,0.5 after 1 epochs of warm-up, batches";
    assert!(begun.out.contains(words), "{begun:?}");
    // A resumed run stands where it was on the curve.
    let rates = |out: &str| -> Vec<String> { epochs(out).iter().map(|e| e[2].clone()).collect() };
    let resumed = osculant(&format!("train --resume {folder} --epochs 4"));
    assert_eq!(rates(&begun.out), ["0.05000", "0.1000"], "{begun:?}");
    assert_eq!(rates(&resumed.out), ["0.05000", "0.02500"], "{resumed:?}");
}

#[test]
fn options_of_another_trainer_are_refused_by_name() {
    for (options, says) in [
        ("--epochs 3", "--epochs"),
        ("--momentum 0.5 --optimizer adam", "--momentum"),
        ("--weight-decay 0.1 --optimizer sgd", "--weight-decay"),
        ("--optimizer sgd --cg-iterations 3", "--cg-iterations"),
        ("--optimizer sgd --iterations 3", "--iterations"),
        ("--optimizer sgd --learning-rate 0", "learning rate"),
        ("--optimizer sgd --momentum 1", "momentum"),
        ("--optimizer smd --schedule cosine:3", "--schedule"),
        ("--warm-up 2", "--warm-up"),
        ("--optimizer sgd --schedule cosin:3", "cosine:EPOCHS"),
        ("--optimizer sgd --schedule step:0,0.5", "drops"),
        ("--optimizer sgd --schedule cosine:3,1", "floor"),
        ("--optimizer newtom", "newton"),
    ] {
        let run = osculant(&format!("{SMALL} {options}"));
        let text = run.refused(2);
        assert!(text.contains(says), "{says}: {text}");
    }
}
