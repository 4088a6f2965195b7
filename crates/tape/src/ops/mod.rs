//! One file per op, and the registry.
