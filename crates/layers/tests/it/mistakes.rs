//! A mistake surfaces once, with the user's line, the layer, the shapes and a hint.

use osculant_layers::prelude::*;
use osculant_tape::linearize::Budget;

/// The message of a network that cannot be.
fn mistake<T: Scalar>(net: Result<Network<T>, GraphError>) -> String {
    net.expect_err("a mistake").to_string()
}

#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

#[test]
fn a_convolution_of_a_vector() {
    let line = line!() + 1;
    let message = mistake(Network::<f32>::new([10], |x| x.conv2d(4, 3).relu()));
    let place = format!("{}:{line}: ", file!());
    assert!(message.starts_with(&place), "{message}");
    assert_says(
        &message,
        &[
            "conv2d in layer `conv1` of [10]",
            "[height, width, channels]",
            "`reshape`",
        ],
    );
}

#[test]
fn a_kernel_larger_than_the_image() {
    let message = mistake(Network::<f32>::new([4, 9, 1], |x| {
        x.conv2d(4, 3).conv2d(8, 5)
    }));
    assert_says(
        &message,
        &[
            file!(),
            "conv2d in layer `conv2` of [2, 7, 4] and [5, 5, 4, 8]",
            "5 rows",
            "smaller kernel",
        ],
    );
}

#[test]
fn groups_that_do_not_divide_the_channels() {
    let message = mistake(Network::<f32>::new([4, 4, 3], |x| {
        x.layer(Conv2d::new(4, 3).groups(2))
    }));
    assert_says(
        &message,
        &[
            "`conv1` of [4, 4, 3]",
            "2 groups, 3 input channels and 4 output",
        ],
    );
    let message = mistake(Network::<f32>::new([4, 4, 3], |x| {
        x.layer(Conv2d::new(4, 3).groups(0))
    }));
    assert_says(&message, &["0 groups"]);
}

#[test]
fn options_of_zero() {
    let dense = mistake(Network::<f32>::new([4], |x| x.dense(0)));
    assert_says(&dense, &[file!(), "`dense1.weight`", "[4, 0]"]);
    let conv = |conv: Conv2d| mistake(Network::<f32>::new([4, 4, 3], |x| x.layer(conv)));
    assert_says(
        &conv(Conv2d::new(2, [0, 1])),
        &["`conv1.weight`", "[0, 1, 3, 2]"],
    );
    assert_says(
        &conv(Conv2d::new(2, 1).stride(0)),
        &["`conv1`", "stride is [0, 0]"],
    );
    assert_says(
        &conv(Conv2d::new(2, 1).dilation([1, 0])),
        &["dilation is [1, 0]"],
    );
    let pool = mistake(Network::<f32>::new([4, 4, 3], |x| {
        x.layer(MaxPool2d::new(0))
    }));
    assert_says(&pool, &["layer `max_pool1` of [4, 4, 3]"]);
}

#[test]
fn a_dense_layer_of_a_single_number() {
    let message = mistake(Network::<f32>::new([3], |x| x.sum().dense(2)));
    assert_says(
        &message,
        &[file!(), "dense in layer `dense1` of []", "reshape x to [1]"],
    );
}

#[test]
fn a_bound_layer_on_another_shape() {
    let message = mistake(Network::<f32>::new([4], |x| {
        let d = Dense::new(3).bind(x);
        d.apply(d.apply(x))
    }));
    assert_says(
        &message,
        &[file!(), "dense in layer `dense1` of [3] and [4, 3]"],
    );
}

#[test]
fn inside_a_users_layer_the_outermost_call_is_blamed() {
    let block = layer_fn(|x: Var<f32>| x.dense(3).conv2d(1, 1)).named("block");
    let line = line!() + 1;
    let message = mistake(Network::new([4], |x| x.layer(block)));
    assert_says(
        &message,
        &[
            &format!("{}:{line}:", file!()),
            "layer `block1.conv1` of [3]",
        ],
    );
}

#[test]
fn the_first_mistake_is_the_one_reported() {
    let message = mistake(Network::<f32>::new([10], |x| {
        let x = x.conv2d(4, 3).max_pool2d(2);
        let x = x.layer(Conv2d::new(2, 2).same()).flatten();
        x.layer(Residual::new(Dense::new(3))).dense(0)
    }));
    assert_says(&message, &["layer `conv1` of [10]"]);
}

#[test]
fn two_parameters_of_one_name() {
    let first = line!() + 2;
    let net = Network::<f32>::new([4], |x| {
        let y = x.scope("head", |x| Dense::new(4).forward(x));
        y.scope("head", |x| Dense::new(4).forward(x))
    });
    let (a, b) = (
        format!("{}:{first}", file!()),
        format!("{}:{}", file!(), first + 1),
    );
    assert_says(&mistake(net), &["`head.weight`", &a, &b]);
}

#[test]
fn an_input_that_holds_nothing() {
    let line = line!() + 1;
    let message = mistake(Network::<f32>::new([4, 0], |x| x.dense(1)));
    assert_says(&message, &[&format!("{}:{line}:", file!()), "[4, 0]"]);
    let message = mistake(Network::<f32>::new([usize::MAX, 2], |x| x.dense(1)));
    assert_says(&message, &[file!(), "[18446744073709551615, 2]"]);
}

