//! One workload and its columns.

use crate::Fault;
use crate::files::{Workload, to_bytes};
use crate::timing::sample;
use osculant::prelude::*;
use serde::Deserialize;

/// What can be measured of a workload.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Column {
    /// The outputs of the batch.
    Forward,
    /// f(θ) and ∇f(θ).
    Gradient,
    /// G v at a θ that was not seen before.
    Fresh,
    /// 30 products G v at such a θ, each; the result is the last.
    Thirty,
    /// G v where a product was computed before.
    Product,
    /// G V with 8 vectors, where a product was computed before.
    Block8,
    /// ∇²f v where a product was computed before.
    Hessian,
    /// The gradients of all examples, each on its own.
    PerExample,
    /// The exact diagonal of G at a θ that was not seen before.
    Diagonal,
    /// The bare product by sweeps and dense kernels: no sensitivities are stored, and every
    /// convolution is computed at every pixel.
    DenseSweep,
}

/// How many products there are at one θ in [`Column::Thirty`].
const THIRTY: usize = 30;

/// A workload of any type, loss and data.
pub(crate) trait Cell {
    /// The number n of parameters.
    fn parameters(&self) -> usize;
    /// Computes a column once: the bytes of the numbers.
    fn result(&mut self, column: Column) -> Result<Vec<u8>, Fault>;
    /// Seconds per result.
    fn time(&mut self, column: Column, repeats: usize) -> Result<Vec<f64>, Fault>;
    /// Drops what is kept between repeats.
    fn release(&mut self);
}

