//! Lesson 9: regression with uncertainty from the curvature (Laplace's approximation).
//!
//! `cargo run --release --example 09_laplace`
//!
//! Targets with noise of variance σ² and parameters with a prior of variance τ² make the posterior
//!
//!     −log p(θ | data) = 1/(2σ²) Σ (zⁱ − yⁱ)² + 1/(2τ²) ‖θ‖² = l/(2σ²) f(θ) + constant
//!
//! with the squared loss and 1/C = 2σ²/(l τ²). Around its minimum the posterior is taken to be
//! normal with the covariance (l/(2σ²) G)⁻¹, and the network to be linear (MacKay, Neural
//! Computation 4(3), 1992). A prediction at x then has the variance
//!
//!     σ² + 2σ²/l J(x) G⁻¹ J(x)ᵀ
//!
//! for which one product with G⁻¹ is all that it takes, a solve by conjugate gradients: G is never
//! stored.

use osculant::prelude::*;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// The standard deviation σ of the noise.
const NOISE: f64 = 0.1;

/// Predictions, and their variances without the noise.
fn predict(
    net: &Network<f64>,
    objective: &Objective<'_, f64>,
    theta: &[f64],
    x: &[f64],
) -> Result<(Vec<f64>, Vec<f64>)> {
    let g = objective.at(theta)?.expect_products(100).gauss_newton()?;
    let cg = Cg::default().tolerance(1e-10).max_iterations(2_000);
    let inverse = Inverse::new(g, cg)?;
    // J at other points than the data: an objective of its own, whose targets do not matter.
    let points = Paired::new([1], x.to_vec(), 1, vec![0.0; x.len()])?;
    let there = Objective::new(net, SquaredLoss, &points)?;
    let j = there.at(theta)?.jacobian()?;
    let scale = 2.0 * NOISE * NOISE / objective.len() as f64;
    let mut variances = Vec::new();
    for i in 0..x.len() {
        let mut unit = vec![0.0; x.len()];
        unit[i] = 1.0;
        let row = j.apply_adjoint(&unit)?;
        let solved = inverse.apply(&row)?;
        let product: f64 = row.iter().zip(&solved).map(|(a, b)| a * b).sum();
        variances.push(scale * product);
    }
    Ok((net.forward(theta, x)?, variances))
}

/// y = sin 3x with noise, for x in [−1, −0.2] and [0.4, 1]: a gap lies between them.
fn draw(count: usize, stream: u64) -> (Vec<f64>, Vec<f64>) {
    let mut random = Random::new(5, stream);
    let x: Vec<f64> = (0..count)
        .map(|i| {
            let u = random.unit();
            if i % 2 == 0 {
                -1.0 + 0.8 * u
            } else {
                0.4 + 0.6 * u
            }
        })
        .collect();
    let mut noise = vec![0.0; count];
    random.normal(NOISE, &mut noise);
    let y = x.iter().zip(noise).map(|(x, e)| (3.0 * x).sin() + e);
    let y = y.collect();
    (x, y)
}

fn main() -> Result {
    // Where the network is linear nothing is approximate: the textbook's formula for a line,
    // σ² (1/l + (x − x̄)²/Σ(xⁱ − x̄)²), with a prior so wide that it does not matter.
    let (x, y) = draw(60, 1);
    let data = Paired::new([1], x.clone(), 1, y)?;
    let line = Network::<f64>::new([1], |x| x.dense(1))?;
    let objective = Objective::new(&line, SquaredLoss, &data)?.regularization(1e12)?;
    let (_, variances) = predict(&line, &objective, &[0.0, 0.0], &[0.0, 1.5])?;
    let l = x.len() as f64;
    let mean = x.iter().sum::<f64>() / l;
    let spread: f64 = x.iter().map(|x| (x - mean).powi(2)).sum();
    for (at, found) in [0.0, 1.5].into_iter().zip(&variances) {
        let exact = NOISE * NOISE * (1.0 / l + (at - mean).powi(2) / spread);
        println!("a line, at {at}: variance {found:.6e}, exact {exact:.6e}");
        assert!((found / exact - 1.0).abs() < 1e-6);
    }

    // A network, with a prior of variance 4.
    let net = Network::<f64>::new([1], |x| x.dense(20).tanh().dense(1))?;
    let c = l * 4.0 / (2.0 * NOISE * NOISE);
    let objective = Objective::new(&net, SquaredLoss, &data)?.regularization(c)?;
    let newton = NewtonCg::default()
        .iterations(200)
        .gradient_tolerance(1e-6)
        .sampling(Everything)
        .damping(LevenbergMarquardt::default().initial(0.1)?);
    let report = newton.train(&objective, net.init(3))?;
    println!(
        "trained: f {:.5}, |g| {:.1e}",
        report.value, report.gradient_norm
    );

    let points: Vec<f64> = (-15..=15).map(|i| f64::from(i) / 10.0).collect();
    let (means, variances) = predict(&net, &objective, &report.theta, &points)?;
    println!("    x      mean    ± of f    ± of y");
    for ((x, mean), v) in points.iter().zip(&means).zip(&variances) {
        let with_noise = (v + NOISE * NOISE).sqrt();
        println!("{x:5.1} {mean:9.3} {:9.3} {with_noise:9.3}", v.sqrt());
    }
    // Doubt is small on the data, larger in the gap between them and beyond their ends.
    let at = |x: f64| variances[(10.0 * (x + 1.5)).round() as usize].sqrt();
    assert!(at(-0.6) < NOISE && at(0.7) < NOISE);
    assert!(at(0.1) > 2.0 * at(-0.6) && at(0.1) > 2.0 * at(0.7));
    assert!(at(1.5) > at(1.2) && at(1.2) > at(0.9));

    // 400 new targets: about 95 of 100 lie within two standard deviations.
    let (x, y) = draw(400, 2);
    let (means, variances) = predict(&net, &objective, &report.theta, &x)?;
    let within = means
        .iter()
        .zip(&variances)
        .zip(&y)
        .filter(|((z, v), y)| (*z - *y).abs() < 2.0 * (*v + NOISE * NOISE).sqrt());
    let share = within.count() as f64 / y.len() as f64;
    println!(
        "{:.1} % of 400 new targets lie within ±2 standard deviations",
        100.0 * share
    );
    assert!((0.92..0.98).contains(&share));
    Ok(())
}
