//! A network as a table.

use crate::Network;
use osculant_tape::{Scalar, Slice};
use std::fmt;

impl<T: Scalar> Network<T> {
    /// A table of all parameters and buffers, with their shapes and how many numbers they hold.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let mut net = Network::<f64>::new([2], |x| x.dense(3).tanh().dense(1))?;
    /// net.freeze(&net.init(0), "dense1.bias")?;
    /// assert_eq!(
    ///     net.summary(),
    ///     "\
    /// input [2], output [1]
    /// dense1.weight  [2, 3]  6
    /// dense1.bias    [3]     3  frozen
    /// dense2.weight  [3, 1]  3
    /// dense2.bias    [1]     1
    /// 10 trained, 3 frozen
    /// "
    /// );
    /// # Ok::<(), GraphError>(())
    /// ```
    pub fn summary(&self) -> String {
        self.to_string()
    }
}

/// The table of [`Network::summary`].
impl<T: Scalar> fmt::Display for Network<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs = self.input_shapes().iter().map(ToString::to_string);
        let inputs: Vec<_> = inputs.collect();
        let s = if inputs.len() == 1 { "" } else { "s" };
        let inputs = inputs.join(" and ");
        writeln!(f, "input{s} {inputs}, output {}", self.output_shape())?;

        let slices = self.params().slices();
        let rows = slices.iter().map(|s| {
            let shape = s.shape();
            [s.name().into(), shape.to_string(), shape.size().to_string()]
        });
        let rows: Vec<[String; 3]> = rows.collect();
        let width = |column: usize| {
            let lens = rows.iter().map(|row| row[column].chars().count());
            lens.max().unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2)];
        for (slice, [name, shape, size]) in slices.iter().zip(&rows) {
            let [a, b, c] = widths;
            let note = note(slice);
            writeln!(f, "{name:a$}  {shape:b$}  {size:>c$}{note}")?;
        }

        let total = |chosen: &dyn Fn(&Slice) -> bool| -> usize {
            let chosen = slices.iter().filter(|&s| chosen(s));
            chosen.map(|s| s.shape().size()).sum()
        };
        write!(f, "{} trained", self.len())?;
        let frozen = total(&|s| !s.is_trained() && !s.is_buffer());
        let buffers = total(&Slice::is_buffer);
        for (count, what) in [(frozen, "frozen"), (buffers, "in buffers")] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        writeln!(f)
    }
}

fn note(slice: &Slice) -> &'static str {
    if slice.is_buffer() {
        "  buffer"
    } else if !slice.is_trained() {
        "  frozen"
    } else if !slice.is_regularized() {
        "  not regularized"
    } else {
        ""
    }
}
