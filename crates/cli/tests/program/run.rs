//! Running the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs the program with these arguments, as separated by spaces.
pub(crate) fn osculant(arguments: &str) -> Ran {
    ran(Command::new(program()).args(arguments.split_whitespace()))
}

pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_osculant")
}

pub(crate) fn ran(command: &mut Command) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Ran {
        code: status.code(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

impl Ran {
    /// The final line; the run must have ended well.
    #[track_caller]
    pub(crate) fn last(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        assert_eq!(self.err, "", "{self:?}");
        let line = self.out.lines().find(|line| line.starts_with("final: "));
        line.unwrap_or_else(|| panic!("no final line: {self:?}"))
    }

    /// The iteration lines, without the seconds.
    pub(crate) fn iterations(&self) -> Vec<String> {
        let mut lines = self.out.lines();
        lines.find(|line| line.trim_start().starts_with("iter"));
        lines
            .take_while(|line| !line.starts_with("final: ") && !line.starts_with("best: "))
            .map(|line| {
                let (rest, seconds) = line.trim_end().rsplit_once(' ').unwrap();
                assert!(seconds.parse::<f64>().unwrap() >= 0.0, "{line}");
                rest.trim_end().to_string()
            })
            .collect()
    }

    /// The message of a run that must have ended with this code, nothing on standard output, and
    /// no sign of a panic.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        assert!(self.err.starts_with("error: "), "{self:?}");
        for word in ["panicked", "RUST_BACKTRACE", "unwrap"] {
            assert!(!self.err.contains(word), "{self:?}");
        }
        &self.err
    }
}

/// A folder with the bundled digits as IDX files.
pub(crate) fn digits() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits");
    for file in std::fs::read_dir(bundled).unwrap() {
        let file: PathBuf = file.unwrap().path();
        if file.extension().is_some_and(|e| e == "gz") {
            std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    folder
}
