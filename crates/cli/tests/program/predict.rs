//! `osculant predict`, and the files that `osculant train --save` makes for it.

use crate::run::{Ran, digits, osculant};
use osculant_data::{About, Legend, ModelFile, Preprocess};
use osculant_layers::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Trains a little and saves.
fn trained(loss: &str) -> (TempDir, PathBuf, Ran) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    let run = osculant(&format!(
        "train --net mlp:12 --train-examples 300 --iterations 4 --loss {loss} --save {}",
        file.display()
    ));
    (folder, file, run)
}

fn predict(model: &Path, more: &str) -> Ran {
    osculant(&format!("predict {} {more}", model.display()))
}

fn accuracy(line: &str) -> &str {
    let (_, rest) = line.split_once("accuracy ").unwrap();
    rest.split_once(')').unwrap().0
}

#[test]
fn a_saved_model_scores_as_it_did_after_training() {
    for loss in ["squared", "softmax"] {
        let (_folder, model, run) = trained(loss);
        let last = run.last();
        let saved = format!("saved: {}\n", model.display());
        assert!(run.out.contains(&saved), "{run:?}");
        assert!(run.out.trim_end().ends_with(last), "{run:?}");
        let scored = predict(&model, "");
        assert_eq!((scored.code, scored.err.as_str()), (Some(0), ""));
        let lines: Vec<_> = scored.out.lines().collect();
        assert_eq!(accuracy(lines[0]), accuracy(last));
        assert!(accuracy(last).ends_with("/2000"), "{last}");
        assert!(
            lines[1].starts_with(&format!("mean {loss} loss ")),
            "{lines:?}"
        );
        for threads in [1, 2] {
            assert_eq!(
                predict(&model, &format!("--threads {threads}")).out,
                scored.out
            );
        }
        let idx = digits();
        let data = format!("--data {}", idx.path().display());
        assert_eq!(predict(&model, &data).out, scored.out);
    }
}

#[test]
fn a_saved_model_tells_the_options_of_its_training() {
    let (_folder, model, _) = trained("softmax");
    let model = ModelFile::load(&model).unwrap();
    let options = &model.about().options;
    for (name, value) in [
        ("net", "mlp:12"),
        ("loss", "softmax"),
        ("train_examples", "300"),
        // Those that came by default too.
        ("optimizer", "newton"),
        ("cg_iterations", "20"),
        ("warm_start", "0.95"),
        ("lambda", "0.3"),
    ] {
        assert_eq!(
            options.get(name).map(String::as_str),
            Some(value),
            "{options:?}"
        );
    }
    // A run may go on to more iterations, and elsewhere.
    for name in ["iterations", "save", "data"] {
        assert!(!options.contains_key(name), "{options:?}");
    }
}

#[test]
fn scores_come_as_a_line_of_json_too() {
    let (_folder, model, run) = trained("softmax");
    let told = predict(&model, "--json");
    assert_eq!((told.code, &told.err[..]), (Some(0), ""));
    let [line] = told.out.lines().collect::<Vec<_>>()[..] else {
        panic!("{told:?}")
    };
    let scores: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(scores["examples"], 2000);
    let right = (scores["accuracy"].as_f64().unwrap() * 2000.0).round();
    assert!(
        accuracy(run.last()).ends_with(&format!("({right}/2000")),
        "{run:?}"
    );
    assert!(scores["loss"].as_f64().unwrap() > 0.0);
    assert!(scores.get("r2").is_none(), "{line}");
}

#[test]
fn what_is_held_out_does_not_touch_what_is_done_to_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let (table, model) = (
        folder.path().join("t.csv"),
        folder.path().join("m.safetensors"),
    );
    // Of 20 rows 4 are to test with and 4 of the others are held out.
    let mean_without = |extreme: Option<usize>| {
        let row = |i: usize| {
            let x = if extreme == Some(i) {
                1e6
            } else {
                i as f64 / 3.0
            };
            format!("{x},{}.25\n", i % 3)
        };
        let rows: String = (0..20).map(row).collect();
        fs::write(&table, "x,y\n".to_string() + &rows).unwrap();
        osculant(&format!(
            "train --data {} --net linear --test-share 20% --validation 4 --iterations 1 --save {}",
            table.display(),
            model.display()
        ))
        .last();
        let preprocess = ModelFile::load(&model).unwrap().about().preprocess.clone();
        preprocess.mean().unwrap().to_vec()
    };
    let mean = mean_without(None);
    let untouched = (0..20).filter(|&i| mean_without(Some(i)) == mean).count();
    assert_eq!(untouched, 8);
}

