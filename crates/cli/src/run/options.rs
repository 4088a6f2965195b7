//! The options that a run began with, and those that it goes on with.

use crate::error::CliError;
use crate::train::Train;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueHint};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, absolute};

/// What belongs to one call of the program and not to the run.
const OF_THE_CALL: [&str; 7] = [
    "help", "run", "resume", "quiet", "json", "threads", "version",
];

/// What a run may go on with otherwise: bounds, files to write, and paths of data, whose content
/// is compared instead.
const FREE: [&str; 9] = [
    "iterations",
    "epochs",
    "patience",
    "checkpoint_every",
    "save",
    "log",
    "report",
    "data",
    "test",
];

/// The options of a run, by the names that clap knows them by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options(BTreeMap<String, Given>);

/// The values of an option, as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Given {
    values: Vec<String>,
    /// Given on a command line; otherwise by default.
    explicit: bool,
}

impl Options {
    /// The options of a command line.
    pub fn of(matches: &ArgMatches) -> Self {
        let mut options = BTreeMap::new();
        for arg in command().get_arguments().filter(|arg| !is_of_the_call(arg)) {
            let name = arg.get_id().as_str();
            // Names that are not those of values, as of groups, have none.
            let Ok(Some(values)) = matches.try_get_raw(name) else {
                continue;
            };
            let values = values.map(|value| value.to_string_lossy().into_owned());
            let given = Given {
                values: values.map(|value| lasting(arg, value)).collect(),
                explicit: matches.value_source(name) == Some(ValueSource::CommandLine),
            };
            options.insert(name.into(), given);
        }
        Options(options)
    }

    /// The command of a run that goes on with these options, and with those of the call that
    /// resumes it; refused where the two contradict each other.
    pub fn resume(&self, call: &ArgMatches, folder: &str) -> Result<(Train, Self), CliError> {
        let now = Options::of(call);
        let mut line: Vec<String> = Vec::new();
        for arg in command().get_arguments() {
            let name = arg.get_id().as_str();
            if is_of_the_call(arg) {
                continue;
            }
            let explicit = |options: &Options| {
                let given = options.0.get(name);
                given.filter(|given| given.explicit).cloned()
            };
            if let Some(given) = explicit(&now).or(explicit(self)) {
                line.extend(given.words(arg));
            }
        }
        let usage = |error: clap::Error| CliError::Usage(error.to_string());
        let merged = command().try_get_matches_from(line).map_err(usage)?;
        let options = Options::of(&merged);
        options.check(self, folder)?;
        let mut train = Train::from_arg_matches(&merged).map_err(usage)?;
        train.adopt_call(Train::from_arg_matches(call).map_err(usage)?);
        Ok((train, options))
    }

    /// What decides how a run goes, by name, for its models to tell: all but what may change on the
    /// way.
    pub fn told(&self) -> BTreeMap<String, String> {
        let told = self.0.iter().filter(|(name, _)| !FREE.contains(&&name[..]));
        // Of a network's file, the name.
        let short = |value: &String| match Path::new(value) {
            path if path.is_absolute() => path.file_name().map(|name| name.display().to_string()),
            _ => Some(value.clone()),
        };
        told.map(|(name, given)| {
            let values: Vec<_> = given.values.iter().filter_map(short).collect();
            (name.clone(), values.join(", "))
        })
        .collect()
    }

    /// Whether this option was given.
    pub fn is_explicit(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|given| given.explicit)
    }

    /// An option of this group that was given, as it is written.
    pub fn explicit_of<A: Args>(&self) -> Option<String> {
        let group = A::augment_args(Command::new("group"));
        let mut args = group.get_arguments();
        args.find(|arg| self.is_explicit(arg.get_id().as_str()))
            .map(option)
    }

    /// Refuses options that differ from those that the run began with.
    fn check(&self, begun: &Self, folder: &str) -> Result<(), CliError> {
        for arg in command().get_arguments() {
            let name = arg.get_id().as_str();
            if is_of_the_call(arg) || FREE.contains(&name) {
                continue;
            }
            let of = |options: &Options| options.0.get(name).map(|given| given.values.clone());
            let (now, then) = (of(self), of(begun));
            if now != then {
                return Err(CliError::Usage(format!(
                    "the run in `{folder}` began {} and cannot go on {}; leave the option out, or \
                     begin another run with --run",
                    shown(arg, then),
                    shown(arg, now)
                )));
            }
        }
        Ok(())
    }
}

impl Given {
    /// The words of a command line that give these values.
    fn words(&self, arg: &Arg) -> Vec<String> {
        let option = option(arg);
        if !arg.get_action().takes_values() {
            return vec![option];
        }
        let joint = if arg.get_long().is_some() { "=" } else { "" };
        let values = self.values.iter();
        values
            .map(|value| format!("{option}{joint}{value}"))
            .collect()
    }
}

fn command() -> Command {
    let command = Command::new("train").no_binary_name(true);
    Train::augment_args(command).disable_help_flag(true)
}

fn is_of_the_call(arg: &Arg) -> bool {
    OF_THE_CALL.contains(&arg.get_id().as_str())
}

/// `--net`, `-C`.
fn option(arg: &Arg) -> String {
    match (arg.get_long(), arg.get_short()) {
        (Some(long), _) => format!("--{long}"),
        (None, Some(short)) => format!("-{short}"),
        (None, None) => arg.get_id().to_string(),
    }
}

/// `with --net linear`, `without --raw-targets`.
fn shown(arg: &Arg, values: Option<Vec<String>>) -> String {
    let option = option(arg);
    match values {
        None => format!("without {option}"),
        Some(values) if matches!(arg.get_action(), ArgAction::SetTrue) => match &values[..] {
            [yes] if yes == "true" => format!("with {option}"),
            _ => format!("without {option}"),
        },
        Some(values) => format!("with {option} {}", values.join(&format!(" {option} "))),
    }
}

/// A value as it means the same in any folder.
fn lasting(arg: &Arg, value: String) -> String {
    let is_path = arg.get_value_hint() == ValueHint::AnyPath;
    // A network, or an array of targets, may be a file too.
    let may_be_file = ["net", "target"].contains(&arg.get_id().as_str());
    if is_path || (may_be_file && Path::new(&value).is_file()) {
        return absolute(&value).map_or(value, |path| path.display().to_string());
    }
    value
}
