use crate::{assert_close, names, shapes};
use osculant_layers::describe::{
    DescribeError, LayerDescription, NAMED, NetworkDescription, named,
};
use osculant_layers::prelude::*;

/// Every type of layer, with everything said that can be.
const ALL: &str = r#"{
    "name": "keys beside the two are ignored",
    "input_shape": [12, 10, 2],
    "layers": [
        {"type": "conv2d", "in_channels": 2, "out_channels": 4, "kernel": [3, 2], "stride": [1, 1],
         "padding": [1, 0], "dilation": [1, 2], "groups": 2, "bias": false},
        {"type": "relu"},
        {"type": "maxpool2d", "kernel": [2, 2], "stride": [2, 1], "padding": [0, 1], "ceil_mode": true},
        {"type": "leaky_relu", "slope": 0.125},
        {"type": "residual",
         "main": [{"type": "conv2d", "in_channels": 4, "out_channels": 3, "kernel": [3, 3],
                   "stride": [1, 1], "padding": "same", "bias": true},
                  {"type": "gelu"}],
         "shortcut": [{"type": "conv2d", "in_channels": 4, "out_channels": 3, "kernel": [1, 1],
                       "stride": [1, 1], "padding": "valid", "bias": true}]},
        {"type": "avgpool2d", "kernel": [2, 2], "stride": [1, 1], "padding": [1, 1],
         "ceil_mode": true, "count_include_pad": false},
        {"type": "silu"},
        {"type": "conv2d", "in_channels": 3, "out_channels": 3, "kernel": [2, 2], "stride": [1, 1],
         "padding": {"top": 1, "bottom": 0, "left": 0, "right": 1}, "bias": true},
        {"type": "softplus"},
        {"type": "global_avgpool2d"},
        {"type": "dense", "in": 3, "out": 5, "bias": true, "init": "glorot"},
        {"type": "tanh"},
        {"type": "residual", "main": [{"type": "dense", "in": 5, "out": 5, "bias": false}],
         "shortcut": []},
        {"type": "sigmoid"},
        {"type": "flatten"}
    ]
}"#;

