//! Runs of trainers: watched, ended early, and gone on with.

#[path = "../common/mod.rs"]
mod common;
mod observers;
mod resume;
