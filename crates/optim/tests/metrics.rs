//! Scores of predictions, against numbers worked out by hand.

use osculant_optim::metrics::{accuracy, predicted_class, r2, rmse};

#[test]
fn the_first_of_the_largest_outputs_wins() {
    assert_eq!(predicted_class(&[0.0, 2.0, 2.0, -1.0]), 1);
    assert_eq!(predicted_class(&[-3.0f32]), 0);
    assert_eq!(predicted_class::<f64>(&[]), 0);
}

#[test]
fn accuracy_is_the_share_of_examples_that_are_right() {
    let outputs = [0.1, 0.9, 0.8, 0.2, 0.3, 0.7, 0.5, 0.5];
    assert_eq!(accuracy(&outputs, &[1, 0, 0, 0]).unwrap(), 0.75);
    // A label that no output stands for is never right.
    assert_eq!(accuracy(&outputs, &[7, 7, 7, 7]).unwrap(), 0.0);
    for labels in [&[][..], &[0; 3], &[0; 9]] {
        let message = accuracy(&outputs, labels).unwrap_err().to_string();
        let count = labels.len().to_string();
        assert!(message.contains("number of labels"), "{message}");
        assert!(message.contains(&count), "{message}");
    }
    assert!(accuracy::<f32>(&[], &[0]).is_err());
}

#[test]
fn r2_is_1_for_the_targets_and_0_for_their_means() {
    // Two targets for each of two examples, of very different means.
    let targets = [1.0, 100.0, 3.0, 102.0];
    assert_eq!(r2(&targets, &targets, 2).unwrap(), 1.0);
    assert_eq!(r2(&[2.0, 101.0, 2.0, 101.0], &targets, 2).unwrap(), 0.0);
    assert_eq!(r2(&[1.0, 101.0, 3.0, 101.0], &targets, 2).unwrap(), 0.5);
    assert!(r2(&[1.0, 2.0], &[5.0, 5.0], 1).unwrap().is_nan());
    // The mean of three tenths is no tenth: their distance is rounding, not variance.
    assert!(r2(&[0.2; 3], &[0.1; 3], 1).unwrap().is_nan());
    assert!(r2(&[1.0], &targets, 2).is_err());
    assert!(r2(&targets, &targets, 3).is_err());
    assert!(r2(&targets, &targets, 0).is_err());
    assert!(r2::<f64>(&[], &[], 1).is_err());
}

#[test]
fn rmse_has_the_unit_of_the_targets() {
    assert_eq!(rmse(&[1.0, 2.0], &[4.0, 6.0]).unwrap(), 12.5f64.sqrt());
    assert!(rmse(&[1.0], &[4.0, 6.0]).is_err());
    assert!(rmse::<f32>(&[], &[]).is_err());
}
