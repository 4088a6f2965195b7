//! Runs of trainers: watched, ended early, and gone on with.

mod observers;
mod resume;
