//! Data of every format: training, saving, and predicting in the words of the data.

use crate::run::{Ran, osculant};
use osculant_data::npy::{Array, Values, write_archive, write_array};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A small file that comes with the tests of the data crate.
fn file(name: &str) -> String {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/it");
    tests.join(name).display().to_string()
}

/// Trains, and returns the run and the path of the model.
#[track_caller]
fn trained(arguments: &str) -> (TempDir, PathBuf, Ran) {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.safetensors");
    let run = osculant(&format!("train {arguments} --save {}", model.display()));
    run.last();
    (folder, model, run)
}

/// Predicts into a table, and returns the run and the lines, each as its cells.
#[track_caller]
fn predicted(model: &Path, data: &str) -> (Ran, Vec<Vec<String>>) {
    let table = model.with_file_name("predictions.csv");
    let (model, to) = (model.display(), table.display());
    let run = osculant(&format!("predict {model} --data {data} --output {to}"));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    let text = fs::read_to_string(table).unwrap();
    let lines = text
        .lines()
        .map(|line| line.split(',').map(String::from).collect());
    (run, lines.collect())
}

fn percent(line: &str) -> f64 {
    let (_, rest) = line.split_once("accuracy ").unwrap();
    rest.split_once(' ').unwrap().0.parse().unwrap()
}

