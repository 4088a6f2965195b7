//! What an iteration or an epoch did.

use super::Search;
use crate::solve::Stop;

/// What one Newton iteration did.
#[derive(Clone, Debug, PartialEq)]
pub struct Iteration {
    /// Its number, from 1.
    pub number: usize,
    /// f(θ) at its start.
    pub value: f64,
    /// ‖∇f(θ)‖ at its start.
    pub gradient_norm: f64,
    /// The damping λ that it used.
    pub lambda: f64,
    /// The bound on ‖d‖, of a trust region.
    pub radius: Option<f64>,
    /// How many examples the curvature was taken over.
    pub curvature_examples: usize,
    /// How many times CG updated the direction.
    pub cg_iterations: usize,
    /// After how many of these its iterate was the direction d that was taken.
    pub cg_chosen: usize,
    /// Why CG stopped.
    pub cg_stop: Stop,
    /// How many products with the curvature were made.
    pub products: usize,
    /// How many times f was evaluated, gradients included.
    pub evaluations: usize,
    /// ∇fᵀd.
    pub slope: f64,
    /// dᵀG_S d, with 1/C and without λ.
    pub curvature: f64,
    /// What became of the direction.
    pub search: Search,
    /// Actual over predicted change of f; NaN if no step was taken.
    pub ratio: f64,
    /// The accepted α; 0 if no step was taken.
    pub step: f64,
    /// f(θ) after it.
    pub new_value: f64,
    /// ‖∇f(θ)‖ after it.
    pub new_gradient_norm: f64,
    /// The damping λ that the next iteration will use.
    pub new_lambda: f64,
}

/// What one epoch of a first-order trainer did.
#[derive(Clone, Debug, PartialEq)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: usize,
    /// How many steps it made.
    pub steps: usize,
    /// The mean over its steps of the loss that each saw, with the regularizer.
    pub value: f64,
    /// The learning rate at its end.
    pub learning_rate: f64,
    /// ‖∇f(θ)‖ over all data at its end, where it was asked for.
    pub gradient_norm: Option<f64>,
    /// How many products with the curvature it made, of a batch each.
    pub products: usize,
    /// How many gradients it made, of a batch each.
    pub evaluations: usize,
}
