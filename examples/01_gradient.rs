//! Lesson 1: the gradient of a function, in 20 lines.
//!
//! `cargo run --release --example 01_gradient`

use osculant::prelude::*;

fn main() -> Result<(), GraphError> {
    // Log-sum-exp, the smooth maximum of three numbers. `x` reads like a number, and is recorded.
    let f = Function::<f64>::new([3], |x| x.exp().sum().log())?;

    let at = f.at(&[1.0, 2.0, 3.0])?;
    let (value, gradient) = (at.value(), at.gradient()?);
    println!("f(1, 2, 3)  = {value:.6}");
    println!("∇f(1, 2, 3) = {gradient:.6?}");

    // Its gradient is the softmax: positive numbers that sum to 1.
    for (x, g) in [1.0f64, 2.0, 3.0].into_iter().zip(&gradient) {
        assert!((g - (x - value).exp()).abs() < 1e-15);
    }
    Ok(())
}
