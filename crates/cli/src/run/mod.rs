//! A run under way: what is shown, recorded and saved of it, and what ends it.
//!
//! | file | holds |
//! |---|---|
//! | `watch.rs` | the observer of the trainer: what happens after each iteration |
//! | `journal.rs` | where the record goes: a table, JSON lines, files |
//! | `best.rs` | the best model so far |
//! | `keeper.rs`, `folder.rs` | what is saved when, and where |
//! | `options.rs` | the options that a run began with, and those that it goes on with |
//! | `interrupt.rs` | Ctrl-C |

mod best;
mod folder;
pub mod interrupt;
mod journal;
mod keeper;
mod options;
mod watch;

pub use best::Best;
pub use folder::{Folder, RECORD};
pub use journal::{Journal, JsonLines, Shown};
pub use keeper::{Course, Keeper, Kept, ended};
pub use options::Options;
pub use watch::{Finished, Trained, Watch, Watched};
