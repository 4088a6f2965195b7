//! A linearization together with what the loss keeps: all that curvature needs at one θ.

use super::{Objective, scale_by, seen};
use crate::error::{OptimError, Result};
use osculant_tape::kernel::first_not_finite;
use osculant_tape::linearize::{Linearization, Options, TileData};
use osculant_tape::{GraphError, Scalar, Theta, View};
use std::sync::Arc;

/// Curvature at a θ over some examples, shared by the operators that it makes.
pub(crate) struct Local<'o, T: Scalar> {
    pub objective: &'o Objective<'o, T>,
    pub lin: Arc<Linearization<'o, T>>,
    pub state: Arc<LossState<'o, T>>,
}

/// What the loss keeps between its value and its products, example by example.
pub(crate) struct LossState<'o, T: Scalar> {
    objective: &'o Objective<'o, T>,
    /// Outputs, then the loss's own numbers.
    numbers: Vec<T>,
    per_example: usize,
    outputs: usize,
    /// wᵢ/W.
    scale: Vec<T>,
}

impl<'o, T: Scalar> Local<'o, T> {
    /// Linearizes over these examples.
    pub fn new(
        objective: &'o Objective<'o, T>,
        theta: &Theta<'o, T>,
        examples: &[usize],
        options: Options,
    ) -> Result<Self> {
        let total = objective.weight_of(examples)?;
        let (graph, term) = (objective.graph, &objective.term);
        let lin = theta.linearize(&*objective.feed, examples, options)?;
        let outputs = graph.output_shape().size();
        let per_example = outputs + term.kept();
        let mut numbers = vec![T::zero(); examples.len() * per_example];
        lin.map_outputs(per_example, &mut numbers, &|data, out| {
            for (at, out) in seen(data).zip(out.chunks_exact_mut(per_example)) {
                let (z, kept) = out.split_at_mut(outputs);
                z.copy_from_slice(at.z);
                // A value is computed for what it leaves to derivatives, and only then.
                if !kept.is_empty() {
                    term.value(&at, kept);
                }
            }
            Ok(())
        })?;
        let scale: Vec<T> = term.scales(examples, total);
        // What the loss keeps of an example without weight is never used in a sum.
        let bad = numbers
            .chunks_exact(per_example.max(1))
            .zip(&scale)
            .position(|(numbers, &s)| {
                let used = if s == T::zero() { outputs } else { per_example };
                first_not_finite(&numbers[..used]).is_some()
            });
        let first = |i| first_not_finite(&numbers[i * per_example..]).map(|k| i * per_example + k);
        if let Some(index) = bad.and_then(first) {
            graph.audit(theta, &*objective.feed, examples)?;
            return Err(OptimError::NotFinite {
                what: format!("what the {} loss keeps", term.loss_name()),
                index: index % per_example,
                value: numbers[index].to_f64(),
            });
        }
        let state = LossState {
            objective,
            numbers,
            per_example,
            outputs,
            scale,
        };
        Ok(Local {
            objective,
            lin: Arc::new(lin),
            state: Arc::new(state),
        })
    }

    /// The inputs of the example at this position: what a loss may look at.
    fn input(&self, position: usize) -> Vec<T> {
        let mut x = vec![T::zero(); self.objective.graph.input_size()];
        self.objective
            .term
            .write_input(self.lin.examples()[position], &mut x);
        x
    }

    /// How many numbers an output has.
    pub fn outputs_per_example(&self) -> usize {
        self.state.outputs
    }

    /// All outputs, example after example.
    pub fn outputs(&self) -> Vec<T> {
        (0..self.lin.len())
            .flat_map(|i| self.state.of(i).0)
            .copied()
            .collect()
    }

    /// Whether products run on the thread pool.
    pub fn is_parallel(&self) -> bool {
        self.lin.is_parallel()
    }

    /// Runs `f` on the thread pool if products run there.
    pub fn on_pool<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        self.objective.on_pool(self.lin.len(), f)
    }

    /// B of the example at this position, row-major, without its weight.
    pub fn curvature_of(&self, position: usize) -> Result<Vec<T>> {
        let m = self.state.outputs;
        if position >= self.lin.len() {
            let message = format!("there are {} examples, numbered from 0", self.lin.len());
            return Err(OptimError::invalid(
                "the example's position",
                position,
                &message,
            ));
        }
        let x = self.input(position);
        let data = TileData {
            positions: position..position + 1,
            examples: &self.lin.examples()[position..=position],
            inputs: &x,
            outputs: self.state.of(position).0,
        };
        let kept = self.state.kept_from(position);
        let (mut unit, mut column) = (vec![T::zero(); m], vec![T::zero(); m]);
        let mut b = vec![T::zero(); m * m];
        for j in 0..m {
            unit[j] = T::one();
            let (term, one) = (&self.objective.term, [T::one()]);
            term.curvature(&data, kept, &one, &unit, &mut column);
            unit[j] = T::zero();
            for (i, &c) in column.iter().enumerate() {
                b[i * m + j] = c;
            }
        }
        Ok(b)
    }
}

impl<T: Scalar> LossState<'_, T> {
    fn of(&self, position: usize) -> (&[T], &[T]) {
        self.numbers[position * self.per_example..][..self.per_example].split_at(self.outputs)
    }

    /// What the loss keeps of the examples from this position on.
    fn kept_from(&self, position: usize) -> View<'_, T> {
        let numbers = &self.numbers[position * self.per_example + self.outputs..];
        let len = self.per_example - self.outputs;
        View::strided(numbers, len, self.per_example)
    }

    /// u = wᵢ/W B dz for every example of a tile.
    pub fn curvature(
        &self,
        data: &TileData<'_, T>,
        dz: &[T],
        u: &mut [T],
    ) -> Result<(), GraphError> {
        let (kept, scale) = (self.kept_from(data.positions.start), &self.scale);
        let scale = &scale[data.positions.clone()];
        self.objective.term.curvature(data, kept, scale, dz, u);
        Ok(())
    }

    /// u = ∇ξ, times wᵢ/W if `weighted`, for every example of a tile.
    pub fn gradient(&self, data: &TileData<'_, T>, weighted: bool, u: &mut [T]) {
        let m = self.outputs;
        for (k, at) in seen(data).enumerate() {
            let position = data.positions.start + k;
            let u = &mut u[k * m..][..m];
            self.objective.term.gradient(&at, self.of(position).1, u);
            if weighted {
                scale_by(self.scale[position], u);
            }
        }
    }

    /// √(wᵢ/W) ∇ξ for every example of a tile, whose square is wᵢ/W (∇ξ)².
    pub fn gradient_root(&self, data: &TileData<'_, T>, u: &mut [T]) {
        self.gradient(data, false, u);
        let scales = &self.scale[data.positions.clone()];
        for (u, scale) in u.chunks_exact_mut(self.outputs).zip(scales) {
            scale_by(scale.sqrt(), u);
        }
    }

    /// √(wᵢ/W) S for every example of a tile: column after column, in each example after example.
    /// Returns the number of columns; an example with fewer has zeros in the last ones.
    pub fn columns(&self, data: &TileData<'_, T>, out: &mut [T]) -> Result<usize> {
        let (kept, scale) = (self.kept_from(data.positions.start), &self.scale);
        let scale = &scale[data.positions.clone()];
        self.objective.term.columns(data, kept, scale, out)
    }
}