fn mistake(layers: &str) -> String {
    let text = format!(r#"{{"input_shape": [8, 8, 3], "layers": [{layers}]}}"#);
    let net = NetworkDescription::parse(&text).and_then(|d| d.build::<f32>());
    net.expect_err("a mistake").to_string()
}

#[track_caller]
fn assert_mistake(layers: &str, start: &str, parts: &[&str]) {
    let message = mistake(layers);
    assert!(message.starts_with(start), "{message}");
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
    assert!(!message.contains(".rs"), "a line of ours: {message}");
}

#[test]
fn every_layer_is_read_written_and_read_again() -> Result<(), DescribeError> {
    let description = NetworkDescription::parse(ALL)?;
    let again = NetworkDescription::parse(&description.to_json()?)?;
    assert_eq!(again, description);
    assert_eq!(again.to_json()?, description.to_json()?);
    Ok(())
}

#[test]
fn what_is_written_is_what_was_read() -> Result<(), Box<dyn std::error::Error>> {
    let written: serde_json::Value =
        serde_json::from_str(&NetworkDescription::parse(ALL)?.to_json()?)?;
    let read: serde_json::Value = serde_json::from_str(ALL)?;
    assert_eq!(written["input_shape"], read["input_shape"]);
    assert_eq!(written["layers"], read["layers"]);
    Ok(())
}

#[test]
fn parameters_stand_in_the_order_of_the_layers() -> Result<(), DescribeError> {
    let net = NetworkDescription::parse(ALL)?.build::<f32>()?;
    let expected = [
        ("conv1.weight", vec![3, 2, 1, 4]),
        ("residual1.main.conv1.weight", vec![3, 3, 4, 3]),
        ("residual1.main.conv1.bias", vec![3]),
        ("residual1.shortcut.conv1.weight", vec![1, 1, 4, 3]),
        ("residual1.shortcut.conv1.bias", vec![3]),
        ("conv2.weight", vec![2, 2, 3, 3]),
        ("conv2.bias", vec![3]),
        ("dense1.weight", vec![3, 5]),
        ("dense1.bias", vec![5]),
        ("residual2.main.dense1.weight", vec![5, 5]),
    ];
    assert_eq!(names(&net), expected.each_ref().map(|(name, _)| *name));
    assert_eq!(shapes(&net), expected.map(|(_, shape)| shape));
    assert_eq!(**net.output_shape(), [5]);
    Ok(())
}

#[test]
fn a_description_computes_what_the_same_code_does() -> Result<(), Box<dyn std::error::Error>> {
    let described = NetworkDescription::parse(ALL)?.build::<f64>()?;
    let coded = Network::<f64>::new([12, 10, 2], |x| {
        let first = Conv2d::new(4, [3, 2])
            .pad([1, 0])
            .dilation([1, 2])
            .groups(2);
        let pool = MaxPool2d {
            window: [2, 2],
            stride: [2, 1],
            padding: [0, 1],
            ceil_mode: true,
        };
        let x = x
            .layer(first.no_bias())
            .relu()
            .max_pool2d(pool)
            .leaky_relu(0.125);
        let x = x.layer(Conv2d::new(3, 3).same()).gelu() + x.conv2d(3, 1);
        let pool = AvgPool2d::new(2).stride(1).padding(1).ceil().exclude_pad();
        let last = Conv2d::new(3, 2).padding(Padding::Explicit {
            top: 1,
            bottom: 0,
            left: 0,
            right: 1,
        });
        let x = x.avg_pool2d(pool).silu().layer(last).softplus();
        let glorot = Dense::new(5).init(WeightInit::Glorot);
        let x = x.global_avg_pool().layer(glorot).tanh();
        (x.layer(Dense::new(5).no_bias()) + x).sigmoid()
    })?;
    let theta = described.init(3);
    let x: Vec<f64> = (0..2 * 240).map(|i| f64::sin(f64::from(i))).collect();
    assert_eq!(coded.init(3), theta);
    assert_close(&described.forward(&theta, &x)?, &coded.forward(&theta, &x)?);
    Ok(())
}

#[test]
fn what_can_be_inferred_may_be_left_out() -> Result<(), DescribeError> {
    let short = r#"{"input_shape": [9, 9, 2], "layers": [
        {"type": "conv2d", "out_channels": 4, "kernel": 3},
        {"type": "leaky_relu"},
        {"type": "maxpool2d", "kernel": [3, 2]},
        {"type": "avgpool2d", "kernel": 2},
        {"type": "flatten"},
        {"type": "residual", "main": []},
        {"type": "dense", "out": 3}
    ]}"#;
    let long = r#"{"input_shape": [9, 9, 2], "layers": [
        {"type": "conv2d", "in_channels": 2, "out_channels": 4, "kernel": [3, 3], "stride": 1,
         "padding": "valid", "dilation": 1, "groups": 1, "bias": true},
        {"type": "leaky_relu", "slope": 0.01},
        {"type": "maxpool2d", "kernel": [3, 2], "stride": [3, 2], "padding": 0, "ceil_mode": false},
        {"type": "avgpool2d", "kernel": [2, 2], "stride": 2},
        {"type": "flatten"},
        {"type": "residual", "main": [], "shortcut": []},
        {"type": "dense", "in": 4, "out": 3, "bias": true}
    ]}"#;
    let short = NetworkDescription::parse(short)?.build::<f64>()?;
    let long = NetworkDescription::parse(long)?.build::<f64>()?;
    assert_eq!(short.summary(), long.summary());
    let x: Vec<f64> = (0..162).map(|i| f64::cos(f64::from(i))).collect();
    let theta = short.init(1);
    assert_eq!(theta, long.init(1));
    assert_eq!(short.forward(&theta, &x)?, long.forward(&theta, &x)?);
    Ok(())
}