#[test]
fn a_table_with_named_classes_is_learnt_and_predicted_in_its_words() {
    // Iris, with the classes as words and the target first.
    let folder = tempfile::tempdir().unwrap();
    let iris = fs::read_to_string(file("files/iris.csv")).unwrap();
    let lines = iris.lines().skip(1).map(|line| {
        let (inputs, class) = line.rsplit_once(',').unwrap();
        let class = ["setosa", "versicolor", "virginica"][class.parse::<usize>().unwrap()];
        format!("{class},{inputs}\n")
    });
    let text: String = lines.collect();
    let data = folder.path().join("iris.csv");
    fs::write(&data, format!("species,a,b,c,d\n{text}")).unwrap();
    let data = data.display();

    let (_keep, model, run) = trained(&format!(
        "--data {data} --target species --net mlp:8:tanh --loss softmax --iterations 15 \
         --curvature 100% -C 1000"
    ));
    assert!(
        run.out
            .contains("120 examples to train, 30 to test, 3 classes"),
        "{run:?}"
    );
    assert!(percent(run.last()) >= 90.0, "{run:?}");

    let (scored, lines) = predicted(&model, &data.to_string());
    assert!(percent(&scored.out) >= 90.0, "{scored:?}");
    assert_eq!(
        lines[0],
        [
            "example",
            "label",
            "predicted",
            "score_setosa",
            "score_versicolor",
            "score_virginica"
        ]
    );
    assert_eq!(lines.len(), 151);
    assert_eq!(lines[1][1..3], ["setosa", "setosa"]);
    for line in &lines[1..] {
        let sum: f64 = line[3..].iter().map(|p| p.parse::<f64>().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{line:?}");
    }

    // The same flowers without their species, columns in another order, and one more.
    let inputs = text.lines().map(|line| {
        let cells: Vec<_> = line.split(',').collect();
        format!("{},x,{},{},{}\n", cells[4], cells[1], cells[2], cells[3])
    });
    let inputs: String = inputs.collect();
    let unlabelled = folder.path().join("new.csv");
    fs::write(&unlabelled, format!("d,note,a,b,c\n{inputs}")).unwrap();
    let unlabelled = unlabelled.display().to_string();
    let (run, without) = predicted(&model, &unlabelled);
    assert_eq!(run.out, "predicted 150 examples\n");
    assert_eq!(without[0][..2], ["example", "predicted"]);
    for (with, without) in lines.iter().zip(&without) {
        assert_eq!(with[2..], without[1..]);
    }
    let run = osculant(&format!("predict {} --data {unlabelled}", model.display()));
    assert!(run.refused(2).contains("give --output FILE"), "{run:?}");
}

#[test]
fn libsvm_labels_keep_their_numbers() {
    for loss in ["logistic", "squared"] {
        let (_keep, model, run) = trained(&format!(
            "--data {} --net linear --loss {loss} --iterations 8 --curvature 100%",
            file("files/heart_scale")
        ));
        assert!(
            run.out
                .contains("216 examples to train, 54 to test, 2 classes"),
            "{run:?}"
        );
        assert!(percent(run.last()) >= 75.0, "{run:?}");
        let (scored, lines) = predicted(&model, &file("files/heart_scale"));
        assert!(percent(&scored.out) >= 80.0, "{scored:?}");
        assert_eq!(lines[0][1..], ["label", "predicted", "score_-1", "score_1"]);
        assert_eq!(lines[1][1], "1");
    }
}

#[test]
fn regression_predicts_in_the_unit_of_the_targets() {
    let data = file("files/diabetes.csv");
    for loss in ["squared", "huber"] {
        let (_keep, model, run) = trained(&format!(
            "--data {data} --net linear --loss {loss} --iterations 8 --curvature 100%"
        ));
        assert!(
            run.out
                .contains("354 examples to train, 88 to test, real targets of 1"),
            "{run:?}"
        );
        let (_, r2) = run.last().split_once("test R² ").unwrap();
        let r2: f64 = r2.split_once(' ').unwrap().0.parse().unwrap();
        assert!(r2 > 0.3 && r2 < 0.7, "{run:?}");

        // The record has it as well, and so has a comparison.
        let record = model.with_file_name("record.jsonl");
        let record = record.display();
        trained(&format!(
            "--data {data} --net linear --loss {loss} --iterations 8 --curvature 100% --log {record}"
        ));
        let compared = osculant(&format!("report {record}")).out;
        assert!(compared.contains("test R²"), "{compared}");
        assert!(compared.contains(&format!("  {r2:.4}  ")), "{compared}");

        let (scored, lines) = predicted(&model, &data);
        assert_eq!(lines[0], ["example", "target", "predicted_target"]);
        let (mut squares, mut sum) = (0.0, 0.0);
        for line in &lines[1..] {
            let [y, predicted] = [1, 2].map(|i| line[i].parse::<f64>().unwrap());
            squares += (y - predicted).powi(2);
            sum += predicted;
        }
        // The targets go from 25 to 346 with a mean of 152 and a deviation of 77.
        assert!((sum / 442.0 - 152.0).abs() < 10.0, "{sum}");
        let rmse = (squares / 442.0).sqrt();
        assert!((45.0..60.0).contains(&rmse), "{rmse}");
        let (_, said) = scored.out.split_once("root mean squared error ").unwrap();
        let said: f64 = said.lines().next().unwrap().parse().unwrap();
        assert!((said - rmse).abs() < 1e-3 * rmse, "{said} {rmse}");
    }
}

#[test]
fn arrays_of_inputs_are_scored_by_an_array_of_targets() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, shape: &[usize], value: &dyn Fn(usize) -> f32| {
        let path = folder.path().join(name);
        let count = shape.iter().product();
        let array = Array {
            shape: shape.to_vec(),
            values: Values::Reals((0..count).map(value).collect()),
        };
        write_array(File::create(&path).unwrap(), &array).unwrap();
        path.display().to_string()
    };
    let x = write("x.npy", &[40, 1], &|i| (i * 7 % 40) as f32);
    let y = write("y.npy", &[40], &|i| (i * 7 % 40) as f32 * 0.5 + 0.25);
    let (_keep, model, _) = trained(&format!(
        "--data {x} --target {y} --net linear --loss squared -C inf --iterations 5 --curvature 100%"
    ));
    let scored = osculant(&format!(
        "predict {} --data {x} --target {y}",
        model.display()
    ));
    assert!(scored.out.starts_with("R² 1.0000\n"), "{scored:?}");
    // Another table may call the target otherwise.
    let table = folder.path().join("table.csv");
    fs::write(&table, "x,reading\n0,0.25\n2,1.25\n4,2.25\n").unwrap();
    let table = table.display();
    let named = osculant(&format!(
        "predict {} --data {table} --target reading",
        model.display()
    ));
    assert!(named.out.starts_with("R² 1.0000\n"), "{named:?}");
    let digits = osculant(&format!("predict {} --target reading", model.display()));
    assert_eq!(digits.code, Some(2), "{digits:?}");
}

