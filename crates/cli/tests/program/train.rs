//! `osculant train` on a few examples.

use crate::run::{digits, osculant, program, ran};
use std::process::Command;

/// The convolutional network of the main job, on as little as shows anything.
const CNN: &str = "train --train-examples 300 --test-examples 100 --iterations 3 --curvature 20% \
                   --cg-iterations 5";
/// A small network, for what has nothing to do with the network.
const SMALL: &str = "train --net mlp:12 --train-examples 200 --test-examples 100 --iterations 4";

#[test]
fn a_run_has_a_header_a_line_per_iteration_and_a_final_line() {
    let run = osculant(CNN);
    let last = run.last();
    assert!(
        last.starts_with("final: f ") && last.contains(" |g| "),
        "{last}"
    );
    assert!(
        last.contains(" % (") && last.contains("/100) after 3 iterations, "),
        "{last}"
    );
    assert!(
        last.ends_with("products: all iterations were made"),
        "{last}"
    );
    assert!(
        run.out
            .starts_with("network  cnn4: 62026 parameters, input [28, 28, 1]"),
        "{run:?}"
    );
    assert!(
        run.out.contains("300 examples to train, 100 to test"),
        "{run:?}"
    );
    assert!(run.out.contains("squared loss, C = 30, seed 1"), "{run:?}");
    let lines = run.iterations();
    assert_eq!(lines.len(), 3);
    for (i, line) in lines.iter().enumerate() {
        assert!(
            line.trim_start().starts_with(&format!("{} ", i + 1)),
            "{line}"
        );
        assert!(line.ends_with(" %"), "{line}");
    }
}

#[test]
fn the_same_seed_gives_the_same_lines_on_one_thread_and_on_two() {
    for loss in ["squared", "softmax"] {
        let on = |threads| osculant(&format!("{CNN} --loss {loss} --seed 5 --threads {threads}"));
        let (one, two) = (on(1), on(2));
        assert!(one.out.contains("threads  1") && two.out.contains("threads  2"));
        assert_eq!(one.last(), two.last());
        assert_eq!(one.iterations(), two.iterations());
        assert_eq!(one.iterations().len(), 3);
    }
}

#[test]
fn another_seed_gives_other_lines() {
    let with = |seed| osculant(&format!("{SMALL} --seed {seed}"));
    assert_ne!(with(1).last(), with(2).last());
}

#[test]
fn training_learns() {
    let run = osculant("train --net mlp:32 --train-examples 1000 --iterations 15 --loss softmax");
    let (_, accuracy) = run.last().split_once("test accuracy ").unwrap();
    let percent: f64 = accuracy.split_once(' ').unwrap().0.parse().unwrap();
    assert!(percent > 80.0, "{}", run.out);
}

#[test]
fn output_to_a_pipe_has_no_control_characters() {
    let run = osculant(SMALL);
    run.last();
    let text = run.out + &run.err;
    let control = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "{text:?}");
}

#[test]
fn quiet_leaves_the_final_line_only() {
    let run = osculant(&format!("{SMALL} --quiet"));
    assert_eq!(run.out, format!("{}\n", run.last()));
    assert_eq!(run.last(), osculant(SMALL).last());
}

#[test]
fn no_iterations_score_the_start() {
    let run = osculant("train --net linear --limit 50 --iterations 0");
    assert!(
        run.last().contains("after 0 iterations, 0 products: all"),
        "{run:?}"
    );
}

#[test]
fn a_folder_of_idx_files_serves_like_the_bundled_digits() {
    let folder = digits();
    let run = osculant(&format!("{SMALL} --data {}", folder.path().display()));
    assert_eq!(run.last(), osculant(SMALL).last());
}

#[test]
fn a_network_is_also_read_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.json");
    let layers = r#"{"type": "flatten"}, {"type": "dense", "out": 12}, {"type": "relu"},
                    {"type": "dense", "out": 10}"#;
    let net = format!(r#"{{"input_shape": [28, 28, 1], "layers": [{layers}]}}"#);
    std::fs::write(&file, net).unwrap();
    let run = osculant(&SMALL.replace("mlp:12", &file.display().to_string()));
    assert_eq!(run.last(), osculant(SMALL).last());
}

