//! The options of the solver, and the solver that they make.

use crate::error::CliError;
use crate::number;
use crate::run::Options;
use clap::{Args, ValueEnum};
use osculant_optim::OptimError;
use osculant_optim::solve::{Cg, NashSofer, RelativeProgress};
use osculant_optim::train::{
    BacktrackedIterate, ConstantDamping, CurvatureDiagonal, Cyclic, EmpiricalFisher, Fixed, Fresh,
    LevenbergMarquardt, NewtonCg, Nielsen, Size, StepRejection, TrustRegion, WarmStart,
};

/// Examples that the curvature is taken over where a tenth of all is fewer.
const FEW: usize = 500;

/// The options of the solver.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Solver")]
pub struct Solver {
    /// Newton iterations at most [default: 100; for the bundled digits 16]
    #[arg(long, value_name = "N")]
    pub iterations: Option<usize>,

    /// Examples that the curvature of an iteration is taken over: a share of the training
    /// examples (5% or 0.05) or a count (400) [default: 10%, but at least 500 or all there are]
    ///
    /// Value and gradient are always those of all training examples.
    #[arg(long, value_name = "SHARE|COUNT", value_parser = number::size,
          allow_negative_numbers = true)]
    pub curvature: Option<Size>,

    /// Which examples these are
    #[arg(long, value_name = "RULE", value_enum, default_value_t = SamplingName::Cyclic)]
    pub sampling: SamplingName,

    /// When CG stops, at the latest after --cg-iterations
    #[arg(long, value_name = "RULE", value_enum, default_value_t = StoppingName::Residual)]
    pub cg_stop: StoppingName,

    /// With --cg-stop residual, CG stops when the residual is at most this times the gradient's
    /// norm
    #[arg(long, value_name = "KAPPA", default_value_t = 0.1, value_parser = number::not_negative,
          allow_negative_numbers = true)]
    pub cg_tolerance: f64,

    /// CG iterations at most, in each Newton iteration
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = number::positive)]
    pub cg_iterations: usize,

    /// Which of CG's iterates becomes the direction
    #[arg(long, value_name = "RULE", value_enum, default_value_t = IterateName::Last)]
    pub cg_iterate: IterateName,

    /// Start CG from this part of the last direction, from 0 to 1; 0 starts from nothing
    ///
    /// Directions then grow from one iteration to the next, so that few iterations of CG do; from
    /// nothing it takes more of them, such as --cg-iterations 250.
    #[arg(long, value_name = "PART", num_args = 0..=1, default_missing_value = "0.95",
          default_value_t = WarmStart::default().factor(), value_parser = number::part,
          allow_negative_numbers = true)]
    pub warm_start: f64,

    /// The preconditioner of CG
    #[arg(long, value_name = "RULE", value_enum, default_value_t = PreconditioningName::None)]
    pub precondition: PreconditioningName,

    /// How the damping λ in (G + λI) d = −∇f changes [default: lm; with --globalization
    /// trust-region none]
    #[arg(long, value_name = "RULE", value_enum)]
    pub damping: Option<DampingName>,

    /// The damping λ to begin with; 0 for none at all, which no other --damping goes with
    ///
    /// First ratios far below 1 say that steps reach beyond what the paraboloid knows, and a
    /// network of saturating units may not recover from them: begin with more, as 100 for deep
    /// autoencoders.
    #[arg(long, value_name = "LAMBDA", default_value_t = 0.3, value_parser = number::not_negative,
          allow_negative_numbers = true)]
    pub lambda: f64,

    /// What becomes of a direction
    #[arg(long, value_name = "RULE", value_enum, default_value_t = GlobalizationName::Armijo)]
    pub globalization: GlobalizationName,

    /// The radius to begin with, of --globalization trust-region
    #[arg(
        long,
        value_name = "RADIUS",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    pub radius: f64,
}

