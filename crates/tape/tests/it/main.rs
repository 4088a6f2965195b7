//! What ops, graphs, sweeps and kernels promise, one module for each subject.

mod bilinear_ops;
mod check;
mod engine;
mod extremes;
mod fused;
mod kernels;
mod ops;
mod routes;
mod twins;
mod values;
