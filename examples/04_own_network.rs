//! Lesson 4: a network with a layer of one's own, shared and frozen parameters, trained by Newton's
//! method.
//!
//! `cargo run --release --example 04_own_network`
//!
//! Two spirals wind around each other; a gated block, applied several times with one set of
//! parameters, tells them apart.

use osculant::optim::metrics;
use osculant::prelude::*;
use osculant::tape::ops::dense;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// x ← x + σ(x U + a) ∘ (tanh(x (W diag s) + b) − x), `steps` times with the same parameters.
///
/// A layer is a recipe with one required method. It declares parameters with `x.param` and computes
/// with them; derivatives, names and the sum over examples are none of its business.
#[derive(Clone, Debug)]
struct Gated {
    steps: usize,
}

impl<T: Scalar> Layer<T> for Gated {
    fn name(&self) -> &str {
        "gated"
    }

    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        if self.steps == 0 {
            // Noted with the line that applied the layer; surfaces from `Network::new`.
            return x
                .tape()
                .invalid("a gated layer", "it has 0 steps; take at least 1");
        }
        let n = x.shape().last();
        let init = Init::Glorot {
            fan_in: n,
            fan_out: n,
        };
        // A scope gives parameters a common prefix: `gated1.gate.weight`.
        let (gate, open) = x.scope("gate", |x| {
            let weight = x.param("weight", [n, n], init);
            (weight, x.param("bias", n, Init::Constant(-1.0)))
        });
        let (weight, bias) = (
            x.param("weight", [n, n], init),
            x.param("bias", n, Init::Zeros),
        );
        // What depends on parameters alone runs once per θ, not once per example.
        let weight = weight * x.param("scale", n, Init::Constant(1.0));
        // One `Var` used several times is one parameter: this is all that sharing takes.
        (0..self.steps).fold(x, |x, _| {
            let gate = (dense(x, gate) + open).sigmoid();
            x + gate * ((dense(x, weight) + bias).tanh() - x)
        })
    }
}

fn main() -> Result {
    let describe = |steps| {
        Network::<f64>::new([2], move |x| {
            x.dense(12).tanh().layer(Gated { steps }).dense(2)
        })
    };
    let mut net = describe(3)?;
    for slice in net.params().slices() {
        println!("{:<20} {}", slice.name(), slice.shape());
    }
    // Three steps have no more parameters than one; no steps are refused.
    assert_eq!(net.len(), describe(1)?.len());
    let mistake = describe(0).err().map(|e| e.to_string()).unwrap_or_default();
    println!("0 steps: {mistake}");
    assert!(mistake.contains("04_own_network.rs") && mistake.contains("take at least 1"));

    // All of it, by Gauss-Newton.
    let data = spirals(100)?;
    let theta = train(&net, &data, net.init(5), 60)?;
    assert!(accuracy(&net, &theta, &data)? >= 0.95);

    // The features stay, and the last layer starts afresh. Frozen parameters leave θ.
    let mut theta = theta;
    net.set(&mut theta, "dense2.weight", &[0.0; 12 * 2])?;
    let theta = net.freeze(&theta, "gated1")?;
    let theta = net.freeze(&theta, "dense1")?;
    println!("after freezing, θ has {} numbers", theta.len());
    assert_eq!(theta.len(), 12 * 2 + 2);
    let gate = net.view(&theta, "gated1.gate.weight")?.to_vec();
    let theta = train(&net, &data, theta, 20)?;
    assert!(accuracy(&net, &theta, &data)? >= 0.95);
    assert_eq!(net.view(&theta, "gated1.gate.weight")?, gate);

    // What is trained now enters linearly, so that the Gauss-Newton matrix is the Hessian.
    let objective = Objective::new(&net, SoftmaxCrossEntropy, &data)?.regularization(1e4)?;
    let (model, v) = (objective.at(&theta)?, vec![1.0; net.len()]);
    let (gv, hv) = (
        model.gauss_newton()?.apply(&v)?,
        model.hessian()?.apply(&v)?,
    );
    let difference = gv.iter().zip(&hv).map(|(g, h)| (g - h).abs());
    let difference = difference.fold(0.0, f64::max);
    println!("largest entry of G v − ∇²f v: {difference:.1e}");
    assert!(difference < 1e-12);
    Ok(())
}

fn train(
    net: &Network<f64>,
    data: &Labelled<f64>,
    theta: Vec<f64>,
    iterations: usize,
) -> Result<Vec<f64>> {
    let objective = Objective::new(net, SoftmaxCrossEntropy, data)?.regularization(1e4)?;
    let before = objective.value(&theta)?;
    let newton = NewtonCg::default()
        .iterations(iterations)
        .gradient_tolerance(1e-5)
        .sampling(Everything);
    let report = newton.train(&objective, theta)?;
    println!(
        "f {before:.4} → {:.4} in {} iterations, {} products; {}",
        report.value,
        report.iterations.len(),
        report.products,
        report.outcome
    );
    assert!(report.value < before);
    Ok(report.theta)
}

fn accuracy(net: &Network<f64>, theta: &[f64], data: &Labelled<f64>) -> Result<f64> {
    let outputs = net.forward(theta, data.inputs())?;
    let accuracy = metrics::accuracy(&outputs, data.targets())?;
    println!("accuracy {:.1} %", 100.0 * accuracy);
    Ok(accuracy)
}

/// Two spirals of `each` points, one turn and a half.
fn spirals(each: usize) -> Result<Labelled<f64>> {
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    for i in 0..each {
        let r = 0.2 + 0.8 * i as f64 / each as f64;
        let angle = 3.0 * std::f64::consts::PI * r;
        for (label, side) in [(0, 2.0), (1, -2.0)] {
            inputs.extend([side * r * angle.cos(), side * r * angle.sin()]);
            labels.push(label);
        }
    }
    Ok(Labelled::new([2], inputs, labels)?)
}
