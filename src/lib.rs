//! Automatic differentiation in which the Gauss-Newton matrix is a first-class operation.
//!
//! Around parameters θ a training objective
//!
//! ```text
//! f(θ) = 1/(2C) ‖θ‖² + 1/l Σ ξ(z(θ; Zⁱ); yⁱ)
//! ```
//!
//! is replaced by the paraboloid that touches it there, q(d) = f(θ) + ∇f(θ)ᵀd + ½ dᵀG d, whose
//! curvature is the Gauss-Newton matrix G = 1/C I + 1/l Σ JᵀBJ. G is never stored: the product
//! `G v` costs about as much as a gradient, for any network and any convex loss that supplies its
//! B.
//!
//! # The tour
//!
//! ```
//! use osculant::prelude::*;
//!
//! // A network, written for one example.
//! let net = Network::<f32>::new([8, 8, 1], |x| {
//!     let x = x.conv2d(4, 3).relu().max_pool2d(2);
//!     x.flatten().dense(3)
//! })?;
//!
//! // A loss on data, regularized.
//! let inputs: Vec<f32> = (0..6 * 64).map(|i| (i as f32 * 0.7).sin()).collect();
//! let data = Labelled::new([8, 8, 1], inputs, vec![0, 1, 2, 0, 1, 2])?;
//! let objective = Objective::new(&net, OnLabels(SquaredLoss), &data)?.regularization(0.06)?;
//! let theta = net.init(0);
//!
//! // Value, gradient and curvature at θ.
//! let model = objective.at(&theta)?;
//! let g = model.gauss_newton()?;
//! let gv = g.apply(&vec![1.0; net.len()])?; // the first-class operation
//! let newton = Cg::default().solve(&g, &model.descent()?)?; // G d = −∇f
//! assert_eq!(gv.len(), newton.d.len());
//!
//! // Or all of it.
//! let report = NewtonCg::default().iterations(3).train(&objective, theta)?;
//! assert!(report.value < model.value()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where things are
//!
//! | module | holds |
//! |---|---|
//! | [`tape`] | the graph, its derivatives, the ops |
//! | [`layers`] | whatever owns a parameter; networks and their descriptions |
//! | [`optim`] | losses, objectives, curvature operators, solvers, trainers |
//! | [`data`] | data sets, file formats, preprocessing, the bundled digits |
//! | [`prelude`] | the names that nearly every program uses |

pub use osculant_data as data;
pub use osculant_layers as layers;
pub use osculant_optim as optim;
pub use osculant_tape as tape;

/// The names that nearly every program uses.
pub mod prelude {
    pub use osculant_layers::describe::NetworkDescription;
    pub use osculant_layers::prelude::*;
    pub use osculant_optim::examples::{Examples, InMemory, Labelled, Paired};
    pub use osculant_optim::loss::{
        Convexity, HuberLoss, LogisticLoss, Loss, OnLabels, PerPosition, PoissonLoss,
        SoftmaxCrossEntropy, SquaredLoss, ToInput,
    };
    pub use osculant_optim::operator::{
        GaussNewton, Hessian, Jacobian, LinearOperator, SelfAdjoint, Shifted,
    };
    pub use osculant_optim::solve::{Cg, Inverse};
    pub use osculant_optim::train::{Cyclic, Everything, LevenbergMarquardt, NewtonCg, Size};
    pub use osculant_optim::{Model, Objective, OptimError, Route};
    pub use osculant_tape::{Function, GraphError, Init, Random, Scalar, Shape, Tape, Var};
}

/// The code on these pages is compiled and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../docs/add-an-op.md")]
    mod add_an_op {}
    #[doc = include_str!("../docs/add-a-layer.md")]
    mod add_a_layer {}
    #[doc = include_str!("../docs/add-a-loss.md")]
    mod add_a_loss {}
}
