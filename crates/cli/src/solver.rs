//! The options of the solver, and the solver that they make.

use crate::error::CliError;
use crate::number;
use clap::Args;
use osculant_optim::solve::Cg;
use osculant_optim::train::{ConstantDamping, Cyclic, LevenbergMarquardt, NewtonCg, Size};

/// The options of the solver.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Solver")]
pub struct Solver {
    /// Newton iterations at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub iterations: usize,

    /// Examples that the curvature of an iteration is taken over: a share of the training
    /// examples (5% or 0.05) or a count (400)
    ///
    /// Value and gradient are always those of all training examples. Each iteration takes the
    /// next part of a random permutation, drawn from the seed.
    #[arg(long, value_name = "SHARE|COUNT", default_value = "5%", value_parser = number::size,
          allow_negative_numbers = true)]
    pub curvature: Size,

    /// CG stops when the residual is at most this times the gradient's norm
    #[arg(long, value_name = "XI", default_value_t = 0.1, value_parser = number::not_negative,
          allow_negative_numbers = true)]
    pub cg_tolerance: f64,

    /// CG iterations at most, in each Newton iteration
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = number::positive)]
    pub cg_iterations: usize,

    /// The damping λ to begin with, in (G + λI) d = −∇f; 0 for none at all
    ///
    /// After each iteration λ changes by the rule of Levenberg and Marquardt: it drops by 2/3
    /// where the paraboloid predicted well, and grows by 3/2 where it did not.
    #[arg(long, value_name = "LAMBDA", default_value_t = 0.1, value_parser = number::not_negative,
          allow_negative_numbers = true)]
    pub lambda: f64,
}

impl Solver {
    /// How many of `examples` the curvature is taken over.
    pub fn curvature_examples(&self, examples: usize) -> Result<usize, CliError> {
        let usage = |e: osculant_optim::OptimError| CliError::Usage(e.to_string());
        self.curvature.of(examples).map_err(usage)
    }

    /// The solver.
    pub fn build(&self, seed: u64) -> Result<NewtonCg, CliError> {
        let cg = Cg::default()
            .tolerance(self.cg_tolerance)
            .max_iterations(self.cg_iterations);
        let newton = NewtonCg::default()
            .iterations(self.iterations)
            .cg(cg)
            .sampling(Cyclic::new(self.curvature, seed));
        if self.lambda == 0.0 {
            return Ok(newton.damping(ConstantDamping::none()));
        }
        let damping = LevenbergMarquardt::default().initial(self.lambda);
        // The range of λ is the rule's to say; here it is a matter of the command line.
        let damping = damping.map_err(|e| CliError::Usage(e.to_string()))?;
        Ok(newton.damping(damping))
    }
}
