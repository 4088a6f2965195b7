use crate::names;
use osculant_layers::prelude::*;

#[test]
fn numbers_its_layers_within_itself() -> Result<(), GraphError> {
    let block = Sequential::new()
        .then(Dense::new(3))
        .then(Relu)
        .then(Dense::new(3).no_bias());
    assert_eq!(block.len(), 3);
    assert_eq!(
        format!("{block:?}"),
        r#"Sequential ["dense", "relu", "dense"]"#
    );
    let net = Network::<f32>::new([2], |x| x.layer(&block).layer(&block).dense(1))?;
    let expected = [
        "sequential1.dense1.weight",
        "sequential1.dense1.bias",
        "sequential1.dense2.weight",
        "sequential2.dense1.weight",
        "sequential2.dense1.bias",
        "sequential2.dense2.weight",
        "dense1.weight",
        "dense1.bias",
    ];
    assert_eq!(names(&net), expected);
    Ok(())
}

#[test]
fn is_collected_from_boxes() -> Result<(), GraphError> {
    let boxes: Vec<Box<dyn Layer<f64>>> = vec![Box::new(Dense::new(2)), Box::new(Tanh)];
    let layers: Sequential<f64> = boxes.into_iter().collect();
    let net = Network::new([2], |x| layers.forward(x))?;
    assert_eq!(names(&net), ["dense1.weight", "dense1.bias"]);
    Ok(())
}

#[test]
fn without_layers_changes_nothing() -> Result<(), GraphError> {
    let none = Sequential::<f64>::default();
    assert!(none.is_empty());
    let net = Network::new([2], |x| x.layer(none))?;
    assert_eq!(net.forward(&[], &[1.0, 2.0])?, [1.0, 2.0]);
    Ok(())
}
