//! Each op computes the function that it is named for: derivatives that agree with a wrong
//! function would pass every other check.

use osculant_tape::ops::{AvgPool2d, MaxPool2d};
use osculant_tape::{Function, GraphError, IntoShape, Var};

/// f(x), through a graph.
fn value(
    shape: impl IntoShape,
    x: &[f64],
    f: impl for<'t> FnOnce(Var<'t, f64>) -> Var<'t, f64>,
) -> Vec<f64> {
    let f = Function::new(shape, f).unwrap();
    f.at(x).unwrap().values().to_vec()
}

#[track_caller]
fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        let close = (a - b).abs() <= 1e-14 * b.abs();
        assert!(close, "{found:?} is not {expected:?}");
    }
}

macro_rules! at {
    ($x:expr, $f:expr) => {{
        let x = $x;
        value([x.len()], &x, $f)
    }};
}

#[test]
fn activations() {
    let x = [-2.0, 0.5, 3.0];
    near(&at!(x, |x| x.relu()), &[0.0, 0.5, 3.0]);
    near(&at!(x, |x| x.leaky_relu(0.1)), &[-0.2, 0.5, 3.0]);
    let tanh = [-0.9640275800758169, 0.46211715726000973, 0.9950547536867305];
    near(&at!(x, |x| x.tanh()), &tanh);
    let sigmoid = [0.11920292202211755, 0.6224593312018546, 0.9525741268224334];
    near(&at!(x, |x| x.sigmoid()), &sigmoid);
    let softplus = [0.1269280110429725, 0.9740769841801067, 3.048587351573742];
    near(&at!(x, |x| x.softplus()), &softplus);
    let gelu = [-0.04550026389635839, 0.34573123063700656, 2.99595030590511];
    near(&at!(x, |x| x.gelu()), &gelu);
    let silu = [-0.2384058440442351, 0.3112296656009273, 2.8577223804673];
    near(&at!(x, |x| x.silu()), &silu);
}

#[test]
fn tails_keep_their_digits_and_overflow_nowhere() {
    let x = [-40.0, -1000.0, 1000.0];
    near(&at!(x, |x| x.sigmoid()), &[4.248354255291589e-18, 0.0, 1.0]);
    near(
        &at!(x, |x| x.softplus()),
        &[4.248354255291589e-18, 0.0, 1000.0],
    );
    near(&at!([-10.0], |x| x.gelu()), &[-7.619853024160525e-23]);
}

#[test]
fn powers_and_logarithms() {
    let x = [0.25, 4.0];
    near(
        &at!(x, |x| x.exp()),
        &[1.2840254166877414, 54.598150033144236],
    );
    near(
        &at!(x, |x| x.log()),
        &[-1.3862943611198906, 1.3862943611198906],
    );
    near(&at!(x, |x| x.sqrt()), &[0.5, 2.0]);
    near(&at!(x, |x| x.square()), &[0.0625, 16.0]);
    near(&at!(x, |x| x.powi(3)), &[0.015625, 64.0]);
    near(&at!(x, |x| x.powi(-1)), &[4.0, 0.25]);
    near(&at!([0.0], |x| x.powi(0)), &[1.0]);
}

#[test]
fn arithmetic() {
    let x = [1.0, -2.0, 4.0];
    near(&at!(x, |x| x + 1.0), &[2.0, -1.0, 5.0]);
    near(&at!(x, |x| 1.0 + x), &[2.0, -1.0, 5.0]);
    near(&at!(x, |x| x - 1.0), &[0.0, -3.0, 3.0]);
    near(&at!(x, |x| 1.0 - x), &[0.0, 3.0, -3.0]);
    near(&at!(x, |x| x * 3.0), &[3.0, -6.0, 12.0]);
    near(&at!(x, |x| 3.0 * x), &[3.0, -6.0, 12.0]);
    near(&at!(x, |x| x / 2.0), &[0.5, -1.0, 2.0]);
    near(&at!(x, |x| 2.0 / x), &[2.0, -1.0, 0.5]);
    near(&at!(x, |x| -x), &[-1.0, 2.0, -4.0]);
    near(&at!(x, |x| x.square() - x), &[0.0, 6.0, 12.0]);
    near(&at!(x, |x| x.square() + x), &[2.0, 2.0, 20.0]);
    near(&at!(x, |x| x.square() / x), &[1.0, -2.0, 4.0]);
    near(&at!(x, |x| x.square() * x), &[1.0, -8.0, 64.0]);
    near(&at!(x, |x| x.sum()), &[3.0]);
    near(&at!(x, |x| x.mean()), &[1.0]);
    near(&at!(x, |x| x - x.mean()), &[0.0, -3.0, 3.0]);
    near(&at!(x, |x| x.mean() / x), &[1.0, -0.5, 0.25]);
}

