//! The bundled digits are what their page says.

use osculant_data::{Preprocess, PreprocessOptions, digits};

#[test]
fn there_are_8000_to_train_and_2000_to_test() {
    let split = digits().unwrap();
    assert_eq!((split.train.len(), split.test.len()), (8_000, 2_000));
    for part in [&split.train, &split.test] {
        assert_eq!(part.shape(), [28, 28, 1]);
        assert_eq!(part.classes(), 10);
        assert_eq!(part.inputs().len(), part.len() * 28 * 28);
    }
}

#[test]
fn they_are_in_the_official_order() {
    let split = digits().unwrap();
    assert_eq!(split.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(split.test.labels()[..10], [0, 6, 2, 0, 6, 9, 4, 2, 8, 6]);
}

#[test]
fn every_class_occurs() {
    let count = |labels: &[u32]| {
        let mut counts = [0; 10];
        labels.iter().for_each(|&label| counts[label as usize] += 1);
        counts
    };
    let split = digits().unwrap();
    assert_eq!(
        count(split.train.labels()),
        [795, 906, 788, 811, 799, 702, 798, 853, 753, 795]
    );
    assert_eq!(
        count(split.test.labels()),
        [206, 221, 203, 221, 181, 161, 216, 217, 191, 183]
    );
}

#[test]
fn pixels_are_whole_numbers_from_paper_to_ink() {
    let split = digits().unwrap();
    for part in [&split.train, &split.test] {
        assert!(
            part.inputs()
                .iter()
                .all(|&x| x.fract() == 0.0 && (0.0..=255.0).contains(&x))
        );
    }
    // the top stroke of the first digit, a five: row 5, columns 12 to 23
    let five = split.train.input(0).unwrap();
    assert_eq!(
        five[5 * 28 + 12..5 * 28 + 24],
        [
            3.0, 18.0, 18.0, 18.0, 126.0, 136.0, 175.0, 26.0, 166.0, 255.0, 247.0, 127.0
        ]
    );
}

#[test]
fn preprocessed_training_digits_have_mean_zero_everywhere() {
    let mut train = digits().unwrap().train;
    let preprocess = Preprocess::fit(&train, PreprocessOptions::default()).unwrap();
    preprocess.apply(&mut train).unwrap();
    let mut sum = vec![0.0_f64; 28 * 28];
    for (input, _) in train.examples() {
        sum.iter_mut()
            .zip(input)
            .for_each(|(sum, &x)| *sum += f64::from(x));
    }
    // Values lie in [-1, 1] and are rounded to f32 three times: the mean, the scaled pixel and
    // their difference, each by at most a quarter of epsilon.
    let worst = sum
        .iter()
        .map(|sum| (sum / 8_000.0).abs())
        .fold(0.0, f64::max);
    assert!(worst <= 0.75 * f64::from(f32::EPSILON), "{worst:e}");
}