#[test]
fn every_option_of_the_solver_is_heard() {
    let run = osculant(
        "train --net linear --train-examples 60 --iterations 2 --curvature 7 --cg-tolerance 1e-9 \
         --cg-iterations 3 --lambda 0 -C inf",
    );
    run.last();
    let solver = "at most 2 iterations, curvature on 7 examples, cyclic, CG to residual \
                  0.000000001 or 3 iterations, warm start of 0.95, no damping, armijo\n";
    assert!(run.out.contains(solver), "{run:?}");
    assert!(run.out.contains("C = inf"), "{run:?}");
    for line in run.iterations() {
        let cells: Vec<_> = line.split_whitespace().collect();
        assert_eq!(cells[3..6], ["3", "bound", "0"], "{line}");
    }
}

#[test]
fn every_part_of_the_solver_can_be_named() {
    let base = "train --net linear --train-examples 100 --test-examples 50 --iterations 4 \
                --curvature 50%";
    let usual = osculant(base).iterations();
    for (options, words) in [
        ("--damping nielsen", "damping nielsen from λ = 0.3, armijo"),
        (
            "--damping constant --lambda 2",
            "damping constant from λ = 2,",
        ),
        ("--damping none", "no damping"),
        (
            "--globalization trust-region",
            "no damping, trust region from 1\n",
        ),
        (
            "--globalization trust-region --radius 0.5 --damping lm",
            "damping lm from λ = 0.3, trust region from 0.5\n",
        ),
        ("--sampling fixed", "50 examples, fixed"),
        ("--sampling fresh", "50 examples, fresh"),
        ("--cg-stop progress", "CG to progress or 20 iterations"),
        ("--cg-stop nash-sofer", "CG to nash-sofer or 20 iterations"),
        ("--precondition jacobi", "jacobi preconditioner"),
        ("--precondition fisher", "fisher preconditioner"),
        ("--warm-start 0", "cold start"),
        ("--warm-start=0.5", "warm start of 0.5"),
    ] {
        let run = osculant(&format!("{base} {options}"));
        assert!(run.out.contains(words), "{options}: {run:?}");
        assert_ne!(run.iterations(), usual, "{options}: {run:?}");
    }
    // These two need not differ on so small a problem.
    for (options, words) in [
        ("--globalization step-rejection", "step-rejection\n"),
        ("--cg-iterate backtracked", "backtracked iterate"),
    ] {
        let run = osculant(&format!("{base} {options}"));
        assert!(run.out.contains(words), "{options}: {run:?}");
        run.last();
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_ends_the_run_with_a_message() {
    let script = format!("\"$0\" {SMALL} | head -n 1");
    let script = format!("set -o pipefail; {script}");
    let mut command = Command::new("bash");
    let run = ran(command.arg("-c").arg(script).arg(program()));
    // Unless everything was written before the reader left.
    if run.code != Some(0) {
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(
            run.err
                .starts_with("error: cannot write to standard output: "),
            "{run:?}"
        );
    }
    assert_eq!(run.out.lines().count(), 1);
}

#[test]
fn an_autoencoder_learns_its_inputs_and_is_scored_by_them() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("coder").display().to_string();
    let run = osculant(&format!(
        "train --net autoencoder:30,8 --loss logistic --inputs keep --limit 500 --test-examples 100 \
         -C inf --curvature 50% --iterations 20 --save {model}"
    ));
    assert!(run.out.contains("output [784]"), "{run:?}");
    assert!(
        run.out.contains("100 to test, inputs as targets"),
        "{run:?}"
    );
    let (_, rest) = run.last().split_once("test R² ").unwrap();
    let r2: f64 = rest.split_once(' ').unwrap().0.parse().unwrap();
    assert!(r2 > 0.1, "{run:?}");
    let predicted = osculant(&format!("predict {model} --test-examples 100"));
    assert!(
        predicted.out.starts_with(&format!("R² {r2:.4}")),
        "{predicted:?}"
    );
    let judged = osculant(&format!("report --model {model}"));
    assert_eq!((judged.code, &judged.err[..]), (Some(0), ""));
}

#[test]
fn an_autoencoder_refuses_what_its_inputs_are_not() {
    let net = "train --net autoencoder:30,8 --limit 50 --test-examples 10";
    let text = osculant(&format!("{net} --loss softmax"))
        .refused(2)
        .to_string();
    assert!(text.contains("the inputs are the targets"), "{text}");
    // Centred images are no probabilities.
    let text = osculant(&format!("{net} --loss logistic"))
        .refused(1)
        .to_string();
    assert!(text.contains("logistic"), "{text}");
    let text = osculant("train --net mlp:5 --task inputs --loss squared --limit 50 --iterations 0");
    assert!(text.last().contains("test R² "), "{text:?}");
}
