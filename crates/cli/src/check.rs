//! `osculant check`.

use crate::error::CliError;
use crate::loss::LossName;
use crate::number;
use crate::point::{At, Point};
use crate::terminal::{Progress, say};
use crate::threads;
use clap::Args;
use osculant_data::AnyDataset;
use osculant_optim::check::{
    Claim, ObjectiveCheck, Verdict, check_loss, labelled_cases, paired_cases,
};
use osculant_optim::loss::{
    HuberLoss, LogisticLoss, OnLabels, PoissonLoss, SoftmaxCrossEntropy, SquaredLoss,
};
use osculant_optim::train::Size;
use osculant_tape::Random;

/// Steps of differences that are tried, one after the other, until all claims are decided.
const STEPS: [f64; 3] = [1.0, 0.1, 0.01];

/// Verifies derivatives and curvature of a network with its loss and data, in f64
///
/// The gradient is compared with differences of f, G v with differences of the outputs and with an
/// explicit JᵀBJ, H v with differences of the gradient, all along random directions; G is to be
/// symmetric, and not negative where the loss is convex. Gradient and curvature of the loss are
/// compared with differences at random outputs.
///
/// A table goes to standard output: each claim, how far both sides are apart, relative to the
/// numbers that enter, and how far they may be. The exit code is 0 if all claims hold and 1 if one
/// does not, or cannot be decided: differences say nothing next to a kink of ReLU or max-pooling.
/// A network without a model is therefore checked at its initial θ moved a little at random, so
/// that no bias is 0.
#[derive(Args, Debug)]
pub struct Check {
    #[command(flatten)]
    at: At,

    /// Training examples to check with, drawn from the seed; the fewer, the fewer kinks
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = number::positive)]
    examples: usize,

    /// Threads to compute with [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = number::positive)]
    threads: Option<usize>,

    /// Show failures and the final line only
    #[arg(long, short)]
    quiet: bool,
}

/// Claims so far.
#[derive(Default)]
struct Count {
    all: usize,
    failures: Vec<String>,
}

impl Check {
    /// Runs the command.
    pub fn run(&self) -> Result<(), CliError> {
        threads::pool(self.threads)?.install(|| self.check())
    }

    fn check(&self) -> Result<(), CliError> {
        let mut point = self.at.prepare::<f64>(Size::Count(self.examples))?;
        if point.initial {
            move_a_little(&mut point);
        }
        if !self.quiet {
            for (word, text) in point.describe() {
                say(&format!("{word:<8} {text}"))?;
            }
            say("")?;
            row("claim", "apart", "allowed", "")?;
        }
        let mut count = Count::default();
        self.loss(&point, &mut count)?;
        let progress = Progress::new(!self.quiet);
        progress.stage("claims about the network");
        let claims = self.claims(&point)?;
        progress.finish();
        for claim in claims {
            self.show(claim.text, Some(claim.allowed), claim.verdict, &mut count)?;
        }
        for failure in &count.failures {
            say(&format!("\n{failure}"))?;
        }
        let Count { all, failures } = &count;
        if failures.is_empty() {
            return say(&format!("check: all {all} claims hold"));
        }
        Err(CliError::Check {
            failed: failures.len(),
            all: *all,
        })
    }

    /// The claims about the network, each with the longest steps that decide it.
    fn claims(&self, point: &Point<f64>) -> Result<Vec<Claim>, CliError> {
        let objective = point.objective()?;
        let mut claims: Vec<Claim> = Vec::new();
        for step in STEPS {
            let check = ObjectiveCheck {
                seed: point.seed,
                step,
            };
            let again = check.run(&objective, &point.theta)?;
            if claims.is_empty() {
                claims = again;
            } else {
                let undecided = |c: &Claim| matches!(c.verdict, Verdict::Undecided(_));
                let pairs = claims.iter_mut().zip(again);
                pairs
                    .filter(|(c, _)| undecided(c))
                    .for_each(|(c, again)| *c = again);
            }
            if !claims
                .iter()
                .any(|c| matches!(c.verdict, Verdict::Undecided(_)))
            {
                break;
            }
        }
        Ok(claims)
    }

    fn loss(&self, point: &Point<f64>, count: &mut Count) -> Result<(), CliError> {
        let labelled = matches!(point.data, AnyDataset::Classes(_));
        let labels = labelled_cases(2..=6, -3.0..3.0);
        let reals = |z, y| paired_cases(1..=4, z, y);
        let held = match point.loss {
            LossName::Squared if labelled => check_loss(&OnLabels(SquaredLoss), labels),
            LossName::Squared => check_loss(&SquaredLoss, reals(-3.0..3.0, -3.0..3.0)),
            LossName::Softmax => check_loss(&SoftmaxCrossEntropy, labels),
            LossName::Logistic if labelled => check_loss(&OnLabels(LogisticLoss), labels),
            LossName::Logistic => check_loss(&LogisticLoss, reals(-3.0..3.0, 0.0..1.0)),
            LossName::Poisson => check_loss(&PoissonLoss, reals(-2.0..2.0, 0.0..4.0)),
            // On either side of where the parabola becomes a line, and away from there.
            LossName::Huber => HuberLoss::new(1.0).and_then(|huber| {
                check_loss(&huber, reals(-0.4..0.4, -0.4..0.4))?;
                check_loss(&huber, reals(2.0..4.0, -1.0..0.5))
            }),
        };
        let text = format!(
            "{} loss: ∇ξ and B are derivatives of ξ, B is symmetric and ≥ 0",
            point.loss.name()
        );
        self.show(&text, None, verdict(held), count)
    }

    fn show(
        &self,
        text: &str,
        allowed: Option<f64>,
        verdict: Verdict,
        count: &mut Count,
    ) -> Result<(), CliError> {
        count.all += 1;
        let (apart, word) = match &verdict {
            Verdict::Holds { error } => (allowed.map(|_| *error), "holds"),
            Verdict::Fails(_) => (None, "FAILS"),
            Verdict::Undecided(_) => (None, "undecided"),
        };
        if !self.quiet {
            let number = |x: Option<f64>| x.map_or("-".into(), |x| format!("{x:.1e}"));
            row(text, &number(apart), &number(allowed), word)?;
        }
        if let Verdict::Fails(error) | Verdict::Undecided(error) = verdict {
            count.failures.push(error.to_string());
        }
        Ok(())
    }
}

fn row(claim: &str, apart: &str, allowed: &str, verdict: &str) -> Result<(), CliError> {
    let line = format!("{claim:<68} {apart:>9} {allowed:>9}  {verdict}");
    say(line.trim_end())
}

fn verdict(held: osculant_optim::Result<()>) -> Verdict {
    match held {
        Ok(()) => Verdict::Holds { error: 0.0 },
        Err(error) => Verdict::Fails(error),
    }
}

/// θ plus a tenth of its size, at random: biases of 0 put dead units on the kink of their
/// activation.
fn move_a_little(point: &mut Point<f64>) {
    let squares: f64 = point.theta.iter().map(|x| x * x).sum();
    let size = (squares / point.theta.len().max(1) as f64).sqrt();
    let mut noise = vec![0.0; point.theta.len()];
    Random::new(point.seed, u64::MAX - 1).normal(0.1 * size, &mut noise);
    point.theta.iter_mut().zip(noise).for_each(|(x, e)| *x += e);
}
