//! Public verification of ops: what the built-in ones pass, any op can be put to.
//!
//! An op states its derivatives; whether they are right is a question of arithmetic. [`op`] draws
//! options, shapes and numbers, calls the rules as a graph would, and compares:
//!
//! 1. ⟨u, Jv⟩ = ⟨Jᵀu, v⟩, to rounding;
//! 2. jvp with central differences of forward ([`ridders`]);
//! 3. vjp_jvp with differences of vjp;
//! 4. the Hessian of ⟨u, op⟩ with its transpose;
//! 5. each rule with a linear map of its tangents;
//! 6. what a rule adds to full buffers with what it adds to empty ones;
//! 7. the inferred shape with the true one; bad shapes must be an `Err`;
//! 8. f32 with f64;
//! 9. special values: NaN is not lost, nothing panics, J and Jᵀ agree on kinks, the first of
//!    equals wins;
//! 10. a tile of k examples with k tiles of one;
//! 11. the deferred sum, where there is one, with vjp;
//! 12. vjp of several cotangents at once with vjp of each, and the sum of their squares, where there
//!     is a rule for it, with the squares of each.
//!
//! Checks 2 to 4 run in f64, the others in both types. A rule is handed only what its `needs`
//! declared; workspace is full of NaN; operands are shared or per example in every mix, and lie
//! apart with NaN between them. A case that fails is shrunk to a small one and shown as a table.
//!
//! # Checking an op of your own
//!
//! ```
//! use osculant_tape::check::{self, Cases, Drawn, draw};
//! use osculant_tape::kind::{Pointwise, PointwiseFn, Reads};
//! use osculant_tape::Scalar;
//!
//! /// y = sin x.
//! #[derive(Clone, Debug)]
//! struct Sin;
//!
//! impl PointwiseFn<1> for Sin {
//!     const READS: Reads = Reads::Inputs;
//!     fn name(&self) -> &'static str {
//!         "sin"
//!     }
//!     fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
//!         x.sin()
//!     }
//!     fn df<T: Scalar>(&self, [x]: [T; 1], _: T) -> [T; 1] {
//!         [x.cos()]
//!     }
//!     fn d2f<T: Scalar>(&self, [x]: [T; 1], _: T) -> [[T; 1]; 1] {
//!         [[-x.sin()]]
//!     }
//! }
//!
//! impl Cases for Sin {
//!     fn cases() -> Drawn<Self> {
//!         draw::with_shape(Sin)
//!     }
//! }
//!
//! check::op::<Pointwise<Sin, 1>>(); // panics with a table where a derivative is wrong
//! ```

mod cases;
mod columns;
mod contract;
mod derivatives;
pub mod draw;
mod failure;
mod layout;
mod ridders;
mod special;
mod subject;
mod trial;

pub use cases::{Cases, Domain, Drawn};
pub use failure::{Entry, Failure, Fault};
pub use ridders::{Differences, ridders};

/// The crate whose strategies draw cases, in the version that the harness takes.
pub use proptest;

use crate::op::Op;
use layout::{Case, Layout};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use subject::{Subjects, subjects};
use trial::Trial;

/// Puts an op to all checks, and panics with a table where one fails: for tests.
///
/// # Panics
/// With the [`Failure`] in words.
#[track_caller]
pub fn op<O: Cases + Op<f32> + Op<f64>>() {
    if let Err(failure) = OpCheck::new().run::<O>() {
        panic!("{failure}");
    }
}

/// One of the checks; the [module](self) tells what each compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// Check 1.
    Adjoint,
    /// Check 2.
    Jvp,
    /// Check 3.
    VjpJvp,
    /// Check 4.
    Symmetry,
    /// Check 5.
    Linearity,
    /// Check 6.
    Accumulation,
    /// Check 7.
    Shapes,
    /// Check 8.
    Precision,
    /// Check 9.
    Special,
    /// Check 10.
    Tiles,
    /// Check 11.
    Deferred,
    /// Check 12.
    Columns,
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Check; 12] = [
        Check::Adjoint,
        Check::Jvp,
        Check::VjpJvp,
        Check::Symmetry,
        Check::Linearity,
        Check::Accumulation,
        Check::Shapes,
        Check::Precision,
        Check::Special,
        Check::Tiles,
        Check::Deferred,
        Check::Columns,
    ];

    fn title(self) -> &'static str {
        match self {
            Check::Adjoint => "jvp and vjp are transposes of each other",
            Check::Jvp => "jvp agrees with differences of forward",
            Check::VjpJvp => "vjp_jvp agrees with differences of vjp",
            Check::Symmetry => "the Hessian of <u, op> is symmetric",
            Check::Linearity => "the rules are linear in their tangents",
            Check::Accumulation => "forward overwrites and the other rules add",
            Check::Shapes => "shapes are the true ones and bad ones are refused",
            Check::Precision => "f32 agrees with f64",
            Check::Special => "special values and ties",
            Check::Tiles => "a tile of k examples equals k tiles of one",
            Check::Deferred => "the deferred sum agrees with vjp",
            Check::Columns => "vjp of several cotangents is vjp of each",
        }
    }

    fn of(self, case: &Case) -> Result<(), Fault> {
        let wide = Trial::<f64>::new(case)?;
        let narrow = Trial::<f32>::new(case)?;
        match self {
            Check::Adjoint => {
                derivatives::adjoint(&wide)?;
                derivatives::adjoint(&narrow)
            }
            Check::Jvp => derivatives::jvp(&wide),
            Check::VjpJvp => derivatives::vjp_jvp(&wide),
            Check::Symmetry => derivatives::symmetry(&wide),
            Check::Linearity => {
                derivatives::linearity(&wide)?;
                derivatives::linearity(&narrow)
            }
            Check::Accumulation => {
                contract::accumulation(&wide)?;
                contract::accumulation(&narrow)
            }
            Check::Shapes => contract::shapes(case),
            Check::Precision => contract::precision(&narrow, &wide),
            Check::Special => {
                special::special(&wide)?;
                special::special(&narrow)
            }
            Check::Tiles => {
                contract::tiles(case, &wide)?;
                contract::tiles(case, &narrow)
            }
            Check::Deferred => {
                contract::deferred::<f64>(case)?;
                contract::deferred::<f32>(case)
            }
            Check::Columns => {
                columns::columns::<f64>(case)?;
                columns::columns::<f32>(case)
            }
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = Check::ALL
            .iter()
            .position(|c| c == self)
            .map_or(0, |n| n + 1);
        write!(f, "{number}, \"{}\"", self.title())
    }
}

