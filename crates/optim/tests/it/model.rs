//! The model's operators: blocks of vectors, subsets and memory budgets.

use osculant_layers::{Layers, Network};
use osculant_optim::examples::Paired;
use osculant_optim::loss::LogisticLoss;
use osculant_optim::operator::LinearOperator;
use osculant_optim::{Objective, Result};
use osculant_tape::Random;

fn net() -> Result<Network<f64>> {
    Ok(Network::new([3], |x| {
        x.dense(7).tanh().dense(5).tanh().dense(2)
    })?)
}

fn data() -> Result<Paired<f64>> {
    let x = (0..3 * 23).map(|i| (0.7 * f64::from(i)).sin()).collect();
    let y = (0..2 * 23).map(|i| f64::from(i % 3) / 2.0).collect();
    Paired::new([3], x, 2, y)
}

fn vectors(n: usize, k: usize) -> Vec<f64> {
    let mut v = vec![0.0; k * n];
    Random::new(4, 0).normal(1.0, &mut v);
    v
}

#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 1e-12 * (1.0 + e.abs()), "{f} {e}");
    }
}

#[test]
fn a_block_of_products_is_its_products_one_by_one() -> Result<()> {
    let (net, data) = (net()?, data()?);
    let objective = Objective::new(&net, LogisticLoss, &data)?.regularization(0.5)?;
    let model = objective.at(&net.init(1))?.expect_products(100);
    let n = net.len();
    for g in [model.gauss_newton()?, model.gauss_newton_on(&[2, 20, 5])?] {
        for k in [1, 2, 3, 5] {
            let v = vectors(n, k);
            let mut block = vec![f64::NAN; k * n];
            g.apply_block_into(k, &v, &mut block)?;
            for (v, out) in v.chunks(n).zip(block.chunks(n)) {
                close(out, &g.apply(v)?);
            }
        }
    }
    Ok(())
}

#[test]
fn the_hessian_on_all_examples_is_the_hessian() -> Result<()> {
    let (net, data) = (net()?, data()?);
    let objective = Objective::new(&net, LogisticLoss, &data)?.regularization(0.5)?;
    let model = objective.at(&net.init(1))?;
    let all: Vec<usize> = (0..objective.len()).collect();
    let v = vectors(net.len(), 1);
    let whole = model.hessian()?.apply(&v)?;
    assert_eq!(model.hessian_on(&all)?.apply(&v)?, whole);
    assert_ne!(model.hessian_on(&all[1..])?.apply(&v)?, whole);
    Ok(())
}

#[test]
fn a_regularizer_that_overflows_is_an_error_of_the_product() -> Result<()> {
    let net = Network::<f32>::new([1], |x| x.dense(1))?;
    let data = Paired::new([1], vec![1.0f32], 1, vec![0.0f32])?;
    let objective = Objective::new(&net, LogisticLoss, &data)?.regularization(1e-38)?;
    let model = objective.at(&[0.0f32, 0.0])?;
    let v = [10.0f32, 0.0];
    let products = [
        model.gauss_newton()?.apply(&v),
        model.hessian()?.apply(&v),
        model
            .gauss_newton()?
            .apply_block_into(1, &v, &mut [0.0; 2])
            .map(|()| Vec::new()),
    ];
    for product in products {
        let message = product.unwrap_err().to_string();
        assert!(message.contains("inf at index 0"), "{message}");
    }
    Ok(())
}

#[test]
fn without_memory_products_are_the_same() -> Result<()> {
    let (net, data) = (net()?, data()?);
    let new = || Objective::new(&net, LogisticLoss, &data)?.regularization(0.5);
    let (usual, frugal) = (new()?, new()?.memory_budget(0));
    let (theta, v) = (net.init(1), vectors(net.len(), 1));
    for products in [1, 1000] {
        let here = usual.at(&theta)?.expect_products(products);
        let there = frugal.at(&theta)?.expect_products(products);
        close(
            &there.gauss_newton()?.apply(&v)?,
            &here.gauss_newton()?.apply(&v)?,
        );
        close(&there.hessian()?.apply(&v)?, &here.hessian()?.apply(&v)?);
        close(
            &there.gauss_newton()?.diagonal()?,
            &here.gauss_newton()?.diagonal()?,
        );
    }
    Ok(())
}