#[test]
fn the_last_axes_broadcast() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let scaled = value([2, 2], &x, |x| x * x.tape().constant([2], &[10.0, 100.0]));
    near(&scaled, &[10.0, 200.0, 30.0, 400.0]);
    let less = value([2, 2], &x, |x| x.tape().constant([2], &[10.0, 100.0]) - x);
    near(&less, &[9.0, 98.0, 7.0, 96.0]);
}

#[test]
fn pools() {
    // Two channels: the second is the first, negated.
    let x: Vec<f64> = (0..9).flat_map(|i| [f64::from(i), f64::from(-i)]).collect();
    let image = [3, 3, 2];
    near(&value(image, &x, |x| x.max_pool2d(2)), &[4.0, -0.0]);
    let ceil = value(image, &x, |x| x.max_pool2d(MaxPool2d::new(2).ceil()));
    near(&ceil, &[4.0, -0.0, 5.0, -2.0, 7.0, -6.0, 8.0, -8.0]);
    let padded = value(image, &x, |x| x.max_pool2d(MaxPool2d::new(2).padding(1)));
    near(&padded, &[0.0, 0.0, 2.0, -1.0, 6.0, -3.0, 8.0, -4.0]);
    near(&value(image, &x, |x| x.avg_pool2d(2)), &[2.0, -2.0]);
    let with = AvgPool2d::new(2).padding(1);
    let with_pad = value(image, &x, |x| x.avg_pool2d(with));
    near(&with_pad, &[0.0, 0.0, 0.75, -0.75, 2.25, -2.25, 6.0, -6.0]);
    let without_pad = value(image, &x, |x| x.avg_pool2d(with.exclude_pad()));
    near(&without_pad, &[0.0, 0.0, 1.5, -1.5, 4.5, -4.5, 6.0, -6.0]);
    near(&value(image, &x, |x| x.global_avg_pool()), &[4.0, -4.0]);
}

#[test]
fn a_mistake_names_the_line_that_made_it() {
    let line = line!() + 1;
    let error = Function::<f32>::new([4], |x| (x + x.reshape([2, 2])).sum()).unwrap_err();
    assert!(matches!(error, GraphError::Op { op: "add", .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("values.rs:{line}")), "{text}");
    assert!(text.contains("[4]") && text.contains("[2, 2]"), "{text}");
}

#[test]
fn options_without_meaning_are_refused() {
    let refused = |f: fn(Var<'_, f32>) -> Var<'_, f32>| Function::new([4, 4, 1], f).unwrap_err();
    for (error, says) in [
        (refused(|x| x / 0.0), "its scale is inf"),
        (refused(|x| x * 1e300), "its scale is 1e300"),
        (refused(|x| 1e300 / x), "its numerator is 1e300"),
        (refused(|x| x.leaky_relu(1e300)), "its slope is 1e300"),
        (refused(|x| x.leaky_relu(-0.1)), "slope is -0.1"),
        (refused(|x| x.max_pool2d(5)), "a window of 5 does not fit"),
        (refused(|x| x.max_pool2d(0)), "a window of 0"),
        (
            refused(|x| x.max_pool2d(MaxPool2d::new(3).padding(2))),
            "more than half the window",
        ),
        (refused(|x| x.flatten().avg_pool2d(2)), "it takes an image"),
        (refused(|x| x.sum().global_avg_pool()), "it takes an image"),
        (refused(|x| x.reshape([5, 3])), "holds 15"),
        (refused(|x| x.permute([0, 1])), "no order of the 3 axes"),
        (refused(|x| x.permute([0, 2, 2])), "no order of the 3 axes"),
    ] {
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn axes_in_another_order() {
    let x: Vec<f64> = (0..24).map(f64::from).collect();
    let matrix = value([4, 6], &x, |x| x.transpose());
    let expected: Vec<f64> = (0..24).map(|at| f64::from(at % 4 * 6 + at / 4)).collect();
    assert_eq!(matrix, expected);
    // Channels first to channels last: y[i, j, c] = x[c, i, j].
    let y = value([2, 3, 4], &x, |x| x.permute([1, 2, 0]));
    let expected: Vec<f64> = (0..24).map(|at| f64::from(at % 2 * 12 + at / 2)).collect();
    assert_eq!(y, expected);
    // All axes reversed: y[k, j, i] = x[i, j, k].
    let y = value([2, 3, 4], &x, |x| x.transpose());
    let at = |k: i32, j: i32, i: i32| f64::from(i * 12 + j * 4 + k);
    for (number, y) in (0..).zip(y) {
        assert_eq!(y, at(number / 6, number / 2 % 3, number % 2));
    }
}
