//! Numbers and sizes at the ends of their ranges: errors, never a silent infinity and never a
//! panic.

use osculant_tape::linearize::{Budget, TileData};
use osculant_tape::ops::dense;
use osculant_tape::{Graph, Init, Tape, Var};

/// The message of a graph that is refused.
#[track_caller]
fn refused(f: impl for<'t> FnOnce(&'t Tape<f32>) -> Var<'t, f32>) -> String {
    Graph::new(f).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn an_outer_product_that_overflows_is_an_error_for_weights_of_any_size() {
    for (inputs, outputs) in [(10, 5), (100, 50)] {
        let graph = Graph::<f32>::new(|tape| {
            let w = tape.param("w", [inputs, outputs], Init::Constant(0.0));
            dense(tape.input([inputs]), w)
        })
        .unwrap();
        let theta = graph.params().init(0);
        let mut out = vec![0.0; 2 * theta.len()];
        let mut run = |x: f32, u: f32| {
            let feed = |_: usize, input: &mut [f32]| input.fill(x);
            let lin = graph.linearize(&theta, &feed, &[0, 1], Budget::default())?;
            let u = |_: &TileData<'_, f32>, out: Option<&mut [f32]>| {
                out.into_iter().for_each(|out| out.fill(u));
                Ok(0.0)
            };
            lin.per_example_into(&u, &mut out)?;
            Ok::<_, osculant_tape::GraphError>(out[0])
        };
        assert_eq!(run(2.0, 3.0), Ok(6.0));
        // Large, and finite all the same.
        assert_eq!(run(1e20, 1e18), Ok(1e38));
        let message = run(1e20, 1e20).unwrap_err().to_string();
        assert!(message.contains("is inf at index 0"), "{message}");
    }
}

#[test]
fn no_constant_is_infinite() {
    for c in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        refused(|tape| tape.input([2]) / c);
        refused(|tape| tape.input([2]) * c);
        refused(|tape| tape.input([2]) + c);
    }
    let message = refused(|tape| tape.input([2]) / 0.0);
    assert!(message.contains("inf"), "{message}");
}

#[test]
fn sparse_weights_know_how_many_inputs_they_have() {
    let weight = |fan_in: usize| {
        let (nonzero, std) = (3, 1.0);
        let init = Init::Sparse {
            fan_in,
            nonzero,
            std,
        };
        Graph::<f32>::new(|tape| dense(tape.input([10]), tape.param("w", [10, 100], init)))
    };
    assert!(weight(10).is_ok());
    for fan_in in [0, 1000, 2000, usize::MAX] {
        let message = weight(fan_in).unwrap_err().to_string();
        assert!(message.contains("`w`: its fan_in is"), "{message}");
        assert!(message.contains("10 inputs for each output"), "{message}");
    }
}

#[test]
fn values_beyond_all_memory_are_refused_or_planned_without_overflow() {
    fn scaled(tape: &Tape<f32>, len: usize) -> Var<'_, f32> {
        tape.input([len]) * tape.param("s", [], Init::Zeros)
    }
    // 2³³ outputs, each with as many rows of S.
    let planned = Graph::<f32>::new(|tape| scaled(tape, 1 << 33).tanh());
    assert!(planned.is_ok());
    let message = refused(|tape| {
        let y = scaled(tape, 1 << 59);
        (0..8).fold(y, |y, _| y.tanh()).sum()
    });
    assert!(
        message.contains("more numbers than any memory holds"),
        "{message}"
    );
}
