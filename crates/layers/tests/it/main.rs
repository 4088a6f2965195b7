//! What layers and networks promise, one module for each source file.

mod conv2d;
mod dense;
mod describe;
mod layer;
mod mistakes;
mod network;
mod pool_and_activation;
mod residual;
mod sequential;

use osculant_layers::Network;
use osculant_tape::Scalar;

/// The names of all parameters and buffers, in order.
fn names<T: Scalar>(net: &Network<T>) -> Vec<&str> {
    net.params().slices().iter().map(|s| s.name()).collect()
}

/// The shapes of all parameters and buffers, in order.
fn shapes<T: Scalar>(net: &Network<T>) -> Vec<Vec<usize>> {
    let slices = net.params().slices().iter();
    slices.map(|s| s.shape().to_vec()).collect()
}

/// The mean and the standard deviation.
fn moments(x: &[f64]) -> [f64; 2] {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    [mean, variance.sqrt()]
}

fn assert_close(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-12 * (1.0 + b.abs()), "{a} is not {b}");
    }
}
