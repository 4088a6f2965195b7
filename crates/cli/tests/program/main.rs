//! The program as a whole: what it prints, saves and refuses.

mod check;
mod convert;
mod data;
mod page;
mod predict;
mod refusals;
mod report;
mod run;
mod spectrum;
mod train;