#[test]
fn a_linear_model_of_counts_finds_their_rates() {
    // exp(1) = 2.718 and exp(-1) = 0.368, as the averages of counts.
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("counts.csv");
    let lines: String = (0..40)
        .map(|i| {
            if i % 2 == 0 {
                "1,2.7182817\n"
            } else {
                "-1,0.36787945\n"
            }
        })
        .collect();
    fs::write(&data, format!("x,count\n{lines}")).unwrap();
    let data = data.display();
    let (_keep, model, _) = trained(&format!(
        "--data {data} --inputs keep --net linear --loss poisson -C inf --iterations 20 \
         --curvature 100% --cg-tolerance 1e-6"
    ));
    let (_, lines) = predicted(&model, &data.to_string());
    assert_eq!(lines[0], ["example", "count", "predicted_count"]);
    for line in &lines[1..] {
        let [y, predicted] = [1, 2].map(|i| line[i].parse::<f64>().unwrap());
        assert!((y - predicted).abs() < 1e-2, "{line:?}");
    }
}

#[test]
fn an_archive_of_images_is_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bars.npz");
    // Bright left halves are class 5, bright right halves class 9.
    let count = 60;
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    for i in 0..count {
        let right = i % 3 == 0;
        labels.push(if right { 9 } else { 5 });
        for p in 0..64 {
            let bright = (p % 8 >= 4) == right;
            pixels.push(if bright {
                200 + (i % 50) as u8
            } else {
                (i * p % 60) as u8
            });
        }
    }
    let x = Array {
        shape: vec![count, 8, 8],
        values: Values::Bytes(pixels),
    };
    let y = Array {
        shape: vec![count],
        values: Values::Integers(labels),
    };
    let parts = [
        ("x_train", &x),
        ("y_train", &y),
        ("x_test", &x),
        ("y_test", &y),
    ];
    write_archive(File::create(&path).unwrap(), &parts).unwrap();
    let data = path.display().to_string();
    let (_keep, model, run) = trained(&format!(
        "--data {data} --iterations 4 --curvature 50% -C 1000"
    ));
    // Images get a convolutional network unless another is named.
    assert!(run.out.contains("network  cnn4: "), "{run:?}");
    assert_eq!(percent(run.last()), 100.0, "{run:?}");
    let (_, lines) = predicted(&model, &data);
    assert_eq!(lines[0][3..], ["score_5", "score_9"]);
    assert_eq!(lines[1][1..3], ["9", "9"]);
}

#[test]
fn a_folder_of_cifar_10_is_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["some_train.bin.gz", "some_test.bin.gz"] {
        fs::copy(file("cifar10/ten.bin.gz"), folder.path().join(name)).unwrap();
    }
    let data = folder.path().display().to_string();
    let (_keep, model, run) = trained(&format!(
        "--data {data} --net linear --iterations 12 --curvature 100% -C inf"
    ));
    assert!(
        run.out
            .contains("10 examples to train, 10 to test, 10 classes"),
        "{run:?}"
    );
    assert_eq!(percent(run.last()), 100.0, "{run:?}");
    let (_, lines) = predicted(&model, &data);
    assert_eq!(
        lines[0][3..6],
        ["score_airplane", "score_automobile", "score_bird"]
    );
    assert_eq!(lines[10][1..3], ["truck", "truck"]);
    let (_, of_a_file) = predicted(&model, &file("cifar10/ten.bin.gz"));
    assert_eq!(of_a_file, lines);
}

