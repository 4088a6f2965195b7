//! Verification of a loss: everything it claims, against its values alone.

use super::cases::LossCase;
use super::table::{compare, largest};
use crate::error::{OptimError, Result, expect_length};
use crate::loss::{Convexity, Loss, SquareRoot};
use crate::solve::symmetric_eigenvalues;
use osculant_tape::check::ridders;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::borrow::Borrow;
use std::cell::Cell;
use std::fmt::Debug;

/// How many cases are drawn, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 64;

/// Differences in `f64`, extrapolated, have about ten digits; two or three are lost where exp
/// or a large value is involved. A formula that is wrong differs in the first digits.
const DIFFERENCES: f64 = 1e-6;

/// A few thousand roundings, for quantities that are compared without differences.
const ROUNDING: f64 = 1e-12;

/// A few roundings of numbers of order 1: where B is tiny (softmax when it is sure), an honest
/// formula may reach it as a difference of probabilities.
const CANCELLATION: f64 = 1e-15;

/// Checks a loss at cases drawn by a strategy; a failure is that of a case made small.
///
/// Cases should stay away from kinks by 0.1 or so, and from overflow.
///
/// # Errors
///
/// [`OptimError::Check`] with a table of entries, where a claim does not hold; see
/// [`check_loss_at`] for the claims.
///
/// # Example
///
/// ```
/// use osculant_optim::check::{check_loss, paired_cases};
/// use osculant_optim::loss::SquaredLoss;
/// check_loss(&SquaredLoss, paired_cases(1..=4, -3.0..3.0, -3.0..3.0))?;
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
pub fn check_loss<L, Y, S>(loss: &L, cases: S) -> Result<()>
where
    L: Loss<f64> + ?Sized,
    Y: Borrow<L::Target> + Debug,
    S: Strategy<Value = LossCase<Y>>,
{
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(match std::env::var_os("PROPTEST_CASES") {
            Some(_) => Config::default().cases,
            None => CASES,
        })
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    // While a case shrinks, it is to fail in the claim that failed first.
    let failed = Cell::new(None);
    let result =
        TestRunner::new_with_rng(config, rng).run(&cases, |case| match verdict(loss, &case) {
            Err((claim, _)) if failed.get().is_none_or(|first| first == claim) => {
                failed.set(Some(claim));
                Err(TestCaseError::fail("a claim does not hold"))
            }
            _ => Ok(()),
        });
    let what = format!("the {} loss", loss.name());
    match result {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, case)) => Err(match verdict(loss, &case) {
            Err((_, OptimError::Check { what, claim, table })) => OptimError::Check {
                what,
                claim,
                table: format!("{table}{case:?}"),
            },
            Err((_, error)) => error,
            // It holds when asked again: the loss is not a function of its arguments.
            Ok(()) => OptimError::Check {
                what,
                claim: format!("{reason}, and holds when asked again: is there hidden state?"),
                table: format!("{case:?}"),
            },
        }),
        Err(TestError::Abort(reason)) => Err(OptimError::Check {
            what,
            claim: format!("no cases could be drawn: {reason}"),
            table: String::new(),
        }),
    }
}

/// Checks a loss at one case.
///
/// The claims, in this order:
///
/// 1. The output's shape and the target are accepted; value, gradient and B are finite, and
///    overwrite what was in their buffers.
/// 2. The gradient is that of the value; B is the derivative of the gradient.
/// 3. B·v is linear in v, and B is symmetric.
/// 4. B is positive semidefinite, if the loss says that it is convex.
/// 5. SSᵀ = B, if the loss states a factor S.
///
/// # Errors
///
/// [`OptimError::Check`] with a table of entries: analytic, numeric, relative error.
pub fn check_loss_at<L, Y>(loss: &L, case: &LossCase<Y>) -> Result<()>
where
    L: Loss<f64> + ?Sized,
    Y: Borrow<L::Target>,
{
    verdict(loss, case).map_err(|(_, error)| error)
}

