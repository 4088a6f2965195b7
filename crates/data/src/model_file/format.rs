//! The bytes of a model file.

use std::collections::BTreeMap;
use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{About, ModelFault};
use crate::tensors::{Tensor, Tensors, expect_finite};
use crate::{DataError, Legend, Preprocess, TargetScaling, Task};

/// The entry with the version of the format, which also tells our files from others.
const FORMAT: &str = "osculant";
const VERSION: u32 = 1;
const NETWORK: &str = "network";
const LOSS: &str = "loss";
pub(super) const C: &str = "C";
const SEED: &str = "seed";
const SCALE: &str = "preprocess.scale";
const LEGEND: &str = "legend";
const OPTIONS: &str = "options";
/// The tensors with the mean input and the deviation of inputs.
const MEAN: &str = "preprocess.mean";
const DEVIATION: &str = "preprocess.deviation";
/// The tensors with the mean and the deviation of targets.
const TARGET_MEAN: &str = "target.mean";
const TARGET_DEVIATION: &str = "target.deviation";
/// Names that no parameter may have.
pub(super) const RESERVED: [&str; 4] = [MEAN, DEVIATION, TARGET_MEAN, TARGET_DEVIATION];

/// The bytes of a model file.
pub(super) fn encode(about: &About, tensors: &BTreeMap<String, Tensor>) -> io::Result<Vec<u8>> {
    let (preprocess, scaling) = (&about.preprocess, about.legend.scaling.as_ref());
    let parts = [
        (MEAN, preprocess.mean()),
        (DEVIATION, preprocess.deviation()),
        (TARGET_MEAN, scaling.map(TargetScaling::mean)),
        (TARGET_DEVIATION, scaling.map(TargetScaling::deviation)),
    ];
    let mut file = Tensors {
        tensors: tensors.clone(),
        ..Tensors::default()
    };
    for (name, part) in parts
        .into_iter()
        .filter_map(|(name, part)| Some((name, part?)))
    {
        let part = Tensor::new(vec![part.len()], part);
        file.tensors.insert(name.into(), part);
    }
    let words = Words::of(&about.legend);
    let legend = if words == Words::default() {
        None
    } else {
        Some((LEGEND, serde_json::to_string(&words)?))
    };
    let metadata = [
        (FORMAT, VERSION.to_string()),
        (NETWORK, about.network.clone()),
        (LOSS, about.loss.clone()),
        (C, about.regularization.to_string()),
        (SEED, about.seed.to_string()),
        (SCALE, about.preprocess.scale().to_string()),
    ];
    let options = if about.options.is_empty() {
        None
    } else {
        Some((OPTIONS, serde_json::to_string(&about.options)?))
    };
    let metadata = metadata.into_iter().chain(legend).chain(options);
    file.metadata = metadata.map(|(key, value)| (key.into(), value)).collect();
    file.encode()
}

/// What a file holds.
pub(super) fn decode(bytes: &[u8]) -> Result<(About, BTreeMap<String, Tensor>), ModelFault> {
    let mut file = Tensors::decode(bytes)?;
    file.check_version(FORMAT, VERSION)?;
    let mut tensors = std::mem::take(&mut file.tensors);
    let mut part = |name: &str| -> Result<Option<Vec<f32>>, ModelFault> {
        let part = tensors.remove(name).map(|part| part.values());
        if let Some(part) = &part {
            expect_finite::<f32>(name, part)?;
        }
        Ok(part)
    };
    let [mean, deviation, target_mean, target_deviation] = RESERVED.map(&mut part);
    let damaged = |error: DataError| ModelFault::Damaged {
        reason: error.to_string(),
    };
    let scale = file.number(SCALE)?;
    let mut preprocess = Preprocess::from_parts(scale, mean?).map_err(damaged)?;
    if let Some(deviation) = deviation? {
        preprocess = preprocess.with_deviation(deviation).map_err(damaged)?;
    }
    let words: Words = json(&file, LEGEND)?;
    let scaling = match (target_mean?, target_deviation?) {
        (None, None) => None,
        (mean, deviation) => {
            let [mean, deviation] = [mean, deviation].map(Option::unwrap_or_default);
            Some(TargetScaling::from_parts(mean, deviation).map_err(damaged)?)
        }
    };
    let about = About {
        network: file.entry(NETWORK)?.into(),
        loss: file.entry(LOSS)?.into(),
        regularization: file.number(C)?,
        seed: file.number(SEED)?,
        preprocess,
        legend: words.legend(scaling),
        options: json(&file, OPTIONS)?,
    };
    Ok((about, tensors))
}

/// An entry that is JSON; its default where there is none, as in older files.
fn json<D: Default + DeserializeOwned>(file: &Tensors, key: &'static str) -> Result<D, ModelFault> {
    let Some(text) = file.metadata.get(key) else {
        return Ok(D::default());
    };
    serde_json::from_str(text).map_err(|error| ModelFault::Entry {
        key,
        value: text.chars().take(40).collect(),
        reason: format!("that cannot be read ({error}); use the file as it was saved"),
    })
}

/// The words of a legend, as they stand in the metadata.
#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Words {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reals: bool,
    /// Targets are the inputs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reconstructs: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<String>,
}

impl Words {
    fn of(legend: &Legend) -> Self {
        let Legend {
            task,
            inputs,
            targets,
            columns,
            classes,
            scaling: _,
        } = legend.clone();
        Words {
            reals: task == Task::Reals,
            reconstructs: task == Task::Inputs,
            inputs,
            targets,
            columns,
            classes,
        }
    }

    fn legend(self, scaling: Option<TargetScaling>) -> Legend {
        Legend {
            task: match (self.reconstructs, self.reals) {
                (true, _) => Task::Inputs,
                (false, true) => Task::Reals,
                (false, false) => Task::Classes,
            },
            inputs: self.inputs,
            targets: self.targets,
            columns: self.columns,
            classes: self.classes,
            scaling,
        }
    }
}
