//! Weights from other libraries: numbers computed there are computed here, and come back as they
//! were.

use osculant_data::npy::{Array, Values, read_archive, write_archive};
use osculant_data::weights::{Imported, Layout, Pair, export, import};
use osculant_layers::describe::{NetworkDescription, named};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/weights")
        .join(name)
}

/// The network whose weights lie beside this file; `make.py` there says how they came about.
fn description() -> NetworkDescription {
    let layers = r#"{"type": "conv2d", "out_channels": 4, "kernel": [3, 2], "padding": 1},
        {"type": "relu"}, {"type": "maxpool2d", "kernel": 2}, {"type": "flatten"},
        {"type": "dense", "out": 5}, {"type": "tanh"}, {"type": "dense", "out": 2}"#;
    let text = format!(r#"{{"input_shape": [6, 5, 3], "layers": [{layers}]}}"#);
    NetworkDescription::parse(&text).unwrap()
}

/// Inputs and outputs of an archive.
fn answers(name: &str) -> [Vec<f32>; 2] {
    let mut arrays = read_archive(&fs::read(file(name)).unwrap(), name, |_| true).unwrap();
    ["x", "y"].map(|name| arrays.remove(name).unwrap().values.into_reals())
}

fn pair(ours: &str, theirs: &str) -> Pair {
    Pair {
        ours: ours.into(),
        theirs: theirs.into(),
    }
}

const NAMES: [&str; 6] = [
    "conv1.weight",
    "conv1.bias",
    "dense1.weight",
    "dense1.bias",
    "dense2.weight",
    "dense2.bias",
];

fn computes_the_same(weights: &str, layout: Layout, answers_in: &str, theirs: [&str; 6]) {
    let Imported { net, theta, pairs } =
        import(file(weights), layout, &description(), &[]).unwrap();
    let expected: Vec<_> = NAMES.iter().zip(theirs).map(|(o, t)| pair(o, t)).collect();
    assert_eq!(pairs, expected);
    let [x, y] = answers(answers_in);
    let found = net.forward(&theta, &x).unwrap();
    assert_eq!(found.len(), y.len());
    for (found, y) in found.iter().zip(&y) {
        // Sums of 36 products in f32, in another order.
        assert!((found - y).abs() < 1e-5 * y.abs().max(1.0), "{found} {y}");
    }
}

#[test]
fn weights_of_pytorch_give_the_outputs_of_pytorch() {
    let names = [
        "0.weight", "0.bias", "4.weight", "4.bias", "6.weight", "6.bias",
    ];
    computes_the_same("pytorch.safetensors", Layout::Pytorch, "pytorch.npz", names);
}

#[test]
fn weights_in_the_layout_of_keras_give_its_outputs() {
    let names = ["arr_0", "arr_1", "arr_2", "arr_3", "arr_4", "arr_5"];
    computes_the_same("keras.npz", Layout::Keras, "keras-outputs.npz", names);
}

#[test]
fn weights_of_16_bits_are_taken_over_exactly() {
    // 1.5, -2.5, 2^-24 (subnormal), 65504 (the largest) and their likes in bfloat16.
    let cases = [
        (
            Dtype::F16,
            [0x3e00, 0xc100, 0x0001, 0x7bff],
            [1.5, -2.5, 2f32.powi(-24), 65504.0],
        ),
        (
            Dtype::BF16,
            [0x3fc0, 0xc020, 0x3380, 0x4780],
            [1.5, -2.5, 2f32.powi(-24), 65536.0],
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"input_shape": [3], "layers": [{"type": "dense", "out": 1}]}"#;
    let net = NetworkDescription::parse(text).unwrap();
    for (kind, bits, numbers) in cases {
        let bytes: Vec<u8> = bits.iter().flat_map(|x: &u16| x.to_le_bytes()).collect();
        let tensor = |shape: &[usize], at| TensorView::new(kind, shape.to_vec(), at).unwrap();
        let tensors = [
            ("weight", tensor(&[1, 3], &bytes[..6])),
            ("bias", tensor(&[1], &bytes[6..])),
        ];
        let path = folder.path().join("half.safetensors");
        fs::write(&path, serialize(tensors, None).unwrap()).unwrap();
        let found = import(&path, Layout::Pytorch, &net, &[]).unwrap();
        assert_eq!(found.theta, numbers, "{kind:?}");
    }
}

#[test]
fn what_is_taken_over_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let Imported { net, theta, pairs } = import(
        file("pytorch.safetensors"),
        Layout::Pytorch,
        &description(),
        &[],
    )
    .unwrap();
    let back = folder.path().join("back.safetensors");
    export(&back, Layout::Pytorch, &description(), &net, &theta, &pairs).unwrap();
    let [first, back] = [file("pytorch.safetensors"), back].map(|path| fs::read(path).unwrap());
    let [first, back] = [&first, &back].map(|bytes| SafeTensors::deserialize(bytes).unwrap());
    assert_eq!(first.len(), back.len());
    for (name, tensor) in first.tensors() {
        assert_eq!(back.tensor(&name).unwrap(), tensor, "{name}");
    }

    for (layout, name) in [
        (Layout::Keras, "keras.npz"),
        (Layout::Keras, "keras.safetensors"),
        (Layout::Pytorch, "torch.npz"),
    ] {
        let path = folder.path().join(name);
        let written = export(&path, layout, &description(), &net, &theta, &[]).unwrap();
        assert_eq!(written, NAMES.map(|name| pair(name, name)));
        let again = import(&path, layout, &description(), &[]).unwrap();
        assert_eq!(again.theta, theta);
    }
}

/// A file with these tensors, zeros of these shapes.
fn zeros(folder: &Path, tensors: &[(&str, &[usize])]) -> PathBuf {
    let arrays: Vec<Array> = tensors
        .iter()
        .map(|(_, shape)| Array {
            shape: shape.to_vec(),
            values: Values::Reals(vec![0.0; shape.iter().product()]),
        })
        .collect();
    let named: Vec<_> = tensors.iter().map(|(name, _)| *name).zip(&arrays).collect();
    let path = folder.join("weights.npz");
    write_archive(File::create(&path).unwrap(), &named).unwrap();
    path
}

#[test]
fn layers_are_matched_by_the_numbers_in_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let shapes: [(&str, &[usize]); 6] = [
        ("block10.fc.bias", &[2]),
        ("block10.fc.weight", &[2, 5]),
        ("block2.fc.bias", &[5]),
        ("block2.fc.weight", &[5, 36]),
        ("stem.bias", &[4]),
        ("stem.weight", &[4, 3, 3, 2]),
    ];
    let path = zeros(folder.path(), &shapes);
    let Imported { pairs, .. } = import(&path, Layout::Pytorch, &description(), &[]).unwrap();
    let theirs: Vec<_> = pairs.iter().map(|pair| pair.theirs.as_str()).collect();
    assert_eq!(
        theirs,
        [
            "stem.weight",
            "stem.bias",
            "block2.fc.weight",
            "block2.fc.bias",
            "block10.fc.weight",
            "block10.fc.bias"
        ]
    );
}

