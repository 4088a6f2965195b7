//! Lesson 2: products with the Jacobian, its transpose and the Hessian, without any matrix.
//!
//! `cargo run --release --example 02_products`
//!
//! Rosenbrock's valley in n variables, f(x) = Σ 100 (xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)². Each product costs
//! about as much as a few evaluations of f, however many variables there are.

use osculant::prelude::*;
use osculant::tape::ops::dense;

const N: usize = 5;

/// xᵢ₊₁ − xᵢ², N − 1 numbers: how far x is from the floor of the valley.
fn off_floor(x: Var<'_, f64>) -> Var<'_, f64> {
    shifted(x, 1) - shifted(x, 0).square()
}

fn rosenbrock(x: Var<'_, f64>) -> Var<'_, f64> {
    100.0 * off_floor(x).square().sum() + (1.0 - shifted(x, 0)).square().sum()
}

/// Numbers `by` to `by + N − 1` of x: a product with a constant matrix of zeros and ones.
fn shifted(x: Var<'_, f64>, by: usize) -> Var<'_, f64> {
    let mut pick = [0.0; N * (N - 1)];
    for i in 0..N - 1 {
        pick[(i + by) * (N - 1) + i] = 1.0;
    }
    dense(x, x.tape().constant([N, N - 1], &pick))
}

fn main() -> Result<(), GraphError> {
    let z = Function::new([N], off_floor)?;
    let f = Function::new([N], rosenbrock)?;
    let x = [-1.2, 1.0, 0.5, -0.3, 0.8];
    let v = [1.0, -2.0, 0.5, 3.0, -1.0];
    let u = [2.0, -1.0, 0.5, 1.0];

    // J v, the change of z along v, against z(x + tv) − z(x − tv).
    let at = z.at(&x)?;
    let jv = at.jvp(&v)?;
    let numeric = along(&x, &v, |x| Ok(z.at(x)?.values().to_vec()))?;
    println!("J v    = {jv:.6?}\n  difference of z  {numeric:.6?}");
    assert!(close(&jv, &numeric, 1e-8));

    // Jᵀu, the same matrix from the other side: ⟨u, J v⟩ = ⟨Jᵀu, v⟩ to the last digits.
    let ju = at.vjp(&u)?;
    let (left, right) = (dot(&u, &jv), dot(&ju, &v));
    println!("Jᵀu    = {ju:.6?}\n  ⟨u, J v⟩ {left:.12}, ⟨Jᵀu, v⟩ {right:.12}");
    assert!((left - right).abs() < 1e-13 * left.abs());

    // ∇²f v, the change of the gradient along v.
    let hv = f.at(&x)?.hessian_product(&v)?;
    let numeric = along(&x, &v, |x| f.at(x)?.gradient())?;
    println!("∇²f v  = {hv:.3?}\n  difference of ∇f {numeric:.3?}");
    assert!(close(&hv, &numeric, 1e-7));

    // The minimum is at (1, …, 1), and curves upwards there.
    let minimum = f.at(&[1.0; N])?;
    let curvature = dot(&v, &minimum.hessian_product(&v)?);
    println!(
        "at (1, …, 1): f = {}, ∇f = {:?}, vᵀ∇²f v = {curvature}",
        minimum.value(),
        minimum.gradient()?
    );
    assert!(minimum.value() == 0.0 && minimum.gradient()? == [0.0; N] && curvature > 0.0);
    Ok(())
}

/// (g(x + tv) − g(x − tv)) / 2t.
fn along(
    x: &[f64],
    v: &[f64],
    g: impl Fn(&[f64]) -> Result<Vec<f64>, GraphError>,
) -> Result<Vec<f64>, GraphError> {
    let t = 1e-5;
    let moved = |t: f64| -> Vec<f64> { x.iter().zip(v).map(|(x, v)| x + t * v).collect() };
    let (right, left) = (g(&moved(t))?, g(&moved(-t))?);
    let difference = right.iter().zip(&left).map(|(r, l)| (r - l) / (2.0 * t));
    Ok(difference.collect())
}

/// Whether a and b agree to `tolerance`, relative to the largest entry.
fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    let largest = b.iter().fold(0.0, |l: f64, b| l.max(b.abs()));
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| (a - b).abs() <= tolerance * largest)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
