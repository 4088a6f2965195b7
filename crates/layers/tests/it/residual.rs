use crate::{assert_close, names};
use osculant_layers::prelude::*;

fn main_branch() -> Sequential<f64> {
    Sequential::new()
        .then(Dense::new(5))
        .then(Tanh)
        .then(Dense::new(4))
}

#[test]
fn declares_the_main_branch_first() -> Result<(), GraphError> {
    let block = Residual::new(main_branch()).shortcut(Dense::new(4).no_bias());
    let net = Network::new([3], |x| x.layer(block))?;
    let expected = [
        "residual1.main.dense1.weight",
        "residual1.main.dense1.bias",
        "residual1.main.dense2.weight",
        "residual1.main.dense2.bias",
        "residual1.shortcut.weight",
    ];
    assert_eq!(names(&net), expected);
    Ok(())
}

#[test]
fn is_the_sum_of_its_branches() -> Result<(), GraphError> {
    let x = [0.5, -0.25, 2.0];
    let net = Network::new([3], |x| {
        x.layer(Residual::new(main_branch()).shortcut(Dense::new(4)))
    })?;
    let main = Network::new([3], |x| x.layer(main_branch()))?;
    let shortcut = Network::new([3], |x| x.dense(4))?;
    let theta: Vec<f64> = (0..net.len()).map(|i| (i as f64).cos()).collect();
    let (a, b) = theta.split_at(main.len());
    let (a, b) = (main.forward(a, &x)?, shortcut.forward(b, &x)?);
    let sum: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
    assert_close(&net.forward(&theta, &x)?, &sum);
    Ok(())
}

#[test]
fn without_a_shortcut_adds_its_operand() -> Result<(), GraphError> {
    let x = [0.5, -0.25, 2.0, 1.0];
    let net = Network::new([4], |x| x.layer(Residual::new(main_branch())))?;
    let main = Network::new([4], |x| x.layer(main_branch()))?;
    let theta = net.init(5);
    let mut sum = main.forward(&theta, &x)?;
    sum.iter_mut().zip(&x).for_each(|(y, x)| *y += x);
    assert_close(&net.forward(&theta, &x)?, &sum);
    Ok(())
}

#[test]
fn branches_of_different_shapes_are_refused_even_if_they_could_be_broadcast() {
    let net = Network::<f64>::new([6, 6, 4], |x| x.layer(Residual::new(GlobalAvgPool)));
    let message = net.expect_err("a mistake").to_string();
    assert!(
        message.contains("residual in layer `residual1`"),
        "{message}"
    );
    assert!(message.contains("[4] and [6, 6, 4]"), "{message}");
}
