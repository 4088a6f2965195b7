use crate::names;
use osculant_layers::prelude::*;
use std::sync::Arc;

/// A user's layer with a layer inside.
struct Block {
    width: usize,
    inner: Dense,
}

impl<T: Scalar> Layer<T> for Block {
    fn name(&self) -> &str {
        "block"
    }
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let h = x.scope("inner", |x| self.inner.forward(x)).relu();
        x + h.dense(self.width)
    }
}

#[test]
fn a_users_layer_names_its_parameters_by_scope() -> Result<(), GraphError> {
    let block = Block {
        width: 3,
        inner: Dense::new(5).no_bias(),
    };
    let net = Network::<f32>::new([3], |x| x.layer(&block).layer(&block))?;
    let expected = [
        "block1.inner.weight",
        "block1.dense1.weight",
        "block1.dense1.bias",
        "block2.inner.weight",
        "block2.dense1.weight",
        "block2.dense1.bias",
    ];
    assert_eq!(names(&net), expected);
    Ok(())
}

#[test]
fn boxes_references_and_arcs_of_layers_are_layers() -> Result<(), GraphError> {
    let boxed: Box<dyn Layer<f32>> = Box::new(Dense::new(2));
    let arc: Arc<dyn Layer<f32>> = Arc::new(Dense::new(2));
    let net = Network::<f32>::new([3], |x| x.layer(&boxed).layer(&arc).layer(boxed))?;
    assert_eq!(net.params().len(), 8 + 6 + 6);
    assert_eq!(names(&net)[4], "dense3.weight");
    Ok(())
}

#[test]
fn a_closure_is_a_layer_when_wrapped() -> Result<(), GraphError> {
    let twice = layer_fn(|x: Var<f64>| x * 2.0);
    let net = Network::new([2], |x| x.layer(&twice).layer(&twice))?;
    assert_eq!(net.forward(&[], &[1.0, -3.0])?, [4.0, -12.0]);
    Ok(())
}

#[test]
fn scopes_by_hand_give_names_by_hand() -> Result<(), GraphError> {
    let net = Network::<f32>::new([3], |x| {
        x.scope("encoder", |x| x.dense(2).dense(2))
            .scope("head", |x| Dense::new(1).forward(x))
    })?;
    assert_eq!(names(&net)[2], "encoder.dense2.weight");
    assert_eq!(names(&net)[4], "head.weight");
    Ok(())
}

/// A layer with numbers that no trainer changes.
struct Center;

impl<T: Scalar> Layer<T> for Center {
    fn name(&self) -> &str {
        "center"
    }
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        x - x.tape().buffer("mean", x.shape(), Init::Constant(1.0))
    }
}

#[test]
fn a_buffer_is_seen_and_set_but_no_part_of_theta() -> Result<(), GraphError> {
    let mut net = Network::<f64>::new([2], |x| x.layer(Center).dense(1))?;
    assert_eq!(net.len(), 3);
    let mut theta = vec![1.0, 1.0, 0.0];
    assert_eq!(net.view(&theta, "center1.mean")?, [1.0, 1.0]);
    assert_eq!(net.forward(&theta, &[3.0, 4.0])?, [5.0]);
    net.set(&mut theta, "center1.mean", &[3.0, 4.0])?;
    assert_eq!(net.forward(&theta, &[3.0, 4.0])?, [0.0]);
    assert_eq!(theta, [1.0, 1.0, 0.0]);
    assert!(net.summary().contains("center1.mean"));
    assert!(net.summary().contains("2 in buffers"));
    Ok(())
}
