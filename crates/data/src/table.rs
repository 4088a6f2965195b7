//! Inputs and targets as a file holds them, before it is settled what the targets mean.

use std::collections::{BTreeSet, HashMap};

use crate::dataset::Dataset;
use crate::{AnyDataset, DataError, Legend, Task};

/// More different numbers than this are no classes, unless somebody says so.
const MOST_CLASSES: usize = 100;
/// Where a table has so many examples, classes occur at least twice on average.
const MANY: usize = 20;

/// Inputs and targets as a file holds them.
///
/// Whether targets are classes or real numbers is decided when the table becomes a data set:
/// [`decode`](Self::decode) decides for training, [`decode_with`](Self::decode_with) follows what
/// was decided there.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What messages call the file.
    pub(crate) file: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) inputs: Vec<f32>,
    /// Whether inputs are pixels from 0 to 255.
    pub(crate) bytes: bool,
    pub(crate) input_names: Vec<String>,
    /// How many columns it had, where these have numbers for names.
    pub(crate) columns: Option<usize>,
    pub(crate) targets: Answers,
    pub(crate) target_names: Vec<String>,
    /// The line of each example in a text; empty for other files.
    pub(crate) lines: Vec<u64>,
}

/// Targets as they stand in a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answers {
    None,
    /// Classes that are settled by the format, with their names, if they have some.
    Labels {
        labels: Vec<u32>,
        classes: usize,
        names: Vec<String>,
    },
    /// Text, or whole numbers written as text: so many for each example.
    Words {
        values: Vec<String>,
        each: usize,
    },
    /// Real numbers: so many for each example.
    Numbers {
        values: Vec<f32>,
        each: usize,
    },
}

impl Table {
    /// A table of images whose format settles the classes.
    pub(crate) fn of_images(file: String, data: Dataset, names: &[&str]) -> Self {
        let (shape, inputs, labels, classes) = data.into_parts();
        let names = names.iter().map(ToString::to_string).collect();
        let targets = Answers::Labels {
            labels,
            classes,
            names,
        };
        Self::new(file, shape, inputs, targets, true)
    }

    /// A table of labelled images in bytes, whose classes have no names; `file` is what messages
    /// call it.
    pub fn of_bytes(file: &str, data: Dataset) -> Self {
        Self::of_images(file.into(), data, &[])
    }

    /// Images without labels.
    pub(crate) fn of_inputs(file: String, shape: Vec<usize>, inputs: Vec<f32>) -> Self {
        Self::new(file, shape, inputs, Answers::None, true)
    }

