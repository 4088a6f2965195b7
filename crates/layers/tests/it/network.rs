use crate::names;
use osculant_layers::prelude::*;

fn small() -> Network<f64> {
    Network::new([6, 6, 2], |x| {
        let x = x.conv2d(3, 3).relu().max_pool2d(2);
        x.flatten().dense(4).tanh().dense(2)
    })
    .expect("a network")
}

fn input(examples: usize) -> Vec<f64> {
    (0..examples * 72)
        .map(|i| (i as f64 * 0.37).sin())
        .collect()
}

#[test]
fn knows_its_shapes() {
    let net = small();
    assert_eq!(net.input_shapes(), [[6, 6, 2].into()]);
    assert_eq!(net.input_size(), 72);
    assert_eq!(**net.output_shape(), [2]);
    assert_eq!(net.len(), (54 + 3) + (48 + 4) + (8 + 2));
    assert!(!net.is_empty());
    let ranges = net.params().slices().iter().map(|s| s.range());
    let starts: Vec<_> = ranges.map(|r| r.map(|r| r.start)).collect();
    assert_eq!(starts, [0, 54, 57, 105, 109, 117].map(Some));
}

#[test]
fn init_depends_on_the_seed_alone() {
    assert_eq!(small().init(1), small().init(1));
    assert_ne!(small().init(1), small().init(2));
}

#[test]
fn equal_layers_begin_differently() -> Result<(), GraphError> {
    let net = Network::<f64>::new([3], |x| x.dense(3).dense(3))?;
    let theta = net.init(0);
    let [a, b] = ["dense1.weight", "dense2.weight"].map(|name| net.view(&theta, name));
    assert_ne!(a?, b?);
    Ok(())
}

#[test]
fn many_examples_are_each_what_they_are_alone() -> Result<(), GraphError> {
    let (net, x) = (small(), input(7));
    let theta = net.init(0);
    let together = net.forward(&theta, &x)?;
    let alone: Result<Vec<_>, _> = x.chunks(72).map(|x| net.forward(&theta, x)).collect();
    crate::assert_close(&together, &alone?.concat());
    assert!(net.forward(&theta, &[])?.is_empty());
    Ok(())
}

#[test]
fn several_inputs_lie_one_after_the_other() -> Result<(), GraphError> {
    let net = Network::<f64>::build(|tape| {
        let (a, b) = (tape.input([2]), tape.input([2, 1]));
        a.dense(1) - b.flatten().layer(Dense::new(1).no_bias())
    })?;
    assert_eq!(net.input_shapes(), [[2].into(), [2, 1].into()]);
    let y = net.forward(&[1., 10., 0.5, 100., 1000.], &[1., 2., 3., 4.])?;
    assert_eq!(y, [21.5 - 4300.0]);
    Ok(())
}

#[test]
fn freezing_shortens_theta_and_changes_no_output() -> Result<(), GraphError> {
    let (mut net, x) = (small(), input(3));
    let full = net.init(4);
    let before = net.forward(&full, &x)?;
    let weight = net.view(&full, "conv1.weight")?.to_vec();

    let theta = net.freeze(&full, "conv1")?;
    assert_eq!((theta.len(), net.len()), (62, 62));
    assert_eq!(net.forward(&theta, &x)?, before);
    assert_eq!(net.view(&theta, "conv1.weight")?, weight);
    assert_eq!(net.view(&theta, "dense2.bias")?, [0.0; 2]);
    assert!(!net.params().get("conv1.bias")?.is_trained());
    assert_eq!(names(&net).len(), 6);

    let theta = net.unfreeze(&theta, "conv1")?;
    assert_eq!(theta, full);
    assert_eq!(net.forward(&theta, &x)?, before);
    Ok(())
}

#[test]
fn a_pattern_freezes_all_biases() -> Result<(), GraphError> {
    let mut net = small();
    let full = net.init(4);
    let theta = net.freeze(&full, "*.bias")?;
    assert_eq!(theta.len(), 54 + 48 + 8);
    assert_eq!(net.unfreeze(&theta, "*.bias")?, full);
    Ok(())
}

#[test]
fn frozen_parameters_are_set_where_they_are_kept() -> Result<(), GraphError> {
    let mut net = Network::<f64>::new([1], |x| x.dense(1))?;
    let mut theta = net.freeze(&[2.0, 0.0], "dense1.weight")?;
    net.set(&mut theta, "dense1.weight", &[5.0])?;
    assert_eq!(theta, [0.0]);
    assert_eq!(net.forward(&theta, &[3.0])?, [15.0]);
    Ok(())
}

#[test]
fn regularization_covers_all_but_the_exempt() -> Result<(), GraphError> {
    let mut net = small();
    let covered = |net: &Network<f64>| -> Vec<String> {
        let slices = net.params().slices().iter();
        let covered = slices.filter(|s| s.is_regularized());
        covered.map(|s| s.name().to_string()).collect()
    };
    assert_eq!(covered(&net).len(), 6);
    net.exempt("*.bias")?;
    assert_eq!(
        covered(&net),
        ["conv1.weight", "dense1.weight", "dense2.weight"]
    );
    net.exempt("conv1")?;
    net.exempt("dense2.weight")?;
    assert_eq!(covered(&net), ["dense1.weight"]);
    assert!(net.summary().contains("not regularized"));
    Ok(())
}

#[test]
fn a_clone_freezes_by_itself() -> Result<(), GraphError> {
    let net = small();
    let mut clone = net.clone();
    clone.freeze(&net.init(0), "conv1")?;
    assert_eq!((net.len(), clone.len()), (119, 62));
    Ok(())
}

#[test]
fn without_inputs_a_network_has_one_output() -> Result<(), GraphError> {
    let net = Network::<f64>::build(|tape| tape.param("c", [2], Init::Constant(3.0)))?;
    assert_eq!(net.forward(&net.init(0), &[])?, [3.0, 3.0]);
    assert!(net.forward(&net.init(0), &[1.0]).is_err());
    Ok(())
}

#[test]
fn a_network_can_be_shared_by_threads() {
    fn shareable<S: Send + Sync>() {}
    shareable::<Network<f32>>();
    shareable::<Sequential<f64>>();
}
