//! Data sets in memory: what is refused at the door, and subsets.

use osculant_data::{Dataset, Split};

fn message(shape: &[usize], inputs: &[f32], labels: &[u32], classes: usize) -> String {
    Dataset::new(shape, inputs.to_vec(), labels.to_vec(), classes)
        .unwrap_err()
        .to_string()
}

/// Examples 0, 1, 2 with inputs [0, 1], [2, 3], [4, 5].
fn three() -> Dataset {
    Dataset::new([2], (0..6).map(|x| x as f32).collect(), vec![0, 1, 1], 2).unwrap()
}

#[test]
fn examples_keep_their_order() {
    let data = three();
    assert_eq!((data.len(), data.is_empty(), data.classes()), (3, false, 2));
    let seen: Vec<_> = data.examples().collect();
    assert_eq!(
        seen,
        [(&[0.0, 1.0][..], 0), (&[2.0, 3.0], 1), (&[4.0, 5.0], 1)]
    );
    for (i, (input, label)) in seen.into_iter().enumerate() {
        assert_eq!((data.input(i), data.label(i)), (Some(input), Some(label)));
    }
}

#[test]
fn a_split_does_not_care_how_many_classes_there_might_be() {
    let labels: Vec<u32> = (0..20).map(|i| i % 2 * 1000).collect();
    let inputs: Vec<f32> = (0..20).map(|x| x as f32).collect();
    let parts = |classes| {
        let data = Dataset::new([1], inputs.clone(), labels.clone(), classes).unwrap();
        let (first, second) = data.split(0.2, 7).unwrap();
        (first.inputs().to_vec(), second.inputs().to_vec())
    };
    assert_eq!(parts(usize::MAX), parts(1001));
    assert_eq!(parts(1001).1.len(), 4);
}

#[test]
fn there_is_nothing_past_the_last_example() {
    for i in [3, usize::MAX / 2, usize::MAX] {
        assert_eq!((three().input(i), three().label(i)), (None, None));
    }
}

#[test]
fn nan_and_infinity_are_refused_with_their_place() {
    for (bad, shown) in [
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
        (f32::NEG_INFINITY, "-inf"),
    ] {
        assert_eq!(
            message(&[3], &[0.0, 1.0, 2.0, 3.0, bad, f32::NAN], &[0, 0], 1),
            format!(
                "example 1 has the value {shown} at position 1 of its input; every input value \
                 must be finite: repair or leave out this example"
            )
        );
    }
}

#[test]
fn labels_are_less_than_the_number_of_classes() {
    assert_eq!(
        message(&[1], &[0.0; 3], &[0, 9, 10], 10),
        "the data set gives example 2 the label 10, but there are 10 classes and labels are \
         counted from 0; correct the label or the number of classes"
    );
    assert!(message(&[1], &[0.0], &[0], 0).contains("there are 0 classes"));
}

#[test]
fn lengths_must_match() {
    let end = "; give one label for each example and all values of each input";
    assert_eq!(
        message(&[2, 2, 1], &[0.0; 9], &[0, 0], 1),
        format!("2 examples of shape [2, 2, 1] need 2 × 4 input values, found 9{end}")
    );
    assert_eq!(
        message(&[2], &[0.0; 4], &[], 1),
        format!("0 examples of shape [2] need 0 × 2 input values, found 4{end}")
    );
}

#[test]
fn a_data_set_has_examples() {
    assert_eq!(
        message(&[2], &[], &[], 1),
        "the data set holds no examples; a data set needs at least one"
    );
}

#[test]
fn a_shape_has_axes_and_none_is_empty() {
    for shape in [&[][..], &[0], &[28, 0, 1], &[usize::MAX, 2]] {
        assert_eq!(
            message(shape, &[0.0], &[0], 1),
            format!(
                "the data set gives inputs the shape {shape:?}; they need at least one axis, each of \
                 length 1 or more, such as [28, 28, 1]"
            )
        );
    }
}

#[test]
fn a_subset_is_a_data_set_of_its_own() {
    let data = three();
    let part = data.subset(1..3).unwrap();
    assert_eq!(
        (part.inputs(), part.labels()),
        (&[2.0, 3.0, 4.0, 5.0][..], &[1, 1][..])
    );
    assert_eq!(
        (part.shape(), part.classes()),
        (data.shape(), data.classes())
    );
    assert_eq!(data.subset(..).unwrap(), data);
    assert_eq!(data.subset(1..=2).unwrap(), part);
}

#[test]
fn a_range_outside_the_data_is_refused() {
    assert_eq!(
        three().subset(1..4).unwrap_err().to_string(),
        "examples 1 to 4 (exclusive) are not a subset of a data set of 3 examples; give a range \
         that holds at least one example and ends at 3 or before"
    );
    #[expect(
        clippy::reversed_empty_ranges,
        reason = "a program may compute such a range"
    )]
    let backwards = 2..1;
    for range in [1..1, backwards, usize::MAX..usize::MAX] {
        assert!(three().subset(range).is_err());
    }
    assert!(three().subset(..=usize::MAX).is_err());
    assert!(three().subset(5..).is_err());
}

#[test]
fn both_parts_of_a_split_have_one_shape_and_the_same_classes() {
    let wide = Dataset::new([3], vec![0.0; 3], vec![0], 4).unwrap();
    assert_eq!(
        Split::new(three(), wide).unwrap_err().to_string(),
        "training inputs have shape [2] and 2 classes, test inputs [3] and 4; both must be the \
         same: take both parts from the same data set"
    );
}
