//! Lesson 12: a deep autoencoder, trained by Newton's method and by first-order rules on the same
//! objective: sigmoid cross-entropy between the input and its reconstruction (Hinton and
//! Salakhutdinov, Science 313, 2006; Martens, ICML 2010).
//!
//! `cargo run --release --example 12_autoencoder`
//!
//! Without options it trains a small one on some bundled digits, twice. With options, as
//! `key=value`, it compares trainers on a larger problem, such as all of MNIST: it trains once and
//! writes a record that `osculant report` reads, one JSON object per line. The work of a run is
//! counted in forward passes over all training examples: a value is 1, a gradient 3, a product 4
//! times the share of examples in the curvature, a linearization once that share.

use osculant::data::{Dataset, Preprocess, PreprocessOptions, digits, idx};
use osculant::layers::describe::named;
use osculant::optim::train::{
    Adam, Batches, Epoch, FirstOrder, Iteration, LevenbergMarquardt, Moment, Observer, Schedule,
    Sgd, Smd, Start, StepRule,
};
use osculant::prelude::*;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The options, with their defaults.
const OPTIONS: [(&str, &str); 14] = [
    ("data", "digits"),
    ("examples", "400"),
    ("net", "autoencoder:40,20,8"),
    ("trainer", "newton"),
    ("seed", "1"),
    ("c", "50000"),
    ("seconds", "600"),
    ("iterations", "20"),
    ("curvature", "0.25"),
    ("cg", "100"),
    ("xi", "0.1"),
    ("lambda", "1"),
    ("rate", "0.002"),
    ("batch", "100"),
];

struct Options(Vec<(String, String)>);

impl Options {
    fn parse(given: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options: Vec<(String, String)> = Vec::new();
        for argument in given {
            let known = |key: &str| OPTIONS.iter().any(|(name, _)| *name == key);
            match argument.split_once('=') {
                Some((key, value)) if known(key) => options.push((key.into(), value.into())),
                _ => {
                    let known: Vec<_> = OPTIONS.iter().map(|(k, v)| format!("{k}={v}")).collect();
                    let known = known.join(" ");
                    return Err(format!("`{argument}` is no option; these are: {known}").into());
                }
            }
        }
        Ok(Options(options))
    }

    fn text(&self, key: &str) -> &str {
        let given = self.0.iter().rev().find(|(name, _)| name == key);
        let default = OPTIONS.iter().find(|(name, _)| *name == key);
        given.map_or(default.map_or("", |(_, v)| v), |(_, value)| value)
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> Outcome<T> {
        let text = self.text(key);
        let refuse = |_| format!("{key}={text}: this is not a number of the kind wanted");
        Ok(text.parse().map_err(refuse)?)
    }
}

/// Inputs in [0, 1]: the first training examples, and as many test examples at most.
fn load(options: &Options) -> Outcome<(Dataset, Dataset)> {
    let split = match options.text("data") {
        "digits" => digits()?,
        folder => idx::read_folder(Path::new(folder))?,
    };
    let scaled = |mut data: Dataset| -> Outcome<Dataset> {
        let count = options.number::<usize>("examples")?.min(data.len());
        data = data.subset(..count)?;
        let subtract_mean = false;
        let only_scale = PreprocessOptions {
            subtract_mean,
            ..PreprocessOptions::default()
        };
        Preprocess::fit(&data, only_scale)?.apply(&mut data)?;
        Ok(data)
    };
    Ok((scaled(split.train)?, scaled(split.test)?))
}

/// Seconds of both threads together, where the system tells (Linux), in ticks of 10 ms.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // User and system time are fields 14 and 15; the name, field 2, ends with the last `)`.
    let fields = stat.rsplit_once(')')?.1.split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).flat_map(str::parse).collect();
    Some((ticks.first()? + ticks.get(1)?) / 100.0)
}

/// Σ (σ(z) − x)² over an image, its mean over images.
fn squared_error(net: &Network<f32>, theta: &[f32], data: &Dataset) -> Outcome<f64> {
    let z = net.forward(theta, data.inputs())?;
    let squares = z.iter().zip(data.inputs()).map(|(z, x)| {
        let difference = 1.0 / (1.0 + f64::from(-z).exp()) - f64::from(*x);
        difference * difference
    });
    Ok(squares.sum::<f64>() / data.len() as f64)
}

/// Writes the record, evaluates, and ends the run when its time is over.
struct Record<'a> {
    net: &'a Network<f32>,
    objective: &'a Objective<'a, f32>,
    train: &'a Dataset,
    test: &'a Dataset,
    about: Value,
    budget: f64,
    begun: (Instant, f64),
    /// Seconds and processor seconds of evaluations, which are no training.
    evaluated: (f64, f64),
    work: f64,
    products: usize,
    quiet: bool,
}