#[test]
fn padding_is_read_in_all_its_forms() -> Result<(), DescribeError> {
    let height = |padding: &str| {
        let text = format!(
            r#"{{"input_shape": [9, 9, 1], "layers": [
                {{"type": "conv2d", "out_channels": 1, "kernel": 4, "padding": {padding}}}]}}"#
        );
        let net = NetworkDescription::parse(&text)?.build::<f32>()?;
        Ok(net.output_shape().to_vec())
    };
    assert_eq!(height("0")?, [6, 6, 1]);
    assert_eq!(height("1")?, [8, 8, 1]);
    assert_eq!(height("[2, 0]")?, [10, 6, 1]);
    assert_eq!(height(r#""same""#)?, [9, 9, 1]);
    assert_eq!(height(r#""valid""#)?, [6, 6, 1]);
    assert_eq!(height(r#"{"top": 1, "right": 3}"#)?, [7, 9, 1]);
    for wrong in ["[1, 2, 3]", r#""full""#, "-1", "1.5", r#"{"above": 1}"#] {
        let mistake: Result<_, DescribeError> = height(wrong);
        let message = mistake.expect_err(wrong).to_string();
        assert!(message.starts_with("layers[0] (conv2d): "), "{message}");
    }
    Ok(())
}

#[test]
fn a_layer_written_wrongly_is_named_with_what_is_known() {
    let first = r#"{"type": "relu"}"#;
    assert_mistake(
        &format!(r#"{first}, {{"type": "convolution"}}"#),
        "layers[1] (convolution): unknown variant `convolution`",
        &["`conv2d`", "`residual`"],
    );
    assert_mistake(
        r#"{"type": "dense", "out": 3, "units": 4}"#,
        "layers[0] (dense): unknown field `units`",
        &["`in`", "`out`", "`bias`"],
    );
    assert_mistake(
        r#"{"type": "relu", "slope": 0.1}"#,
        "layers[0] (relu): unknown field `slope`",
        &[],
    );
    assert_mistake(
        r#"{"type": "dense"}"#,
        "layers[0] (dense): missing field `out`",
        &[],
    );
    assert_mistake(r#"{"out": 3}"#, "layers[0]: missing field `type`", &[]);
    assert_mistake("3", "layers[0]: 3 is no layer", &[]);
    assert_mistake(r#"["relu"]"#, r#"layers[0]: ["relu"] is no layer"#, &[]);
    assert_mistake(
        r#"{"type": "conv2d", "out_channels": 3, "kernel": [3]}"#,
        "layers[0] (conv2d): invalid length 1",
        &["[down, across]"],
    );
    assert_mistake(
        r#"{"type": "residual", "main": [{"type": "dense", "out": 3}, {"type": "rleu"}]}"#,
        "layers[0].main[1] (rleu): unknown variant `rleu`",
        &["`relu`"],
    );
    assert_mistake(
        r#"{"type": "residual", "shortcut": []}"#,
        "layers[0] (residual): missing field `main`",
        &[],
    );
    assert_mistake(
        r#"{"type": "residual", "main": 3}"#,
        "layers[0] (residual): invalid type",
        &[],
    );
}

#[test]
fn a_number_that_contradicts_the_layers_before_is_named_with_both_values() {
    assert_mistake(
        r#"{"type": "conv2d", "in_channels": 1, "out_channels": 2, "kernel": 3}"#,
        "layers[0] (conv2d): `in_channels` is 1, but the layer receives [8, 8, 3]",
        &["3;", "leave it out"],
    );
    assert_mistake(
        r#"{"type": "flatten"}, {"type": "residual", "main": [{"type": "dense", "out": 5},
            {"type": "dense", "in": 4, "out": 192}]}"#,
        "layers[1].main[1] (dense): `in` is 4, but the layer receives [5]",
        &[],
    );
}

#[test]
fn a_layer_that_does_not_fit_is_named_with_the_shapes() {
    assert_mistake(
        r#"{"type": "flatten"}, {"type": "conv2d", "out_channels": 2, "kernel": 3}"#,
        "layers[1] (conv2d): conv2d of [192]: it takes an image",
        &[],
    );
    assert_mistake(
        r#"{"type": "residual", "main": [{"type": "dense", "out": 5}]}, {"type": "flatten"}"#,
        "layers[0] (residual): residual of [8, 8, 5] and [8, 8, 3]",
        &["shortcut"],
    );
    assert_mistake(
        r#"{"type": "dense", "out": 0}"#,
        "layers[0] (dense): parameter `dense1.weight`",
        &["[3, 0]"],
    );
    assert_mistake(
        r#"{"type": "leaky_relu", "slope": -1}"#,
        "layers[0] (leaky_relu): ",
        &["slope", "-1"],
    );
    assert_mistake(
        r#"{"type": "maxpool2d", "kernel": 9}"#,
        "layers[0] (maxpool2d): max_pool2d of [8, 8, 3]",
        &["9"],
    );
}

#[test]
fn text_that_is_no_description_is_refused() {
    for (text, part) in [
        ("", "EOF"),
        ("[[3], []]", "an object with `input_shape`"),
        ("3", "an object with `input_shape`"),
        (r#"{"layers": []}"#, "missing field `input_shape`"),
        (r#"{"input_shape": [3]}"#, "missing field `layers`"),
        (r#"{"input_shape": 3, "layers": []}"#, "line 1"),
        (r#"{"input_shape": [-3], "layers": []}"#, "-3"),
    ] {
        let e = NetworkDescription::parse(text).expect_err(text);
        assert!(matches!(e, DescribeError::Json { .. }), "{e}");
        assert!(e.to_string().contains(part), "{e}");
    }
}

#[test]
fn deep_nesting_is_refused_not_overflowed() {
    let depth = 5000;
    let open = r#"{"type": "residual", "main": ["#.repeat(depth);
    let text = format!(
        r#"{{"input_shape": [1], "layers": [{open}{}]}}"#,
        "]}".repeat(depth)
    );
    let e = NetworkDescription::parse(&text).expect_err("too deep");
    assert!(e.to_string().contains("recursion limit"), "{e}");
}

#[test]
fn an_input_that_holds_nothing_is_refused() {
    for shape in [vec![0], vec![3, 0, 1], vec![usize::MAX, 2]] {
        let description = NetworkDescription {
            input_shape: shape,
            layers: Vec::new(),
        };
        let e = description.build::<f32>().expect_err("no input");
        assert!(matches!(e, DescribeError::Input { .. }), "{e}");
    }
}

#[test]
fn a_slope_that_json_cannot_hold_is_not_written() {
    let description = NetworkDescription {
        input_shape: vec![1],
        layers: vec![LayerDescription::Residual {
            main: vec![LayerDescription::LeakyRelu { slope: f64::NAN }],
            shortcut: Vec::new(),
        }],
    };
    let e = description.to_json().expect_err("no JSON");
    assert!(
        e.to_string()
            .starts_with("layers[0].main[0] (leaky_relu): slope is NaN"),
        "{e}"
    );
}

#[test]
fn named_networks_fit_the_input_and_the_outputs() -> Result<(), DescribeError> {
    for (name, _) in NAMED {
        let net = named(name, &[20, 16, 3], 7)?.build::<f32>()?;
        let outputs = if name.starts_with("autoencoder") {
            20 * 16 * 3
        } else {
            7
        };
        assert_eq!(**net.output_shape(), [outputs], "{name}");
    }
    let net = named("mlp: 8, 4", &[5], 2)?.build::<f32>()?;
    assert_eq!(net.len(), 48 + 36 + 10);
    let net = named("cnn4", &[28, 28, 1], 10)?.build::<f32>()?;
    assert_eq!(shapes(&net)[6], [3 * 3 * 64, 10]);
    let net = named("cnn4", &[32, 32, 3], 10)?.build::<f32>()?;
    assert_eq!(net.len(), 68_106);
    let net = named("cnn7", &[32, 32, 3], 10)?.build::<f32>()?;
    let widths = [32, 32, 64, 64, 64, 128].iter();
    let convolutions: Vec<_> = shapes(&net).into_iter().step_by(2).take(6).collect();
    assert!(convolutions.iter().zip(widths).all(|(s, w)| s[3] == *w));
    assert_eq!(convolutions[0], [5, 5, 3, 32]);
    assert_eq!(shapes(&net)[12], [4 * 4 * 128, 10]);
    Ok(())
}

#[test]
fn the_activation_of_an_mlp_is_relu_unless_it_is_said() -> Result<(), DescribeError> {
    let kinds = |name: &str| -> Result<Vec<&'static str>, DescribeError> {
        let description = named(name, &[5], 2)?;
        Ok(description
            .layers
            .iter()
            .map(|layer| layer.kind())
            .collect())
    };
    for activation in ["relu", "tanh", "sigmoid", "softplus", "gelu", "silu"] {
        let expected = ["flatten", "dense", activation, "dense", activation, "dense"];
        assert_eq!(kinds(&format!("mlp:8,4:{activation}"))?, expected);
    }
    assert_eq!(kinds("mlp:8,4")?, kinds("mlp:8,4:relu")?);
    assert_eq!(kinds("mlp:8:none")?, ["flatten", "dense", "dense"]);
    Ok(())
}

#[test]
fn an_autoencoder_goes_back_through_its_widths_and_its_code_is_linear() -> Result<(), DescribeError>
{
    let description = named("autoencoder:5,3,2", &[2, 4, 1], 10)?;
    let kinds: Vec<_> = description.layers.iter().map(|l| l.kind()).collect();
    let (dense, sigmoid) = ("dense", "sigmoid");
    assert_eq!(
        kinds[..6],
        ["flatten", dense, sigmoid, dense, sigmoid, dense]
    );
    assert_eq!(kinds[6..], [dense, sigmoid, dense, sigmoid, dense]);
    let net = description.build::<f64>()?;
    let weights: Vec<_> = shapes(&net).into_iter().step_by(2).collect();
    assert_eq!(weights, [[8, 5], [5, 3], [3, 2], [2, 3], [3, 5], [5, 8]]);
    // What is written down is read again, with how the weights begin.
    let again = NetworkDescription::parse(&description.to_json()?)?;
    assert_eq!(again.build::<f64>()?.init(3), net.init(3));
    Ok(())
}

#[test]
fn a_name_that_stands_for_nothing_is_told_the_others() {
    for name in [
        "cnn5",
        "",
        "mlp",
        "mlp:",
        "mlp:3,x",
        "cnn4:3",
        "mlp:3:sine",
        "autoencoder",
        "autoencoder:3,",
    ] {
        let e = named(name, &[28, 28, 1], 10).expect_err(name).to_string();
        assert!(e.contains("`cnn4`, `cnn7`, `mlp:256,128`, `linear`"), "{e}");
    }
    let e = named("cnn4", &[4, 4, 1], 10).and_then(|d| d.build::<f32>());
    assert!(
        e.expect_err("too small")
            .to_string()
            .starts_with("layers[8] (maxpool2d)")
    );
}
