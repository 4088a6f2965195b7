//! Model files: what comes back, what is refused, and what never stays behind.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use osculant_data::{
    About, DataError, Legend, ModelFile, Preprocess, TargetScaling, Task, check_destination,
    write_whole,
};
use osculant_layers::Network;
use osculant_tape::{Init, Scalar};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// z = x·weight + bias, then + shift, a buffer.
fn graph<T: Scalar>(width: usize) -> Network<T> {
    let uniform = Init::Uniform {
        low: -1.0,
        high: 1.0,
    };
    Network::build(|t| {
        let weight = t.param("dense.weight", [width], uniform);
        let bias = t.param("dense.bias", [width], Init::Zeros);
        let shift = t.buffer("shift", [width], uniform);
        t.input([width]) * weight + bias + shift
    })
    .unwrap()
}

fn about() -> About {
    About {
        network: r#"{"input": [3], "layers": ["dense"]}"#.into(),
        loss: "squared".into(),
        regularization: 0.1 + 0.2,
        seed: u64::MAX,
        preprocess: Preprocess::from_parts(1.0 / 255.0, Some(vec![0.1, 0.2, 0.3])).unwrap(),
        legend: Legend::default(),
        options: [("λ".into(), "0.3, \"a\"".into())].into(),
    }
}

fn model<T: Scalar>() -> (ModelFile, Vec<T>) {
    let graph = graph::<T>(3);
    let theta = graph.params().init(7);
    (
        ModelFile::new(about(), graph.params(), &theta).unwrap(),
        theta,
    )
}