impl Record<'_> {
    fn now(&self) -> (f64, f64) {
        let cpu = cpu_seconds().unwrap_or(f64::NAN) - self.begun.1 - self.evaluated.1;
        (self.begun.0.elapsed().as_secs_f64() - self.evaluated.0, cpu)
    }

    /// Writes an event with what is measured at this θ, except at the start.
    fn write(&mut self, mut event: Value, theta: Option<&[f32]>) -> ControlFlow<()> {
        let (seconds, cpu) = self.now();
        let before = (Instant::now(), cpu_seconds().unwrap_or(f64::NAN));
        if let Some(theta) = theta {
            let error = |data| squared_error(self.net, theta, data).unwrap_or(f64::NAN);
            event["seconds"] = json!(seconds);
            event["cpu_seconds"] = json!(cpu);
            event["work"] = json!(self.work);
            event["products"] = json!(self.products);
            event["train_squared_error"] = json!(error(self.train));
            event["test_squared_error"] = json!(error(self.test));
            if event["value"].is_null() {
                event["value"] = json!(self.objective.value(theta).unwrap_or(f64::NAN));
            }
        }
        if !self.quiet {
            println!("{event}");
        }
        self.evaluated.0 += before.0.elapsed().as_secs_f64();
        self.evaluated.1 += cpu_seconds().unwrap_or(f64::NAN) - before.1;
        let spent = if cpu.is_nan() { seconds } else { cpu };
        if spent > self.budget {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl Observer<f32> for Record<'_> {
    fn start(&mut self, at: &Start) -> ControlFlow<()> {
        let mut event = self.about.clone();
        event["event"] = json!("start");
        event["value"] = json!(at.value);
        event["gradient_norm"] = json!(at.gradient_norm);
        self.work = 3.0;
        self.write(event, None)
    }

    fn iteration(&mut self, at: &Moment<'_, f32, Iteration>) -> ControlFlow<()> {
        let r = at.record;
        let share = r.curvature_examples as f64 / self.train.len() as f64;
        let gradients = if r.step > 0.0 { 2.0 } else { 0.0 };
        self.work += r.evaluations as f64 + gradients;
        self.work += share * (4.0 * r.products as f64 + 1.0);
        self.products += r.products;
        let event = json!({
            "event": "iteration", "iteration": r.number, "value": r.new_value,
            "gradient_norm": r.new_gradient_norm, "lambda": r.lambda, "ratio": r.ratio,
            "cg_iterations": r.cg_iterations, "step": r.step,
        });
        self.write(event, Some(at.theta))
    }

    fn epoch(&mut self, at: &Moment<'_, f32, Epoch>) -> ControlFlow<()> {
        let r = at.record;
        let share = 1.0 / r.steps as f64;
        self.work += share * (3.0 * r.evaluations as f64 + 5.0 * r.products as f64);
        self.products += r.products;
        let event = json!({
            "event": "iteration", "iteration": r.number, "rate": r.learning_rate,
        });
        self.write(event, Some(at.theta))
    }
}

/// Trains once; returns f before and after, and the squared error of the test images.
fn run(options: &Options, quiet: bool) -> Outcome<(f64, f64, f64)> {
    let (train, test) = load(options)?;
    let net = named(options.text("net"), train.shape(), 0)?.build::<f32>()?;
    let c = options.number("c")?;
    let objective = Objective::new(&net, ToInput::new(LogisticLoss), &train)?.regularization(c)?;
    let trainer = options.text("trainer");
    let (seed, bound) = (options.number("seed")?, options.number("iterations")?);
    let theta = net.init(seed);
    let before = objective.value(&theta)?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut record = Record {
        net: &net,
        objective: &objective,
        train: &train,
        test: &test,
        about: json!({
            "name": format!("{trainer}, seed {seed}"),
            "command": arguments.join(" "),
            "network": options.text("net"),
            "parameters": net.len(),
            "data": options.text("data"),
            "train_examples": train.len(),
            "test_examples": test.len(),
            "loss": "logistic, of the input",
            "regularization": c,
            "trainer": trainer,
            "seed": seed,
        }),
        budget: options.number("seconds")?,
        begun: (Instant::now(), cpu_seconds().unwrap_or(f64::NAN)),
        evaluated: (0.0, 0.0),
        work: 0.0,
        products: 0,
        quiet,
    };
    let (theta, value, outcome) = if trainer == "newton" {
        let newton = NewtonCg::default()
            .iterations(bound)
            .cg(Cg::default()
                .tolerance(options.number("xi")?)
                .max_iterations(options.number("cg")?))
            .sampling(Cyclic::new(
                Size::Fraction(options.number("curvature")?),
                seed,
            ))
            .damping(LevenbergMarquardt::default().initial(options.number("lambda")?)?);
        let report = newton.train_observed(&objective, theta, &mut record)?;
        (report.theta, report.value, report.outcome)
    } else {
        let rule: Box<dyn StepRule<f32>> = match trainer {
            "adam" => Box::new(Adam::default()),
            "sgd" => Box::new(Sgd::default().nesterov()),
            "smd" => Box::new(Smd::default()),
            other => return Err(format!("trainer={other}: newton, adam, sgd or smd").into()),
        };
        let first_order = FirstOrder::new(rule)
            .epochs(bound)
            .schedule(Schedule::constant(options.number("rate")?)?)
            .batches(Batches::new(options.number("batch")?, seed)?);
        let report = first_order.train_observed(&objective, theta, &mut record)?;
        (report.theta, report.value, report.outcome)
    };
    let end = json!({
        "event": "end", "outcome": outcome.to_string(), "value": value,
        "threads": std::thread::available_parallelism().map_or(0, usize::from),
    });
    let _ = record.write(end, Some(&theta));
    Ok((before, value, squared_error(&net, &theta, &test)?))
}

fn main() -> Outcome {
    let options = Options::parse(std::env::args().skip(1))?;
    if !options.0.is_empty() {
        run(&options, false)?;
        return Ok(());
    }
    for trainer in ["newton", "adam", "smd"] {
        let mut options = Options(Vec::new());
        let mut set = |key: &str, value: &str| options.0.push((key.into(), value.into()));
        set("trainer", trainer);
        if trainer == "smd" {
            set("rate", "0.01");
        }
        let (before, after, error) = run(&options, true)?;
        println!("{trainer:7} f {before:.1} → {after:.1}   squared error of new images {error:.1}");
        assert!(after < 0.6 * before);
    }
    Ok(())
}