/// Which checks to run, on how many cases.
///
/// ```
/// use osculant_tape::check::{Check, OpCheck};
/// use osculant_tape::{kind::Pointwise, ops::Tanh};
///
/// let result = OpCheck::new().cases(8).only(Check::Jvp).run::<Pointwise<Tanh, 1>>();
/// assert!(result.is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct OpCheck {
    cases: u32,
    seed: u64,
    checks: Vec<Check>,
}

impl Default for OpCheck {
    fn default() -> Self {
        OpCheck::new()
    }
}

impl OpCheck {
    /// All checks on 96 cases each, the same ones on every run.
    pub fn new() -> Self {
        OpCheck {
            cases: 96,
            seed: 1,
            checks: Check::ALL.to_vec(),
        }
    }

    /// As many cases for each check.
    pub fn cases(self, cases: u32) -> Self {
        OpCheck { cases, ..self }
    }

    /// Other cases.
    pub fn seed(self, seed: u64) -> Self {
        OpCheck { seed, ..self }
    }

    /// This check alone.
    pub fn only(self, check: Check) -> Self {
        OpCheck {
            checks: vec![check],
            ..self
        }
    }

    /// Runs the checks in order.
    ///
    /// # Errors
    /// The first failure, on the smallest case that shows it. A rule that panics fails too.
    pub fn run<O: Cases + Op<f32> + Op<f64>>(&self) -> Result<(), Box<Failure>> {
        let checks = self.checks.iter();
        let (name, subjects) = (std::any::type_name::<O>(), subjects::<O>());
        let mut checks = checks.copied();
        checks.try_for_each(|check| self.one(check, name, &subjects))
    }

    fn one(
        &self,
        check: Check,
        name: &'static str,
        subjects: &Subjects,
    ) -> Result<(), Box<Failure>> {
        let config = Config {
            cases: self.cases,
            failure_persistence: None,
            ..Config::default()
        };
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let strategy = (subjects.clone(), Layout::draw());
        let case = |((op, shapes), layout)| Case { op, shapes, layout };
        let result = TestRunner::new_with_rng(config, rng).run(&strategy, |drawn| {
            let fault = guarded(check, &case(drawn)).err();
            fault.map_or(Ok(()), |f| Err(TestCaseError::fail(f.message)))
        });
        match result {
            Ok(()) => Ok(()),
            // The smallest case that failed, once more for its table.
            Err(TestError::Fail(reason, drawn)) => {
                let case = case(drawn);
                let fault = guarded(check, &case).err().unwrap_or_else(|| Fault {
                    message: format!("{reason}, though not when run again: it is not repeatable"),
                    ..Fault::default()
                });
                Err(failure(check, &case, fault))
            }
            Err(TestError::Abort(reason)) => Err(Box::new(Failure {
                name,
                check,
                op: String::new(),
                shapes: Vec::new(),
                tile: String::new(),
                fault: Fault {
                    message: format!("`cases` draws nothing: {reason}"),
                    ..Fault::default()
                },
            })),
        }
    }
}

/// Runs a check; a rule that panics has failed it.
fn guarded(check: Check, case: &Case) -> Result<(), Fault> {
    catch_unwind(AssertUnwindSafe(|| check.of(case))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        Err(Fault {
            message: format!("a rule panics: {}", text.unwrap_or("without a message")),
            ..Fault::default()
        })
    })
}

fn failure(check: Check, case: &Case, fault: Fault) -> Box<Failure> {
    Box::new(Failure {
        name: case.op.name(),
        check,
        op: format!("{:?}", case.op),
        shapes: case.shapes.clone(),
        tile: case.layout.describe(case.shapes.len()),
        fault,
    })
}
