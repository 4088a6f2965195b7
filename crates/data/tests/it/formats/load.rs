use super::{classes, reals};
use crate::common::gzip;
use osculant_data::npy::{Array, Values, write_archive, write_array};
use osculant_data::{AnyDataset, LoadOptions, Table, load};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(name)
}

fn one(path: &Path) -> Table {
    let loaded = load(path, &LoadOptions::default()).unwrap();
    assert_eq!(loaded.test, None);
    loaded.train
}

#[test]
fn real_tables_are_read() {
    let (iris, legend) = classes(one(&file("files/iris.csv")));
    assert_eq!((iris.len(), iris.shape()), (150, &[4][..]));
    assert_eq!(legend.classes, ["0", "1", "2"]);
    assert_eq!(iris.input(0), Some(&[5.1, 3.5, 1.4, 0.2][..]));

    let diabetes = reals(one(&file("files/diabetes.csv")));
    assert_eq!((diabetes.len(), diabetes.shape()), (442, &[10][..]));
    assert_eq!(diabetes.target(1), Some(&[75.0][..]));

    let (heart, legend) = classes(one(&file("files/heart_scale")));
    assert_eq!((heart.len(), heart.shape()), (270, &[13][..]));
    assert_eq!(legend.classes, ["-1", "1"]);
    assert_eq!(heart.labels().iter().sum::<u32>(), 120);
    assert_eq!(heart.input(0).unwrap()[10..], [0.0, 1.0, -1.0]);

    let (ten, legend) = classes(one(&file("cifar10/ten.bin.gz")));
    assert_eq!((ten.len(), &legend.classes[3][..]), (10, "cat"));
}

#[test]
fn the_format_is_seen_from_what_is_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let write = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        one(&path).decode(None).unwrap().0
    };
    let expected = [1.0, 2.0];
    assert_eq!(write(b"a,b,y\n1,2,0\n").inputs(), expected);
    assert_eq!(write(&gzip(b"# sparse\n0 1:1 2:2\n")).inputs(), expected);
    assert_eq!(write(b"1:1 2:2\n").inputs(), expected);
    // A time of day is no index with a value.
    assert_eq!(write(b"time,x,y\n1,2,8:30\n").inputs(), expected);
    let x = Array {
        shape: vec![1, 2],
        values: Values::Reals(expected.to_vec()),
    };
    let mut bytes = Vec::new();
    write_array(&mut bytes, &x).unwrap();
    assert_eq!(write(&bytes).inputs(), expected);
    write_archive(File::create(&path).unwrap(), &[("x", &x)]).unwrap();
    assert_eq!(one(&path).decode(None).unwrap().0.inputs(), expected);
    // One IDX image of 1 × 2 pixels, without a label.
    let image = write(&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2]);
    assert_eq!(
        (image.inputs(), image.shape()),
        (&expected[..], &[1, 2, 1][..])
    );
    assert!(matches!(image, AnyDataset::Unlabelled(_)));
}

#[test]
fn a_sparse_file_is_known_wherever_its_beginning_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    // Of lines of nine bytes the first 4,096 end with a lonely sign, or one byte to either side.
    for ahead in ["", "#", "##"] {
        let lines = format!("{ahead}\n").repeat(usize::from(!ahead.is_empty()));
        fs::write(&path, lines + &"-1 1:0.5\n".repeat(500)).unwrap();
        let (data, legend) = one(&path).decode(None).unwrap();
        assert_eq!((data.len(), &legend.classes[0][..]), (500, "-1"));
    }
}

#[test]
fn a_table_may_begin_like_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    fs::write(&path, "PK,height,y\n1,2,0\n3,4,1\n").unwrap();
    let (data, legend) = one(&path).decode(None).unwrap();
    assert_eq!(data.inputs(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(legend.inputs, ["PK", "height"]);
}

#[test]
fn targets_of_an_array_lie_in_another() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, shape: &[usize], values: &[f32]| {
        let path = folder.path().join(name);
        let array = Array {
            shape: shape.to_vec(),
            values: Values::Reals(values.to_vec()),
        };
        write_array(File::create(&path).unwrap(), &array).unwrap();
        path
    };
    let x = write("x.npy", &[2, 1], &[1.0, 2.0]);
    let y = write("y.npy", &[2], &[0.5, 1.5]);
    let options = LoadOptions {
        targets: Some(y),
        ..LoadOptions::default()
    };
    let data = reals(load(x, &options).unwrap().train);
    assert_eq!(data.targets(), [0.5, 1.5]);
}

#[test]
fn a_path_that_leads_nowhere_is_named() {
    let text = load("nowhere.csv", &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(text.contains("`nowhere.csv`"), "{text}");
}

#[test]
fn a_split_is_drawn_from_the_seed_and_of_each_class() {
    let (heart, _) = one(&file("files/heart_scale")).decode(None).unwrap();
    let (train, test) = heart.split(0.2, 1).unwrap();
    assert_eq!((train.len(), test.len()), (216, 54));
    let AnyDataset::Classes(labels) = &test else {
        panic!("no classes")
    };
    // 120 of 270 are of the second class.
    assert_eq!(labels.labels().iter().sum::<u32>(), 24);
    assert_eq!(heart.split(0.2, 1).unwrap(), (train.clone(), test.clone()));
    assert_ne!(heart.split(0.2, 2).unwrap(), (train.clone(), test.clone()));
    // Every example is in one of the parts, and none is in both.
    let mut all: Vec<Vec<u32>> = [&train, &test]
        .iter()
        .flat_map(|part| part.inputs().chunks(13))
        .map(|input| input.iter().map(|x| x.to_bits()).collect())
        .collect();
    let mut whole: Vec<Vec<u32>> = heart
        .inputs()
        .chunks(13)
        .map(|input| input.iter().map(|x| x.to_bits()).collect())
        .collect();
    all.sort();
    whole.sort();
    assert_eq!(all, whole);

    for share in [0.0, 1.0, -0.5, f64::NAN, 1e-9, 1.0 - 1e-9] {
        let text = heart.split(share, 1).unwrap_err().to_string();
        assert!(text.starts_with("270 examples cannot be divided"), "{text}");
    }
}
