//! `osculant spectrum`: eigenvalues of the curvature, in a table, as JSON and on a page.

use crate::run::osculant;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A network whose curvature is small enough to be found in full: 7 · 7 · 4 inputs would be too
/// many, so pools come first.
fn net(folder: &Path) -> String {
    let file = folder.join("net.json");
    let text = r#"{"input_shape": [28, 28, 1], "layers": [{"type": "avgpool2d", "kernel": 14},
        {"type": "flatten"}, {"type": "dense", "out": 3}, {"type": "tanh"},
        {"type": "dense", "out": 10}]}"#;
    fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn all_eigenvalues_of_a_small_network_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let (page, file) = (folder.path().join("s.html"), folder.path().join("s.json"));
    let ran = osculant(&format!(
        "spectrum --net {} --examples 50 --precision f64 -C 100 --loss softmax --output {} --json {}",
        net(folder.path()),
        page.display(),
        file.display()
    ));
    assert_eq!((ran.code, &ran.err[..]), (Some(0), ""), "{ran:?}");
    assert!(
        ran.out.contains("55 parameters") && ran.out.contains("50 of 8000"),
        "{ran:?}"
    );
    let found = json(&file);
    let matrices = found["matrices"].as_array().unwrap();
    let number = |value: &Value| value.as_f64().unwrap();
    let [g, h] = &matrices[..] else {
        panic!("{found}")
    };
    assert_eq!((&g["matrix"], &h["matrix"]), (&"G".into(), &"H".into()));
    // Fewer parameters than steps: every run ends in an invariant subspace.
    for matrix in matrices {
        for run in matrix["ritz"].as_array().unwrap() {
            let run = run.as_array().unwrap();
            assert!(run.len() <= 55 && run.iter().all(|r| number(&r[2]) == 0.0));
            let weights: f64 = run.iter().map(|r| number(&r[1])).sum();
            assert!((weights - 1.0).abs() < 1e-12, "{weights}");
        }
        assert!(
            ran.out
                .lines()
                .any(|l| l.starts_with(matrix["matrix"].as_str().unwrap()))
        );
    }
    // The outputs' biases move all logits alike in one direction, which softmax doesn't see.
    assert!(
        (number(&g["smallest"]["value"]) - 0.01).abs() < 1e-12,
        "{g}"
    );
    assert!(number(&h["smallest"]["value"]) <= 0.01 + 1e-12, "{h}");
    assert_eq!(number(&g["negative"]), 0.0);
    let condition = number(&g["largest"]["value"]) / number(&g["smallest"]["value"]);
    assert!((number(&g["condition"]) / condition - 1.0).abs() < 1e-12);
    let html = fs::read_to_string(&page).unwrap();
    assert_eq!(html.matches("<figure>").count(), 6, "{html}");
    assert!(html.contains("eigenvalue density: share per unit of λ against λ"));
}

#[test]
fn spectra_of_models_are_the_same_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let train = format!(
        "train --net {} --train-examples 200 --test-examples 10 --iterations 2 --quiet --save {}",
        net(folder.path()),
        path("model")
    );
    assert_eq!(osculant(&train).code, Some(0));
    let spectrum = |threads: usize, more: &str| {
        let ran = osculant(&format!(
            "spectrum {} --threads {threads} --examples 5% --vectors 2 --steps 20 --quiet {more}",
            path("model")
        ));
        assert_eq!((ran.code, &ran.err[..]), (Some(0), ""), "{ran:?}");
        ran.out
    };
    let one = spectrum(1, "");
    assert_eq!(one, spectrum(2, ""));
    assert_eq!(one.lines().count(), 2, "{one}");
    assert_ne!(one, spectrum(2, "--seed 5"));
    assert_eq!(
        one.lines().last().unwrap(),
        spectrum(2, "--matrix h").trim_end()
    );
}

#[test]
fn what_has_no_meaning_is_refused() {
    let refused = |code: i32, arguments: &str, word: &str| {
        let ran = osculant(arguments);
        let text = ran.refused(code);
        assert!(text.contains(word), "{text}");
    };
    refused(2, "spectrum --steps 0", "at least 1");
    refused(2, "spectrum --vectors 0", "at least 1");
    refused(2, "spectrum --examples 0", "at least 1");
    refused(2, "spectrum --net cnn44", "`cnn44`");
    refused(2, "spectrum model --net cnn4", "--net");
    refused(1, "spectrum nowhere.safetensors", "nowhere.safetensors");
    refused(
        1,
        "spectrum --output nowhere/s.html",
        "there is no folder `nowhere`",
    );
}
