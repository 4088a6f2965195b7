use crate::{assert_close, moments, names, shapes};
use osculant_layers::prelude::*;

fn output_shape(image: [usize; 3], conv: Conv2d) -> Vec<usize> {
    let net = Network::<f32>::new(image, |x| x.layer(conv)).expect("a network");
    net.output_shape().to_vec()
}

#[test]
fn declares_weight_then_bias() -> Result<(), GraphError> {
    let net = Network::<f32>::new([9, 8, 6], |x| x.layer(Conv2d::new(4, [5, 3]).groups(2)))?;
    assert_eq!(names(&net), ["conv1.weight", "conv1.bias"]);
    assert_eq!(shapes(&net), [vec![5, 3, 3, 4], vec![4]]);
    let net = Network::<f32>::new([9, 8, 6], |x| x.layer(Conv2d::new(4, 3).no_bias()))?;
    assert_eq!(names(&net), ["conv1.weight"]);
    Ok(())
}

#[test]
fn every_option_changes_the_shape_as_documented() {
    let image = [9, 8, 2];
    assert_eq!(output_shape(image, Conv2d::new(4, 3)), [7, 6, 4]);
    assert_eq!(output_shape(image, Conv2d::new(4, [3, 2])), [7, 7, 4]);
    assert_eq!(output_shape(image, Conv2d::new(4, 3).same()), [9, 8, 4]);
    let strided = Conv2d::new(4, 3).same().stride([2, 3]);
    assert_eq!(output_shape(image, strided), [5, 3, 4]);
    let padded = Conv2d::new(4, 3).pad([2, 0]);
    assert_eq!(output_shape(image, padded), [11, 6, 4]);
    let dilated = Conv2d::new(4, 3).dilation([2, 3]);
    assert_eq!(output_shape(image, dilated), [5, 2, 4]);
    let one_side = Conv2d::new(4, 3).padding(Padding::Explicit {
        top: 1,
        bottom: 0,
        left: 0,
        right: 2,
    });
    assert_eq!(output_shape(image, one_side), [8, 8, 4]);
}

#[test]
fn computes_the_sum_over_the_window_without_flipping() -> Result<(), GraphError> {
    let net = Network::<f64>::new([2, 3, 1], |x| x.conv2d(1, [1, 2]))?;
    let y = net.forward(&[10.0, 1.0, 0.5], &[1., 2., 3., 4., 5., 6.])?;
    assert_close(&y, &[12.5, 23.5, 45.5, 56.5]);
    Ok(())
}

#[test]
fn groups_see_their_own_channels_only() -> Result<(), GraphError> {
    let depthwise = Conv2d::new(2, 1).groups(2).no_bias();
    let net = Network::<f64>::new([1, 2, 2], |x| x.layer(depthwise))?;
    let y = net.forward(&[10.0, 100.0], &[1., 2., 3., 4.])?;
    assert_close(&y, &[10., 200., 30., 400.]);
    Ok(())
}

#[test]
fn begins_as_he_with_the_fan_of_its_group() -> Result<(), GraphError> {
    let conv = Conv2d::new(64, 5).groups(2);
    let net = Network::<f64>::new([9, 9, 32], |x| x.layer(conv))?;
    let theta = net.init(11);
    let [mean, std] = moments(net.view(&theta, "conv1.weight")?);
    let expected = (2.0_f64 / (25.0 * 16.0)).sqrt();
    // 25,600 draws.
    assert!(mean.abs() < 4.0 * expected / 160.0, "{mean}");
    assert!((std / expected - 1.0).abs() < 4.0 / 226.0, "{std}");
    assert_eq!(net.view(&theta, "conv1.bias")?, [0.0; 64]);
    Ok(())
}

#[test]
fn bound_it_shares_its_parameters_over_images_of_any_size() -> Result<(), GraphError> {
    let net = Network::<f64>::build(|tape| {
        let (small, large) = (tape.input([3, 3, 1]), tape.input([5, 4, 1]));
        let conv = Conv2d::new(2, 3).bind(small);
        conv.apply(small).global_avg_pool() + conv.apply(large).global_avg_pool()
    })?;
    assert_eq!(names(&net), ["conv1.weight", "conv1.bias"]);
    let mut theta = vec![0.0; 18];
    theta.extend([1.0, 2.0]);
    assert_close(&net.forward(&theta, &[1.0; 29])?, &[2.0, 4.0]);
    Ok(())
}