/// Values of `--damping`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DampingName {
    /// Levenberg and Marquardt: ⅔ λ where the paraboloid predicted well, 3/2 λ where it did not
    Lm,
    /// Nielsen: smooth in how well it predicted, and ever larger while steps fail
    Nielsen,
    /// λ stays
    Constant,
    /// No damping
    None,
}

/// Values of `--globalization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GlobalizationName {
    /// A line search: half the step until f decreases enough
    Armijo,
    /// Directions within a radius that grows and shrinks with how well the paraboloid predicted
    TrustRegion,
    /// The whole step where f decreases enough, or none
    StepRejection,
}

/// Values of `--sampling`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SamplingName {
    /// The next part of a random permutation, so that all have their turn
    Cyclic,
    /// The same random examples in every iteration
    Fixed,
    /// New random examples in every iteration
    Fresh,
}

/// Values of `--cg-stop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StoppingName {
    /// The residual is small beside the gradient
    Residual,
    /// The last tenth of the iterations brought little (Martens 2010)
    Progress,
    /// The last iteration brought less than half the mean of all (Nash and Sofer 1990)
    NashSofer,
}

/// Values of `--cg-iterate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IterateName {
    /// The last
    Last,
    /// Back from the last to earlier ones, as long as f gets smaller (Martens 2010)
    Backtracked,
}

/// Values of `--precondition`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PreconditioningName {
    /// None
    None,
    /// The exact diagonal of G + λI
    Jacobi,
    /// The diagonal of the empirical Fisher matrix, plus λ, to the power ¾ (Martens 2010)
    Fisher,
}

/// A value of an option, by the name that it is given by.
trait Named {
    fn name(&self) -> String;
}

impl<V: ValueEnum> Named for V {
    fn name(&self) -> String {
        let value = self.to_possible_value();
        value.map_or(String::new(), |value| value.get_name().into())
    }
}

/// What is wrong with a value that the parts know more of than the command line.
fn usage(error: OptimError) -> CliError {
    CliError::Usage(error.to_string())
}

impl Solver {
    /// How many of `examples` the curvature is taken over.
    pub fn curvature_examples(&self, examples: usize) -> Result<usize, CliError> {
        self.curvature(examples).of(examples).map_err(usage)
    }

    fn curvature(&self, examples: usize) -> Size {
        // A tenth of few examples says little, and the curvature of few costs little.
        let usual = examples.div_ceil(10).max(FEW.min(examples));
        self.curvature.unwrap_or(Size::Count(usual))
    }

    fn damping(&self) -> DampingName {
        let region = self.globalization == GlobalizationName::TrustRegion;
        match self.damping {
            _ if self.lambda == 0.0 => DampingName::None,
            Some(name) => name,
            None if region => DampingName::None,
            None => DampingName::Lm,
        }
    }

    /// Refuses what was given and would not be heard.
    pub fn check(&self, options: &Options) -> Result<(), CliError> {
        let region = self.globalization == GlobalizationName::TrustRegion;
        let residual = self.cg_stop == StoppingName::Residual;
        let damped = self.damping() != DampingName::None || self.lambda == 0.0;
        for (id, option, heard, only) in [
            ("radius", "--radius", region, "--globalization trust-region"),
            (
                "cg_tolerance",
                "--cg-tolerance",
                residual,
                "--cg-stop residual",
            ),
            ("lambda", "--lambda", damped, "a damping other than none"),
        ] {
            if options.is_explicit(id) && !heard {
                return Err(CliError::Usage(format!(
                    "{option} is an option of {only}; leave it out, or ask for that"
                )));
            }
        }
        if let (Some(rule), 0.0) = (self.damping, self.lambda)
            && rule != DampingName::None
        {
            let name = rule.name();
            return Err(CliError::Usage(format!(
                "--lambda 0 is no damping at all, and --damping {name} changes one; give a λ above \
                 0, or leave --damping out"
            )));
        }
        Ok(())
    }

