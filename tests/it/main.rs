//! What the whole system promises.

mod bad_input;
mod properties;
