//! How long value, gradient and every product take, on three small networks and in both types.
//!
//! `cargo bench -p osculant-optim --bench sweeps`, with a part of a name behind `--` if not all is
//! wanted: `-- conv/f32`, `-- "G v"`.

use criterion::Criterion;
use osculant_layers::prelude::*;
use osculant_optim::examples::Labelled;
use osculant_optim::loss::SoftmaxCrossEntropy;
use osculant_optim::operator::LinearOperator;
use osculant_optim::{Objective, Route};
use osculant_tape::{GraphError, Random, Scalar, Var};
use std::time::Duration;

const BATCH: usize = 64;
const CLASSES: usize = 10;

fn numbers<T: Scalar>(stream: u64, n: usize) -> Vec<T> {
    let mut x = vec![T::zero(); n];
    Random::new(1, stream).normal(1.0, &mut x);
    x
}

fn mlp<T: Scalar>() -> Result<Network<T>, GraphError> {
    Network::new([12, 12, 4], |x| {
        x.flatten()
            .dense(128)
            .relu()
            .dense(64)
            .relu()
            .dense(CLASSES)
    })
}

fn conv<T: Scalar>() -> Result<Network<T>, GraphError> {
    Network::new([12, 12, 4], |x| {
        let x = x.conv2d(16, 3).relu().max_pool2d(2);
        let x = x.conv2d(32, 3).relu().max_pool2d(2);
        x.flatten().dense(CLASSES)
    })
}

fn residual<T: Scalar>() -> Result<Network<T>, GraphError> {
    fn block<'t, T: Scalar>(x: Var<'t, T>) -> Var<'t, T> {
        let inner = x.layer(Conv2d::new(16, 3).same()).relu();
        (inner.layer(Conv2d::new(16, 3).same()) + x).relu()
    }
    Network::new([12, 12, 4], |x| {
        let x = block(block(x.layer(Conv2d::new(16, 3).same()).relu()));
        x.global_avg_pool().dense(CLASSES)
    })
}

fn sweeps<T: Scalar>(criterion: &mut Criterion, name: &str, net: Result<Network<T>, GraphError>) {
    let net = net.unwrap_or_else(|error| panic!("{name}: {error}"));
    let labels = (0..BATCH).map(|i| (i % CLASSES) as u32).collect();
    let data = Labelled::new([12, 12, 4], numbers::<T>(2, BATCH * 12 * 12 * 4), labels)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let objective = Objective::new(&net, SoftmaxCrossEntropy, &data)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let (theta, n) = (net.init(3), net.len());
    let (v, u) = (numbers::<T>(4, n), numbers::<T>(5, BATCH * CLASSES));
    let mut out = vec![T::zero(); n];
    let mut group = criterion.benchmark_group(format!("{name}/{}", T::NAME));
    group
        .measurement_time(Duration::from_secs(1))
        .warm_up_time(Duration::from_millis(300))
        .sample_size(20);

    group.bench_function("forward", |b| b.iter(|| objective.value(&theta)));
    group.bench_function("gradient", |b| {
        b.iter(|| objective.value_and_gradient_into(&theta, &mut out));
    });
    let model = |route| {
        let model = objective.at(&theta).map(|model| model.route(route));
        model.unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let swept = model(Route::Sweep);
    let (Ok(jacobian), Ok(hessian)) = (swept.jacobian(), swept.hessian()) else {
        panic!("{name}: nothing to differentiate")
    };
    let mut tangents = vec![T::zero(); jacobian.rows()];
    group.bench_function("jvp", |b| {
        b.iter(|| jacobian.apply_into(&v, &mut tangents));
    });
    group.bench_function("vjp", |b| {
        b.iter(|| jacobian.apply_adjoint_into(&u, &mut out));
    });
    for (route, title) in [(Route::Sweep, "G v, swept"), (Route::Stored, "G v, stored")] {
        let Ok(g) = model(route).gauss_newton() else {
            panic!("{name}: no G")
        };
        group.bench_function(title, |b| b.iter(|| g.apply_into(&v, &mut out)));
    }
    group.bench_function("H v", |b| b.iter(|| hessian.apply_into(&v, &mut out)));
    let mut rows = vec![T::zero(); BATCH * n];
    group.bench_function("per example", |b| {
        b.iter(|| model(Route::Sweep).per_example_gradients_into(&mut rows));
    });
    group.bench_function("diagonal", |b| {
        b.iter(|| model(Route::Sweep).gauss_newton().map(|g| g.diagonal()));
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let criterion = &mut criterion;
    sweeps::<f32>(criterion, "mlp", mlp());
    sweeps::<f64>(criterion, "mlp", mlp());
    sweeps::<f32>(criterion, "conv", conv());
    sweeps::<f64>(criterion, "conv", conv());
    sweeps::<f32>(criterion, "residual", residual());
    sweeps::<f64>(criterion, "residual", residual());
    criterion.final_summary();
}
