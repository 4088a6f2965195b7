//! How a layer refuses an operand that it has no meaning for.

use osculant_tape::op::{Op, Rules};
use osculant_tape::{Scalar, Shape, Var};

/// An op that accepts no operand: the tape adds the place, the layer and the shape to its message.
#[derive(Debug)]
struct Refusal {
    what: &'static str,
    message: String,
}

impl<T: Scalar> Op<T> for Refusal {
    fn name(&self) -> &'static str {
        self.what
    }

    fn resolve(&self, _: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        Err(self.message.clone())
    }
}

/// Notes that the layer `what` cannot take these operands, and why; gives a placeholder.
pub(crate) fn refuse<'t, T: Scalar>(
    what: &'static str,
    x: Var<'t, T>,
    others: &[Var<'t, T>],
    message: String,
) -> Var<'t, T> {
    let operands = [&[x], others].concat();
    x.tape().record(Refusal { what, message }, &operands)
}
