//! Test programs that find their cases at run time: a trial per `.json` file of some folders.

use libtest_mimic::{Arguments, Failed, Trial};
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Runs `check` on every file in the folder `own` of this package and in the one that the
/// environment variable names, and ends the program.
pub fn run<E: Display + 'static>(
    own: &str,
    variable: &str,
    check: fn(&Path) -> Result<(), E>,
) -> ! {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(own)];
    folders.extend(std::env::var_os(variable).map(PathBuf::from));
    let trials = folders.iter().flat_map(|f| trials_of(f, check)).collect();
    let mut arguments = Arguments::from_args();
    // The tables are read by people: one after the other.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials).exit()
}

fn trials_of<E: Display + 'static>(folder: &Path, check: fn(&Path) -> Result<(), E>) -> Vec<Trial> {
    let shown = folder.display().to_string();
    let files = std::fs::read_dir(folder).map(|entries| {
        let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        files.retain(|f| f.extension().is_some_and(|e| e == "json"));
        files.sort();
        files
    });
    match files {
        Err(error) => vec![Trial::test(shown, move || {
            Err(format!("cannot read it: {error}").into())
        })],
        Ok(files) if files.is_empty() => {
            vec![Trial::test(shown, || Err("it holds no .json file".into()))]
        }
        Ok(files) => files
            .into_iter()
            .map(|file| trial_of(file, check))
            .collect(),
    }
}

fn trial_of<E: Display + 'static>(file: PathBuf, check: fn(&Path) -> Result<(), E>) -> Trial {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    Trial::test(name.into_owned(), move || {
        check(&file).map_err(|error| Failed::from(error.to_string()))
    })
}
