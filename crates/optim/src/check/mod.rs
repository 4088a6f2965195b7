//! Verification that users run on their own losses and networks, as we run it on ours.
//!
//! [`check_objective`] tests gradient and curvature of a network with its loss and data,
//! [`ObjectiveCheck`] claim by claim.
//! [`check_loss`] tests a loss on cases drawn by a proptest strategy; a failure shrinks to a
//! small case and prints a table of the entries that disagree.

mod around;
mod cases;
mod loss;
mod network;
mod table;

pub use cases::{LossCase, labelled_cases, paired_cases};
pub use loss::{check_loss, check_loss_at};
pub use network::{Claim, ObjectiveCheck, Verdict, check_objective};

/// The crate whose strategies draw cases, in the version that the harness takes.
pub use proptest;
