//! Which way products with J and JᵀBJ take, and why.

use super::Budget;
use crate::error::{GraphError, Result};
use crate::graph::Graph;
use crate::{Scalar, plan};
use std::fmt;

/// The two ways of a product with J, Jᵀ or JᵀBJ; they agree to rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Route {
    /// The cheaper one, by a model of cost and memory.
    #[default]
    Auto,
    /// Tangents and cotangents sweep through the whole network: 4 F of multiply-adds per JᵀBJ v,
    /// where F is one forward pass.
    Sweep,
    /// The sensitivities S = ∂z/∂(exit) of every segment of the network are kept: 2 F, and two
    /// readings of S, per JᵀBJ v. The first product prepares S, by m reverse sweeps for an output
    /// of m numbers.
    Stored,
}

/// What [`Graph::linearize`] may assume; a [`Budget`] alone turns into one.
///
/// # Example
/// ```
/// use osculant_tape::linearize::{Budget, Options, Route};
/// use osculant_tape::ops::dense;
/// use osculant_tape::{Graph, Init};
///
/// let graph = Graph::<f64>::new(|tape| {
///     let w = tape.param("w", [30, 20], Init::Constant(0.1));
///     dense(dense(tape.input([30]), w).tanh(), tape.param("v", [20, 20], Init::Constant(0.1)))
///         .tanh()
///         .sum()
/// })?;
/// let (theta, feed) = (graph.params().init(0), |_: usize, x: &mut [f64]| x.fill(1.0));
/// let options = Options { products: 100, ..Options::default() };
/// let lin = graph.linearize(&theta, &feed, &[0], options)?;
/// assert_eq!(lin.route().route(), Route::Stored);
/// println!("{}", lin.route());
/// # Ok::<(), osculant_tape::GraphError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many bytes may be kept.
    pub budget: Budget,
    /// How many products are expected at this θ; 1 unless told.
    pub products: usize,
    /// The route, where it is not to be chosen.
    pub route: Route,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            budget: Budget::default(),
            products: 1,
            route: Route::Auto,
        }
    }
}

impl From<Budget> for Options {
    fn from(budget: Budget) -> Self {
        Options {
            budget,
            ..Options::default()
        }
    }
}

/// The route of a linearization, with what it was chosen by; displayed, its reasons.
///
/// Made by [`Linearization::route`](super::Linearization::route).
///
/// # Formula
/// Costs are multiply-adds per example, counted from the work that every step declares and never
/// timed, so that the same problem takes the same route everywhere. A number of S that is kept
/// weighs as several, since it comes from memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    route: Route,
    options: Options,
    costs: plan::Costs,
    examples: usize,
    value_bytes: usize,
    sensitivity_bytes: usize,
}

impl Choice {
    pub(super) fn new<T: Scalar>(
        graph: &Graph<T>,
        examples: usize,
        options: Options,
    ) -> Result<Self> {
        let mut choice = Choice {
            route: Route::Sweep,
            options,
            costs: graph.plan.costs,
            examples,
            value_bytes: graph.kept_bytes().saturating_mul(examples),
            sensitivity_bytes: graph.sensitivity_bytes().saturating_mul(examples),
        };
        if choice.pays() && choice.fits() || options.route == Route::Stored {
            choice.route = Route::Stored;
        }
        if options.route == Route::Sweep || !graph.is_active() || examples == 0 {
            choice.route = Route::Sweep;
        }
        if choice.route == Route::Stored && !choice.fits() {
            return Err(GraphError::Memory {
                what: "the stored route".into(),
                bytes: choice.bytes(),
                limit: options.budget.0,
                hint: "take the sweep route or fewer examples, or raise the memory budget".into(),
            });
        }
        Ok(choice)
    }

    /// The route: never [`Route::Auto`].
    pub fn route(&self) -> Route {
        self.route
    }

    /// How many products it expects.
    pub fn products(&self) -> usize {
        self.options.products
    }

    /// What that many products by the sweep route cost: multiply-adds per example.
    pub fn sweep_cost(&self) -> f64 {
        self.costs.sweep * self.products() as f64
    }

    /// What that many products by the stored route cost, with their preparation: multiply-adds per
    /// example.
    pub fn stored_cost(&self) -> f64 {
        self.costs.stored * self.products() as f64 + self.costs.preparation
    }

    /// Bytes that S takes in the stored route, over all examples.
    pub fn sensitivity_bytes(&self) -> usize {
        self.sensitivity_bytes
    }

    /// Bytes that both kept values and S take.
    fn bytes(&self) -> usize {
        self.value_bytes.saturating_add(self.sensitivity_bytes)
    }

    fn fits(&self) -> bool {
        self.bytes() <= self.options.budget.0
    }

    /// Whether the stored route is cheaper. One product alone is not worth preparing S, even where
    /// m = 1 and the counts are about even.
    fn pays(&self) -> bool {
        self.products() > 1 && self.stored_cost() < self.sweep_cost()
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let route = match self.route {
            Route::Stored => "stored route",
            _ => "sweep route",
        };
        let because = match (self.options.route, self.route, self.pays()) {
            (Route::Auto, Route::Stored, _) => "it is the cheaper one",
            (Route::Auto, _, false) => "it is the cheaper one",
            (Route::Auto, _, true) if self.examples == 0 => "there is no example",
            (Route::Auto, _, true) if !self.fits() => {
                "the stored route is cheaper but exceeds the memory budget"
            }
            (asked, taken, _) if asked == taken => "it was asked for",
            _ => "the output does not depend on θ",
        };
        let plan::Costs {
            sweep,
            stored,
            preparation,
            ..
        } = self.costs;
        writeln!(f, "{route}: {because}")?;
        writeln!(f, "  expected at this θ: {} products", self.products())?;
        writeln!(
            f,
            "  multiply-adds per example, a kept number of S weighing {}:",
            plan::KEPT
        )?;
        writeln!(
            f,
            "    sweep   {:>9.3e}  ({sweep:.3e} each)",
            self.sweep_cost()
        )?;
        writeln!(
            f,
            "    stored  {:>9.3e}  ({stored:.3e} each, and {preparation:.3e} of preparation)",
            self.stored_cost()
        )?;
        write!(
            f,
            "  memory for {} examples: {} of forward values, {} of S; the budget is {}",
            self.examples,
            Bytes(self.value_bytes),
            Bytes(self.sensitivity_bytes),
            Bytes(self.options.budget.0)
        )
    }
}

/// A number of bytes for people.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"];
        let power = (self.0.max(1).ilog2() / 10).min(4);
        let n = self.0 as f64 / f64::from(1 << 10).powi(power as i32);
        match power {
            0 => write!(f, "{} B", self.0),
            _ => write!(f, "{n:.1} {}", units[power as usize]),
        }
    }
}
