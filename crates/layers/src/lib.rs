//! temp
use osculant_tape::*;
/// temp
pub struct Network<T: Scalar>(Graph<T>);
impl<T: Scalar> Network<T> {
    /// temp
    pub fn graph(&self) -> &Graph<T> {
        &self.0
    }
}
