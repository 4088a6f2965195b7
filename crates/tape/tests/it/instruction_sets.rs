//! What holds of ops and graphs holds in the instruction sets of other machines too.

use osculant_tape::kernel::InstructionSet;
use std::process::Command;

const VARIABLE: &str = "OSCULANT_INSTRUCTION_SET";

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
            .args(["--skip", "everything_holds", "--skip", "check::"])
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "in {}:\n{out}", set.name());
        let passed = out.matches(" ... ok").count();
        assert!(passed > 300, "in {} only {passed} tests ran", set.name());
        assert!(out.contains("the_environment_chooses_the_instruction_set ... ok"));
    }
}

#[test]
fn the_environment_chooses_the_instruction_set() {
    let available = InstructionSet::available();
    let named = |set: &&InstructionSet| std::env::var(VARIABLE).is_ok_and(|n| n == set.name());
    let expected = available.iter().find(named).or(available.last());
    assert_eq!(Some(&InstructionSet::current()), expected);
}