fn bytes() -> Vec<u8> {
    let mut bytes = Vec::new();
    model::<f32>().0.write_to(&mut bytes).unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Result<ModelFile, DataError> {
    ModelFile::from_bytes(bytes, "m.safetensors")
}

fn message(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

/// The bytes of a file with these changes to its metadata and tensors.
fn changed(
    metadata: impl FnOnce(&mut HashMap<String, String>),
    tensors: impl FnOnce(&mut Vec<(String, TensorView<'_>)>),
) -> Vec<u8> {
    let bytes = bytes();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut entries = header.metadata().clone().unwrap();
    metadata(&mut entries);
    let mut views = file.tensors();
    tensors(&mut views);
    safetensors::serialize(views, Some(entries)).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

/// Takes `room` bytes, then fails as a full disk does.
struct Full<'w> {
    inner: &'w mut dyn Write,
    room: usize,
}

impl Write for Full<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(self.room);
        if n == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room -= n;
        self.inner.write(&bytes[..n])
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn comes_back<T: Scalar>() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let (model, theta) = model::<T>();
    model.save(&path).unwrap();
    let loaded = ModelFile::load(&path).unwrap();
    assert_eq!(loaded.about(), &about());
    assert_eq!(loaded.tensors(), model.tensors());
    assert_eq!(loaded.tensors()["shift"].scalar(), T::NAME);

    let mut again = graph::<T>(3);
    again
        .set(&mut theta.clone(), "shift", &[T::zero(); 3])
        .unwrap();
    assert_eq!(loaded.restore(&mut again).unwrap(), theta);
    let same = |name| {
        let fresh = graph::<T>(3);
        again.params().view(&theta, name).unwrap() == fresh.params().view(&theta, name).unwrap()
    };
    assert!(same("shift") && same("dense.weight"));
    assert_eq!(names(folder.path()), ["model.safetensors"]);
}

#[test]
fn a_saved_model_comes_back_to_the_last_bit() {
    comes_back::<f32>();
    comes_back::<f64>();
}

#[test]
fn frozen_parameters_are_saved_too() {
    let mut net = graph::<f32>(3);
    let theta = net.freeze(&net.params().init(3), "dense.weight").unwrap();
    let model = ModelFile::new(about(), net.params(), &theta).unwrap();
    let whole = model.restore(&mut graph::<f32>(3)).unwrap();
    assert_eq!(whole, graph::<f32>(3).params().init(3));
    assert_eq!(model.restore(&mut net).unwrap(), theta);
}

#[test]
fn a_model_in_f32_serves_a_network_in_f64() {
    let (model, theta) = model::<f32>();
    let wide = model.restore(&mut graph::<f64>(3)).unwrap();
    assert!(theta.iter().zip(&wide).all(|(&x, &y)| f64::from(x) == y));
}

#[test]
fn equal_models_make_equal_files() {
    let first = bytes();
    for _ in 0..10 {
        assert!(bytes() == first);
    }
    // what others see: an aligned header, tensors under their names
    let file = SafeTensors::deserialize(&first).unwrap();
    let mut names = file.names();
    names.sort_unstable();
    assert_eq!(
        names,
        ["dense.bias", "dense.weight", "preprocess.mean", "shift"]
    );
    assert_eq!(file.tensor("preprocess.mean").unwrap().shape(), [3]);
}

#[test]
fn a_model_without_parameters_and_without_mean_comes_back() {
    let net = Network::<f32>::build(|t| t.input([2]) + t.input([2])).unwrap();
    let preprocess = Preprocess::from_parts(0.1, None).unwrap();
    let bare = About {
        preprocess,
        options: [].into(),
        ..about()
    };
    let model = ModelFile::new(bare.clone(), net.params(), &[]).unwrap();
    let mut bytes = Vec::new();
    model.write_to(&mut bytes).unwrap();
    assert_eq!(read(&bytes).unwrap().about(), &bare);
}

#[test]
fn infinite_c_comes_back() {
    let (net, mut about) = (graph::<f32>(3), about());
    about.regularization = f64::INFINITY;
    let model = ModelFile::new(about, net.params(), &net.params().init(1)).unwrap();
    let mut bytes = Vec::new();
    model.write_to(&mut bytes).unwrap();
    assert_eq!(read(&bytes).unwrap().about().regularization, f64::INFINITY);
}

#[test]
fn a_file_of_another_kind_is_named_with_its_first_bytes() {
    let text = message(b"<html><body>404</body></html>");
    assert!(
        text.contains("`m.safetensors` is not a safetensors file"),
        "{text}"
    );
    assert!(text.contains("3c 68 74 6d"), "{text}");
    assert!(message(b"").contains("it is empty"));
}

#[test]
fn a_file_that_ends_anywhere_is_refused() {
    let whole = bytes();
    for end in 0..whole.len() {
        let text = message(&whole[..end]);
        if end > 8 {
            assert!(
                text.contains("is truncated: its header needs "),
                "{end}: {text}"
            );
            assert!(text.contains(&format!("found {end}")), "{end}: {text}");
        }
    }
    let mut longer = whole;
    longer.push(0);
    assert!(message(&longer).contains("is damaged"));
}

#[test]
fn no_changed_byte_makes_it_panic() {
    let whole = bytes();
    for at in 0..whole.len() {
        for change in [1, 0x20, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            let _ = read(&bytes).map(|m| m.restore(&mut graph::<f32>(3)));
        }
    }
}

#[test]
fn missing_and_senseless_metadata_are_named() {
    for key in [
        "osculant",
        "network",
        "loss",
        "C",
        "seed",
        "preprocess.scale",
    ] {
        let text = message(&changed(|m| drop(m.remove(key)), |_| {}));
        assert!(
            text.contains(&format!("no metadata entry `{key}`")),
            "{text}"
        );
    }
    let with = |key: &str, value: &str| {
        message(&changed(
            |m| drop(m.insert(key.into(), value.into())),
            |_| {},
        ))
    };
    assert!(with("osculant", "2").contains("reads version 1 of the format; update it"));
    assert!(with("C", "0").contains("`C` = `0`, but it must be above 0"));
    assert!(with("C", "NaN").contains("`C` = `NaN`"));
    assert!(with("seed", "-1").contains("`seed` = `-1`"));
    assert!(with("preprocess.scale", "NaN").contains("cannot be scaled by NaN"));
}

#[test]
fn numbers_that_are_not_finite_are_named_with_their_tensor() {
    // NaN, 0, 0
    static NAN: [u8; 12] = [0, 0, 0xc0, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0];
    for tensor in ["dense.bias", "preprocess.mean"] {
        let file = changed(
            |_| {},
            |tensors| {
                let view = TensorView::new(Dtype::F32, vec![3], &NAN).unwrap();
                tensors.retain(|(name, _)| name != tensor);
                tensors.push((tensor.into(), view));
            },
        );
        let text = message(&file);
        assert!(
            text.contains(&format!("has NaN at index 0 of the tensor `{tensor}`")),
            "{text}"
        );
    }
}

#[test]
fn other_element_types_are_refused() {
    let file = changed(
        |_| {},
        |tensors| {
            let view = TensorView::new(Dtype::I8, vec![2], &[1, 2]).unwrap();
            tensors.push(("steps".into(), view));
        },
    );
    let text = message(&file);
    assert!(
        text.contains("the tensor `steps` in I8; tensors must be F16, BF16, F32 or F64"),
        "{text}"
    );
}

#[test]
fn a_model_of_another_network_names_the_tensor_and_both_shapes() {
    let (model, _) = model::<f32>();
    let restore = |mut net: Network<f32>| {
        let before = format!("{:?}", net.params());
        let text = model.restore(&mut net).unwrap_err().to_string();
        assert_eq!(format!("{:?}", net.params()), before);
        text
    };
    let text = restore(graph(4));
    assert!(
        text.contains(
            "is of another network: its tensor `dense.weight` has shape [3], which is [4] here"
        ),
        "{text}"
    );
    let more = Network::build(|t| {
        let w = t.param("conv1.weight", [3, 3], Init::Zeros);
        t.input([3, 3]) * w
    });
    let text = restore(more.unwrap());
    assert!(
        text.contains("lacks the tensor `conv1.weight`, which has shape [3, 3]"),
        "{text}"
    );
    let fewer = Network::build(|t| t.input([3]) * t.param("dense.weight", [3], Init::Zeros));
    let text = restore(fewer.unwrap());
    assert!(
        text.contains("its tensor `dense.bias`, of shape [3], has no place here"),
        "{text}"
    );
}

#[test]
fn what_could_not_be_read_back_is_not_made() {
    let net = graph::<f32>(3);
    let theta = net.params().init(1);
    let new = |about, theta: &[f32]| {
        let error = ModelFile::new(about, net.params(), theta).unwrap_err();
        error.to_string()
    };
    assert!(new(about(), &theta[1..]).contains("theta has 5 numbers"));
    assert!(new(about(), &[f32::NAN; 6]).contains("NaN"));
    let c = About {
        regularization: 0.0,
        ..about()
    };
    assert!(new(c, &theta).contains("`C` = `0`"));
    let taken =
        Network::<f32>::build(|t| t.input([1]) * t.param("preprocess.mean", [1], Init::Zeros));
    let text = ModelFile::new(about(), taken.unwrap().params(), &[1.0]).unwrap_err();
    assert!(
        text.to_string()
            .contains("parameter named `preprocess.mean`"),
        "{text}"
    );
}

#[test]
fn a_disk_that_fills_leaves_what_was_there_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let (model, _) = model::<f32>();
    for earlier in [None, Some("an earlier model")] {
        if let Some(text) = earlier {
            fs::write(&path, text).unwrap();
        }
        for room in 0..bytes().len() {
            let full = write_whole(&path, |inner| model.write_to(Full { inner, room }));
            let text = full.unwrap_err().to_string();
            assert!(
                text.contains("cannot write `") && text.contains("space left"),
                "{text}"
            );
            let left = fs::read_to_string(&path).ok();
            assert_eq!(left.as_deref(), earlier, "after {room} bytes");
            assert_eq!(names(folder.path()).len(), earlier.iter().len());
        }
    }
    model.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes());
}

#[test]
fn a_place_that_takes_no_file_is_known_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| {
        let before = check_destination(path).unwrap_err().to_string();
        assert_eq!(
            before,
            write_whole(path, |_| Ok(())).unwrap_err().to_string()
        );
        before
    };
    let missing = folder.path().join("missing/model.safetensors");
    let text = refused(&missing);
    assert!(
        text.contains("there is no folder `") && text.contains("create it first"),
        "{text}"
    );
    assert!(refused(folder.path()).contains("that is a folder"));
    assert!(refused(Path::new("..")).contains("no name of a file"));
    #[cfg(unix)]
    assert!(refused(Path::new("/dev/null")).contains("no ordinary file"));

    let fine = folder.path().join("model.safetensors");
    check_destination(&fine).unwrap();
    check_destination("model.safetensors").unwrap();
    assert!(names(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn a_saved_file_has_the_permissions_of_a_new_file_and_a_link_stays_a_link() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let [plain, saved, link] = ["plain", "saved", "link"].map(|n| folder.path().join(n));
    fs::write(&plain, "").unwrap();
    model::<f32>().0.save(&saved).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&saved), mode(&plain));

    std::os::unix::fs::symlink(&plain, &link).unwrap();
    model::<f32>().0.save(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&plain).unwrap(), bytes());
}

