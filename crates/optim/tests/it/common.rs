//! A small regression that trainers are tried on.

use osculant_layers::{Layers, Network};
use osculant_optim::examples::Paired;
use osculant_tape::Scalar;

pub fn net<T: Scalar>() -> Network<T> {
    Network::new([2], |x| x.dense(6).tanh().dense(1)).unwrap()
}

/// So many pairs of numbers, and something above the product of each pair.
pub fn data<T: Scalar>(examples: u32) -> Paired<T> {
    let x: Vec<f64> = (0..2 * examples)
        .map(|i| (0.7 * f64::from(i)).sin())
        .collect();
    let y = x.chunks(2).map(|x| T::from_f64(x[0] * x[1] + 0.3));
    let y = y.collect();
    Paired::new([2], x.iter().map(|&x| T::from_f64(x)).collect(), 1, y).unwrap()
}
