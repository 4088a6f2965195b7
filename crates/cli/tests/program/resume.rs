//! Runs that are killed, interrupted or short of room, and go on.

use crate::run::{Ran, osculant, program, ran};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A folder with a small table to train on.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Place {
            folder: tempfile::tempdir().unwrap(),
        };
        let rows = (0..90).map(|i| {
            let [x, y] = [0.37, 0.73].map(|w| (f64::from(i) * w).sin());
            // Some labels are wrong, so that there is something to do for long.
            let class = if (x * y > 0.1) == (i % 7 > 0) {
                "one"
            } else {
                "two"
            };
            format!("{x:.4},{y:.4},{class}\n")
        });
        let table = "x,y,class\n".to_string() + &rows.collect::<String>();
        fs::write(place.path("data.csv"), table).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn shown(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The command of a run in a folder of this name.
    fn train(&self, name: &str, iterations: usize) -> String {
        format!(
            "train --data {} --net mlp:32,32:tanh --loss softmax --test-share 20% --validation 25% \
             --curvature 30% --seed 3 -C 100 --iterations {iterations} --run {}",
            self.shown("data.csv"),
            self.shown(name)
        )
    }

    fn resume(&self, name: &str) -> String {
        format!("train --resume {}", self.shown(name))
    }

    /// The models that a run has left.
    fn models(&self, name: &str) -> [Vec<u8>; 2] {
        ["best", "last"].map(|model| {
            let path = self.path(name).join(format!("{model}.safetensors"));
            fs::read(path).unwrap()
        })
    }

    /// What the record says of iterations, seconds left out.
    fn course(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(name).join("record.jsonl")).unwrap();
        // A kill may have cut the last line off.
        let events = text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let iterations = events.filter(|event| event["event"] == "iteration");
        let without = iterations.map(|mut event| {
            event["seconds"].take();
            event.to_string()
        });
        without.collect()
    }

    fn recorded(&self, name: &str) -> usize {
        let text = fs::read_to_string(self.path(name).join("record.jsonl"));
        text.map_or(0, |text| text.lines().count())
    }

    /// Waits until the record of a run has so many lines, or the process has ended.
    fn wait_for(&self, name: &str, lines: usize, child: &mut Child) {
        let begun = Instant::now();
        while self.recorded(name) < lines && child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no line {lines}");
            sleep(Duration::from_micros(200));
        }
    }
}

