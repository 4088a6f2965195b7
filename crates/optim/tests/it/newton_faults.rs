//! The Newton trainer where losses are not what it hopes for: each outcome that it documents.

use osculant_layers::{Layers, Network};
use osculant_optim::examples::Paired;
use osculant_optim::loss::{Convexity, Loss};
use osculant_optim::solve::{Cg, Stop};
use osculant_optim::train::{
    ConstantDamping, Everything, NewtonCg, Report, Search, TrustRegion, WarmStart,
};
use osculant_optim::{Objective, Result};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A loss of r = z − y for one output, by its value and two derivatives.
struct OfResidual {
    value: fn(f64) -> f64,
    first: fn(f64) -> f64,
    second: fn(f64) -> f64,
}

impl Loss<f64> for OfResidual {
    type Target = [f64];
    fn name(&self) -> &str {
        "residual"
    }
    fn check_output(&self, _: &[usize]) -> Result<()> {
        Ok(())
    }
    fn check_target(&self, _: &[usize], _: &[f64]) -> Result<()> {
        Ok(())
    }
    fn convexity(&self) -> Convexity {
        Convexity::NotConvex
    }
    fn value(&self, z: &[f64], y: &[f64], _: &[f64], _: &mut [f64]) -> f64 {
        (self.value)(z[0] - y[0])
    }
    fn gradient(&self, z: &[f64], y: &[f64], _: &[f64], _: &[f64], g: &mut [f64]) {
        g[0] = (self.first)(z[0] - y[0]);
    }
    fn curvature(&self, z: &[f64], y: &[f64], _: &[f64], _: &[f64], dz: &[f64], out: &mut [f64]) {
        out[0] = (self.second)(z[0] - y[0]) * dz[0];
    }
}

fn undamped() -> NewtonCg {
    let newton = NewtonCg::default().iterations(60).sampling(Everything);
    newton.damping(ConstantDamping::none())
}

/// Trains a line that is 0 at first towards targets of 3.
fn train(loss: OfResidual, trainer: NewtonCg) -> Result<Report<f64>> {
    let net = Network::<f64>::new([1], |x| x.dense(1)).unwrap();
    let x = vec![-1.0, -0.5, 0.5, 1.0];
    let data = Paired::new([1], x, 1, vec![3.0; 4]).unwrap();
    let objective = Objective::new(&net, loss, &data).unwrap();
    trainer.train(&objective, vec![0.0; net.len()])
}

/// ln(1 + r²), which is concave where |r| > 1.
fn cauchy() -> OfResidual {
    OfResidual {
        value: |r| (r * r).ln_1p(),
        first: |r| 2.0 * r / (1.0 + r * r),
        second: |r| 2.0 * (1.0 - r * r) / (1.0 + r * r).powi(2),
    }
}

/// Half a square.
fn half_square() -> OfResidual {
    OfResidual {
        value: |r| 0.5 * r * r,
        first: |r| r,
        second: |_| 1.0,
    }
}

#[test]
fn a_curvature_that_is_indefinite_still_leads_to_the_minimum() {
    let searched = train(cauchy(), undamped()).unwrap();
    let negative = |stop: &Stop| matches!(stop, Stop::NegativeCurvature { .. });
    assert!(negative(&searched.iterations[0].cg_stop), "{searched:?}");
    let region = undamped().globalization(TrustRegion::default());
    let within = train(cauchy(), region).unwrap();
    assert_eq!(within.iterations[0].cg_stop, Stop::Boundary, "{within:?}");
    for report in [searched, within] {
        assert!(report.value < 1e-10, "{report:?}");
        for i in &report.iterations {
            assert!(i.new_value <= i.value, "{i:?}");
        }
    }
}

#[test]
fn a_first_product_that_is_no_number_ends_the_run_with_its_error() {
    let loss = OfResidual {
        second: |_| f64::NAN,
        ..half_square()
    };
    let message = train(loss, undamped()).unwrap_err().to_string();
    assert!(message.contains("NaN"), "{message}");
}

#[test]
fn a_gradient_that_is_no_number_where_the_value_is_one_ends_the_run() {
    // The first step goes to the minimum.
    let loss = OfResidual {
        first: |r| if r.abs() < 0.5 { f64::NAN } else { r },
        ..half_square()
    };
    let message = train(loss, undamped()).unwrap_err().to_string();
    assert!(
        message.contains("gradient") && message.contains("NaN"),
        "{message}"
    );
}

