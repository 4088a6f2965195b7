//! Lesson 7: the same as `osculant train`, from Rust: preprocessing, examples held out, the best
//! model, an early end, checkpoints, and a model that `osculant predict` takes. Then the same
//! problem by Adam, watched by an observer of one's own.
//!
//! `cargo run --release --example 07_train`

use osculant::data::{About, Checkpoint, Checkpoints, Legend, ModelFile, Preprocess, digits};
use osculant::layers::describe::named;
use osculant::optim::metrics::accuracy;
use osculant::optim::train::{Adam, Epoch, FirstOrder, KeepBest, Moment, Observer, Outcome};
use osculant::prelude::*;
use std::ops::ControlFlow;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("osculant-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let digits = digits()?;
    let (digits, mut test) = (digits.train.subset(..1000)?, digits.test.subset(..500)?);

    // osculant train --train-examples 1000 --test-examples 500 --net mlp:40 --validation 10% \
    //     --patience 4 --iterations 8 --warm-start 0 --cg-iterations 250 --lambda 1 --run FOLDER
    let (mut train, mut held_out) = digits.split(0.1, 1)?;
    let preprocess = Preprocess::fit(&train, Default::default())?;
    for data in [&mut train, &mut held_out, &mut test] {
        preprocess.apply(data)?;
    }
    let description = named("mlp:40", train.shape(), train.classes())?;
    let net = description.build::<f32>()?;
    let objective = Objective::new(&net, OnLabels(SquaredLoss), &train)?.regularization(90.0)?;
    let newton = || {
        NewtonCg::default()
            .iterations(8)
            .sampling(Cyclic::new(Size::Count(500), 1))
    };
    let score =
        |theta: &[f32]| accuracy(&net.forward(theta, held_out.inputs())?, held_out.labels());
    let mut best = KeepBest::by(score).patience(4);
    let mut checkpoints = Checkpoints::at(folder.join("checkpoint.safetensors"));
    let mut watch = (&mut best, &mut checkpoints);
    let report = newton().train_observed(&objective, net.init(1), &mut watch)?;
    checkpoints.finish()?;
    let best = best.finish()?;

    let outputs = net.forward(&best.theta, test.inputs())?;
    let tested = accuracy(&outputs, test.labels())?;
    println!(
        "{}: f {:.4} after {} products; best: iteration {}, held out {:.1} %, test {:.1} %",
        report.outcome,
        report.value,
        report.products,
        best.number,
        100.0 * best.score,
        100.0 * tested
    );
    assert!(tested > 0.8);

    // A model that `osculant predict` and `osculant spectrum` take.
    let about = About {
        network: description.to_json()?,
        loss: "squared".into(),
        regularization: 90.0,
        seed: 1,
        preprocess,
        legend: Legend::default(),
        options: [("patience".into(), "4".into())].into(),
    };
    let model = folder.join("best.safetensors");
    ModelFile::new(about, net.params(), &best.theta)?.save(&model)?;
    let mut again = description.build::<f32>()?;
    assert_eq!(ModelFile::load(&model)?.restore(&mut again)?, best.theta);

    // The last checkpoint is where the run ended: it would go on from there.
    let state = Checkpoint::load(folder.join("checkpoint.safetensors"))?.state;
    let state = state.ok_or("nothing was saved")?;
    assert_eq!(
        (state.iteration, &state.theta),
        (report.done(), &report.theta)
    );
    std::fs::remove_dir_all(&folder)?;

    // First-order trainers take the same objective and the same observers.
    let adam = FirstOrder::new(Adam::default()).rate(5e-3)?.epochs(30);
    let report = adam.train_observed(&objective, net.init(1), &mut Below(0.5))?;
    println!("{}: f {:.4}", report.outcome, report.value);
    assert_eq!(report.outcome, Outcome::Stopped);
    assert!(report.done() < 30);
    Ok(())
}

/// Prints a line per epoch, and ends the run where the objective is small enough.
struct Below(f64);

impl Observer<f32> for Below {
    fn epoch(&mut self, at: &Moment<'_, f32, Epoch>) -> ControlFlow<()> {
        let r = at.record;
        println!(
            "epoch {:2}   mean f of its batches {:.4}",
            r.number, r.value
        );
        // The present θ is `at.theta`; `at.state()` is what a checkpoint keeps.
        if r.value < self.0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