fn start(arguments: &str) -> Child {
    Command::new(program())
        .args(arguments.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn ended(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Numbers below a bound that look random: Knuth's multiplier, the upper bits.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const FILES: [&str; 5] = [
    "best.safetensors",
    "checkpoint.safetensors",
    "last.safetensors",
    "lock",
    "record.jsonl",
];

/// Kills a run at so many moments that look random, and compares what it comes to with one that is
/// not interrupted. `more` are options of both.
fn killed(moments: u64, more: &str) {
    let place = Place::new();
    let train = |name, iterations| format!("{} {more}", place.train(name, iterations));
    let mut dice = Dice(moments);
    for _ in 0..moments {
        let begun = place.path("killed").join("checkpoint.safetensors").exists();
        // How often the run is saved may change on the way.
        let every = 1 + dice.below(3);
        let command = if begun {
            place.resume("killed")
        } else {
            train("killed", 100_000)
        };
        let before = place.recorded("killed");
        let mut child = start(&format!("{command} --checkpoint-every {every}"));
        // At the very start, or some way on.
        let lines = dice.below(6) as usize;
        if lines > 0 {
            place.wait_for("killed", before + lines, &mut child);
        }
        sleep(Duration::from_micros(dice.below(3000)));
        child.kill().unwrap();
        let run = ended(child);
        assert_eq!((run.code, &run.err[..]), (None, ""), "it ended by itself");
    }
    // The bound is free: the run ends some way behind the last kill.
    let iterations = place.course("killed").len() + 10;
    let bound = format!("--iterations {iterations}");
    let resumed = osculant(&format!("{} {bound}", place.resume("killed")));
    let whole = osculant(&train("whole", iterations));
    assert_eq!(resumed.last(), whole.last());
    let first = resumed.iterations().into_iter().next().unwrap();
    let first: usize = first.split_whitespace().next().unwrap().parse().unwrap();
    assert!(first > 1 && first <= iterations, "{first}");
    assert!(
        place.models("killed") == place.models("whole"),
        "the models differ"
    );
    assert_eq!(place.course("killed"), place.course("whole"));
    assert_eq!(place.course("whole").len(), iterations);
    assert_eq!(names(&place.path("killed")), FILES);
}

#[test]
fn a_run_that_is_killed_at_twenty_moments_ends_bit_for_bit_like_one_that_is_not() {
    killed(20, "");
}

#[test]
fn what_other_parts_of_the_trainer_remember_survives_a_kill_too() {
    killed(
        8,
        "--damping nielsen --sampling fresh --warm-start --cg-iterate backtracked \
         --precondition jacobi",
    );
    killed(
        8,
        "--globalization trust-region --sampling fixed --warm-start --cg-stop progress",
    );
}

#[test]
fn a_run_that_has_ended_goes_on_to_more_iterations() {
    let place = Place::new();
    let whole = osculant(&place.train("whole", 9));
    osculant(&place.train("parts", 4)).last();
    let again = osculant(&place.resume("parts"));
    assert_eq!(again.iterations(), [""; 0]);
    let more = osculant(&format!("{} --iterations 9", place.resume("parts")));
    assert_eq!(more.last(), whole.last());
    assert!(
        more.out.contains("resumed  after iteration 4 of "),
        "{more:?}"
    );
    assert!(place.models("parts") == place.models("whole"));
    assert_eq!(place.course("parts"), place.course("whole"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_run_that_goes_on_later() {
    let place = Place::new();
    let whole = osculant(&place.train("whole", 300));
    let page = place.path("run.html");
    let mut child = start(&format!(
        "{} --report {}",
        place.train("parts", 300),
        page.display()
    ));
    place.wait_for("parts", 5, &mut child);
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let run = ended(child);
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.err.starts_with("interrupted: "), "{run:?}");
    let last = run.out.lines().last().unwrap();
    assert!(
        last.starts_with("final: f ") && last.contains(": interrupted; go on with --resume "),
        "{last}"
    );
    assert!(page.exists());
    assert_eq!(names(&place.path("parts")), FILES);
    let resumed = osculant(&place.resume("parts"));
    assert_eq!(resumed.last(), whole.last());
    assert!(place.models("parts") == place.models("whole"));
}

/// Runs the program where no file can grow beyond so many blocks of 512 bytes; it must fail.
#[cfg(unix)]
fn short_of_room(arguments: &str, blocks: u64) -> Ran {
    let script = format!(
        "trap '' XFSZ; ulimit -f {blocks}; exec {} {arguments}",
        program()
    );
    let run = ran(Command::new("sh").args(["-c", &script]));
    assert_eq!(run.code, Some(1), "{run:?}");
    run
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_last_checkpoint_and_says_how_to_go_on() {
    let place = Place::new();
    // A network whose checkpoint is larger than the record.
    let train = |name, iterations| place.train(name, iterations).replace("32,32", "400");
    osculant(&train("parts", 2)).last();
    let checkpoint = place.path("parts").join("checkpoint.safetensors");
    let before = fs::read(&checkpoint).unwrap();
    assert!(before.len() > 4000);
    let run = short_of_room(&format!("{} --iterations 5", place.resume("parts")), 7);
    let folder = place.shown("parts");
    for part in [
        format!("error: cannot write `{folder}/"),
        ".safetensors`".into(),
        "kept up to iteration 2".into(),
        format!("go on with --resume {folder}"),
    ] {
        assert!(run.err.contains(&part), "{part}: {run:?}");
    }
    assert!(fs::read(&checkpoint).unwrap() == before, "it has changed");
    assert_eq!(names(&place.path("parts")), FILES);

    let whole = osculant(&train("whole", 5));
    let resumed = osculant(&format!("{} --iterations 5", place.resume("parts")));
    assert_eq!(resumed.last(), whole.last());
    assert!(place.models("parts") == place.models("whole"));
}

#[cfg(unix)]
#[test]
fn a_disk_without_room_for_the_record_leaves_the_last_checkpoint_too() {
    let place = Place::new();
    // After so many iterations the record is larger than the checkpoint.
    osculant(&place.train("parts", 100)).last();
    let checkpoint = fs::read(place.path("parts").join("checkpoint.safetensors")).unwrap();
    let record = fs::metadata(place.path("parts").join("record.jsonl")).unwrap();
    // In blocks of 512 bytes: no other iteration has room.
    let blocks = record.len() / 512;
    assert!(checkpoint.len() as u64 <= blocks * 512 / 2, "{record:?}");
    let more = format!("{} --iterations 110", place.resume("parts"));
    let run = short_of_room(&more, blocks);
    let folder = place.shown("parts");
    for part in [
        format!("error: cannot write `{folder}/record.jsonl`"),
        "kept up to iteration 100".into(),
        format!("go on with --resume {folder}"),
    ] {
        assert!(run.err.contains(&part), "{part}: {run:?}");
    }
    let whole = osculant(&place.train("whole", 110));
    let resumed = osculant(&format!("{} --iterations 110", place.resume("parts")));
    assert_eq!(resumed.last(), whole.last());
    assert!(place.models("parts") == place.models("whole"));
    assert_eq!(place.course("parts"), place.course("whole"));
}

#[test]
fn a_damaged_checkpoint_is_refused_by_name_and_left_alone() {
    let place = Place::new();
    osculant(&place.train("run", 2)).last();
    let path = place.path("run").join("checkpoint.safetensors");
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let model = fs::read(place.path("run").join("last.safetensors")).unwrap();
    for (bytes, says) in [
        (&whole[..whole.len() / 2], "is truncated"),
        (&flipped, "checksum"),
        (&b"nonsense"[..], "is not a safetensors file"),
        (&model, "no metadata entry `osculant-checkpoint`"),
    ] {
        fs::write(&path, bytes).unwrap();
        let run = osculant(&place.resume("run"));
        let text = run.refused(1);
        assert!(
            text.contains("checkpoint.safetensors`") && text.contains(says),
            "{says}: {text}"
        );
        assert!(fs::read(&path).unwrap() == bytes);
    }
}

#[test]
fn changed_data_are_refused_and_moved_data_are_not() {
    let place = Place::new();
    osculant(&place.train("run", 2)).last();
    let (old, new) = (place.path("data.csv"), place.path("moved.csv"));
    fs::rename(&old, &new).unwrap();
    let moved = format!("{} --data {}", place.resume("run"), new.display());
    osculant(&format!("{moved} --iterations 3")).last();
    let checkpoint = fs::read(place.path("run").join("checkpoint.safetensors")).unwrap();
    let table = fs::read_to_string(&new).unwrap();
    fs::write(&new, table.replacen("0.3616", "0.3617", 1)).unwrap();
    let run = osculant(&moved);
    let text = run.refused(1);
    assert!(
        text.contains("data are 72 examples of [2]") || text.contains("data are 18 examples"),
        "{text}"
    );
    assert!(text.contains("began"), "{text}");
    let after = fs::read(place.path("run").join("checkpoint.safetensors")).unwrap();
    assert!(after == checkpoint);
}

#[test]
fn a_network_whose_file_has_changed_is_refused() {
    let place = Place::new();
    let file = place.path("net.json");
    let net = r#"{"input_shape": [2], "layers": [{"type": "dense", "out": 4}, {"type": "tanh"},
        {"type": "dense", "out": 2}]}"#;
    fs::write(&file, net).unwrap();
    let shown = place.shown("net.json");
    let train = place.train("run", 2).replace("mlp:32,32:tanh", &shown);
    osculant(&train).last();
    fs::write(&file, net.replace("tanh", "relu")).unwrap();
    let run = osculant(&place.resume("run"));
    let text = run.refused(1);
    assert!(text.contains("the network is another than"), "{text}");
    fs::write(&file, net).unwrap();
    osculant(&format!("{} --iterations 3", place.resume("run"))).last();
}

#[test]
fn other_options_than_those_of_the_run_are_refused_with_both_values() {
    let place = Place::new();
    osculant(&place.train("run", 2)).last();
    for (option, then) in [
        ("--seed 4", "--seed 3"),
        ("--net linear", "--net mlp:32,32:tanh"),
        ("-C 5", "-C 100"),
        ("--raw-targets", "without --raw-targets"),
        ("--curvature 31%", "--curvature 30%"),
        ("--cg-iterations 7", "--cg-iterations 20"),
        ("--warm-start 0", "--warm-start 0.95"),
        ("--validation 20%", "--validation 25%"),
    ] {
        let run = osculant(&format!("{} {option}", place.resume("run")));
        let text = run.refused(2);
        assert!(text.contains(option) && text.contains(then), "{text}");
    }
    // What it began with may be said again.
    osculant(&format!("{} --seed 3 --quiet", place.resume("run"))).last();
}

#[test]
fn folders_are_refused_that_hold_no_run_or_another() {
    let place = Place::new();
    osculant(&place.train("run", 1)).last();
    let run = osculant(&place.train("run", 1));
    let text = run.refused(2);
    assert!(
        text.contains("is not empty") && text.contains("--resume"),
        "{text}"
    );
    let run = osculant(&format!("train --run {}", place.folder.path().display()));
    assert!(run.refused(2).contains("data.csv"), "{run:?}");
    let run = osculant(&place.resume("nowhere"));
    assert!(run.refused(2).contains("there is no run in"), "{run:?}");
    osculant("train --run a --resume b").refused(2);
}

#[test]
fn two_processes_do_not_write_to_one_run() {
    let place = Place::new();
    let mut child = start(&place.train("run", 1_000_000));
    place.wait_for("run", 3, &mut child);
    let run = osculant(&place.resume("run"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        run.refused(2).contains("under way in another process"),
        "{run:?}"
    );
}
