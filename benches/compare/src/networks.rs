//! The networks of the workloads, written for one example.

use crate::Fault;
use crate::cell::{Cell, Curved};
use crate::files::{Manifest, Workload};
use osculant::prelude::*;

/// Reads the arrays of a workload and makes its network and objective.
pub(crate) fn load(workload: &Workload) -> Result<Box<dyn Cell>, Fault> {
    match workload.manifest.dtype.as_str() {
        "f32" => of_type::<f32>(workload),
        "f64" => of_type::<f64>(workload),
        other => Err(format!("there is no type {other}").into()),
    }
}

fn of_type<T: Scalar>(workload: &Workload) -> Result<Box<dyn Cell>, Fault> {
    let manifest = &workload.manifest;
    let net = network::<T>(manifest)?;
    expect_same_layout(&net, manifest)?;
    let (shape, inputs) = (&manifest.input_shape[..], workload.reals::<T>("inputs")?);
    match manifest.loss.as_str() {
        "squared" => {
            let targets = workload.reals("targets")?;
            let data = Paired::new(shape, inputs.clone(), manifest.outputs, targets)?;
            Curved::boxed(net, SquaredLoss, data, inputs, workload)
        }
        "softmax" => {
            let data = Labelled::new(shape, inputs.clone(), workload.labels()?)?;
            Curved::boxed(net, SoftmaxCrossEntropy, data, inputs, workload)
        }
        other => Err(format!("there is no loss {other}").into()),
    }
}

fn network<T: Scalar>(manifest: &Manifest) -> Result<Network<T>, Fault> {
    let shape = &manifest.input_shape[..];
    let net = match manifest.network.as_str() {
        "W1" => Network::new(shape, |x| x.dense(512).relu().dense(256).relu().dense(10)),
        "W2" => Network::new(shape, |x| {
            let same = |out, kernel| Conv2d::new(out, kernel).same();
            let x = x.layer(same(32, 5)).relu().max_pool2d(2);
            let x = x.layer(same(64, 3)).relu().max_pool2d(2);
            let x = x.layer(same(64, 3)).relu().max_pool2d(2);
            x.flatten().dense(10)
        }),
        "W3" => Network::new(shape, |x| {
            let pool = MaxPool2d::new(3).stride(2).ceil();
            let x = x.conv2d(64, 5).relu().max_pool2d(pool);
            let x = x.conv2d(96, 3).relu().max_pool2d(pool);
            let x = x.layer(Conv2d::new(128, 3).pad(1)).relu().max_pool2d(pool);
            let x = x.flatten().dense(512).relu();
            x.dense(256).relu().dense(10)
        }),
        "W4" => Network::new(shape, |x| x.dense(32).tanh().dense(32).tanh().dense(1)),
        "W5" => Network::new(shape, |x| {
            let mut x = x.layer(Conv2d::new(16, 3).pad(1)).relu();
            let mut channels = 16;
            for (out, stride) in [(16, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)] {
                x = block(x, channels, out, stride);
                channels = out;
            }
            x.global_avg_pool().dense(10)
        }),
        "mlp" => Network::new(shape, |mut x| {
            for (i, &width) in manifest.widths.iter().enumerate() {
                x = if i == 0 { x } else { x.relu() }.dense(width);
            }
            x
        }),
        other => return Err(format!("there is no network {other}").into()),
    };
    Ok(net?)
}

/// relu(conv(relu(conv(x))) + x); where the shape changes, a 1×1 convolution of x in its place.
fn block<T: Scalar>(x: Var<'_, T>, channels: usize, out: usize, stride: usize) -> Var<'_, T> {
    let main = Sequential::new()
        .then(Conv2d::new(out, 3).pad(1).stride(stride))
        .then(Relu)
        .then(Conv2d::new(out, 3).pad(1));
    let block = Residual::new(main);
    if stride == 1 && channels == out {
        return x.layer(block).relu();
    }
    x.layer(block.shortcut(Conv2d::new(out, 1).stride(stride)))
        .relu()
}

/// θ means the same numbers to everyone only if the slices are the same.
fn expect_same_layout<T: Scalar>(net: &Network<T>, manifest: &Manifest) -> Result<(), Fault> {
    let ours = net.params().slices().iter();
    let ours: Vec<_> = ours.map(|s| (s.name(), s.shape().to_vec())).collect();
    let theirs = manifest.parameters.iter();
    let theirs: Vec<_> = theirs.map(|p| (&p.name[..], p.shape.clone())).collect();
    if ours == theirs {
        return Ok(());
    }
    Err(format!("the layouts of θ differ: {ours:?}, and the manifest says {theirs:?}").into())
}
