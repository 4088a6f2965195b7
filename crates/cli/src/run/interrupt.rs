//! Ctrl-C: the first ends the run at the next chance, a second one the program.

use std::io::{self, Write};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code of a run that was interrupted, as shells have it.
pub const CODE: u8 = 130;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Listens from now on, to SIGTERM as well.
pub fn listen() {
    let listening = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            process::exit(CODE.into());
        }
        let text = "interrupted: the run ends after this product; once more ends it at once";
        let _ = writeln!(io::stderr(), "{text}");
    });
    // Where nobody can listen Ctrl-C ends the program at once, as it always did.
    let _ = listening;
}

/// Whether the run is to end.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
