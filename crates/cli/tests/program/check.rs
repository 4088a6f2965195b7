//! `osculant check`: a table of claims, and an exit code.

use crate::run::osculant;
use std::fs;

#[test]
fn a_network_of_ones_own_passes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.json");
    let layers = r#"{"type": "avgpool2d", "kernel": 7}, {"type": "conv2d", "out_channels": 3,
        "kernel": 2}, {"type": "relu"}, {"type": "maxpool2d", "kernel": 3}, {"type": "flatten"},
        {"type": "dense", "out": 10}"#;
    fs::write(
        &file,
        format!(r#"{{"input_shape": [28, 28, 1], "layers": [{layers}]}}"#),
    )
    .unwrap();
    for loss in ["squared", "softmax"] {
        let ran = osculant(&format!(
            "check --net {} --loss {loss} -C 50",
            file.display()
        ));
        assert_eq!((ran.code, &ran.err[..]), (Some(0), ""), "{ran:?}");
        assert!(ran.out.ends_with("check: all 7 claims hold\n"), "{ran:?}");
        let held: Vec<&str> = ran.out.lines().filter(|l| l.ends_with("  holds")).collect();
        assert_eq!(held.len(), 7, "{ran:?}");
        for claim in [loss, "∇fᵀv", "JᵀBJ", "wᵀG v = vᵀG w", "vᵀG v ≥ 0", "∇²f v"]
        {
            assert!(
                held.iter().any(|line| line.contains(claim)),
                "{claim}: {ran:?}"
            );
        }
        // The second last cell allows, the one before tells, and it is no 0 for differences.
        let slope = held.iter().find(|l| l.contains("∇fᵀv")).unwrap();
        let cells: Vec<&str> = slope.split_whitespace().rev().take(3).collect();
        let number = |text: &str| text.parse::<f64>().unwrap();
        assert!(
            number(cells[2]) < number(cells[1]) && number(cells[2]) > 0.0,
            "{slope}"
        );
    }
}

#[test]
fn what_cannot_be_decided_is_no_pass() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    // No step was taken: the biases are 0, and pixels that are 0 in all digits put units on
    // the kink of their ReLU.
    let layers = r#"{"type": "conv2d", "out_channels": 2, "kernel": 3}, {"type": "relu"},
        {"type": "flatten"}, {"type": "dense", "out": 10}"#;
    fs::write(
        path("net.json"),
        format!(r#"{{"input_shape": [28, 28, 1], "layers": [{layers}]}}"#),
    )
    .unwrap();
    let train = format!(
        "train --net {} --train-examples 20 --test-examples 2 --iterations 0 --quiet --save {}",
        path("net.json"),
        path("model")
    );
    assert_eq!(osculant(&train).code, Some(0));
    let ran = osculant(&format!("check {} --quiet", path("model")));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("next to a kink"), "{ran:?}");
    assert!(ran.err.starts_with("error: "), "{ran:?}");
    assert!(ran.err.contains("of 7 claims"), "{ran:?}");
    // Moved away from it, the same network passes.
    let ran = osculant(&format!("check --net {} --quiet", path("net.json")));
    assert_eq!(
        (ran.code, &ran.out[..]),
        (Some(0), "check: all 7 claims hold\n"),
        "{ran:?}"
    );
}

#[test]
fn regressions_pass_with_every_loss_and_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let rows = (0..60).map(|k| {
        let x = f64::from(k) / 10.0;
        format!("{x},{},{:.3}\n", x.cos(), 1.5 + x.sin())
    });
    fs::write(path("data.csv"), rows.collect::<String>()).unwrap();
    let data = format!("--data {} --net mlp:4 --loss", path("data.csv"));
    for loss in ["squared", "huber", "poisson"] {
        let ran = osculant(&format!("check {data} {loss} --quiet"));
        assert_eq!(
            (ran.code, &ran.out[..]),
            (Some(0), "check: all 7 claims hold\n"),
            "{ran:?}"
        );
    }
    let train = format!(
        "train {data} squared --iterations 2 --quiet --save {}",
        path("model")
    );
    assert_eq!(osculant(&train).code, Some(0));
    let of_model = format!("{} --data {}", path("model"), path("data.csv"));
    let ran = osculant(&format!("spectrum {of_model} --precision f64 --quiet"));
    assert_eq!((ran.code, ran.out.lines().count()), (Some(0), 2), "{ran:?}");
    let ran = osculant(&format!(
        "report --model {of_model} --output {}",
        path("run.html")
    ));
    assert_eq!((ran.code, &ran.err[..]), (Some(0), ""), "{ran:?}");
    let html = fs::read_to_string(path("run.html")).unwrap();
    assert!(html.contains("Predicted against true") && html.contains("root mean square error"));
    assert_eq!(html.matches("<circle").count(), 60);
}