/// The operator that a column applies again and again.
enum Operator<T: Scalar> {
    GaussNewton(GaussNewton<'static, T>),
    Hessian(Hessian<'static, T>),
}

/// A network with its objective, and all that its columns need.
pub(crate) struct Curved<T: Scalar> {
    net: &'static Network<T>,
    objective: &'static Objective<'static, T>,
    /// The same, with every convolution computed at every pixel.
    every_pixel: &'static Objective<'static, T>,
    inputs: Vec<T>,
    /// Two points, by turns: nothing that was computed at one helps at the other.
    thetas: [Vec<T>; 2],
    turn: usize,
    vectors: Vec<T>,
    /// As long as the longest result but for per-example gradients.
    out: Vec<T>,
    /// Per-example gradients.
    rows: Vec<T>,
    examples: usize,
    /// The operator of the column that was asked for last, where it applies one.
    kept: Option<(Column, Operator<T>)>,
}

impl<T: Scalar> Curved<T> {
    /// Puts a workload together. Network, data and objective live as long as the program, so that
    /// operators can be kept beside them: one workload per process.
    pub fn boxed<L, D>(
        net: Network<T>,
        loss: L,
        data: D,
        inputs: Vec<T>,
        workload: &Workload,
    ) -> Result<Box<dyn Cell>, Fault>
    where
        L: Loss<T> + Copy + 'static,
        D: Examples<T, Target = L::Target> + 'static,
    {
        let net: &'static Network<T> = Box::leak(Box::new(net));
        let every_pixel: &'static Network<T> = Box::leak(Box::new(net.every_pixel()));
        let data: &'static D = Box::leak(Box::new(data));
        let examples = data.len();
        let vectors = workload.reals("vectors")?;
        let expected = workload.manifest.vectors * net.len();
        if vectors.len() != expected {
            return Err(format!("{} numbers of vectors, not {expected}", vectors.len()).into());
        }
        Ok(Box::new(Curved {
            net,
            objective: Box::leak(Box::new(Objective::new(net, loss, data)?)),
            every_pixel: Box::leak(Box::new(Objective::new(every_pixel, loss, data)?)),
            inputs,
            thetas: [workload.reals("theta")?, workload.reals("theta2")?],
            turn: 0,
            out: vec![T::zero(); vectors.len()],
            vectors,
            rows: Vec::new(),
            examples,
            kept: None,
        }))
    }
}

/// What Osculant is asked for, column by column.
impl<T: Scalar> Curved<T> {
    /// The model at a θ, by turns another one, of which this many products with G are wanted.
    fn model(&mut self, products: usize) -> Result<Model<'static, T>, Fault> {
        let theta = &self.thetas[self.turn % 2];
        self.turn += 1;
        Ok(self.objective.at(theta)?.expect_products(products.max(1)))
    }

    fn n(&self) -> usize {
        self.net.len()
    }

    fn forward(&mut self) -> Result<Vec<T>, Fault> {
        Ok(self.net.forward(&self.thetas[0], &self.inputs)?)
    }

    fn gradient(&mut self) -> Result<(), Fault> {
        let theta = &self.thetas[self.turn % 2];
        self.turn += 1;
        let gradient = &mut self.out[..self.net.len()];
        self.objective.value_and_gradient_into(theta, gradient)?;
        Ok(())
    }

    fn products(&mut self, count: usize) -> Result<(), Fault> {
        let g = self.model(count)?.gauss_newton()?;
        let n = self.n();
        within_pool(&g, || {
            for j in 0..count {
                let first = j * n % self.vectors.len();
                let v = &self.vectors[first..first + n];
                g.apply_into(v, &mut self.out[..n])?;
            }
            Ok(())
        })
    }

    /// Into room that stays from one time to the next, as other libraries' allocators keep theirs.
    fn per_example(&mut self) -> Result<(), Fault> {
        let mut room = std::mem::take(&mut self.rows);
        room.resize(self.examples * self.n(), T::zero());
        let written = self.model(1)?.per_example_gradients_into(&mut room);
        self.rows = room;
        Ok(written?)
    }

    fn diagonal(&mut self) -> Result<Vec<T>, Fault> {
        Ok(self.model(0)?.gauss_newton()?.diagonal()?)
    }

    /// Keeps the operator of the columns that measure bare products.
    fn keep(&mut self, column: Column) -> Result<(), Fault> {
        if matches!(&self.kept, Some((of, _)) if *of == column) {
            return Ok(());
        }
        self.release();
        let operator = match column {
            Column::Product => Operator::GaussNewton(self.model(THIRTY)?.gauss_newton()?),
            Column::Block8 => Operator::GaussNewton(self.model(8 * THIRTY)?.gauss_newton()?),
            Column::DenseSweep => {
                let model = self.every_pixel.at(&self.thetas[0])?.route(Route::Sweep);
                Operator::GaussNewton(model.gauss_newton()?)
            }
            Column::Hessian => Operator::Hessian(self.model(0)?.hessian()?),
            _ => return Ok(()),
        };
        self.kept = Some((column, operator));
        Ok(())
    }

    /// Computes a column once; what is not in `out` is returned.
    fn run(&mut self, column: Column) -> Result<Option<Vec<T>>, Fault> {
        let n = self.n();
        match column {
            Column::Forward => return Ok(Some(self.forward()?)),
            Column::Diagonal => return Ok(Some(self.diagonal()?)),
            Column::Gradient => self.gradient()?,
            Column::PerExample => self.per_example()?,
            Column::Fresh => self.products(1)?,
            Column::Thirty => self.products(THIRTY)?,
            Column::Product | Column::Block8 | Column::Hessian | Column::DenseSweep => {
                self.keep(column)?;
                self.apply(if column == Column::Block8 { 8 } else { 1 }, n)?;
            }
        }
        Ok(None)
    }

    fn apply(&mut self, k: usize, n: usize) -> Result<(), Fault> {
        let (v, out) = (&self.vectors[..k * n], &mut self.out[..k * n]);
        match (&self.kept, k) {
            (Some((_, Operator::GaussNewton(g))), 1) => g.apply_into(v, out)?,
            (Some((_, Operator::GaussNewton(g))), _) => g.apply_block_into(k, v, out)?,
            (Some((_, Operator::Hessian(h))), _) => h.apply_into(v, out)?,
            (None, _) => return Err("no operator is kept".into()),
        }
        Ok(())
    }

    fn is_parallel(&self) -> bool {
        match &self.kept {
            None => false,
            Some((_, Operator::GaussNewton(g))) => g.is_parallel(),
            Some((_, Operator::Hessian(h))) => h.is_parallel(),
        }
    }
}

/// Enters the thread pool once for many products, as Osculant's solvers do.
fn within_pool<T: Scalar, R: Send>(a: &impl LinearOperator<T>, f: impl FnOnce() -> R + Send) -> R {
    if a.is_parallel() {
        rayon::scope(|_| f())
    } else {
        f()
    }
}

impl<T: Scalar> Cell for Curved<T> {
    fn parameters(&self) -> usize {
        self.n()
    }

    fn result(&mut self, column: Column) -> Result<Vec<u8>, Fault> {
        self.release();
        self.turn = 0;
        if let Some(result) = self.run(column)? {
            return Ok(to_bytes(&result));
        }
        if column == Column::PerExample {
            return Ok(to_bytes(&self.rows));
        }
        let vectors = if column == Column::Block8 { 8 } else { 1 };
        Ok(to_bytes(&self.out[..vectors * self.n()]))
    }

    fn time(&mut self, column: Column, repeats: usize) -> Result<Vec<f64>, Fault> {
        self.keep(column)?;
        let per = if column == Column::Thirty { THIRTY } else { 1 };
        let parallel = self.is_parallel();
        let mut work = || {
            sample(repeats, per, || {
                self.run(column).map(|result| {
                    std::hint::black_box(result);
                })
            })
        };
        if parallel {
            rayon::scope(|_| work())
        } else {
            work()
        }
    }

    fn release(&mut self) {
        self.kept = None;
    }
}
