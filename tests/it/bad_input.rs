//! What bad input gets: an error that names the offender and says what to do. Files are tested
//! where they are read (`crates/data/tests`), the command line in `crates/cli/tests`.

use osculant::data::Dataset;
use osculant::prelude::*;

fn net() -> Network<f64> {
    Network::new([2], |x| x.dense(4).tanh().dense(3)).unwrap()
}

fn data() -> Labelled<f64> {
    Labelled::new([2], vec![0.5, 1.0, -1.0, 0.25], vec![2, 0]).unwrap()
}

/// The message of an error, which must contain every one of these.
fn says<T, E: std::fmt::Display>(result: Result<T, E>, parts: &[&str]) {
    let Err(error) = result else {
        panic!("accepted, though it should say {parts:?}")
    };
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

#[test]
fn shapes_that_do_not_fit_name_the_line_the_layer_both_shapes_and_a_hint() {
    let line = line!() + 1;
    let broken = Network::<f32>::new([28, 28, 1], |x| x.conv2d(4, 30).flatten().dense(10));
    let place = format!("bad_input.rs:{line}");
    says(
        broken,
        &[&place, "conv1", "[28, 28, 1]", "[30, 30, 1, 4]", "padd"],
    );
    says(
        Network::<f32>::new([4], |x| x.dense(3) + x.dense(2)),
        &["bad_input.rs", "add", "[3]", "[2]"],
    );
}

#[test]
fn only_the_first_mistake_is_reported() {
    let broken = Network::<f32>::new([4], |x| x.reshape([5]).conv2d(3, 3).dense(2).relu());
    says(broken, &["reshape", "[4]", "[5]"]);
}

#[test]
fn a_data_set_without_examples_is_refused() {
    says(
        Labelled::<f64>::new([2], vec![], vec![]),
        &["number of examples", "at least one"],
    );
    says(
        Dataset::new([2], vec![], vec![], 3),
        &["no examples", "at least one"],
    );
}

#[test]
fn inputs_of_another_size_than_the_network_takes_are_refused() {
    let wide = Labelled::new([3], vec![0.0; 3], vec![0]).unwrap();
    says(
        Objective::new(&net(), SoftmaxCrossEntropy, &wide),
        &["input", "3", "2"],
    );
}

#[test]
fn a_label_out_of_range_names_the_example_the_label_and_the_classes() {
    let data = Labelled::new([2], vec![0.0; 4], vec![0, 7]).unwrap();
    let parts = ["example 1", "label 7", "3 classes", "0 to 2"];
    says(Objective::new(&net(), SoftmaxCrossEntropy, &data), &parts);
    says(Objective::new(&net(), OnLabels(SquaredLoss), &data), &parts);
    says(
        Dataset::new([1], vec![0.0; 2], vec![0, 9], 3),
        &["example 1", "9", "3"],
    );
}

#[test]
fn nan_and_infinity_in_data_name_the_example_and_the_index() {
    for bad in [f64::NAN, f64::INFINITY] {
        let inputs = vec![0.0, 0.0, 0.0, bad];
        let parts = ["example 1", "index 1", "must be finite"];
        says(Labelled::new([2], inputs, vec![0, 1]), &parts);
    }
    says(
        Paired::new([1], vec![1.0, 2.0], 1, vec![0.0, f64::NAN]),
        &["example 1", "target"],
    );
}

#[test]
fn nan_in_theta_or_v_is_refused_at_the_door() {
    let (net, data) = (net(), data());
    let objective = Objective::new(&net, SoftmaxCrossEntropy, &data).unwrap();
    let theta = net.init(0);
    let mut broken = theta.clone();
    broken[5] = f64::NAN;
    let parts = ["theta", "NaN", "index 5", "must be finite"];
    says(objective.value(&broken), &parts);
    says(objective.at(&broken), &parts);
    says(net.forward(&broken, &[0.0, 0.0]), &parts);
    says(
        NewtonCg::default().train(&objective, broken.clone()),
        &parts,
    );
    let g = objective.at(&theta).unwrap().gauss_newton().unwrap();
    says(g.apply(&broken), &["v is NaN", "index 5"]);
    says(
        g.apply(&theta[1..]),
        &["vector v", &(theta.len() - 1).to_string()],
    );
}

#[test]
fn nan_that_arises_in_an_op_names_the_op_its_line_and_the_example() {
    let line = line!() + 1;
    let net = Network::<f64>::new([2], |x| x.dense(3).log().dense(3)).unwrap();
    let data = data();
    let objective = Objective::new(&net, SoftmaxCrossEntropy, &data).unwrap();
    let mut theta = net.init(0);
    theta[6..9].copy_from_slice(&[9.0, 9.0, -9.0]);
    let place = format!("bad_input.rs:{line}");
    let parts = ["value of log", &place, "NaN", "example 0", "domain"];
    says(objective.at(&theta).unwrap().gradient().map(|_| ()), &parts);
    says(objective.at(&theta).unwrap().gauss_newton(), &parts);
    says(NewtonCg::default().train(&objective, theta.clone()), &parts);
    // A line search asks for the value alone, and gets one that it will reject.
    assert!(objective.value(&theta).unwrap().is_nan());
}

#[test]
fn a_regularization_constant_that_is_not_above_zero_is_refused() {
    let (net, data) = (net(), data());
    for c in [0.0, -1.0, f64::NAN] {
        let objective = Objective::new(&net, SoftmaxCrossEntropy, &data).unwrap();
        let parts = ["regularization constant C", &c.to_string(), "above 0"];
        says(objective.regularization(c), &parts);
    }
}

#[test]
fn a_subset_must_exist() {
    let (net, data) = (net(), data());
    let objective = Objective::new(&net, SoftmaxCrossEntropy, &data).unwrap();
    let theta = net.init(0);
    let model = objective.at(&theta).unwrap();
    says(model.gauss_newton_on(&[]), &["at least one example"]);
    says(model.gauss_newton_on(&[0, 2]), &["is 2", "2 examples"]);
}

#[test]
fn what_would_not_fit_in_memory_is_refused_with_its_size() {
    let (net, data) = (net(), data());
    let objective = Objective::new(&net, SoftmaxCrossEntropy, &data).unwrap();
    let model = objective.at(&net.init(0)).unwrap();
    says(
        model.jacobian().unwrap().explicit(100),
        &["explicit Jacobian", "100", "products"],
    );
    says(
        model.per_example_gradients(100),
        &["per-example gradients", "100"],
    );
}

#[test]
fn unknown_parameters_and_duplicate_names_are_named() {
    says(
        net().view(&net().init(0), "dense7.weight"),
        &["dense7.weight", "dense1.weight"],
    );
    let twice = Network::<f32>::new([2], |x| {
        let w = x.param("w", [2], Init::Zeros);
        x * w * x.param("w", [2], Init::Zeros)
    });
    says(twice, &["`w`", "first at", "second at", "bad_input.rs"]);
}
