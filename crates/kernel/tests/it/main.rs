//! The kernels against naive twins, in every instruction set that the machine has.

mod contraction;
mod convolutions;
mod elementary;
mod numbers;
mod pool;
mod products;
mod twins;
mod vectors;
mod winners;

use osculant_kernel::InstructionSet;

/// Calls a check with every instruction set of this machine.
fn in_each(check: impl Fn()) {
    for set in InstructionSet::available() {
        set.on_this_thread(&check).unwrap();
    }
}

#[test]
fn kernels_use_the_instruction_set_that_they_are_told() {
    in_each(|| {
        let outer = InstructionSet::current();
        let inner = InstructionSet::Portable.on_this_thread(InstructionSet::current);
        assert_eq!(inner, Some(InstructionSet::Portable));
        assert_eq!(InstructionSet::current(), outer);
    });
    let available = InstructionSet::available();
    assert!(available.contains(&InstructionSet::Portable));
    for set in [
        InstructionSet::Portable,
        InstructionSet::Avx2,
        InstructionSet::Widest,
    ] {
        let seen = set.on_this_thread(InstructionSet::current);
        assert_eq!(seen, available.contains(&set).then_some(set));
    }
}
