//! Values from another implementation, file by file: see `tests/reference/README.md`.
//!
//! A harness of its own, since files are found at run time: one test per file, in
//! `tests/reference` and in the folder that `OSCULANT_REFERENCE_DIR` names.

mod common;

use osculant::optim::solve::symmetric_eigenvalues;
use osculant::prelude::*;
use serde::Deserialize;
use std::fmt::Write;
use std::path::Path;

/// Relative, in the norm of the vector.
const TOLERANCE: f64 = 1e-10;
/// Bytes that an explicit Jacobian may take here.
const LIMIT: usize = 1 << 30;

#[derive(Deserialize)]
struct Case {
    loss: LossName,
    #[serde(rename = "reg_C")]
    c: Option<f64>,
    params: Vec<Array>,
    x: Vec<f64>,
    y: Vec<f64>,
    v: Vec<f64>,
    u: Vec<f64>,
    #[serde(rename = "I")]
    examples: usize,
    expected: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Array {
    shape: Vec<usize>,
    data: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum LossName {
    Squared,
    SoftmaxCrossEntropy,
    Logistic,
    PoissonLog,
    Huber { delta: f64 },
}

fn main() {
    common::run("tests/reference", "OSCULANT_REFERENCE_DIR", check)
}

fn check(file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(file)?;
    let case: Case = serde_json::from_str(&text)?;
    let net = NetworkDescription::parse(&text)?.build::<f64>()?;
    let mut theta = Vec::new();
    let slices = net.params().slices();
    if slices.len() != case.params.len() {
        let (file, net) = (case.params.len(), slices.len());
        return Err(format!("the file has {file} parameter arrays, the network {net}").into());
    }
    for (slice, array) in slices.iter().zip(&case.params) {
        if slice.shape()[..] != array.shape[..] {
            let (name, shape) = (slice.name(), slice.shape());
            return Err(format!("{name} has shape {shape}, the file {:?}", array.shape).into());
        }
        theta.extend_from_slice(&array.data);
    }
    let input_shape = net.graph().input_shapes()[0].clone();
    let (x, y) = (case.x.clone(), case.y.clone());
    let computed = if let LossName::SoftmaxCrossEntropy = case.loss {
        let labels: Vec<u32> = y.iter().map(|&y| y as u32).collect();
        let data = Labelled::new(&input_shape, x, labels)?;
        compute(&case, &net, &theta, SoftmaxCrossEntropy, &data)?
    } else {
        let data = Paired::new(&input_shape, x, y.len() / case.examples, y)?;
        match case.loss {
            LossName::Squared => compute(&case, &net, &theta, SquaredLoss, &data)?,
            LossName::Logistic => compute(&case, &net, &theta, LogisticLoss, &data)?,
            LossName::PoissonLog => compute(&case, &net, &theta, PoissonLoss, &data)?,
            LossName::Huber { delta } => {
                compute(&case, &net, &theta, HuberLoss::new(delta)?, &data)?
            }
            LossName::SoftmaxCrossEntropy => unreachable!("handled above"),
        }
    };
    compare(&case, &computed)
}

/// A quantity under the key that the files use.
type Quantity = (&'static str, Vec<f64>);

fn compute<L, D>(
    case: &Case,
    net: &Network<f64>,
    theta: &[f64],
    loss: L,
    data: &D,
) -> Result<Vec<Quantity>, Box<dyn std::error::Error>>
where
    L: Loss<f64>,
    D: Examples<f64, Target = L::Target>,
{
    let shape = net.output_shape().clone();
    let (m, n, l) = (shape.size(), theta.len(), data.len());
    let plain = Objective::new(net, &loss, data)?;
    let full = Objective::new(net, &loss, data)?.regularization(case.c.unwrap_or(f64::INFINITY))?;
    let (at_plain, at) = (plain.at(theta)?, full.at(theta)?);
    let stored_plain = plain.at(theta)?.route(Route::Stored);
    let stored = full.at(theta)?.route(Route::Stored);
    let g = at_plain.gauss_newton()?;
    let jacobian = at_plain.jacobian()?;

    let z = net.forward(theta, &case.x)?;
    let mut xi = Vec::new();
    let mut b = Vec::new();
    for i in 0..l {
        let mut kept = vec![0.0; loss.kept(&shape)];
        let mut x = vec![0.0; data.input_size()];
        data.write_input(i, &mut x);
        xi.push(loss.value(&z[i * m..][..m], data.target(i), &x, &mut kept));
        b.extend(g.loss_curvature(i)?);
    }
    let diagonal = g.diagonal()?;
    let mut quantities = vec![
        ("z", z),
        ("xi", xi),
        ("loss", vec![at.value()?]),
        ("loss_data", vec![at_plain.value()?]),
        ("grad", at.gradient()?.to_vec()),
        ("grad_data", at_plain.gradient()?.to_vec()),
        ("Jv", jacobian.apply(&case.v)?),
        ("JTu", jacobian.apply_adjoint(&case.u)?),
        ("Gv", at.gauss_newton()?.apply(&case.v)?),
        ("Gv_data", g.apply(&case.v)?),
        // The same numbers by the other route.
        ("Jv", stored.jacobian()?.apply(&case.v)?),
        ("JTu", stored.jacobian()?.apply_adjoint(&case.u)?),
        ("Gv", stored.gauss_newton()?.apply(&case.v)?),
        ("Gv_data", stored_plain.gauss_newton()?.apply(&case.v)?),
        ("Hv", at.hessian()?.apply(&case.v)?),
        ("Hv_data", at_plain.hessian()?.apply(&case.v)?),
        ("B", b),
        ("trace_G_data", vec![diagonal.iter().sum()]),
        ("diag_G_data", diagonal),
        ("per_sample_grad", at_plain.per_example_gradients(LIMIT)?),
    ];
    if case.expected.contains_key("J") {
        quantities.push(("J", jacobian.explicit(LIMIT)?));
    }
    if ["G_data", "rank_G_data", "max_eig_G_data"]
        .iter()
        .any(|k| case.expected.contains_key(*k))
    {
        let mut dense = Vec::with_capacity(n * n);
        for j in 0..n {
            let unit: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i == j))).collect();
            dense.extend(g.apply(&unit)?);
        }
        let eigenvalues = symmetric_eigenvalues(n, &dense)?;
        let (low, high) = (eigenvalues[0], eigenvalues[n - 1]);
        let rank = eigenvalues
            .iter()
            .filter(|&&e| e > TOLERANCE * high)
            .count();
        quantities.push(("rank_G_data", vec![rank as f64]));
        quantities.push(("min_eig_G_data", vec![low]));
        quantities.push(("max_eig_G_data", vec![high]));
        quantities.push(("G_data", dense));
    }
    Ok(quantities)
}