/// The first claim that does not hold, by its number, and how.
fn verdict<L, Y>(loss: &L, case: &LossCase<Y>) -> Result<(), (usize, OptimError)>
where
    L: Loss<f64> + ?Sized,
    Y: Borrow<L::Target>,
{
    let at = Point::new(loss, case).map_err(|error| (0, error))?;
    let claims = [
        Point::is_finite,
        Point::derivatives_of_value,
        Point::derivatives_of_gradient,
        Point::linear,
        Point::symmetric,
        Point::semidefinite,
        Point::factor,
    ];
    for (number, claim) in claims.iter().enumerate() {
        claim(&at).map_err(|error| (number + 1, error))?;
    }
    Ok(())
}

/// A loss at one case, with its derivatives there.
struct Point<'a, L: Loss<f64> + ?Sized> {
    loss: &'a L,
    what: String,
    shape: &'a [usize],
    z: &'a [f64],
    y: &'a L::Target,
    x: &'a [f64],
    kept: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    /// B, row after row.
    b: Vec<f64>,
}

impl<'a, L: Loss<f64> + ?Sized> Point<'a, L> {
    fn new<Y: Borrow<L::Target>>(loss: &'a L, case: &'a LossCase<Y>) -> Result<Self> {
        let (shape, z, x) = (&case.shape[..], &case.z[..], &case.x[..]);
        let y: &L::Target = case.y.borrow();
        let hint = "the product of the case's shape";
        expect_length(
            "the output of a case",
            z.len(),
            shape.iter().product(),
            hint,
        )?;
        loss.check_output(shape)?;
        loss.check_target(shape, y)?;
        loss.check_input(shape, x)?;
        let mut point = Point {
            loss,
            what: format!("the {} loss", loss.name()),
            shape,
            z,
            y,
            x,
            // NaN, here and below, shows what is read before it is written, or added to.
            kept: vec![f64::NAN; loss.kept(shape)],
            value: f64::NAN,
            gradient: vec![f64::NAN; z.len()],
            b: Vec::new(),
        };
        point.value = loss.value(z, y, x, &mut point.kept);
        loss.gradient(z, y, x, &point.kept, &mut point.gradient);
        let m = z.len();
        let mut b = vec![0.0; m * m];
        let mut unit = vec![0.0; m];
        for j in 0..m {
            unit[j] = 1.0;
            for (i, entry) in point.product(&unit).into_iter().enumerate() {
                b[i * m + j] = entry;
            }
            unit[j] = 0.0;
        }
        point.b = b;
        Ok(point)
    }

    fn product(&self, v: &[f64]) -> Vec<f64> {
        let mut out = vec![f64::NAN; self.z.len()];
        self.loss
            .curvature(self.z, self.y, self.x, &self.kept, v, &mut out);
        out
    }

    fn entry(&self, at: usize) -> String {
        let m = self.z.len();
        format!("B[{}][{}]", at / m, at % m)
    }

    fn fail(&self, claim: impl Into<String>) -> Result<()> {
        Err(OptimError::Check {
            what: self.what.clone(),
            claim: claim.into(),
            table: format!("at z = {:?}\n", self.z),
        })
    }

    fn is_finite(&self) -> Result<()> {
        if !self.value.is_finite() {
            return self.fail(format!("its value is {}", self.value));
        }
        if let Some(k) = self.gradient.iter().position(|g| !g.is_finite()) {
            let g = self.gradient[k];
            return self.fail(format!("∇ξ[{k}] is {g}; is every entry overwritten?"));
        }
        if let Some(k) = self.b.iter().position(|b| !b.is_finite()) {
            let (entry, b) = (self.entry(k), self.b[k]);
            return self.fail(format!("{entry} is {b}; is every entry overwritten?"));
        }
        Ok(())
    }

    /// Derivatives by differences of what `f(z, out)` writes, m columns.
    fn differences(&self, rows: usize, mut f: impl FnMut(&[f64], &mut [f64])) -> Vec<f64> {
        let m = self.z.len();
        let mut z = self.z.to_vec();
        let mut jacobian = vec![0.0; rows * m];
        for j in 0..m {
            let start = self.z[j];
            // In proportion to large outputs; 0.1 at first, 0.005 at last.
            let step = 0.1 * start.abs().max(1.0);
            let column = ridders(step, |t| {
                let mut out = vec![0.0; rows];
                z[j] = start + t;
                f(&z, &mut out);
                out
            });
            z[j] = start;
            for (i, entry) in column.value.into_iter().enumerate() {
                jacobian[i * m + j] = entry;
            }
        }
        jacobian
    }

