//! Runs of another implementation of the Newton trainer, repeated: see `tests/traces/README.md`.
//!
//! A harness of its own, since traces are found at run time: one test per trace, in `tests/traces`
//! and in the folder that `OSCULANT_TRACE_DIR` names.

#[path = "../common/mod.rs"]
mod common;
mod npz;
mod trace;

use npz::Npz;
use osculant::optim::train::{
    Armijo, ConstantDamping, Given, Iteration, LevenbergMarquardt, Moment, Observer, Report, Search,
};
use osculant::prelude::*;
use std::ops::ControlFlow;
use std::path::Path;
use trace::{Step, Trace};

type Outcome<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// From about seven CG iterations on, CG amplifies rounding: such a trace is followed one step at a
/// time, from the recorded θ and λ.
const WHOLE_RUN_CG: usize = 6;

/// How closely figures agree, relative: rounding, as two implementations of the reference saw it.
struct Tolerance {
    value: f64,
    /// Of gradients, ratios, directions and the terms of the paraboloid.
    other: f64,
}

const AT_START: f64 = 1e-12;
/// Near a minimum the terms of a gradient cancel.
const ON_THE_WAY: f64 = 1e-11;
const WHOLE_RUN: Tolerance = Tolerance {
    value: 1e-9,
    other: 1e-7,
};
const STEPWISE: Tolerance = Tolerance {
    value: 1e-6,
    other: 1e-4,
};

fn main() {
    common::run("tests/traces", "OSCULANT_TRACE_DIR", check)
}

fn check(file: &Path) -> Outcome {
    let trace: Trace = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let arrays = Npz::open(&file.with_extension("npz"))?;
    let net = trace.network.build()?;
    if net.len() != trace.n {
        let (found, n) = (net.len(), trace.n);
        return Err(format!("the network has {found} parameters, the trace {n}").into());
    }
    let (x, y) = (arrays.get("X")?, arrays.get("y")?);
    let shape = trace.network.input_shape();
    let labels = y.numbers.iter().map(|&y| y as u32).collect();
    let data = Labelled::new(shape, x.numbers.clone(), labels)?;
    if data.len() != trace.l {
        return Err(format!("X holds {} examples, l is {}", data.len(), trace.l).into());
    }
    let mut seen = Seen::default();
    at_start(&trace, &arrays, &net, &data, &mut seen)?;
    accuracies(&trace, &arrays, &net, &mut seen)?;
    gradients(&trace, &arrays, &net, &data, &mut seen)?;
    let longest = trace.iterations.iter().map(|s| s.cg.iters).max();
    if longest.unwrap_or(0) <= WHOLE_RUN_CG {
        whole_run(&trace, &arrays, &net, &data, &mut seen)?;
    } else {
        step_by_step(&trace, &arrays, &net, &data, &mut seen)?;
    }
    seen.verdict()
}

/// The rows of X that make up the subsets of iterations.
fn subsets(arrays: &Npz) -> Outcome<Vec<Vec<usize>>> {
    let subsets = arrays.get("subsets")?;
    let rows = (0..subsets.shape[0]).map(|k| subsets.row(k).iter().map(|&i| i as usize).collect());
    Ok(rows.collect())
}

/// Value, gradient and products at θ₀, by both routes.
fn at_start(
    trace: &Trace,
    arrays: &Npz,
    net: &Network<f64>,
    data: &Labelled<f64>,
    seen: &mut Seen,
) -> Outcome {
    let theta = &arrays.get("theta0")?.numbers;
    let v = &arrays.get("v")?.numbers;
    let subsets = subsets(arrays)?;
    let subset = subsets.first().ok_or("there is no subset")?;
    let objective = Objective::new(net, OnLabels(SquaredLoss), data)?.regularization(trace.c)?;
    let unregularized = Objective::new(net, OnLabels(SquaredLoss), data)?;
    let model = objective.at(theta)?;
    seen.number("f", trace.f0, model.value()?, AT_START);
    let gradient = model.gradient()?;
    let norm0 = trace.gradient_norm0;
    seen.number("|g|", norm0, norm(gradient), AT_START);
    seen.vector(
        "gradient",
        &arrays.get("gradient0")?.numbers,
        gradient,
        AT_START,
    );
    for route in [Route::Sweep, Route::Stored] {
        let model = objective.at(theta)?.route(route);
        let g = model.gauss_newton_on(subset)?;
        let damped = Shifted::new(&g, trace.fixed_v.lambda_)?;
        let gv = damped.apply(v)?;
        seen.vector("z", &arrays.get("z")?.numbers, &g.outputs(), AT_START);
        let jv = model.jacobian_on(subset)?.apply(v)?;
        seen.vector("Jv", &arrays.get("Jv")?.numbers, &jv, AT_START);
        seen.vector("Gv", &arrays.get("Gv")?.numbers, &gv, AT_START);
        let vgv = v.iter().zip(&gv).map(|(v, g)| v * g).sum();
        seen.number("vGv", trace.fixed_v.vgv, vgv, AT_START);
        let plain = unregularized
            .at(theta)?
            .route(route)
            .gauss_newton_on(subset)?;
        let sum = subset.len() as f64;
        let jtbjv: Vec<f64> = plain.apply(v)?.iter().map(|x| sum * x).collect();
        seen.vector("JtBJv", &arrays.get("JtBJv")?.numbers, &jtbjv, AT_START);
    }
    Ok(())
}

