//! The `osculant` program.
fn main() {}
