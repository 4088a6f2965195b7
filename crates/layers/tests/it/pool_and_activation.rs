use crate::assert_close;
use osculant_layers::prelude::*;

fn as_layer(layer: impl Layer<f64>, shape: [usize; 3], x: &[f64]) -> Vec<f64> {
    let net = Network::new(shape, |x| x.layer(layer)).expect("a network");
    assert!(net.is_empty());
    net.forward(&[], x).expect("finite outputs")
}

#[test]
fn a_layer_computes_what_the_method_does() {
    let x: Vec<f64> = (0..32).map(|i| f64::sin(f64::from(i))).collect();
    macro_rules! assert_same {
        ($layer:expr, $x:ident => $method:expr) => {
            let net = Network::<f64>::new([4, 4, 2], |$x| $method).expect("a network");
            let expected = net.forward(&[], &x).expect("finite outputs");
            assert_close(&as_layer($layer, [4, 4, 2], &x), &expected);
        };
    }
    assert_same!(Relu, x => x.relu());
    assert_same!(LeakyRelu { slope: 0.2 }, x => x.leaky_relu(0.2));
    assert_same!(Tanh, x => x.tanh());
    assert_same!(Sigmoid, x => x.sigmoid());
    assert_same!(Softplus, x => x.softplus());
    assert_same!(Gelu, x => x.gelu());
    assert_same!(Silu, x => x.silu());
    assert_same!(Flatten, x => x.flatten());
    assert_same!(MaxPool2d::new(3).stride(2).ceil(), x => x.max_pool2d(MaxPool2d::new(3).stride(2).ceil()));
    assert_same!(AvgPool2d::from([2, 1]), x => x.avg_pool2d([2, 1]));
    assert_same!(GlobalAvgPool, x => x.global_avg_pool());
    assert_same!(Identity, x => x);
}

#[test]
fn the_relu_layer_cuts_at_zero() {
    assert_close(
        &as_layer(Relu, [1, 1, 3], &[-1.0, 0.0, 2.0]),
        &[0.0, 0.0, 2.0],
    );
}

#[test]
fn a_name_is_what_parameters_and_messages_show() {
    assert_eq!(Layer::<f32>::name(&MaxPool2d::new(2)), "max_pool");
    assert_eq!(Layer::<f32>::name(&AvgPool2d::new(2)), "avg_pool");
    assert_eq!(Layer::<f32>::name(&GlobalAvgPool), "global_avg_pool");
    assert_eq!(Layer::<f32>::name(&LeakyRelu { slope: 0.1 }), "leaky_relu");
    assert_eq!(Layer::<f32>::name(&Gelu), "gelu");
}