    fn derivatives_of_value(&self) -> Result<()> {
        let mut kept = self.kept.clone();
        let numeric = self.differences(1, |z, out| {
            out[0] = self.loss.value(z, self.y, self.x, &mut kept);
        });
        // Differences of the value carry its rounding.
        let scale = largest(&self.gradient).max(largest(&numeric));
        compare(
            &self.what,
            "the gradient is not the derivative of the value",
            |k| format!("∇ξ[{k}]"),
            &self.gradient,
            &numeric,
            DIFFERENCES * scale.max(1e-3 * self.value.abs()),
        )
    }

    fn derivatives_of_gradient(&self) -> Result<()> {
        let mut kept = self.kept.clone();
        let numeric = self.differences(self.z.len(), |z, out| {
            self.loss.value(z, self.y, self.x, &mut kept);
            self.loss.gradient(z, self.y, self.x, &kept, out);
        });
        let scale = largest(&self.b).max(largest(&numeric));
        compare(
            &self.what,
            "B is not the derivative of the gradient",
            |k| self.entry(k),
            &self.b,
            &numeric,
            DIFFERENCES * scale.max(1e-3 * largest(&self.gradient)),
        )
    }

    /// What rounding may do to an entry of B, or to a product with a vector of order 1.
    fn rounding(&self) -> f64 {
        self.z.len() as f64 * (ROUNDING * largest(&self.b) + CANCELLATION)
    }

    fn linear(&self) -> Result<()> {
        let m = self.z.len();
        // No two entries alike, and none of them a power of 2.
        let v: Vec<f64> = (0..m).map(|k| 3.0 * (1.0 + k as f64).sin()).collect();
        let rows = self.b.chunks(m.max(1));
        let expected: Vec<f64> = rows
            .map(|row| row.iter().zip(&v).map(|(b, v)| b * v).sum())
            .collect();
        compare(
            &self.what,
            "B·v is not linear in v",
            |k| format!("(B·v)[{k}]"),
            &self.product(&v),
            &expected,
            3.0 * self.rounding(),
        )
    }

    fn symmetric(&self) -> Result<()> {
        let m = self.z.len();
        let transposed: Vec<f64> = (0..m * m).map(|at| self.b[at % m * m + at / m]).collect();
        compare(
            &self.what,
            "B is not symmetric",
            |k| self.entry(k),
            &self.b,
            &transposed,
            self.rounding(),
        )
    }

    fn semidefinite(&self) -> Result<()> {
        if self.loss.convexity() == Convexity::NotConvex {
            return Ok(());
        }
        let m = self.z.len();
        let smallest = symmetric_eigenvalues(m, &self.b)?
            .into_iter()
            .fold(f64::INFINITY, f64::min);
        if smallest < -self.rounding() {
            return self.fail(format!(
                "it claims to be convex, but B has the eigenvalue {smallest:.6e}; return \
                 `Convexity::NotConvex`, or drop what makes B indefinite"
            ));
        }
        Ok(())
    }

    fn factor(&self) -> Result<()> {
        if self.loss.factor_columns(self.shape).is_none() {
            return Ok(());
        }
        let mut root = SquareRoot::new();
        root.compute(self.loss, 0, self.shape, self.z, self.y, self.x, &self.kept)?;
        let m = self.z.len();
        let mut product = vec![0.0; m * m];
        for c in 0..root.columns() {
            let s = root.column(c);
            for (at, entry) in product.iter_mut().enumerate() {
                *entry += s[at / m] * s[at % m];
            }
        }
        compare(
            &self.what,
            "the factor S does not give B = SSᵀ",
            |k| self.entry(k),
            &product,
            &self.b,
            self.rounding(),
        )
    }
}