#[test]
fn names_that_say_nothing_are_matched_by_pairs() {
    let folder = tempfile::tempdir().unwrap();
    let path = zeros(
        folder.path(),
        &[
            ("stem.weight", &[4, 3, 3, 2]),
            ("stem.bias", &[4]),
            ("a_last.weight", &[2, 5]),
            ("a_last.bias", &[2]),
            ("z_first.weight", &[5, 36]),
            ("z_first.bias", &[5]),
        ],
    );
    let text = import(&path, Layout::Pytorch, &description(), &[])
        .unwrap_err()
        .to_string();
    assert!(
        text.contains(
            "has the tensor `a_last.weight` of shape [2, 5], and `dense1.weight` needs [5, 36]"
        ),
        "{text}"
    );
    let given = [
        pair("dense1.weight", "z_first.weight"),
        pair("dense1.bias", "z_first.bias"),
    ];
    let Imported { pairs, .. } = import(&path, Layout::Pytorch, &description(), &given).unwrap();
    assert!(
        pairs.contains(&pair("dense2.bias", "a_last.bias")),
        "{pairs:?}"
    );
}

#[test]
fn names_without_an_order_are_not_guessed_at() {
    let folder = tempfile::tempdir().unwrap();
    let square = named("mlp:4:tanh", &[4], 4).unwrap();
    let told = |first: &str, second: &str, pairs: &[Pair]| {
        let name = |layer: &str, end: &str| format!("{layer}.{end}");
        let names = [first, second].map(|layer| (name(layer, "weight"), name(layer, "bias")));
        let mut shapes: Vec<(&str, &[usize])> = Vec::new();
        for (weight, bias) in &names {
            shapes.extend([(weight.as_str(), &[4, 4][..]), (bias.as_str(), &[4][..])]);
        }
        import(
            zeros(folder.path(), &shapes),
            Layout::Pytorch,
            &square,
            pairs,
        )
    };
    let text = told("encoder", "decoder", &[]).unwrap_err().to_string();
    let says = [
        "decoder.weight",
        "encoder.weight",
        "dense1.weight",
        "say which",
    ];
    assert!(says.iter().all(|says| text.contains(says)), "{text}");
    let given = [
        pair("dense1.weight", "encoder.weight"),
        pair("dense1.bias", "encoder.bias"),
    ];
    let told_so = told("encoder", "decoder", &given).unwrap();
    assert!(
        told_so
            .pairs
            .contains(&pair("dense2.weight", "decoder.weight"))
    );
    for (first, second) in [
        ("fc1", "fc2"),
        ("0", "2"),
        ("net.layer9.fc", "net.layer10.fc"),
    ] {
        let pairs = told(first, second, &[]).unwrap().pairs;
        assert_eq!(pairs[0].theirs, format!("{first}.weight"));
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let told = |tensors: &[(&str, &[usize])], pairs: &[Pair]| {
        let path = zeros(folder.path(), tensors);
        let error = import(path, Layout::Pytorch, &description(), pairs);
        error.unwrap_err().to_string()
    };
    let stem: [(&str, &[usize]); 2] = [("0.weight", &[4, 3, 3, 2]), ("0.bias", &[4])];
    let text = told(&stem, &[]);
    assert!(
        text.contains("has no tensor for `dense1.weight`, of shape [5, 36]"),
        "{text}"
    );
    let whole: [(&str, &[usize]); 7] = [
        stem[0],
        stem[1],
        ("1.weight", &[5, 36]),
        ("1.bias", &[5]),
        ("2.weight", &[2, 5]),
        ("2.bias", &[2]),
        ("2.running_mean", &[2]),
    ];
    let text = told(&whole, &[]);
    assert!(text.contains("has the tensor `2.running_mean`"), "{text}");
    let text = told(&whole, &[pair("dense3.bias", "1.bias")]);
    assert!(
        text.contains("the network has no parameter `dense3.bias`"),
        "{text}"
    );
    let text = told(&whole, &[pair("dense1.bias", "9.bias")]);
    assert!(text.contains("has no tensor `9.bias`"), "{text}");
    let path = folder.path().join("text");
    fs::write(&path, "no weights at all").unwrap();
    let text = import(&path, Layout::Keras, &description(), &[])
        .unwrap_err()
        .to_string();
    assert!(text.contains("is not a safetensors file"), "{text}");
}

/// The weights of PyTorch for a network behind a flattened 2 × 1 × 2 image: one dense layer of one
/// output, whose input at pixel p and channel c is 2c + p there and 2p + c here.
#[test]
fn what_is_flat_already_keeps_the_order_of_its_image() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.npz");
    let array = |shape: &[usize], values: &[f32]| Array {
        shape: shape.to_vec(),
        values: Values::Reals(values.to_vec()),
    };
    let (weight, bias) = (array(&[1, 4], &[0.0, 1.0, 2.0, 3.0]), array(&[1], &[9.0]));
    let named = [("fc.weight", &weight), ("fc.bias", &bias)];
    write_archive(File::create(&path).unwrap(), &named).unwrap();
    for flattens in [1, 2] {
        let flatten = r#"{"type": "flatten"}, "#.repeat(flattens);
        let text = format!(
            r#"{{"input_shape": [2, 1, 2], "layers": [{flatten}{{"type": "dense", "out": 1}}]}}"#
        );
        let net = NetworkDescription::parse(&text).unwrap();
        let found = import(&path, Layout::Pytorch, &net, &[]).unwrap();
        assert_eq!(found.theta, [0.0, 2.0, 1.0, 3.0, 9.0], "{flattens}");
    }
}