    /// The bound on iterations, for the digits that come with the program or for other data. On the
    /// digits, what is right of held-out examples grows no more by then.
    pub fn bound(&self, bundled: bool) -> usize {
        self.iterations.unwrap_or(if bundled { 16 } else { 100 })
    }

    /// The solver in words, for so many examples of the curvature.
    pub fn describe(&self, bound: usize, curvature: usize) -> String {
        let stop = match self.cg_stop {
            StoppingName::Residual => format!("residual {}", self.cg_tolerance),
            rule => rule.name(),
        };
        let mut words = vec![
            format!("at most {bound} iterations"),
            format!(
                "curvature on {curvature} examples, {}",
                self.sampling.name()
            ),
            format!("CG to {stop} or {} iterations", self.cg_iterations),
            match self.warm_start {
                0.0 => "cold start".into(),
                part => format!("warm start of {part}"),
            },
            match self.damping() {
                DampingName::None => "no damping".into(),
                rule => format!("damping {} from λ = {}", rule.name(), self.lambda),
            },
            match self.globalization {
                GlobalizationName::TrustRegion => format!("trust region from {}", self.radius),
                rule => rule.name(),
            },
        ];
        if self.cg_iterate != IterateName::Last {
            words.push(format!("{} iterate", self.cg_iterate.name()));
        }
        if self.precondition != PreconditioningName::None {
            words.push(format!("{} preconditioner", self.precondition.name()));
        }
        words.join(", ")
    }

    /// The solver, for so many training examples.
    pub fn build(&self, bound: usize, examples: usize, seed: u64) -> Result<NewtonCg, CliError> {
        let curvature = self.curvature(examples);
        self.parts(bound, curvature, seed).map_err(usage)
    }

    fn parts(&self, bound: usize, curvature: Size, seed: u64) -> Result<NewtonCg, OptimError> {
        let cg = Cg::default()
            .tolerance(self.cg_tolerance)
            .max_iterations(self.cg_iterations);
        let newton = NewtonCg::default().iterations(bound).cg(cg);
        let newton = match self.damping() {
            DampingName::Lm => newton.damping(LevenbergMarquardt::default().initial(self.lambda)?),
            DampingName::Nielsen => newton.damping(Nielsen::default().initial(self.lambda)?),
            DampingName::Constant => newton.damping(ConstantDamping::new(self.lambda)?),
            DampingName::None => newton.damping(ConstantDamping::none()),
        };
        let newton = match self.globalization {
            GlobalizationName::Armijo => newton,
            GlobalizationName::StepRejection => newton.globalization(StepRejection::default()),
            GlobalizationName::TrustRegion => {
                let largest = 100f64.max(self.radius);
                newton.globalization(TrustRegion::default().radii(self.radius, largest)?)
            }
        };
        let newton = match self.sampling {
            SamplingName::Cyclic => newton.sampling(Cyclic::new(curvature, seed)),
            SamplingName::Fixed => newton.sampling(Fixed::new(curvature, seed)),
            SamplingName::Fresh => newton.sampling(Fresh::new(curvature, seed)),
        };
        let newton = match self.cg_stop {
            StoppingName::Residual => newton,
            StoppingName::Progress => newton.stopping(RelativeProgress::default()),
            StoppingName::NashSofer => newton.stopping(NashSofer::default()),
        };
        let newton = match self.cg_iterate {
            IterateName::Last => newton,
            IterateName::Backtracked => newton.cg_iterate(BacktrackedIterate::default()),
        };
        let newton = match self.precondition {
            PreconditioningName::None => newton,
            PreconditioningName::Jacobi => newton.preconditioning(CurvatureDiagonal),
            PreconditioningName::Fisher => newton.preconditioning(EmpiricalFisher::default()),
        };
        Ok(match self.warm_start {
            0.0 => newton,
            part => newton.warm_start(WarmStart::new(part)?),
        })
    }
}