#[test]
fn the_table_has_a_line_per_example_and_agrees_with_the_accuracy() {
    let (folder, model, _) = trained("squared");
    let table = folder.path().join("scores.csv");
    let run = predict(
        &model,
        &format!("--test-examples 50 --output {}", table.display()),
    );
    let table = fs::read_to_string(&table).unwrap();
    let lines: Vec<Vec<&str>> = table.lines().map(|l| l.split(',').collect()).collect();
    assert_eq!(lines.len(), 51);
    assert_eq!(lines[0][..4], ["example", "label", "predicted", "score_0"]);
    assert!(lines.iter().all(|line| line.len() == 13));
    let right = lines[1..].iter().filter(|line| line[1] == line[2]).count();
    assert!(run.out.contains(&format!("({right}/50)")), "{run:?}");
    assert_eq!(names(folder.path()), ["model.safetensors", "scores.csv"]);
}

#[test]
fn the_same_run_saves_the_same_bytes() {
    let ((_a, first, _), (_b, second, _)) = (trained("squared"), trained("squared"));
    assert!(fs::read(first).unwrap() == fs::read(second).unwrap());
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    let (folder, model, _) = trained("squared");
    let whole = fs::read(&model).unwrap();
    let other = folder.path().join("other");
    let refused = |bytes: &[u8]| {
        fs::write(&other, bytes).unwrap();
        let run = predict(&other, "");
        let text = run.refused(1).to_string();
        assert!(text.contains(&other.display().to_string()), "{text}");
        text
    };
    assert!(refused(b"{\"not\": \"a model\"}").contains("is not a safetensors file"));
    assert!(refused(b"").contains("it is empty"));
    let half = whole.len() / 2;
    let text = refused(&whole[..half]);
    assert!(
        text.contains(&format!("needs {} bytes, found {half}", whole.len())),
        "{text}"
    );
    let missing = folder.path().join("missing.safetensors");
    let run = predict(&missing, "");
    assert!(run.refused(1).contains("missing.safetensors"), "{run:?}");
}

/// A model file with this description of its network and loss, and the numbers of `net`.
fn model(folder: &Path, net: &Network<f32>, network: &str, loss: &str) -> PathBuf {
    let about = About {
        network: network.into(),
        loss: loss.into(),
        regularization: 1.0,
        seed: 1,
        preprocess: Preprocess::from_parts(1.0 / 255.0, None).unwrap(),
        legend: Legend::default(),
        options: [].into(),
    };
    let file = folder.join("model.safetensors");
    let model = ModelFile::new(about, net.params(), &net.init(1)).unwrap();
    model.save(&file).unwrap();
    file
}

#[test]
fn a_model_of_another_network_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let net = Network::<f32>::new([28, 28, 1], |x| x.flatten().dense(10)).unwrap();
    let described = |input: &str, outputs: usize| {
        format!(
            r#"{{"input_shape": {input}, "layers": [{{"type": "flatten"}},
                {{"type": "dense", "out": {outputs}}}]}}"#
        )
    };
    let refused = |net: &Network<f32>, network: &str, loss: &str| {
        let run = predict(&model(folder.path(), net, network, loss), "");
        let text = run.refused(1).to_string();
        assert!(text.contains("model.safetensors`"), "{text}");
        text
    };
    let text = refused(&net, &described("[28, 28, 1]", 11), "squared");
    assert!(
        text.contains(
            "is of another network: its tensor `dense1.weight` has shape [784, 10], \
                       which is [784, 11] here"
        ),
        "{text}"
    );
    let text = refused(&net, "{}", "squared");
    assert!(
        text.contains("cannot build the network that the model file `"),
        "{text}"
    );
    let text = refused(&net, &described("[28, 28, 1]", 10), "cubed");
    assert!(text.contains("trained with the loss `cubed`"), "{text}");

    let colour = Network::<f32>::new([32, 32, 3], |x| x.flatten().dense(10)).unwrap();
    let text = refused(&colour, &described("[32, 32, 3]", 10), "squared");
    assert!(
        text.contains("inputs of shape [32, 32, 3], but the data have [28, 28, 1]"),
        "{text}"
    );
    let five = Network::<f32>::new([28, 28, 1], |x| x.flatten().dense(5)).unwrap();
    let text = refused(&five, &described("[28, 28, 1]", 5), "squared");
    assert!(
        text.contains("outputs of shape [5], but the data have 10 classes"),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_leaves_no_part_of_a_model() {
    // A limit on the size of files stands in for a full disk: writing fails midway.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    fs::write(&file, "an earlier model").unwrap();
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\"";
    let train = "train --net mlp:12 --train-examples 50 --test-examples 10 --iterations 1 --save";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, crate::run::program()]);
    let run = crate::run::ran(command.args(train.split(' ')).arg(&file));
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("final: "), "{run:?}");
    let message = format!("error: cannot write `{}`: ", file.display());
    assert!(run.err.starts_with(&message), "{run:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "an earlier model");
    assert_eq!(names(folder.path()), ["model.safetensors"]);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
