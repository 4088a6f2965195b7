//! Activations as layers: the pointwise functions of the tape.

use crate::Layer;
use osculant_tape::ops::{Gelu, LeakyRelu, Relu, Sigmoid, Silu, Softplus, Tanh};
use osculant_tape::{Scalar, Var};

macro_rules! activation {
    ($Activation:ident: $method:ident) => {
        impl<T: Scalar> Layer<T> for $Activation {
            fn name(&self) -> &str {
                stringify!($method)
            }

            fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
                x.$method()
            }
        }
    };
}

activation!(Relu: relu);
activation!(Tanh: tanh);
activation!(Sigmoid: sigmoid);
activation!(Softplus: softplus);
activation!(Gelu: gelu);
activation!(Silu: silu);

impl<T: Scalar> Layer<T> for LeakyRelu {
    fn name(&self) -> &str {
        "leaky_relu"
    }

    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        x.leaky_relu(self.slope)
    }
}
