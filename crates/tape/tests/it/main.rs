//! What ops, graphs and sweeps promise, one module for each subject.

mod bilinear_ops;
mod check;
mod engine;
mod extremes;
mod fused;
mod instruction_sets;
#[path = "../../../kernel/tests/it/numbers.rs"]
mod numbers;
mod ops;
mod routes;
mod values;
