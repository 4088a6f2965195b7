//! Ops, graphs and their fused forms hold in the instruction sets of other machines too.

use osculant_tape::kernel::InstructionSet;
use std::process::Command;

const VARIABLE: &str = "OSCULANT_INSTRUCTION_SET";

/// What runs once more in each narrower instruction set: this file's second test among it.
const AGAIN: [&str; 6] = [
    "bilinear_ops::",
    "fused::",
    "instruction_sets::the_environment",
    "ops::",
    "routes::",
    "values::",
];

#[test]
fn everything_holds_in_narrower_instruction_sets() {
    if std::env::var_os(VARIABLE).is_some() {
        return;
    }
    let available = InstructionSet::available();
    let (_, narrower) = available.split_last().unwrap();
    for set in narrower {
        let this = std::env::current_exe().unwrap();
        let ran = Command::new(this)
            .env(VARIABLE, set.name())
            .args(AGAIN)
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "in {}:\n{out}", set.name());
        assert!(out.contains("the_environment_chooses_the_instruction_set ... ok"));
    }
}

#[test]
fn the_environment_chooses_the_instruction_set() {
    if let Ok(name) = std::env::var(VARIABLE) {
        assert_eq!(InstructionSet::current().name(), name);
    }
}