#[test]
fn a_direction_that_does_not_descend_is_no_step_and_no_warm_start() {
    // The first step goes from r = −3 beyond the minimum to r = 1, where the curvature is negative:
    // CG, begun at the step before, ends there, and that is uphill now.
    let loss = || OfResidual {
        value: |r| {
            if r < 0.5 {
                0.5 * (r - 1.0).powi(2)
            } else {
                4.0 + r
            }
        },
        first: |r| if r < 0.5 { r - 1.0 } else { 1.0 },
        second: |r| if r < 0.5 { 1.0 } else { -1.0 },
    };
    let warm = undamped().iterations(3).warm_start(WarmStart::default());
    let report = train(loss(), warm).unwrap();
    let [first, uphill, after] = &report.iterations[..] else {
        panic!("{report:?}");
    };
    assert_eq!((first.step, first.new_value), (1.0, 5.0));
    assert!(
        matches!(uphill.cg_stop, Stop::NegativeCurvature { .. }),
        "{uphill:?}"
    );
    assert!(uphill.slope > 0.0, "{uphill:?}");
    assert!(
        matches!(uphill.search, Search::NotDescent { .. }),
        "{uphill:?}"
    );
    assert_eq!((uphill.step, uphill.new_value), (0.0, 5.0));
    // From 0, CG ends at the gradient itself, which is downhill.
    assert!(after.slope < 0.0 && after.step > 0.0, "{after:?}");
    assert!(after.new_value < 5.0, "{after:?}");
}

#[test]
fn a_later_product_that_is_no_number_leaves_the_iterate_before_as_the_direction() {
    /// Half a square, whose B is no number in the second product.
    struct NaNLater(AtomicUsize);
    impl Loss<f64> for NaNLater {
        type Target = [f64];
        fn name(&self) -> &str {
            "nan later"
        }
        fn check_output(&self, _: &[usize]) -> Result<()> {
            Ok(())
        }
        fn check_target(&self, _: &[usize], _: &[f64]) -> Result<()> {
            Ok(())
        }
        fn convexity(&self) -> Convexity {
            Convexity::Convex
        }
        fn value(&self, z: &[f64], y: &[f64], _: &[f64], _: &mut [f64]) -> f64 {
            0.5 * (z[0] - y[0]).powi(2)
        }
        fn gradient(&self, z: &[f64], y: &[f64], _: &[f64], _: &[f64], g: &mut [f64]) {
            g[0] = z[0] - y[0];
        }
        fn curvature(
            &self,
            _: &[f64],
            _: &[f64],
            _: &[f64],
            _: &[f64],
            dz: &[f64],
            out: &mut [f64],
        ) {
            // Four examples to a product.
            let product = self.0.fetch_add(1, Ordering::Relaxed) / 4;
            out[0] = if product == 1 { f64::NAN } else { dz[0] };
        }
    }
    let net = Network::<f64>::new([1], |x| x.dense(1)).unwrap();
    let (x, y) = (vec![-1.0, -0.5, 0.5, 2.0], vec![0.0, 1.0, 5.0, 2.0]);
    let data = Paired::new([1], x, 1, y).unwrap();
    let objective = Objective::new(&net, NaNLater(AtomicUsize::new(0)), &data).unwrap();
    let exact = Cg::default().tolerance(1e-12).max_iterations(9);
    let newton = undamped().iterations(2).cg(exact);
    let report = newton.train(&objective, vec![0.0; 2]).unwrap();
    let [first, second] = &report.iterations[..] else {
        panic!("{report:?}");
    };
    assert_eq!((first.cg_stop, first.cg_iterations), (Stop::NonFinite, 1));
    assert!(
        first.step > 0.0 && first.new_value < first.value,
        "{first:?}"
    );
    // The next solve is whole again, and exact.
    assert_eq!(second.cg_stop, Stop::Converged, "{second:?}");
    assert!(report.gradient_norm < 1e-12, "{report:?}");
}

#[test]
fn a_theta_that_is_not_finite_is_refused_before_anything_is_computed() {
    let net = Network::<f64>::new([1], |x| x.dense(1)).unwrap();
    let data = Paired::new([1], vec![1.0], 1, vec![3.0]).unwrap();
    let objective = Objective::new(&net, half_square(), &data).unwrap();
    for bad in [f64::NAN, f64::INFINITY] {
        let message = undamped().train(&objective, vec![0.0, bad]).unwrap_err();
        let message = message.to_string();
        assert!(
            message.contains("theta") && message.contains("index 1"),
            "{message}"
        );
    }
}
