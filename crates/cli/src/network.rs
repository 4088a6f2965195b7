//! What `--net` stands for: a network with a name, or a file that describes one.

use crate::error::CliError;
use osculant_data::AnyDataset;
use osculant_layers::Network;
use osculant_layers::describe::{self, DescribeError, NetworkDescription};
use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// Descriptions are pages, not volumes; what is longer is some other file.
const LARGEST: u64 = 16 << 20;

/// A network with the description that it was built from.
pub struct Described {
    pub name: String,
    pub description: String,
    pub net: Network<f32>,
}

/// What the help says of `--net`: each name, and what it stands for.
pub fn help() -> String {
    let names = describe::NAMED.iter();
    let names: Vec<_> = names
        .map(|(name, what)| format!("- {name}: {what}"))
        .collect();
    format!(
        "The network: a name, or a file that describes one as JSON (docs/networks.md) [default: cnn4 \
         for images, mlp:64,64 for all else]\n\n{}",
        names.join("\n")
    )
}

/// The network of this name, for inputs of this shape and so many outputs, or that of the file;
/// without a name the one that the shape suggests.
pub fn find(name: Option<&str>, shape: &[usize], outputs: usize) -> Result<Described, CliError> {
    let name = name.unwrap_or(match shape.len() {
        3 => "cnn4",
        _ => "mlp:64,64",
    });
    let at_fault = |reason: String| CliError::Network {
        what: format!("`{name}`"),
        reason,
    };
    let description = match describe::named(name, shape, outputs) {
        Err(DescribeError::UnknownName { .. }) if Path::new(name).exists() => {
            let text = read(Path::new(name)).map_err(|e| at_fault(e.to_string()))?;
            NetworkDescription::parse(&text)
        }
        Err(unknown @ DescribeError::UnknownName { .. }) => {
            return Err(CliError::Usage(format!(
                "{unknown}; and there is no file `{name}` that could describe one as JSON"
            )));
        }
        named => named,
    };
    let build = || {
        let description = description?;
        Ok(Described {
            name: name.into(),
            net: description.build()?,
            description: description.to_json()?,
        })
    };
    build().map_err(|error: DescribeError| at_fault(error.to_string()))
}

/// The network that a model file describes.
pub fn rebuild(description: &str, file: &str) -> Result<Network<f32>, CliError> {
    let net = NetworkDescription::parse(description).and_then(|d| d.build());
    net.map_err(|error| CliError::Network {
        what: format!("that the model file `{file}` describes"),
        reason: error.to_string(),
    })
}

/// Refuses data that are not what the network takes and gives.
pub fn check_fit(name: &str, net: &Network<f32>, data: &AnyDataset) -> Result<(), CliError> {
    let (inputs, output) = (net.input_shapes(), net.output_shape());
    let shape = data.shape();
    // Where one of the two has no more than one axis longer than 1, the order is the same.
    let long = |shape: &[usize]| -> Vec<usize> {
        shape.iter().copied().filter(|&axis| axis > 1).collect()
    };
    // Rows of numbers are images one row after the other, channels last.
    let row = |shape: &[usize]| [shape.iter().product::<usize>()];
    let fits = |input: &[usize]| {
        long(input) == long(shape) || *input == row(shape) || *shape == row(input)
    };
    // Asked for before anything is allocated that could not be refused.
    if Vec::<f32>::new().try_reserve_exact(net.len()).is_err() {
        return Err(CliError::Mismatch(format!(
            "the network {name} has {} parameters, {} GB in f32: more than there is memory for; make it \
             smaller",
            net.len(),
            net.len() / 250_000_000
        )));
    }
    match inputs {
        [input] if fits(input) => {}
        [input] => {
            return Err(CliError::Mismatch(format!(
                "the network {name} takes inputs of shape {input}, but the data have {shape:?} \
                 (channels last); change the network's input, or give other data"
            )));
        }
        _ => {
            return Err(CliError::Mismatch(format!(
                "the network {name} has {} inputs, but the data have one, of shape {shape:?}; \
                 give a network with one input",
                inputs.len()
            )));
        }
    }
    let (outputs, what) = match data {
        AnyDataset::Classes(data) => (data.classes(), "classes"),
        AnyDataset::Reals(data) => (data.target_size(), "targets for each example"),
        AnyDataset::Unlabelled(_) => return Ok(()),
    };
    if **output == [outputs] {
        return Ok(());
    }
    Err(CliError::Mismatch(format!(
        "the network {name} has outputs of shape {output}, but the data have {outputs} {what}; end \
         the network in a dense layer with {outputs} outputs, or give other data"
    )))
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?
        .take(LARGEST)
        .read_to_string(&mut text)?;
    Ok(text)
}