/// The gradients at every recorded θ.
fn gradients(
    trace: &Trace,
    arrays: &Npz,
    net: &Network<f64>,
    data: &Labelled<f64>,
    seen: &mut Seen,
) -> Outcome {
    let objective = Objective::new(net, OnLabels(SquaredLoss), data)?.regularization(trace.c)?;
    let (thetas, gradients) = (arrays.get("theta")?, arrays.get("gradient")?);
    for k in 0..trace.iterations.len() {
        let model = objective.at(thetas.row(k))?;
        seen.vector("∇f", gradients.row(k), model.gradient()?, ON_THE_WAY);
    }
    Ok(())
}

/// The accuracies at every recorded θ, which are counts: they agree exactly.
fn accuracies(trace: &Trace, arrays: &Npz, net: &Network<f64>, seen: &mut Seen) -> Outcome {
    let (x, y) = (&arrays.get("X")?.numbers, &arrays.get("y")?.numbers);
    let start = &arrays.get("theta0")?.numbers;
    let validation = arrays.find("X_val").zip(arrays.find("y_val"));
    let thetas = arrays.get("theta")?;
    let mut points = vec![(
        start.as_slice(),
        trace.train_accuracy0,
        trace.validation_accuracy0,
    )];
    let steps = trace.iterations.iter().enumerate();
    points.extend(steps.map(|(k, s)| (thetas.row(k), s.train_acc, s.val_acc)));
    for (k, (theta, train, val)) in points.into_iter().enumerate() {
        if let Some(expected) = train {
            seen.exact("accuracy", k, expected, accuracy(net, theta, x, y)?);
        }
        if let (Some(expected), Some((x, y))) = (val, validation) {
            let found = accuracy(net, theta, &x.numbers, &y.numbers)?;
            seen.exact("validation accuracy", k, expected, found);
        }
    }
    Ok(())
}

fn accuracy(net: &Network<f64>, theta: &[f64], x: &[f64], y: &[f64]) -> Outcome<f64> {
    let classes = net.output_shape().size();
    let z = net.forward(theta, x)?;
    let right = z.chunks_exact(classes).zip(y).filter(|(z, y)| {
        let best = (0..z.len()).fold(0, |b, i| if z[i] > z[b] { i } else { b });
        best as f64 == **y
    });
    Ok(right.count() as f64 / y.len() as f64)
}

/// The trainer with the options of a trace, from this λ.
fn trainer(trace: &Trace, lambda: f64, subsets: Vec<Vec<usize>>) -> Outcome<NewtonCg> {
    let o = &trace.options;
    let cg = Cg::default()
        .tolerance(o.xi)
        .max_iterations(o.cg_max as usize);
    let newton = NewtonCg::default()
        .iterations(subsets.len())
        .cg(cg)
        // The reference halves for ever.
        .globalization(Armijo::default().eta(o.eta)?.max_trials(60)?)
        .sampling(Given::new(subsets));
    if lambda == 0.0 {
        return Ok(newton.damping(ConstantDamping::none()));
    }
    let damping = LevenbergMarquardt::default().initial(lambda)?;
    Ok(newton.damping(damping.factors(o.drop, o.boost)?))
}

/// Keeps θ after every iteration.
struct Visited(Vec<Vec<f64>>);

impl Observer<f64> for Visited {
    fn iteration(&mut self, at: &Moment<'_, f64, Iteration>) -> ControlFlow<()> {
        self.0.push(at.theta.to_vec());
        ControlFlow::Continue(())
    }
}

fn whole_run(
    trace: &Trace,
    arrays: &Npz,
    net: &Network<f64>,
    data: &Labelled<f64>,
    seen: &mut Seen,
) -> Outcome {
    let objective = Objective::new(net, OnLabels(SquaredLoss), data)?.regularization(trace.c)?;
    let mut subsets = subsets(arrays)?;
    subsets.truncate(trace.iterations.len());
    let theta = arrays.get("theta0")?.numbers.clone();
    let mut path = Visited(Vec::new());
    let newton = trainer(trace, trace.options.lambda, subsets)?;
    let report = newton.train_observed(&objective, theta, &mut path)?;
    if report.iterations.len() != trace.iterations.len() {
        let (found, expected) = (report.iterations.len(), trace.iterations.len());
        return Err(format!(
            "{found} iterations instead of {expected}: {}",
            report.outcome
        )
        .into());
    }
    let thetas = arrays.get("theta")?;
    for (k, (found, expected)) in report.iterations.iter().zip(&trace.iterations).enumerate() {
        seen.iteration(k + 1, expected, found, &WHOLE_RUN);
        seen.vector("θ", thetas.row(k), &path.0[k], WHOLE_RUN.other);
    }
    Ok(())
}

