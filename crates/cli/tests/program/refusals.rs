//! What the program refuses: a message that names the offender, and nothing begun.

use crate::run::{digits, osculant, program, ran};
use std::fs;
use std::process::Command;

/// The message of a refusal with this code.
#[track_caller]
fn refused(code: i32, arguments: &str) -> String {
    osculant(arguments).refused(code).to_string()
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[test]
fn values_that_options_cannot_have() {
    for c in ["0", "-1", "nan", "-0.0", "large"] {
        says(
            &refused(2, &format!("train -C {c}")),
            &[&format!("'{c}'"), "-C <C>"],
        );
    }
    says(&refused(2, "train -C 0"), &["C must be above 0"]);
    says(&refused(2, "train -C -1"), &["C must be above 0"]);
    says(&refused(2, "train -C nan"), &["NaN is no value"]);
    says(
        &refused(2, "train --threads 0"),
        &["--threads <N>", "at least 1"],
    );
    says(&refused(2, "train --threads -1"), &["-1"]);
    says(
        &refused(2, "train --loss cubed"),
        &["cubed", "squared", "softmax"],
    );
    says(
        &refused(2, "train --curvature 120%"),
        &["a share must lie above 0"],
    );
    says(&refused(2, "train --curvature 0"), &["at least 1"]);
    says(
        &refused(2, "train --cg-tolerance -0.1"),
        &["finite and not negative"],
    );
    says(&refused(2, "train --cg-iterations 0"), &["at least 1"]);
    says(
        &refused(2, "train --lambda inf"),
        &["finite and not negative"],
    );
    says(&refused(2, "train --lambda 1e40"), &["[1e-30, 1e30]"]);
    says(&refused(2, "train --damping strong"), &["lm, nielsen"]);
    says(&refused(2, "train --warm-start=2"), &["at most 1"]);
    says(&refused(2, "train --radius 2"), &["trust-region"]);
    let unheard = "train --cg-stop progress --cg-tolerance 0.1";
    says(&refused(2, unheard), &["--cg-stop residual"]);
    says(
        &refused(2, "train --lambda 0 --damping lm"),
        &["--lambda 0 is no damping", "leave --damping out"],
    );
    for unheard in ["--damping none", "--globalization trust-region"] {
        let text = refused(2, &format!("train {unheard} --lambda 1"));
        says(&text, &["other than none"]);
    }
    let radius = "train --globalization trust-region --radius 0";
    says(&refused(2, radius), &["radii of the trust region"]);
    says(&refused(2, "train --seed -3"), &["-3"]);
    says(&refused(2, "train --seeed 3"), &["--seeed", "--seed"]);
    says(&refused(2, "predict --threads 0 model"), &["at least 1"]);
    says(&refused(2, "predict"), &["<MODEL>"]);
}

#[test]
fn more_examples_than_there_are() {
    let text = refused(2, "train --train-examples 8001");
    says(&text, &["--train-examples asks for 8001", "there are 8000"]);
    let text = refused(2, "train --test-examples 2001");
    says(&text, &["--test-examples asks for 2001", "there are 2000"]);
    let text = refused(2, "train --train-examples 100 --curvature 101");
    says(&text, &["101", "between 1 and the 100 examples"]);
    says(&refused(2, "train --train-examples 0"), &["at least 1"]);
}

#[test]
fn data_that_are_missing_truncated_or_foreign() {
    says(
        &refused(1, "train --data nowhere"),
        &["there is no file or folder `nowhere`"],
    );
    let folder = digits();
    let data = format!("train --data {}", folder.path().display());

    let labels = folder.path().join("train-labels-idx1-ubyte.gz");
    let whole = fs::read(&labels).unwrap();
    fs::write(&labels, &whole[..whole.len() / 2]).unwrap();
    says(
        &refused(1, &data),
        &["train-labels-idx1-ubyte.gz", "is truncated"],
    );
    fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 9, 1, 2]).unwrap();
    says(
        &refused(1, &data),
        &[
            "train-labels-idx1-ubyte.gz",
            "is truncated",
            "17 bytes, found 10",
        ],
    );
    fs::write(&labels, "<html>not found</html>").unwrap();
    says(
        &refused(1, &data),
        &[
            "train-labels-idx1-ubyte.gz` is not an IDX file",
            "3c 68 74 6d",
        ],
    );
    fs::remove_file(&labels).unwrap();
    says(&refused(1, &data), &["holds no training labels"]);
}

#[test]
fn networks_that_do_not_exist_or_do_not_fit() {
    let text = refused(2, "train --net cnn44");
    says(&text, &["`cnn44`", "`cnn4`", "there is no file `cnn44`"]);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.json");
    let with = |text: &str| {
        fs::write(&file, text).unwrap();
        let text = refused(1, &format!("train --net {}", file.display()));
        assert!(text.contains("net.json`"), "{text}");
        text
    };
    let net = |input: &str, layers: &str| {
        with(&format!(
            r#"{{"input_shape": {input}, "layers": [{layers}]}}"#
        ))
    };
    says(&with("{"), &["cannot build the network", "line 1"]);
    says(&with(""), &["cannot build the network"]);
    fs::write(&file, [0xff, 0xfe, 0]).unwrap();
    says(
        &refused(1, &format!("train --net {}", file.display())),
        &["UTF-8"],
    );
    let text = net("[28, 28, 1]", r#"{"type": "dence", "out": 10}"#);
    says(&text, &["layers[0]", "dence"]);
    let text = net(
        "[28, 28, 1]",
        r#"{"type": "conv2d", "out_channels": 4, "kernel": 50}"#,
    );
    says(&text, &["layers[0] (conv2d)", "[28, 28, 1]"]);
    let dense = |out: usize| format!(r#"{{"type": "flatten"}}, {{"type": "dense", "out": {out}}}"#);
    let text = net("[32, 32, 3]", &dense(10));
    says(
        &text,
        &["takes inputs of shape [32, 32, 3], but the data have [28, 28, 1]"],
    );
    let text = net("[28, 28, 1]", &dense(9));
    says(
        &text,
        &["outputs of shape [9], but the data have 10 classes"],
    );

    let folder = folder.path().display().to_string();
    says(&refused(1, &format!("train --net {folder}")), &[&folder]);
}

#[test]
fn files_that_could_not_be_saved_are_refused_before_training() {
    // Training itself would take minutes here.
    let text = refused(1, "train --save nowhere/model.safetensors");
    says(
        &text,
        &[
            "`nowhere/model.safetensors`",
            "there is no folder `nowhere`",
        ],
    );
    says(&refused(1, "train --save ."), &["cannot write to `.`"]);
    let text = refused(1, "predict model --output nowhere/scores.csv");
    says(&text, &["there is no folder `nowhere`"]);
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in ["--help", "train --help", "predict --help", "--version"] {
        let run = osculant(arguments);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        assert!(run.out.lines().count() >= 1);
    }
    let run = osculant("");
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("Usage: osculant <COMMAND>"), "{run:?}");
}

#[cfg(unix)]
#[test]
fn standard_output_that_takes_nothing_is_an_error() {
    if let Ok(full) = fs::File::options().write(true).open("/dev/full") {
        let train = ["train", "--net", "linear", "--train-examples", "20"];
        let run = ran(Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" >/dev/full", program()])
            .args(train));
        drop(full);
        run.refused(1);
        says(&run.err, &["cannot write to standard output"]);
    }
}
