//! The kernels against naive twins, in every instruction set that the machine has.

mod contraction;
mod convolutions;
mod elementary;
mod pool;
mod products;
mod twins;
mod vectors;
mod winners;

use osculant_kernel::InstructionSet;

/// Calls a check with every instruction set of this machine.
fn in_each(check: impl Fn()) {
    for set in InstructionSet::available() {
        set.alone(&check);
    }
}

#[test]
fn kernels_use_the_instruction_set_that_they_are_told() {
    let widest = InstructionSet::current();
    in_each(|| {
        let outer = InstructionSet::current();
        assert!(outer <= widest);
        InstructionSet::Portable.alone(|| {
            assert_eq!(InstructionSet::current(), InstructionSet::Portable);
        });
        assert_eq!(InstructionSet::current(), outer);
    });
    let available = InstructionSet::available();
    assert!(available.contains(&InstructionSet::Portable));
    let seen = available
        .iter()
        .map(|set| set.alone(InstructionSet::current));
    assert_eq!(seen.collect::<Vec<_>>(), available);
}
