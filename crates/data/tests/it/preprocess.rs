//! Preprocessing: what it computes, how it is stored, what it refuses.

use osculant_data::{Dataset, Per, Preprocess, PreprocessOptions};

fn data(inputs: &[f32]) -> Dataset {
    Dataset::new([2], inputs.to_vec(), vec![0; inputs.len() / 2], 1).unwrap()
}

fn options(scale: Option<f32>, subtract_mean: bool) -> PreprocessOptions {
    PreprocessOptions {
        scale,
        subtract_mean,
        ..PreprocessOptions::none()
    }
}

#[test]
fn scale_and_mean_are_each_optional() {
    let train = data(&[2.0, 10.0, 6.0, 30.0]);
    let cases = [
        (options(None, false), [2.0, 10.0, 6.0, 30.0]),
        (options(Some(0.5), false), [1.0, 5.0, 3.0, 15.0]),
        (options(None, true), [-2.0, -10.0, 2.0, 10.0]),
        (options(Some(0.5), true), [-1.0, -5.0, 1.0, 5.0]),
    ];
    for (options, expected) in cases {
        let mut inputs = train.clone();
        Preprocess::fit(&train, options)
            .unwrap()
            .apply(&mut inputs)
            .unwrap();
        assert_eq!(inputs.inputs(), expected, "{options:?}");
    }
}

#[test]
fn the_mean_is_that_of_training_also_for_the_test() {
    let preprocess = Preprocess::fit(&data(&[2.0, 4.0, 4.0, 8.0]), options(None, true)).unwrap();
    let mut test = data(&[3.0, 7.0]);
    preprocess.apply(&mut test).unwrap();
    assert_eq!(test.inputs(), [0.0, 1.0]);
}

#[test]
fn by_default_pixels_become_fractions_around_their_mean() {
    let options = PreprocessOptions::default();
    assert_eq!(options, self::options(Some(1.0 / 255.0), true));
}

/// In f32 a sum of ones stops growing at 2²⁴.
#[test]
fn the_mean_is_summed_in_f64() {
    let count = 1_000_usize;
    let large = 16_777_216.0_f32;
    let mut inputs = vec![1.0_f32; count];
    inputs[0] = large;
    let train = Dataset::new([1], inputs, vec![0; count], 1).unwrap();
    let preprocess = Preprocess::fit(&train, options(None, true)).unwrap();
    let mean = (f64::from(large) + (count - 1) as f64) / count as f64;
    assert_eq!(preprocess.mean(), Some(&[mean as f32][..]));
}

#[test]
fn stored_parts_restore_it() {
    let train = data(&[2.0, 10.0, 6.0, 30.0]);
    for options in [PreprocessOptions::default(), options(None, false)] {
        let fitted = Preprocess::fit(&train, options).unwrap();
        let mean = fitted.mean().map(<[f32]>::to_vec);
        assert_eq!(
            Preprocess::from_parts(fitted.scale(), mean).unwrap(),
            fitted
        );
    }
}

#[test]
fn unlabelled_inputs_are_treated_like_those_of_a_data_set() {
    let mut train = data(&[2.0, 10.0, 6.0, 30.0]);
    for options in [PreprocessOptions::default(), options(Some(0.5), false)] {
        let preprocess = Preprocess::fit(&train, options).unwrap();
        let mut inputs = train.inputs().to_vec();
        preprocess.apply_to_inputs(&mut inputs).unwrap();
        preprocess.apply(&mut train).unwrap();
        assert_eq!(inputs, train.inputs());
        preprocess.apply_to_inputs(&mut []).unwrap();
    }
}

#[test]
fn another_shape_is_refused() {
    let preprocess = Preprocess::fit(&data(&[1.0, 2.0]), PreprocessOptions::default()).unwrap();
    let mut other = Dataset::new([3, 1], vec![0.0; 6], vec![0; 2], 1).unwrap();
    assert_eq!(
        preprocess.apply(&mut other).unwrap_err().to_string(),
        "the preprocessing was fitted to inputs of 2 values and cannot be applied to inputs of \
         shape [3, 1] (3 values); use data of the shape that it was fitted to, or fit it again"
    );
    assert_eq!(
        preprocess
            .apply_to_inputs(&mut [0.0; 5])
            .unwrap_err()
            .to_string(),
        "the preprocessing was fitted to inputs of 2 values and cannot be applied to 5 values, \
         which is no multiple of it; use data of the shape that it was fitted to, or fit it again"
    );
}

