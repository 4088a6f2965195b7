//! `osculant convert`: weights from PyTorch predict what PyTorch predicted, and go back.

use crate::run::{Ran, osculant};
use osculant_data::npy::read_archive;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A file that comes with the tests of the data crate.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../data/tests/it/weights")
        .join(name)
}

/// A folder with the description of the network whose weights are there.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let layers = r#"{"type": "conv2d", "out_channels": 4, "kernel": [3, 2], "padding": 1},
        {"type": "relu"}, {"type": "maxpool2d", "kernel": 2}, {"type": "flatten"},
        {"type": "dense", "out": 5}, {"type": "tanh"}, {"type": "dense", "out": 2}"#;
    let net = format!(r#"{{"input_shape": [6, 5, 3], "layers": [{layers}]}}"#);
    fs::write(folder.path().join("net.json"), net).unwrap();
    folder
}

fn convert(folder: &TempDir, weights: &Path, more: &str) -> Ran {
    let folder = folder.path().display();
    osculant(&format!(
        "convert {} --from pytorch --net {folder}/net.json --input 6,5,3 --outputs 2 --save \
         {folder}/model.safetensors {more}",
        weights.display()
    ))
}

#[test]
fn weights_of_pytorch_predict_what_pytorch_predicted() {
    let folder = folder();
    let run = convert(
        &folder,
        &file("pytorch.safetensors"),
        "--task reals --loss squared",
    );
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    assert!(
        run.out.starts_with("conv1.weight  <- 0.weight\n"),
        "{run:?}"
    );
    let (model, table) = ("model.safetensors", "table.csv");
    let [model, table] = [model, table].map(|name| folder.path().join(name));
    let answers = file("pytorch.npz");
    let run = osculant(&format!(
        "predict {} --data {} --output {}",
        model.display(),
        answers.display(),
        table.display()
    ));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    let archive = read_archive(&fs::read(answers).unwrap(), "answers", |name| name == "y");
    let y = archive.unwrap().remove("y").unwrap().values.into_reals();
    let text = fs::read_to_string(table).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some("example,target0,target1,predicted_target0,predicted_target1")
    );
    let predicted: Vec<f32> = lines
        .flat_map(|line| line.split(',').skip(3).map(|cell| cell.parse().unwrap()))
        .collect();
    assert_eq!(predicted.len(), y.len());
    for (predicted, y) in predicted.iter().zip(&y) {
        assert!((predicted - y).abs() < 1e-5, "{predicted} {y}");
    }

    // And back, under the names that they came with: the same numbers.
    let back = folder.path().join("back.safetensors");
    let map = [
        "0.weight=conv1.weight",
        "0.bias=conv1.bias",
        "4.weight=dense1.weight",
    ];
    let map: Vec<_> = map.iter().map(|pair| format!("--map {pair}")).collect();
    let run = osculant(&format!(
        "convert {} --to pytorch --save {} {}",
        model.display(),
        back.display(),
        map.join(" ")
    ));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.out.contains("dense1.weight -> 4.weight\n"), "{run:?}");
    let first = fs::read(&model).unwrap();
    let run = convert(&folder, &back, "--task reals --loss squared");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(fs::read(&model).unwrap() == first);
}

#[test]
fn inputs_are_prepared_as_they_were_there() {
    let folder = folder();
    let weights = file("pytorch.safetensors");
    let more = "--scale 1/255 --mean 0.5,0.4,0.3 --deviation 0.25 --classes cat,dog";
    let run = convert(&folder, &weights, more);
    assert_eq!(run.code, Some(0), "{run:?}");
    let run = convert(&folder, &weights, "--mean 0.5,0.4");
    let text = run.refused(2);
    assert!(text.contains("--mean has 2 numbers; give 1, 3"), "{text}");
    let run = convert(&folder, &weights, "--deviation 0");
    assert!(run.refused(1).contains("at position 0 is 0"), "{run:?}");
    let run = convert(&folder, &weights, "--classes cat");
    assert!(run.refused(1).contains("--classes has 1 names"), "{run:?}");
}

#[test]
fn what_cannot_be_converted_is_refused() {
    let folder = folder();
    let run = convert(&folder, &file("keras.npz"), "");
    assert!(
        run.refused(1).contains("`conv1.weight` needs [4, 3, 3, 2]"),
        "{run:?}"
    );
    let run = convert(&folder, &file("pytorch.safetensors"), "--map 0.weight");
    assert!(
        run.refused(2).contains("features.0.weight=conv1.weight"),
        "{run:?}"
    );
    let run = osculant("convert weights --save model");
    assert!(run.refused(2).contains("--from"), "{run:?}");
}

#[test]
fn a_loss_and_a_task_that_do_not_fit_make_no_model() {
    let folder = folder();
    for (more, says) in [
        ("--task reals", "the loss softmax is for classes"),
        ("--loss huber", "the loss huber is for real targets"),
    ] {
        let run = convert(&folder, &file("pytorch.safetensors"), more);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.contains(says), "{run:?}");
        assert!(!folder.path().join("model.safetensors").exists());
    }
}
