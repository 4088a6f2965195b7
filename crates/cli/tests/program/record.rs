//! What a run writes of itself while it trains, and the examples that choose its best model.

use crate::run::osculant;
use serde_json::Value;
use std::fs;

const SMALL: &str = "train --net mlp:12 --train-examples 200 --test-examples 100 --iterations 4";

/// The events of a record.
fn events(text: &str) -> Vec<Value> {
    let events = text.lines().map(serde_json::from_str);
    events.collect::<Result<_, _>>().unwrap()
}

#[test]
fn json_lines_say_what_the_table_says() {
    let run = osculant(&format!("{SMALL} --json"));
    assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
    let events = events(&run.out);
    let kinds: Vec<&str> = events
        .iter()
        .map(|e| e["event"].as_str().unwrap())
        .collect();
    let iterations = ["iteration"; 4];
    let expected = [&["start"][..], &iterations, &["evaluation", "end"]].concat();
    assert_eq!(kinds, expected);
    let table = osculant(SMALL);
    for (event, line) in events[1..].iter().zip(table.iterations()) {
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(event["iteration"].to_string(), cells[0]);
        assert_eq!(event["cg_iterations"].to_string(), cells[3]);
        let (f, shown) = (event["value"].as_f64().unwrap(), cells[1]);
        let shown: f64 = shown.parse().unwrap();
        assert!((f - shown).abs() <= 1e-9 * f.abs(), "{f} {shown}");
    }
    let (start, end) = (&events[0], &events[6]);
    assert_eq!(start["network"], "mlp:12");
    assert_eq!(start["train_examples"], 200);
    assert_eq!(end["outcome"], "all iterations were made");
    assert_eq!(end["iterations"], 4);
    assert_eq!(end["value"], events[4]["value"]);
}

#[test]
fn a_log_is_the_record_beside_the_table_and_report_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("newton.jsonl").display().to_string();
    let run = osculant(&format!("{SMALL} --log {log}"));
    assert_eq!(run.last(), osculant(SMALL).last());
    assert_eq!(run.iterations().len(), 4);
    let written = events(&fs::read_to_string(&log).unwrap());
    assert_eq!(written.len(), 7);
    let compared = osculant(&format!("report {log}"));
    assert!(
        compared.out.lines().nth(1).unwrap().starts_with("newton "),
        "{compared:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_log_that_takes_nothing_ends_the_run_with_its_name() {
    if fs::exists("/dev/full").unwrap() {
        let run = osculant(&format!("{SMALL} --quiet --log /dev/full"));
        let text = run.refused(1);
        assert!(text.contains("cannot write `/dev/full`"), "{text}");
    }
}

#[test]
fn validation_examples_are_held_out_and_choose_the_best_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let train = SMALL.replace("--iterations 4", "--iterations 8 --validation 20%");
    let run = osculant(&format!(
        "{train} --save {} --log {}",
        path("best"),
        path("log")
    ));
    assert!(
        run.out
            .contains("160 examples to train, 40 to validate, 100 to test"),
        "{run:?}"
    );
    assert!(run.out.contains("C = 16,"), "{run:?}");
    // A count says the same as its share.
    let counted = osculant(&train.replace("20%", "40"));
    assert_eq!(run.last(), counted.last());

    let events = events(&fs::read_to_string(path("log")).unwrap());
    let number = |event: &Value, name: &str| event[name].as_f64();
    let mut best = &events[0];
    for event in &events[1..9] {
        if number(event, "validation_accuracy") > number(best, "validation_accuracy") {
            best = event;
        }
    }
    let line = run.out.lines().find(|line| line.starts_with("best: "));
    let line = line.unwrap_or_else(|| panic!("{run:?}"));
    assert!(
        line.starts_with(&format!("best: iteration {}, ", best["iteration"])),
        "{line} {best}"
    );
    // The model that is saved is that one, and not the last.
    let predicted = osculant(&format!("predict {} --test-examples 100", path("best"))).out;
    let accuracy = predicted.lines().next().unwrap();
    assert!(line.ends_with(accuracy), "{line} {accuracy}");
}

#[test]
fn validation_examples_are_drawn_with_the_seed() {
    let with = |seed| {
        let run = osculant(&format!(
            "train --net linear --limit 60 --test-examples 20 --validation 50% --iterations 1 --json --seed {seed}"
        ));
        events(&run.out)[0]["value"].as_f64().unwrap()
    };
    assert_eq!(with(3), with(3));
    assert_ne!(with(3), with(4));
}

#[test]
fn patience_ends_a_run_that_gets_no_better() {
    let run = osculant(
        "train --net mlp:12 --train-examples 200 --test-examples 20 --iterations 200 \
         --validation 50 --patience 5",
    );
    let last = run.last();
    assert!(
        last.ends_with(": no better model in 5 iterations"),
        "{last}"
    );
    let best = run.out.lines().find_map(|line| {
        let (number, _) = line.strip_prefix("best: iteration ")?.split_once(',')?;
        number.parse::<usize>().ok()
    });
    assert_eq!(run.iterations().len(), best.unwrap() + 5, "{run:?}");
}

#[test]
fn real_targets_are_validated_by_their_mean_loss() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("line.csv");
    let rows = (0..80).map(|i| format!("{},{}\n", f64::from(i) / 10.0, f64::from(i) * 0.3));
    fs::write(&data, "x,y\n".to_string() + &rows.collect::<String>()).unwrap();
    let run = osculant(&format!(
        "train --data {} --net linear --task reals --validation 25% --curvature 100% \
         -C 1000 --iterations 3 --json",
        data.display()
    ));
    let events = events(&run.out);
    let losses: Vec<f64> = events[..4]
        .iter()
        .map(|event| event["validation_loss"].as_f64().unwrap())
        .collect();
    assert!(losses[3] < 0.5 * losses[0], "{losses:?}");
    assert!(events[1]["validation_accuracy"].is_null());
}

#[test]
fn validation_that_leaves_nothing_to_train_on_is_refused() {
    let text = osculant("train --limit 50 --validation 50")
        .refused(2)
        .to_string();
    assert!(
        text.contains("--validation") && text.contains("50"),
        "{text}"
    );
    osculant("train --limit 50 --validation 0").refused(2);
}

/// On a terminal there are bars, for the products of CG too.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_sees_products_of_cg_go_by() {
    let command = format!(
        "{} train --train-examples 2000 --iterations 1",
        crate::run::program()
    );
    let run = std::process::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .output();
    let Ok(run) = run else {
        eprintln!("no `script` to pretend a terminal with");
        return;
    };
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(text.contains("CG product "), "{text}");
    assert!(text.contains("iteration 1 of 1"), "{text}");
    assert!(text.contains("final: f "), "{text}");
}
