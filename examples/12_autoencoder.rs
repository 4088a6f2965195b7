//! Lesson 12: a deep autoencoder, trained by Newton's method and by first-order rules on the same
//! objective: sigmoid cross-entropy between the input and its reconstruction (Hinton and
//! Salakhutdinov, Science 313, 2006; Martens, ICML 2010).
//!
//! `cargo run --release --example 12_autoencoder`
//!
//! A small one, on some bundled digits. On all of MNIST, `osculant train --data MNIST_FOLDER --net
//! autoencoder:1000,500,250,30 --loss logistic --inputs keep` does the same, and docs/results.md
//! has what came of it.

use osculant::data::{Dataset, Preprocess, PreprocessOptions, digits};
use osculant::layers::describe::named;
use osculant::optim::train::{Adam, Batches, FirstOrder, Smd, StepRule};
use osculant::prelude::*;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const EPOCHS: usize = 20;

fn main() -> Result {
    let split = digits()?;
    let (train, test) = (pixels(split.train)?, pixels(split.test)?);
    // 784-40-20-8-20-40-784: sigmoids, but for a linear code of 8 numbers and linear outputs.
    let net = named("autoencoder:40,20,8", train.shape(), 0)?.build::<f32>()?;
    // `ToInput` hands a loss the input in the place of a target.
    let objective = Objective::new(&net, ToInput::new(LogisticLoss), &train)?;
    let objective = objective.regularization(50_000.0)?;
    let theta = net.init(1);
    let show = |name: &str, value: f64, theta: &[f32]| -> Result {
        let before = objective.value(&net.init(1))?;
        let error = squared_error(&net, theta, &test)?;
        println!("{name:7} f {before:.1} → {value:.1}   squared error of new images {error:.1}");
        assert!(value < 0.6 * before);
        Ok(())
    };

    // Curvature on a quarter of the images, CG to ‖r‖ ≤ 0.1 ‖∇f‖ or 100 products.
    let newton = NewtonCg::default()
        .iterations(EPOCHS)
        .cg(Cg::default().tolerance(0.1).max_iterations(100))
        .sampling(Cyclic::new(Size::Fraction(0.25), 1));
    let report = newton.train(&objective, theta.clone())?;
    show("newton", report.value, &report.theta)?;

    let rules: [(&str, Box<dyn StepRule<f32>>, f64); 2] = [
        ("adam", Box::new(Adam::default()), 0.002),
        // Step sizes of its own, adapted with one product G v per step.
        ("smd", Box::new(Smd::default()), 0.01),
    ];
    for (name, rule, rate) in rules {
        let trainer = FirstOrder::new(rule)
            .epochs(EPOCHS)
            .rate(rate)?
            .batches(Batches::new(100, 1)?);
        let report = trainer.train(&objective, theta.clone())?;
        show(name, report.value, &report.theta)?;
    }
    Ok(())
}

/// The first 400 images, with pixels in [0, 1].
fn pixels(data: Dataset) -> Result<Dataset> {
    let mut data = data.subset(..400)?;
    let only_scale = PreprocessOptions {
        subtract_mean: false,
        ..PreprocessOptions::default()
    };
    Preprocess::fit(&data, only_scale)?.apply(&mut data)?;
    Ok(data)
}

/// Σ (σ(z) − x)² over an image, its mean over images.
fn squared_error(net: &Network<f32>, theta: &[f32], data: &Dataset) -> Result<f64> {
    let z = net.forward(theta, data.inputs())?;
    let squares = z.iter().zip(data.inputs()).map(|(z, x)| {
        let difference = 1.0 / (1.0 + f64::from(-z).exp()) - f64::from(*x);
        difference * difference
    });
    Ok(squares.sum::<f64>() / data.len() as f64)
}