#[test]
fn more_parameters_than_any_memory_holds() {
    let huge = usize::MAX / 2;
    assert_says(
        &mistake(Network::<f32>::new([1], |x| x.dense(huge))),
        &["`dense1.weight`"],
    );
    assert_says(
        &mistake(Network::<f32>::new([8], |x| x.dense(huge))),
        &["`dense1.weight`"],
    );
    let huge = 1 << 60;
    let net = Network::<f32>::new([1], |x| x.dense(huge).dense(1));
    assert_says(&mistake(net), &["`dense1.bias`", "any memory"]);
    let net = Network::<f32>::new([8, 8, 1], |x| x.conv2d(1, usize::MAX));
    assert_says(&mistake(net), &["`conv1.weight`"]);
    let net = Network::<f32>::new([8, 8, 1], |x| {
        x.layer(Conv2d::new(1, 1).pad(usize::MAX).same().stride(usize::MAX))
    });
    assert!(net.is_ok());
    // One output, so that the stride is never taken; and a dilation between no two taps.
    for (stride, dilation) in [(usize::MAX, 1), (3, usize::MAX)] {
        let net = Network::<f32>::new([8, 8, 1], |x| {
            let last = Conv2d::new(2, 1).stride(stride).dilation(dilation);
            x.conv2d(1, 3).layer(last).flatten()
        })
        .unwrap();
        let theta = vec![1.0; net.len()];
        let z = net.forward(&theta, &[1.0; 64]).unwrap();
        let feed = |_: usize, x: &mut [f32]| x.fill(1.0);
        let lin = net
            .graph()
            .linearize(&theta, &feed, &[0], Budget::default())
            .unwrap();
        let mut gradient = vec![0.0; net.len()];
        lin.vjp_into(&vec![1.0; z.len()], &mut gradient).unwrap();
        assert!(gradient.iter().all(|g| *g != 0.0), "{gradient:?}");
    }
    let net = Network::<f32>::new([8, 8, 1], |x| x.layer(Conv2d::new(1, 1).pad(usize::MAX)));
    assert_says(&mistake(net), &["layer `conv1`", "too many to count"]);
}

#[test]
fn a_bound_layer_on_another_tape() {
    let net = Network::<f32>::new([3], |x| {
        let other = Tape::new();
        let foreign = Dense::new(3).bind(other.input([3]));
        foreign.apply(x);
        x
    });
    assert_says(
        &mistake(net),
        &[file!(), "dense mixes variables of two tapes"],
    );
}

#[test]
fn vectors_that_do_not_fit() -> Result<(), GraphError> {
    let mut net = Network::<f64>::new([3], |x| x.dense(2))?;
    let theta = net.init(0);
    let says = |e: GraphError, parts: &[&str]| assert_says(&e.to_string(), parts);
    let inputs = net.forward(&theta, &[0.0; 7]).expect_err("a mistake");
    says(inputs, &["`inputs` has 7 numbers where 6", "multiple of 3"]);
    let inputs = net.forward(&theta, &[0.0; 2]).expect_err("a mistake");
    says(inputs, &["2 numbers where 3"]);
    let short = net.forward(&theta[1..], &[0.0; 3]).expect_err("a mistake");
    says(short, &["theta has 7 numbers where 8"]);
    let nan = net
        .forward(&theta, &[0., 0., 0., 0., f64::NAN, 0.])
        .expect_err("a mistake");
    says(nan, &["input of example 1 is NaN at index 1"]);
    let nan = net
        .forward(&[f64::INFINITY; 8], &[0.0; 3])
        .expect_err("a mistake");
    says(nan, &["theta is inf at index 0"]);
    let name = net.view(&theta, "dense1.wieght").expect_err("a mistake");
    says(name, &["`dense1.wieght`", "dense1.weight, dense1.bias"]);
    let name = net.freeze(&theta, "*.gain").expect_err("a mistake");
    says(name, &["`*.gain`", "dense1.weight"]);
    let name = net.exempt("dense2").expect_err("a mistake");
    says(name, &["`dense2`"]);
    let short = net.freeze(&theta[1..], "*.bias").expect_err("a mistake");
    says(short, &["7 numbers where 8"]);
    let values = net
        .set(&mut theta.clone(), "dense1.bias", &[1.0; 3])
        .expect_err("a mistake");
    says(values, &["`dense1.bias` has 3 numbers where 2", "[2]"]);
    Ok(())
}

#[test]
fn an_output_that_is_not_finite_names_the_layer_where_it_arises() -> Result<(), GraphError> {
    let net = Network::<f32>::new([1], |x| x.dense(1).dense(1))?;
    let e = net
        .forward(&[1e30, 0.0, 1e30, 0.0], &[1.0])
        .expect_err("a mistake");
    assert_says(&e.to_string(), &["`dense2`", "inf", "example 0"]);
    Ok(())
}