fn step_by_step(
    trace: &Trace,
    arrays: &Npz,
    net: &Network<f64>,
    data: &Labelled<f64>,
    seen: &mut Seen,
) -> Outcome {
    let objective = Objective::new(net, OnLabels(SquaredLoss), data)?.regularization(trace.c)?;
    let (subsets, thetas) = (subsets(arrays)?, arrays.get("theta")?);
    for (k, expected) in trace.iterations.iter().enumerate() {
        let theta = match k {
            0 => arrays.get("theta0")?.numbers.clone(),
            _ => thetas.row(k - 1).to_vec(),
        };
        let newton = trainer(trace, expected.lambda_used, vec![subsets[k].clone()])?;
        let report: Report<f64> = newton.train(&objective, theta)?;
        let found = report.iterations.first().ok_or("no iteration was made")?;
        // Both begin at the recorded θ, where nothing is amplified yet.
        seen.number("f at start", expected.f_start, found.value, AT_START);
        seen.iteration(k + 1, expected, found, &STEPWISE);
        seen.vector("θ", thetas.row(k), &report.theta, STEPWISE.other);
    }
    Ok(())
}

/// The largest difference of each quantity, and what is wrong.
#[derive(Default)]
struct Seen {
    largest: Vec<(&'static str, f64)>,
    wrong: Vec<String>,
}

impl Seen {
    fn note(&mut self, what: &'static str, error: f64, tolerance: f64, place: &str) {
        match self.largest.iter_mut().find(|(key, _)| *key == what) {
            Some((_, largest)) if *largest >= error => {}
            Some((_, largest)) => *largest = error,
            None => self.largest.push((what, error)),
        }
        if error.is_nan() || error > tolerance {
            let message =
                format!("{what}{place} differs by {error:.2e}, more than {tolerance:.0e}");
            self.wrong.push(message);
        }
    }

    fn number(&mut self, what: &'static str, expected: f64, found: f64, tolerance: f64) {
        self.number_at(what, "", expected, found, tolerance);
    }

    fn number_at(
        &mut self,
        what: &'static str,
        place: &str,
        expected: f64,
        found: f64,
        tolerance: f64,
    ) {
        let error = (expected - found).abs() / if expected == 0.0 { 1.0 } else { expected.abs() };
        self.note(what, error, tolerance, place);
    }

    fn vector(&mut self, what: &'static str, expected: &[f64], found: &[f64], tolerance: f64) {
        if expected.len() != found.len() {
            let (e, f) = (expected.len(), found.len());
            self.wrong
                .push(format!("{what} has {f} numbers instead of {e}"));
            return;
        }
        let difference: Vec<f64> = expected.iter().zip(found).map(|(e, f)| e - f).collect();
        let scale = norm(expected);
        let error = norm(&difference) / if scale > 0.0 { scale } else { 1.0 };
        self.note(what, error, tolerance, "");
    }

    fn exact<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &'static str,
        k: usize,
        expected: T,
        found: T,
    ) {
        if expected != found {
            let message = format!("{what} of iteration {k} is {found:?} instead of {expected:?}");
            self.wrong.push(message);
        }
    }

    fn iteration(&mut self, k: usize, expected: &Step, found: &Iteration, t: &Tolerance) {
        let place = format!(" of iteration {k}");
        self.exact("CG iterations", k, expected.cg.iters, found.cg_iterations);
        self.exact("step", k, expected.alpha, found.step);
        let trials = match found.search {
            Search::Accepted { trials, .. } => trials,
            _ => 0,
        };
        self.exact("line-search trials", k, expected.line_search.len(), trials);
        let branch = |before: f64, after: f64| after.partial_cmp(&before);
        self.exact(
            "branch of λ",
            k,
            branch(expected.lambda_used, expected.lambda_after),
            branch(found.lambda, found.new_lambda),
        );
        // λ is a product of the same few factors.
        for (expected, found) in [
            (expected.lambda_used, found.lambda),
            (expected.lambda_after, found.new_lambda),
        ] {
            self.number_at("λ", &place, expected, found, AT_START);
        }
        for (what, expected, found, tolerance) in [
            ("f", expected.f_start, found.value, t.value),
            ("f", expected.f_end, found.new_value, t.value),
            ("|g|", expected.gnorm_start, found.gradient_norm, t.other),
            ("|g|", expected.gnorm_end, found.new_gradient_norm, t.other),
            ("gᵀd", expected.gs, found.slope, t.other),
            ("dᵀGd", expected.sgs, found.curvature, t.other),
            ("ratio", expected.ratio, found.ratio, t.other),
        ] {
            self.number_at(what, &place, expected, found, tolerance);
        }
        if let (Search::Accepted { value, .. }, Some(last)) =
            (found.search, expected.line_search.last())
        {
            self.number_at("f of the trial", &place, last.f, value, t.value);
        }
    }

    fn verdict(self) -> Outcome {
        let line: Vec<String> = self
            .largest
            .iter()
            .map(|(what, error)| format!("{what} {error:.1e}"))
            .collect();
        println!("\n    {}", line.join(", "));
        if self.wrong.is_empty() {
            return Ok(());
        }
        Err(self.wrong.join("\n").into())
    }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}
