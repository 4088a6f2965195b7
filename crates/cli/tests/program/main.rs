//! The program as a whole: what it prints, saves and refuses.

mod check;
mod convert;
mod data;
mod misread;
mod nonsense;
mod optimizers;
mod page;
mod predict;
mod record;
mod refusals;
mod report;
mod resume;
mod run;
mod spectrum;
mod train;