fn compare(case: &Case, computed: &[Quantity]) -> Result<(), Box<dyn std::error::Error>> {
    let largest = numbers(&case.expected, "max_eig_G_data").and_then(|e| e.first().copied());
    let (mut line, mut failed) = (String::from("   "), Vec::new());
    for (key, found) in computed {
        let Some(expected) = numbers(&case.expected, key) else {
            continue;
        };
        if expected.len() != found.len() {
            let (e, f) = (expected.len(), found.len());
            return Err(format!("{key}: {e} numbers expected, {f} computed").into());
        }
        let scale = match (*key, largest) {
            // Eigenvalues are known to rounding of the largest one.
            ("min_eig_G_data", Some(largest)) => largest.abs(),
            _ => norm(&expected),
        };
        let difference: Vec<f64> = expected.iter().zip(found).map(|(e, f)| e - f).collect();
        let error = norm(&difference) / if scale > 0.0 { scale } else { 1.0 };
        write!(line, " {key} {error:.1e}")?;
        if error.is_nan() || error > TOLERANCE {
            failed.push(format!("{key} differs by {error:.3e}"));
        }
    }
    let unknown: Vec<&str> = case
        .expected
        .keys()
        .filter(|k| !k.ends_with("_shape") && !computed.iter().any(|(key, _)| key == k))
        .map(String::as_str)
        .collect();
    println!("\n{line}");
    if !unknown.is_empty() {
        failed.push(format!("nothing here computes {}", unknown.join(", ")));
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed.join("; ").into())
    }
}

fn numbers(expected: &serde_json::Map<String, serde_json::Value>, key: &str) -> Option<Vec<f64>> {
    match expected.get(key)? {
        serde_json::Value::Array(values) => values.iter().map(serde_json::Value::as_f64).collect(),
        value => value.as_f64().map(|x| vec![x]),
    }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}
