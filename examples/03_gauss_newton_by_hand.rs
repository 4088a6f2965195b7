//! Lesson 3: the Gauss-Newton product, once from the framework and once by hand; then a Newton
//! direction, and how far its paraboloid can be trusted.
//!
//! `cargo run --release --example 03_gauss_newton_by_hand`
//!
//! G = 1/C I + 1/l Σ JᵀBJ is never stored: `apply` runs the network forward with tangents, the
//! loss's B, and the network backward. Here the network is small enough to write all of it out.

use osculant::optim::vector::{combine, dot, norm};
use osculant::prelude::*;

const CLASSES: usize = 3;
const C: f64 = 20.0;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn main() -> Result {
    let net = Network::<f64>::new([2], |x| x.dense(8).tanh().dense(CLASSES))?;
    let data = points(40)?;
    let objective = Objective::new(&net, SoftmaxCrossEntropy, &data)?.regularization(C)?;
    let model = objective.at(&net.init(3))?;
    let g = model.gauss_newton()?;

    // The first-class operation, and the same sum with matrices.
    let mut v = vec![0.0; net.len()];
    Random::new(1, 0).normal(1.0, &mut v);
    let product = g.apply(&v)?;
    let by_hand = by_hand(&model, &v)?;
    let mut difference = vec![0.0; v.len()];
    combine(&product, -1.0, &by_hand, &mut difference)?;
    let relative = norm(&difference) / norm(&by_hand);
    println!(
        "G v, {} numbers: relative difference to JᵀBJ v is {relative:.1e}",
        v.len()
    );
    assert!(relative < 1e-14);

    // G d = −∇f by conjugate gradients, which needs nothing but products.
    let newton = Cg::default().tolerance(1e-8).solve(&g, &model.descent()?)?;
    println!(
        "CG: {} products, ‖r‖ = {:.1e}; {}",
        newton.products, newton.residual_norm, newton.stop
    );
    let gradient = model.gradient()?;
    assert!(newton.residual_norm <= 1e-8 * norm(gradient));

    // What the paraboloid q promises along d, and what f does.
    let (slope, curvature) = (
        dot(gradient, &newton.d)?,
        dot(&newton.d, &g.apply(&newton.d)?)?,
    );
    println!("  step    q − f(θ)      f − f(θ)      kept");
    let mut trial = vec![0.0; net.len()];
    for step in [1.0, 0.1, 0.01, 0.001] {
        let promised = step * slope + 0.5 * step * step * curvature;
        combine(model.theta(), step, &newton.d, &mut trial)?;
        let change = objective.value(&trial)? - model.value()?;
        let kept = change / promised;
        println!("{step:>6} {promised:>13.6e} {change:>13.6e} {kept:>9.4}");
        // q touches f at θ: the error of the promise vanishes with the step.
        assert!(change < 0.0 && (kept - 1.0).abs() < 2.0 * step, "{kept}");
    }
    Ok(())
}

/// 1/C v + 1/l Σ JᵀBJ v with explicit J, and B = diag(p) − ppᵀ.
fn by_hand(model: &Model<'_, f64>, v: &[f64]) -> Result<Vec<f64>> {
    let (n, m) = (v.len(), CLASSES);
    let jacobian = model.jacobian()?.explicit(1 << 20)?; // l·m rows of n numbers, below 1 MiB
    let outputs = model.gauss_newton()?.outputs();
    let l = outputs.len() / m;
    let mut sum: Vec<f64> = v.iter().map(|v| v / C).collect();
    for (z, rows) in outputs.chunks(m).zip(jacobian.chunks(m * n)) {
        let jv: Vec<f64> = rows.chunks(n).map(|row| inner(row, v)).collect();
        let total: f64 = z.iter().map(|z| z.exp()).sum();
        let p: Vec<f64> = z.iter().map(|z| z.exp() / total).collect();
        let mean = inner(&p, &jv);
        for (j, row) in rows.chunks(n).enumerate() {
            let b_jv = p[j] * (jv[j] - mean);
            for (sum, entry) in sum.iter_mut().zip(row) {
                *sum += entry * b_jv / l as f64;
            }
        }
    }
    Ok(sum)
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Points of the plane, labelled by the third of the circle that they lie in.
fn points(count: usize) -> Result<Labelled<f64>> {
    let mut inputs = vec![0.0; 2 * count];
    Random::new(0, 0).normal(1.0, &mut inputs);
    let third = |p: &[f64]| {
        let turn = p[1].atan2(p[0]) / std::f64::consts::TAU + 0.5;
        (turn * 2.999) as u32
    };
    let labels = inputs.chunks(2).map(third).collect();
    Ok(Labelled::new([2], inputs, labels)?)
}
