//! The program as a whole: what it prints, saves and refuses.

mod convert;
mod data;
mod predict;
mod refusals;
mod report;
mod run;
mod train;
