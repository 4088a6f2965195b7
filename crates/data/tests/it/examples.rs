//! Data sets as the examples of an objective.

use osculant_data::Dataset;
use osculant_optim::examples::Examples;

fn data() -> Dataset {
    Dataset::new([2], vec![0.1, 1.0, 2.0, 3.0], vec![1, 0], 2).unwrap()
}

#[test]
fn a_dataset_hands_out_inputs_and_labels() {
    let data: &dyn Examples<f32, Target = u32> = &data();
    assert_eq!(
        (data.len(), data.input_size(), data.is_empty()),
        (2, 2, false)
    );
    assert_eq!((*data.target(0), *data.target(1)), (1, 0));
    let mut input = [0.0; 2];
    data.write_input(0, &mut input);
    assert_eq!(input, [0.1, 1.0]);
    assert_eq!(data.weight(1), 1.0);
}

#[test]
fn inputs_in_f64_are_those_of_f32() {
    let data: &dyn Examples<f64, Target = u32> = &data();
    let mut input = [0.0; 2];
    data.write_input(0, &mut input);
    assert_eq!(input, [f64::from(0.1f32), 1.0]);
}