#[test]
fn a_residual_behind_a_flattened_image_is_refused() {
    let net = |shape: &str, main: &str| {
        let text = format!(
            r#"{{"input_shape": {shape}, "layers": [{{"type": "flatten"}},
            {{"type": "residual", "main": [{main}], "shortcut": []}}, {{"type": "dense", "out": 3}}]}}"#
        );
        NetworkDescription::parse(&text).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.npz");
    let written = |description: &NetworkDescription| {
        let net = description.build().unwrap();
        let theta = net.init(1);
        export(&path, Layout::Pytorch, description, &net, &theta, &[]).map(|_| theta)
    };
    let dense = r#"{"type": "dense", "out": 8}"#;
    let text = written(&net("[2, 2, 2]", dense)).unwrap_err().to_string();
    assert!(text.contains("residual behind a flattened image"), "{text}");
    // One channel, or one pixel, has one order; and where nothing has weights nothing is lost.
    for (shape, main) in [
        ("[4, 2, 1]", dense),
        ("[1, 1, 8]", dense),
        ("[2, 2, 2]", r#"{"type": "tanh"}"#),
    ] {
        let description = net(shape, main);
        let theta = written(&description).unwrap();
        let back = import(&path, Layout::Pytorch, &description, &[]).unwrap();
        assert_eq!(back.theta, theta, "{shape} {main}");
    }
}

#[test]
fn a_bias_lies_beside_a_weight_that_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let net = named("mlp:4:tanh", &[4], 4).unwrap();
    let shapes: [(&str, &[usize]); 4] = [
        ("a.weight", &[4, 4]),
        ("a.bias", &[4]),
        ("b.weight", &[4, 4]),
        ("b.bias", &[4]),
    ];
    let path = zeros(folder.path(), &shapes);
    let given = [pair("dense1.weight", "b.weight")];
    let found = import(&path, Layout::Pytorch, &net, &given).unwrap();
    let theirs: Vec<_> = found.pairs.iter().map(|pair| &pair.theirs[..]).collect();
    assert_eq!(theirs, ["b.weight", "b.bias", "a.weight", "a.bias"]);

    // A weight is no bias, however it is called.
    let shapes: [(&str, &[usize]); 4] =
        [("W1", &[4, 4]), ("W2", &[4, 4]), ("b1", &[4]), ("b2", &[4])];
    let found = import(zeros(folder.path(), &shapes), Layout::Pytorch, &net, &[]).unwrap();
    let theirs: Vec<_> = found.pairs.iter().map(|pair| &pair.theirs[..]).collect();
    assert_eq!(theirs, ["W1", "b1", "W2", "b2"]);
}
