//! `osculant report`: runs compared.

use crate::run::osculant;
use std::fs;

#[test]
fn runs_are_compared_in_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let whole = r#"{"event":"start","name":"Newton","network":"cnn4"}
{"event":"iteration","iteration":1,"seconds":2.5,"value":0.75,"test_accuracy":0.5}
{"event":"end","outcome":"all iterations were made","iterations":1,"seconds":2.75,"value":0.625,"test_accuracy":0.9755}
"#;
    let cut = r#"{"event":"start"}
{"event":"iteration","iteration":3,"value":0.5,"gradient_norm":1e-9}
{"event":"itera"#;
    fs::write(path("a.jsonl"), whole).unwrap();
    fs::write(path("b.jsonl"), cut).unwrap();
    let ran = osculant(&format!("report {} {}", path("a.jsonl"), path("b.jsonl")));
    assert_eq!((ran.code, &ran.err[..]), (Some(0), ""));
    let lines: Vec<Vec<&str>> = ran
        .out
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|c| !c.is_empty())
                .collect()
        })
        .collect();
    assert_eq!(
        lines[0],
        [
            "run",
            "iterations",
            "seconds",
            "f",
            "|g|",
            "test accuracy",
            "outcome"
        ]
    );
    assert_eq!(
        lines[1],
        [
            "Newton",
            "1",
            "2.8",
            "0.625000",
            "-",
            "97.55 %",
            "all iterations were made"
        ]
    );
    assert_eq!(
        lines[2],
        ["b", "3", "-", "0.500000", "1.000e-9", "-", "cut short"]
    );
}

#[test]
fn what_is_no_record_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores.csv").display().to_string();
    fs::write(&path, "example,label\n0,1\n1,2\n").unwrap();
    let ran = osculant(&format!("report {path}"));
    let text = ran.refused(1);
    assert!(
        text.contains("scores.csv") && text.contains("line 1"),
        "{text}"
    );
    let ran = osculant("report nowhere.jsonl");
    assert!(ran.refused(1).contains("`nowhere.jsonl`"));
    assert!(osculant("report").refused(2).contains("<RECORD>"));
}

#[test]
fn a_model_is_judged_on_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let train = format!(
        "train --net linear --train-examples 300 --test-examples 10 --iterations 3 --quiet --save {}",
        path("model")
    );
    assert_eq!(osculant(&train).code, Some(0));
    let ran = osculant(&format!(
        "report --model {} --output {}",
        path("model"),
        path("run.html")
    ));
    assert_eq!((ran.code, &ran.err[..]), (Some(0), ""), "{ran:?}");
    let predicted = osculant(&format!("predict {}", path("model"))).out;
    let accuracy = predicted
        .split(" (")
        .next()
        .unwrap()
        .trim_start_matches("accuracy ");
    assert!(ran.out.contains(accuracy), "{ran:?} {predicted}");
    let html = fs::read_to_string(path("run.html")).unwrap();
    assert_eq!(html.matches("<td class=\"right").count(), 10);
    assert_eq!(html.matches("<td class=\"wrong").count(), 90);
    assert!(
        html.matches("data:image/png;base64,").count() >= 50,
        "{predicted}"
    );
}
