//! What losses, operators, solvers and trainers promise, one module for each subject.

mod cg_parts;
mod check;
mod common;
mod examples;
mod first_order;
mod loss;
mod model;
mod newton;
mod newton_faults;
mod operator;
mod runs;
mod solve;
mod spectrum;
mod train;
mod vector;
mod weights;