    /// A table without names.
    pub(crate) fn new(
        file: String,
        shape: Vec<usize>,
        inputs: Vec<f32>,
        targets: Answers,
        bytes: bool,
    ) -> Self {
        Table {
            file,
            shape,
            inputs,
            bytes,
            input_names: Vec::new(),
            columns: None,
            targets,
            target_names: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Whether inputs are pixels from 0 to 255, rather than numbers of any range.
    pub fn holds_bytes(&self) -> bool {
        self.bytes
    }

    /// Whether the format itself says that targets are classes, as those of images do.
    pub fn holds_classes(&self) -> bool {
        matches!(self.targets, Answers::Labels { .. })
    }

    /// The data set for training, and the words for it. Without a task it is seen from the targets:
    /// text is classes, and so are whole numbers if at most 100 different ones occur and, among 20
    /// examples or more, each at least twice on average; all else is real numbers. Classes are
    /// counted in the order of their numbers, or of their letters where one is no number.
    ///
    /// # Errors
    ///
    /// Targets that cannot be what the task wants; values that are not finite; no examples.
    pub fn decode(self, task: Option<Task>) -> Result<(AnyDataset, Legend), DataError> {
        let task = task.unwrap_or_else(|| self.guess());
        let mut legend = Legend {
            task,
            inputs: self.input_names.clone(),
            targets: self.target_names.clone(),
            columns: self.columns,
            ..Legend::default()
        };
        if task == Task::Classes {
            legend.classes = self.classes()?;
        }
        let outputs = match &self.targets {
            Answers::Labels { classes, .. } => *classes,
            _ => legend.classes.len(),
        };
        let data = self.decode_with(&legend, outputs)?;
        Ok((data, legend))
    }

    /// The data set with targets in these words, as those of training; `outputs` is the number of
    /// classes there.
    ///
    /// # Errors
    ///
    /// A class that did not occur in training; targets that cannot be what the task wants; values
    /// that are not finite; no examples.
    pub fn decode_with(self, legend: &Legend, outputs: usize) -> Result<AnyDataset, DataError> {
        let file = self.file.clone();
        let named = |error| match error {
            DataError::Empty { .. } => DataError::Empty {
                place: format!("`{file}`"),
            },
            other => other,
        };
        if self.targets == Answers::None || legend.task == Task::Inputs {
            let data = Dataset::unlabelled(self.shape, self.inputs).map_err(named)?;
            return Ok(data.into());
        }
        if legend.task == Task::Classes {
            let (labels, classes) = self.labels(legend, outputs)?;
            let data = Dataset::new(self.shape, self.inputs, labels, classes);
            return Ok(data.map_err(named)?.into());
        }
        let (values, each) = self.numbers()?;
        let data = Dataset::with_reals(self.shape, self.inputs, each, values);
        Ok(data.map_err(named)?.into())
    }

    /// What targets are if nobody says it.
    fn guess(&self) -> Task {
        match &self.targets {
            Answers::None | Answers::Labels { .. } => Task::Classes,
            Answers::Numbers { .. } | Answers::Words { each: 2.., .. } => Task::Reals,
            Answers::Words { values, .. } => {
                let numbers = values.iter().map(|word| word.parse::<f64>());
                let mut different = BTreeSet::new();
                for number in numbers {
                    let Ok(number) = number else {
                        return Task::Classes;
                    };
                    different.insert(number.to_bits());
                    if number.fract() != 0.0 || different.len() > MOST_CLASSES {
                        return Task::Reals;
                    }
                }
                // Prices in whole numbers, say, are no classes either.
                if values.len() >= MANY && 2 * different.len() > values.len() {
                    Task::Reals
                } else {
                    Task::Classes
                }
            }
        }
    }

    /// The names of all classes that occur, in order.
    fn classes(&self) -> Result<Vec<String>, DataError> {
        if let Answers::Labels { names, .. } = &self.targets {
            return Ok(names.clone());
        }
        let all: BTreeSet<String> = self.words()?.into_iter().collect();
        let mut all: Vec<String> = all.into_iter().collect();
        if all.iter().all(|name| name.parse::<f64>().is_ok()) {
            let value = |name: &String| name.parse().unwrap_or(f64::NAN);
            all.sort_by(|a, b| value(a).total_cmp(&value(b)));
        }
        Ok(all)
    }

    /// The target of each example as the name of a class.
    fn words(&self) -> Result<Vec<String>, DataError> {
        let (words, each): (Vec<String>, usize) = match &self.targets {
            Answers::Words { values, each } => {
                let number = |word: &String| word.parse::<f64>().ok();
                let fraction = |y: &Option<f64>| y.is_some_and(|y| y.fract() != 0.0);
                let at = values.iter().map(number).position(|y| fraction(&y));
                if let Some(at) = at.filter(|_| values.iter().all(|word| number(word).is_some())) {
                    return Err(self.at(at / each, no_class(&values[at])));
                }
                (values.iter().map(|word| canonical(word)).collect(), *each)
            }
            Answers::Numbers { values, each } => {
                if let Some(at) = values.iter().position(|y| y.fract() != 0.0) {
                    return Err(self.at(at / each, no_class(&values[at].to_string())));
                }
                let words = values.iter().map(|y| canonical(&y.to_string()));
                (words.collect(), *each)
            }
            Answers::Labels { .. } | Answers::None => (Vec::new(), 1),
        };
        if each != 1 {
            return Err(DataError::File {
                file: self.file.clone(),
                fault: format!(
                    "has {each} targets for each example, and an example has one class; train for \
                     real targets, or give one target"
                ),
            });
        }
        Ok(words)
    }

    /// The class of each example, and how many classes there are.
    fn labels(&self, legend: &Legend, outputs: usize) -> Result<(Vec<u32>, usize), DataError> {
        if let Answers::Labels {
            labels, classes, ..
        } = &self.targets
        {
            return Ok((labels.clone(), *classes));
        }
        let names = &legend.classes[..legend.classes.len().min(outputs)];
        let named: HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
        // Classes without a name have numbers.
        let numbered = |word: &str| {
            let label = word.parse::<u32>().ok()?;
            let is_class = (names.len()..outputs).contains(&(label as usize));
            (is_class && label.to_string() == word).then_some(label)
        };
        let mut labels = Vec::new();
        for (i, word) in self.words()?.iter().enumerate() {
            let Some(label) = named.get(&word[..]).copied().or_else(|| numbered(word)) else {
                let known: Vec<_> = (0..outputs.min(10))
                    .map(|class| format!("`{}`", legend.class(class)))
                    .collect();
                let more = if outputs > 10 { ", …" } else { "" };
                let fault = format!(
                    "the class `{word}` did not occur in training, which had {}{more}; correct it, \
                     or leave the example out",
                    known.join(", ")
                );
                return Err(self.at(i, fault));
            };
            labels.push(label);
        }
        Ok((labels, outputs))
    }

    /// The targets as real numbers.
    fn numbers(&self) -> Result<(Vec<f32>, usize), DataError> {
        let not_finite = |at: usize, each: usize, value: &str| {
            let fault = format!("the target {value} is not finite; correct it, or leave it out");
            self.at(at / each, fault)
        };
        match &self.targets {
            Answers::Numbers { values, each } => match values.iter().position(|y| !y.is_finite()) {
                Some(at) => Err(not_finite(at, *each, &values[at].to_string())),
                None => Ok((values.clone(), *each)),
            },
            Answers::Words { values, each } => {
                let mut numbers = Vec::with_capacity(values.len());
                for (at, word) in values.iter().enumerate() {
                    match word.parse::<f32>() {
                        Ok(number) if number.is_finite() => numbers.push(number),
                        Ok(_) => return Err(not_finite(at, *each, word)),
                        Err(_) => {
                            let fault = format!(
                                "the target `{word}` is no number; correct it, or train for classes"
                            );
                            return Err(self.at(at / each, fault));
                        }
                    }
                }
                Ok((numbers, *each))
            }
            Answers::Labels { labels, .. } => {
                Ok((labels.iter().map(|&label| label as f32).collect(), 1))
            }
            Answers::None => Ok((Vec::new(), 1)),
        }
    }

    /// An error at an example.
    fn at(&self, example: usize, fault: String) -> DataError {
        let place = match self.lines.get(example) {
            Some(line) => format!("line {line}"),
            None => format!("example {example}"),
        };
        let file = self.file.clone();
        DataError::At { file, place, fault }
    }
}

fn no_class(target: &str) -> String {
    format!(
        "the target {target} is no class; classes are whole numbers or words: train for real targets"
    )
}

/// Whole numbers in one way of writing: `+1` and `1.0` are 1. What begins with a 0, like a postal
/// code, is no number but a word.
pub(crate) fn canonical(word: &str) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let code = word.len() > 1 && word.starts_with('0') && word.bytes().all(|b| b.is_ascii_digit());
    match word.parse::<f64>() {
        Ok(x) if !code && x.fract() == 0.0 && x.abs() < EXACT => (x as i64).to_string(),
        _ => word.into(),
    }
}
