use crate::{assert_close, moments, names, shapes};
use osculant_layers::prelude::*;

#[test]
fn declares_weight_then_bias() -> Result<(), GraphError> {
    let net = Network::<f32>::new([3], |x| x.dense(4))?;
    assert_eq!(names(&net), ["dense1.weight", "dense1.bias"]);
    assert_eq!(shapes(&net), [vec![3, 4], vec![4]]);
    let net = Network::<f32>::new([3], |x| x.layer(Dense::new(4).no_bias()))?;
    assert_eq!(names(&net), ["dense1.weight"]);
    Ok(())
}

#[test]
fn computes_x_w_plus_b() -> Result<(), GraphError> {
    let net = Network::<f64>::new([3], |x| x.dense(2))?;
    let theta = [1., 2., 3., 4., 5., 6., 10., 20.];
    let y = net.forward(&theta, &[1., 0., -1., 1., 1., 1.])?;
    assert_close(&y, &[1. - 5. + 10., 2. - 6. + 20., 9. + 10., 12. + 20.]);
    Ok(())
}

#[test]
fn treats_all_positions_alike() -> Result<(), GraphError> {
    let positions = Network::<f64>::new([2, 3], |x| x.dense(2))?;
    let one = Network::<f64>::new([3], |x| x.dense(2))?;
    let theta = one.init(3);
    let x = [0.1, 0.2, 0.3, -1.0, 2.0, 4.0];
    assert_eq!(**positions.output_shape(), [2, 2]);
    assert_close(&positions.forward(&theta, &x)?, &one.forward(&theta, &x)?);
    Ok(())
}

#[test]
fn begins_as_he_with_zero_bias() -> Result<(), GraphError> {
    let net = Network::<f64>::new([400], |x| x.dense(100))?;
    let theta = net.init(7);
    let [mean, std] = moments(net.view(&theta, "dense1.weight")?);
    let expected = (2.0_f64 / 400.0).sqrt();
    // 40,000 draws: the mean strays by std/200, the standard deviation by 1/280 of itself.
    assert!(mean.abs() < 4.0 * expected / 200.0, "{mean}");
    assert!((std / expected - 1.0).abs() < 4.0 / 280.0, "{std}");
    assert_eq!(net.view(&theta, "dense1.bias")?, [0.0; 100]);
    Ok(())
}

#[test]
fn begins_as_told() -> Result<(), GraphError> {
    let glorot = Dense::new(100).init(WeightInit::Glorot);
    let net = Network::<f64>::new([300], |x| x.layer(glorot))?;
    let theta = net.init(7);
    let w = net.view(&theta, "dense1.weight")?;
    let bound = (6.0_f64 / 400.0).sqrt();
    let largest = w.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
    assert!(largest <= bound && largest > 0.99 * bound, "{largest}");

    let sparse = Dense::new(100).init(WeightInit::Sparse(15));
    let net = Network::<f64>::new([300], |x| x.layer(sparse))?;
    let theta = net.init(7);
    let w = net.view(&theta, "dense1.weight")?;
    let mut inputs = vec![0; 300];
    for o in 0..100 {
        let of_output = w[o..].iter().step_by(100);
        let chosen: Vec<_> = of_output.enumerate().filter(|(_, w)| **w != 0.0).collect();
        assert_eq!(chosen.len(), 15, "output {o}");
        chosen.iter().for_each(|(i, _)| inputs[*i] += 1);
    }
    // Each input is chosen 5 times on average, with variance 4.75: 0 times by 2 of 300.
    assert!(inputs.iter().filter(|n| **n == 0).count() < 12);
    assert!(inputs.iter().all(|n| *n < 18), "{inputs:?}");
    let square = w.iter().map(|w| w * w).sum::<f64>() / 1500.0;
    assert!(
        (square - 1.0).abs() < 4.0 * (2.0_f64 / 1500.0).sqrt(),
        "{square}"
    );
    let all = Dense::new(2).init(WeightInit::Sparse(15));
    let net = Network::<f64>::new([3], |x| x.layer(all))?;
    assert!(net.init(1)[..6].iter().all(|w| *w != 0.0));

    let told = Dense::new(2)
        .init(Init::Constant(0.5))
        .bias_init(Init::Constant(-1.0));
    let net = Network::<f64>::new([1], |x| x.layer(told))?;
    assert_eq!(net.init(0), [0.5, 0.5, -1.0, -1.0]);
    Ok(())
}

#[test]
fn applied_twice_it_makes_two_sets_of_parameters() -> Result<(), GraphError> {
    let d = Dense::new(3);
    let net = Network::<f32>::new([3], |x| x.layer(&d).layer(&d))?;
    let expected = [
        "dense1.weight",
        "dense1.bias",
        "dense2.weight",
        "dense2.bias",
    ];
    assert_eq!(names(&net), expected);
    Ok(())
}

#[test]
fn bound_it_shares_its_parameters() -> Result<(), GraphError> {
    let shared = Network::<f64>::new([3], |x| {
        let d = Dense::new(3).bind(x);
        d.apply(d.apply(x).tanh())
    })?;
    assert_eq!(names(&shared), ["dense1.weight", "dense1.bias"]);
    let twice = Network::<f64>::new([3], |x| x.dense(3).tanh().dense(3))?;
    let theta = shared.init(1);
    let both = [&theta[..], &theta].concat();
    let x = [0.3, -0.2, 0.9];
    assert_close(&shared.forward(&theta, &x)?, &twice.forward(&both, &x)?);
    Ok(())
}

#[test]
fn the_weight_of_a_bound_layer_can_be_used_again() -> Result<(), GraphError> {
    let net = Network::<f64>::new([2], |x| {
        let d = Dense::new(2).bind(x);
        assert!(d.bias().is_some());
        d.weight().matmul(d.apply(x))
    })?;
    let y = net.forward(&[1., 2., 3., 4., 0., 0.], &[1., 1.])?;
    assert_close(&y, &[4. + 12., 12. + 24.]);
    Ok(())
}
