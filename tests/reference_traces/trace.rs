//! The format of a trace, and the problem that it describes.

use osculant::layers::Conv2d;
use osculant::prelude::*;
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
pub struct Trace {
    pub network: Layers2d,
    #[serde(deserialize_with = "whole")]
    pub n: usize,
    #[serde(deserialize_with = "whole")]
    pub l: usize,
    #[serde(rename = "C")]
    pub c: f64,
    pub options: Options,
    pub f0: f64,
    pub gradient_norm0: f64,
    pub train_accuracy0: Option<f64>,
    pub validation_accuracy0: Option<f64>,
    pub fixed_v: FixedV,
    pub iterations: Vec<Step>,
}

/// Convolutions with a ReLU and a pool each, then dense layers with a ReLU between them.
#[derive(Deserialize)]
pub struct Layers2d {
    #[serde(rename = "H", deserialize_with = "whole")]
    height: usize,
    #[serde(rename = "W", deserialize_with = "whole")]
    width: usize,
    /// The channels of the image, then of each convolution.
    #[serde(deserialize_with = "one_or_many")]
    ch: Vec<usize>,
    #[serde(default, deserialize_with = "one_or_many")]
    pad: Vec<usize>,
    #[serde(default, deserialize_with = "one_or_many")]
    k: Vec<usize>,
    #[serde(default, deserialize_with = "one_or_many")]
    stride: Vec<usize>,
    /// 1 means none.
    #[serde(default, deserialize_with = "one_or_many")]
    pool: Vec<usize>,
    #[serde(deserialize_with = "one_or_many")]
    dense: Vec<usize>,
}

/// Some writers turn lists of one number into that number, and whole numbers into reals.
fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<usize>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(f64),
        Many(Vec<f64>),
    }
    let numbers = match OneOrMany::deserialize(from)? {
        OneOrMany::One(number) => vec![number],
        OneOrMany::Many(numbers) => numbers,
    };
    Ok(numbers.into_iter().map(|x| x as usize).collect())
}

fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    Ok(f64::deserialize(from)? as usize)
}

#[derive(Deserialize)]
pub struct Options {
    /// ξ of CG.
    pub xi: f64,
    #[serde(rename = "CGmax")]
    pub cg_max: f64,
    pub lambda: f64,
    pub drop: f64,
    pub boost: f64,
    pub eta: f64,
}

#[derive(Deserialize)]
pub struct FixedV {
    #[serde(rename = "vGv")]
    pub vgv: f64,
    pub lambda_: f64,
}

#[derive(Deserialize)]
pub struct Step {
    pub f_start: f64,
    pub gnorm_start: f64,
    pub lambda_used: f64,
    #[serde(rename = "CG")]
    pub cg: CgRecord,
    pub gs: f64,
    #[serde(rename = "sGs")]
    pub sgs: f64,
    pub line_search: Vec<LineTrial>,
    pub alpha: f64,
    pub ratio: f64,
    pub lambda_after: f64,
    pub f_end: f64,
    pub gnorm_end: f64,
    pub train_acc: Option<f64>,
    pub val_acc: Option<f64>,
}

#[derive(Deserialize)]
pub struct CgRecord {
    #[serde(deserialize_with = "whole")]
    pub iters: usize,
}

#[derive(Deserialize)]
pub struct LineTrial {
    pub f: f64,
}

impl Layers2d {
    pub fn input_shape(&self) -> [usize; 3] {
        [
            self.height,
            self.width,
            self.ch.first().copied().unwrap_or(1),
        ]
    }

    pub fn build(&self) -> Result<Network<f64>, Box<dyn std::error::Error + Send + Sync>> {
        let convolutions = self.ch.len().saturating_sub(1);
        for (key, list) in [
            ("k", &self.k),
            ("pad", &self.pad),
            ("stride", &self.stride),
            ("pool", &self.pool),
        ] {
            if list.len() != convolutions {
                let found = list.len();
                return Err(
                    format!("`{key}` has {found} entries for {convolutions} convolutions").into(),
                );
            }
        }
        let net = Network::<f64>::new(self.input_shape(), |mut x| {
            for i in 0..convolutions {
                let conv = Conv2d::new(self.ch[i + 1], self.k[i]);
                x = x.layer(conv.pad(self.pad[i]).stride(self.stride[i])).relu();
                if self.pool[i] > 1 {
                    x = x.max_pool2d(self.pool[i]);
                }
            }
            x = x.flatten();
            for (i, &out) in self.dense.iter().enumerate() {
                if i > 0 {
                    x = x.relu();
                }
                x = x.dense(out);
            }
            x
        })?;
        Ok(net)
    }
}