#[test]
fn test_examples_come_from_a_file_or_are_a_share() {
    let folder = tempfile::tempdir().unwrap();
    let heart = fs::read_to_string(file("files/heart_scale")).unwrap();
    let lines: Vec<&str> = heart.lines().collect();
    let write = |name: &str, lines: &[&str]| {
        let path = folder.path().join(name);
        fs::write(&path, lines.join("\n")).unwrap();
        path.display().to_string()
    };
    let (train, test) = (write("train", &lines[..200]), write("test", &lines[200..]));
    let small = "--net linear --iterations 2";
    let (.., run) = trained(&format!("--data {train} --test {test} {small}"));
    assert!(
        run.out.contains("200 examples to train, 70 to test"),
        "{run:?}"
    );
    let (.., run) = trained(&format!("--data {train} --test-share 25% {small}"));
    assert!(
        run.out.contains("150 examples to train, 50 to test"),
        "{run:?}"
    );

    let refused = |code: i32, arguments: &str| {
        let run = osculant(&format!("train {small} {arguments}"));
        run.refused(code).to_string()
    };
    let text = refused(2, &format!("--data {train} --test {test} --test-share 0.5"));
    assert!(text.contains("cannot be used with"), "{text}");
    let text = refused(2, "--test-share 0.5");
    assert!(text.contains("is for data without a test part"), "{text}");
    let text = refused(2, &format!("--data {train} --test-share 1.5"));
    assert!(text.contains("between 0 and 1"), "{text}");
    let wide = write("wide", &["1 14:1"]);
    let text = refused(1, &format!("--data {train} --test {wide}"));
    assert!(
        text.contains("line 1: it has the index 14, and inputs have 13"),
        "{text}"
    );
    let other = write("other", &["3 1:1"]);
    let text = refused(1, &format!("--data {train} --test {other}"));
    assert!(
        text.contains("the class `3` did not occur in training"),
        "{text}"
    );
}

#[test]
fn losses_and_targets_that_do_not_fit_are_refused() {
    let (heart, diabetes) = (file("files/heart_scale"), file("files/diabetes.csv"));
    let refused = |code: i32, arguments: &str| {
        let run = osculant(&format!("train --iterations 1 {arguments}"));
        run.refused(code).to_string()
    };
    let text = refused(2, &format!("--data {heart} --loss huber --task classes"));
    assert!(
        text.contains("the loss huber is for real targets"),
        "{text}"
    );
    let text = refused(2, &format!("--data {diabetes} --loss softmax --task reals"));
    assert!(text.contains("the loss softmax is for classes"), "{text}");
    let text = refused(2, "--loss poisson");
    assert!(
        text.contains("the loss poisson is for real targets"),
        "{text}"
    );
    let text = refused(1, &format!("--data {heart} --loss poisson"));
    assert!(text.contains("Poisson") && text.contains("-1"), "{text}");
    let text = refused(1, &format!("--data {diabetes} --target nothing"));
    assert!(text.contains("has no column `nothing`"), "{text}");
    let text = refused(1, &format!("--data {diabetes} --net cnn4"));
    assert!(text.contains("layers[0] (conv2d)"), "{text}");
    assert!(refused(2, "--scale 0").contains("finite and not 0"));
}

#[test]
fn what_is_done_to_inputs_is_kept_with_the_model() {
    let heart = file("files/heart_scale");
    let mut all = Vec::new();
    for inputs in [
        "keep",
        "center",
        "standardize",
        "center-channels",
        "standardize-channels",
    ] {
        let (_keep, model, run) = trained(&format!(
            "--data {heart} --net linear --iterations 2 --inputs {inputs} --scale 1/2"
        ));
        let (scored, lines) = predicted(&model, &heart);
        assert!(
            !all.contains(&lines) || inputs.ends_with("channels"),
            "{inputs}"
        );
        assert!(percent(run.last()) > 50.0 && percent(&scored.out) > 50.0);
        all.push(lines);
    }
    // A column of a table is a channel of its own.
    assert_eq!(all[1], all[3]);
    assert_eq!(all[2], all[4]);
}