#[test]
fn a_scale_that_destroys_the_data_is_refused() {
    for (scale, shown) in [(0.0, "0"), (f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let expected = format!(
            "inputs cannot be scaled by {shown}; give a finite number other than 0, such as 1/255"
        );
        let options = options(Some(scale), true);
        let fitted = Preprocess::fit(&data(&[1.0, 2.0]), options);
        assert_eq!(fitted.unwrap_err().to_string(), expected);
        assert_eq!(
            Preprocess::from_parts(scale, None).unwrap_err().to_string(),
            expected
        );
    }
}

#[test]
fn a_stored_mean_is_checked() {
    let end = "; it must hold one finite value for each position of each input: fit it to the \
               training examples again";
    assert_eq!(
        Preprocess::from_parts(1.0, Some(vec![0.0, f32::NAN]))
            .unwrap_err()
            .to_string(),
        format!("the mean input has 2 values, and the one at position 1 is NaN{end}")
    );
    assert_eq!(
        Preprocess::from_parts(1.0, Some(vec![]))
            .unwrap_err()
            .to_string(),
        format!("the mean input has 0 values, so it is of none{end}")
    );
}

#[test]
fn an_error_leaves_the_inputs_as_they_were() {
    let preprocess = Preprocess::from_parts(1e30, Some(vec![0.0, 0.0])).unwrap();
    let mut inputs = data(&[1.0, 2.0, 3.0, 1e30]);
    let before = inputs.clone();
    assert_eq!(
        preprocess.apply(&mut inputs).unwrap_err().to_string(),
        "example 1 would have the value inf at position 1 after preprocessing; choose a smaller \
         scale"
    );
    assert_eq!(inputs, before);

    let mut inputs = [1.0, f32::NAN];
    let message = preprocess
        .apply_to_inputs(&mut inputs)
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("example 0 has the value NaN at position 1"),
        "{message}"
    );
    assert_eq!(inputs[0], 1.0);
}

#[test]
fn standardized_inputs_have_mean_0_and_deviation_1() {
    let mut train = data(&[2.0, 10.0, 6.0, 30.0]);
    let preprocess = Preprocess::fit(&train, PreprocessOptions::standardize()).unwrap();
    assert_eq!(preprocess.mean(), Some(&[4.0, 20.0][..]));
    assert_eq!(preprocess.deviation(), Some(&[2.0, 10.0][..]));
    preprocess.apply(&mut train).unwrap();
    assert_eq!(train.inputs(), [-1.0, -1.0, 1.0, 1.0]);

    let mut test = [8.0, 0.0];
    preprocess.apply_to_inputs(&mut test).unwrap();
    assert_eq!(test, [2.0, -2.0]);
}

#[test]
fn a_position_that_never_changes_keeps_its_unit() {
    // 0.1 is no number of f32: the mean of three is rounded, and its distance is not 0.
    let mut train = data(&[0.1, 1.0, 0.1, 2.0, 0.1, 3.0]);
    let preprocess = Preprocess::fit(&train, PreprocessOptions::standardize()).unwrap();
    assert_eq!(preprocess.deviation().unwrap()[0], 1.0);
    preprocess.apply(&mut train).unwrap();
    for (input, _) in train.examples() {
        assert!(input[0].abs() < 1e-7, "{input:?}");
    }
}

#[test]
fn the_scale_comes_before_the_deviation() {
    let options = PreprocessOptions {
        scale: Some(-0.5),
        ..PreprocessOptions::standardize()
    };
    let mut train = data(&[2.0, 10.0, 6.0, 30.0]);
    let preprocess = Preprocess::fit(&train, options).unwrap();
    assert_eq!(preprocess.deviation(), Some(&[1.0, 5.0][..]));
    preprocess.apply(&mut train).unwrap();
    assert_eq!(train.inputs(), [1.0, 1.0, -1.0, -1.0]);
}

#[test]
fn channels_share_mean_and_deviation() {
    // Two examples of 1 × 2 pixels with two channels: 1, 3, 5, 7 and 10, 10, 30, 30.
    let inputs = vec![1.0, 10.0, 3.0, 10.0, 5.0, 30.0, 7.0, 30.0];
    let train = Dataset::new([1, 2, 2], inputs, vec![0, 0], 1).unwrap();
    let options = PreprocessOptions {
        per: Per::Channel,
        ..PreprocessOptions::standardize()
    };
    let preprocess = Preprocess::fit(&train, options).unwrap();
    assert_eq!(preprocess.mean(), Some(&[4.0, 20.0, 4.0, 20.0][..]));
    let deviation = [5f32.sqrt(), 10.0];
    assert_eq!(
        preprocess.deviation(),
        Some(&[deviation, deviation].concat()[..])
    );
}

#[test]
fn a_stored_deviation_is_checked() {
    let mean = || Preprocess::from_parts(1.0, Some(vec![0.0, 0.0])).unwrap();
    let message = |deviation: Vec<f32>| mean().with_deviation(deviation).unwrap_err().to_string();
    let end = "; it must hold one value above 0 for each of the mean: fit it to the training \
               examples again";
    assert_eq!(
        message(vec![1.0]),
        format!("the deviation of each input has 1 values, but the mean has 2{end}")
    );
    for (bad, shown) in [
        (0.0, "0"),
        (-1.0, "-1"),
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
    ] {
        assert_eq!(
            message(vec![1.0, bad]),
            format!(
                "the deviation of each input has 2 values, and the one at position 1 is {shown}{end}"
            )
        );
    }
    assert!(mean().with_deviation(vec![2.0, 4.0]).is_ok());
    let alone = Preprocess::from_parts(1.0, None).unwrap();
    assert!(alone.clone().with_deviation(vec![]).is_err());
    let mut inputs = [1.0, 2.0, 3.0];
    let alone = alone.with_deviation(vec![2.0, 4.0]).unwrap();
    assert!(alone.apply_to_inputs(&mut inputs).is_err());
}