#[test]
fn a_model_that_is_not_there_or_never_ends_is_refused() {
    let text = ModelFile::load("nowhere.safetensors")
        .unwrap_err()
        .to_string();
    assert!(text.contains("cannot read `nowhere.safetensors`"), "{text}");
    #[cfg(unix)]
    for path in ["/dev/zero", "/"] {
        let text = ModelFile::load(path).unwrap_err().to_string();
        assert!(text.contains("that is no ordinary file"), "{text}");
    }
}

/// A model of a table: standardized inputs and targets, and names.
fn of_a_table() -> ModelFile {
    let graph = graph::<f32>(3);
    let theta = graph.params().init(7);
    let preprocess = about().preprocess.with_deviation(vec![1.0, 2.0, 0.3]);
    let scaling = TargetScaling::from_parts(vec![0.1; 3], vec![7.0; 3]).unwrap();
    let name = |name: &str| name.to_string();
    let about = About {
        preprocess: preprocess.unwrap(),
        legend: Legend {
            task: Task::Reals,
            inputs: vec![name("a, b"), name("\"ü\""), name("c")],
            targets: vec![name("y0"), name("y1"), name("y2")],
            columns: Some(4),
            classes: vec![name("-1")],
            scaling: Some(scaling),
        },
        ..about()
    };
    ModelFile::new(about, graph.params(), &theta).unwrap()
}

#[test]
fn names_and_deviations_come_back() {
    let mut bytes = Vec::new();
    of_a_table().write_to(&mut bytes).unwrap();
    let loaded = read(&bytes).unwrap();
    assert_eq!(loaded.about(), of_a_table().about());
    assert!(loaded.restore(&mut graph::<f32>(3)).is_ok());
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end]).is_err(), "{end} bytes");
    }
}

/// Files were once written without a legend, and still are where there is nothing to say.
#[test]
fn a_model_without_names_has_no_entry_for_them() {
    let bytes = bytes();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    assert!(!header.metadata().as_ref().unwrap().contains_key("legend"));
    assert_eq!(read(&bytes).unwrap().about().legend, Legend::default());
}

#[test]
fn a_legend_that_cannot_be_read_is_refused() {
    for bad in ["", "{", "[]x", r#"{"inputs": 3}"#, r#"{"unknown": []}"#] {
        let bytes = changed(
            |metadata| {
                metadata.insert("legend".into(), bad.into());
            },
            |_| {},
        );
        let text = message(&bytes);
        let start =
            format!("the model file `m.safetensors` has the metadata entry `legend` = `{bad}`");
        assert!(text.starts_with(&start), "{text}");
    }
}
