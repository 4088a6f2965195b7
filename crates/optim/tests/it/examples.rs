//! Data sets in memory: what they hand out and what they refuse.

use osculant_optim::examples::{Examples, InMemory, Labelled, Paired};

#[test]
fn inputs_come_back_example_by_example() {
    let data = Labelled::new([2], vec![1.0f32, 2.0, 3.0, 4.0], vec![5, 6]).unwrap();
    let mut x = [0.0; 2];
    data.write_input(1, &mut x);
    assert_eq!(x, [3.0, 4.0]);
    assert_eq!((data.len(), data.input_size()), (2, 2));
    assert_eq!((*data.target(0), data.weight(0)), (5, 1.0));
}

#[test]
fn a_data_set_can_be_chosen_at_run_time() {
    let boxed: Box<dyn Examples<f64, Target = u32>> =
        Box::new(Labelled::new(1, vec![0.5], vec![3]).unwrap());
    assert_eq!(*boxed.target(0), 3);
    assert!(!boxed.is_empty());
}

#[test]
fn targets_may_be_vectors_or_anything() {
    let paired = Paired::new(
        [1],
        vec![0.0, 1.0, 2.0],
        2,
        vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
    );
    assert_eq!(paired.unwrap().target(2), [4.0, 5.0]);
    let own = InMemory::new([1], vec![0.0], vec![(2.5, true)]).unwrap();
    assert_eq!(own.target(0), &(2.5, true));
}

#[test]
fn lengths_that_disagree_are_refused() {
    let message = |r: Result<Labelled<f64>, _>| r.map(|_| ()).map_err(osculant_text).unwrap_err();
    let short = message(Labelled::new([2], vec![0.0; 3], vec![0, 1]));
    assert!(short.contains("has 3 numbers where 4"), "{short}");
    assert!(message(Labelled::new([2], vec![], vec![])).contains("at least one example"));
    assert!(message(Labelled::new([2, 0], vec![], vec![0])).contains("input shape"));
    let uneven = Paired::new([1], vec![0.0, 1.0], 2, vec![0.0; 3]).unwrap_err();
    assert!(
        uneven.to_string().contains("has 3 numbers where 4"),
        "{uneven}"
    );
    assert!(Paired::new([1], vec![0.0], 0, vec![]).is_err());
}

fn osculant_text(error: osculant_optim::OptimError) -> String {
    error.to_string()
}

#[test]
fn what_is_not_finite_is_refused_with_its_example() {
    let inputs = vec![0.0, 0.0, 0.0, f64::NAN];
    let error = Labelled::new([2], inputs, vec![0, 1])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("example 1") && error.contains("NaN at index 1"),
        "{error}"
    );
    let error = Paired::new([1], vec![0.0], 1, vec![f64::INFINITY])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("example 0") && error.contains("target"),
        "{error}"
    );
}

#[test]
fn weights_are_finite_and_some_count() {
    let data = Labelled::new([1], vec![0.0, 1.0], vec![0, 1]).unwrap();
    assert_eq!(
        data.clone().with_weights(vec![0.0, 2.0]).unwrap().weight(1),
        2.0
    );
    for bad in [
        vec![1.0],
        vec![1.0, -1.0],
        vec![f64::NAN, 1.0],
        vec![0.0, 0.0],
    ] {
        assert!(data.clone().with_weights(bad).is_err());
    }
}

#[test]
fn debug_output_does_not_print_the_data() {
    let data = Labelled::new([28, 28, 1], vec![0.0f32; 784], vec![3]).unwrap();
    assert!(format!("{data:?}").len() < 100);
}
