//! Why a solver stopped.

use std::fmt;

/// Why a solver stopped; its `Display` says what that means and what to do.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Stop {
    /// The direction is as good as the stopping rule asks for.
    Converged,
    /// The direction met the boundary of the trust region and ends on it.
    Boundary,
    /// The bound on iterations came first; the solution is the best so far.
    MaxIterations,
    /// A direction v has vᵀAv ≤ 0: A is not positive definite. The solution is the iterate
    /// before that, or the first direction, if it is the first.
    NegativeCurvature {
        /// vᵀAv.
        value: f64,
    },
    /// A number overflowed, underflowed or is NaN; the solution is the last finite iterate. An
    /// operator's own error that says so is passed on in the first iteration, and ends later ones.
    NonFinite,
    /// rᵀM⁻¹r ≤ 0: the preconditioner is not positive definite.
    IndefinitePreconditioner {
        /// rᵀM⁻¹r.
        value: f64,
    },
    /// The observer asked to stop.
    Observer,
    /// b is 0, and so is the solution.
    ZeroRightHandSide,
}

impl Stop {
    /// Whether the solution is as accurate as asked for.
    pub fn is_converged(&self) -> bool {
        matches!(self, Stop::Converged | Stop::ZeroRightHandSide)
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Converged => {
                write!(
                    f,
                    "converged: the direction is as good as the stopping rule asks for"
                )
            }
            Stop::Boundary => write!(
                f,
                "the direction met the boundary of the trust region and ends on it"
            ),
            Stop::MaxIterations => write!(
                f,
                "the bound on iterations was reached: the direction is usable but rough; allow \
                 more iterations, raise the damping or the tolerance, or precondition"
            ),
            Stop::NegativeCurvature { value } => write!(
                f,
                "the operator is not positive definite: vᵀAv = {value:e} along a search \
                 direction; raise the damping, set a regularization constant, or use the \
                 Gauss-Newton matrix of a convex loss"
            ),
            Stop::NonFinite => write!(
                f,
                "a number overflowed, underflowed or is NaN: the direction is the last finite \
                 one; check the scale of parameters and data, or compute in f64"
            ),
            Stop::IndefinitePreconditioner { value } => write!(
                f,
                "the preconditioner is not positive definite: rᵀM⁻¹r = {value:e}; add a positive \
                 constant to its diagonal, or leave it out"
            ),
            Stop::Observer => write!(f, "the observer asked to stop"),
            Stop::ZeroRightHandSide => write!(
                f,
                "the right-hand side is 0, and so is the solution: the gradient vanishes, there \
                 is nothing to descend"
            ),
        }
    }
}
