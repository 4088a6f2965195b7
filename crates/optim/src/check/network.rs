//! Verification of curvature on a whole network: yours, with your loss and your data.

use super::around::{Around, DIRECTIONS, SMALLEST, dot, norm};
use super::table;
use crate::error::{OptimError, Result};
use crate::loss::Convexity;
use crate::operator::LinearOperator;
use crate::{Model, Objective};
use osculant_tape::check::Differences;

/// Agreement with differences, relative: they give nine or ten digits where f is smooth.
const DIFFERENCES: f64 = 1e-5;
/// Agreement of two exact routes, relative to the norms that enter.
const ROUNDING: f64 = 1e-10;
/// Bytes that an explicit Jacobian may take.
const LIMIT: usize = 1 << 30;

/// Verifies value, gradient and curvature of an objective at θ, in random directions.
///
/// # Formula
/// 1. ∇fᵀv against differences of f.
/// 2. wᵀG v against differences alone: 1/C wᵀv + 1/W Σ wᵢ (D_w z)ᵀ B (D_v z), D by differences of z.
/// 3. G v against JᵀBJ v with an explicit J.
/// 4. wᵀG v = vᵀG w.
/// 5. vᵀG v ≥ 0 if the loss claims to be convex.
/// 6. ∇²f v against differences of ∇f.
///
/// # Errors
/// [`OptimError::Check`] with a table: which claim, which entry, analytic, numeric, relative
/// error. Also if no direction was found along which differences settle, as at a kink.
///
/// # Example
/// ```
/// use osculant_layers::{Layers, Network};
/// use osculant_optim::check::check_objective;
/// use osculant_optim::examples::Labelled;
/// use osculant_optim::loss::SoftmaxCrossEntropy;
/// use osculant_optim::Objective;
///
/// let net = Network::<f64>::new([2], |x| x.dense(4).tanh().dense(3))?;
/// let data = Labelled::new([2], vec![0.3, 1.0, -1.0, 0.5], vec![2, 0])?;
/// let objective = Objective::new(&net, SoftmaxCrossEntropy, &data)?.regularization(10.0)?;
/// check_objective(&objective, &net.init(0), 7)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check_objective(objective: &Objective<'_, f64>, theta: &[f64], seed: u64) -> Result<()> {
    for claim in (ObjectiveCheck { seed, step: 1.0 }).run(objective, theta)? {
        match claim.verdict {
            Verdict::Holds { .. } => {}
            Verdict::Fails(error) | Verdict::Undecided(error) => return Err(error),
        }
    }
    Ok(())
}

/// [`check_objective`], claim by claim.
///
/// # Errors
/// A step that is not positive and finite; a θ that does not fit, or at which f is not finite.
///
/// # Example
/// ```
/// # use osculant_layers::{Layers, Network};
/// # use osculant_optim::examples::Labelled;
/// # use osculant_optim::loss::SoftmaxCrossEntropy;
/// # use osculant_optim::Objective;
/// # let net = Network::<f64>::new([2], |x| x.dense(4).tanh().dense(3))?;
/// # let data = Labelled::new([2], vec![0.3, 1.0, -1.0, 0.5], vec![2, 0])?;
/// # let objective = Objective::new(&net, SoftmaxCrossEntropy, &data)?;
/// use osculant_optim::check::{ObjectiveCheck, Verdict};
/// let check = ObjectiveCheck { seed: 7, step: 1.0 };
/// for claim in check.run(&objective, &net.init(0))? {
///     assert!(matches!(claim.verdict, Verdict::Holds { error } if error <= claim.allowed));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ObjectiveCheck {
    /// What the directions are drawn from.
    pub seed: u64,
    /// The steps of differences, as a multiple of the usual ones. Large networks have kinks
    /// everywhere: shorter steps stay between them, at the price of rounding.
    pub step: f64,
}

/// One claim, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// What is claimed.
    pub text: &'static str,
    /// How much both sides may differ, relative to the norms that enter.
    pub allowed: f64,
    /// Whether it holds.
    pub verdict: Verdict,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It holds.
    Holds {
        /// By how much both sides differ, relative to the norms that enter.
        error: f64,
    },
    /// It does not hold: the table of what differs.
    Fails(OptimError),
    /// There is nothing to compare with: differences settle along no direction, a point beside θ
    /// has no finite value, or a side needs too much memory.
    Undecided(OptimError),
}

impl ObjectiveCheck {
    /// Puts all claims to the test at θ.
    ///
    /// # Errors
    /// See [`ObjectiveCheck`].
    pub fn run(&self, objective: &Objective<'_, f64>, theta: &[f64]) -> Result<Vec<Claim>> {
        if !(self.step > 0.0 && self.step.is_finite()) {
            let message = "it must be positive and finite; 1 is usual, 0.1 makes shorter steps";
            return Err(OptimError::invalid(
                "the step of the check",
                self.step,
                message,
            ));
        }
        let model = objective.at(theta)?;
        model.value()?;
        let check = Check {
            objective,
            around: Around {
                theta,
                step: self.step,
            },
            model: &model,
            seed: self.seed,
        };
        type Test<'c, 'a, 'o, 'd> = fn(&'c Check<'a, 'o, 'd>) -> Result<f64, Fault>;
        let mut tests: Vec<(&str, f64, Test<'_, '_, '_, '_>)> = vec![
            (SLOPE, DIFFERENCES, Check::gradient),
            (PRODUCT, DIFFERENCES, Check::against_differences),
            (DENSE, ROUNDING, Check::against_dense),
            (SYMMETRY, ROUNDING, Check::symmetry),
        ];
        if objective.convexity() == Convexity::Convex {
            tests.push((SEMIDEFINITE, ROUNDING, Check::semidefinite));
        }
        tests.push((HESSIAN, DIFFERENCES, Check::hessian));
        let claims = tests.into_iter().map(|(text, allowed, test)| Claim {
            text,
            allowed,
            verdict: match test(&check) {
                Ok(error) => Verdict::Holds { error },
                Err(Fault::Fails(error)) => Verdict::Fails(error),
                Err(Fault::Unsettled(error)) => Verdict::Undecided(error),
            },
        });
        Ok(claims.collect())
    }
}

const SLOPE: &str = "∇fᵀv is the slope of f";
const PRODUCT: &str = "wᵀG v is 1/C wᵀv + 1/W Σ wᵢ (D_w z)ᵀ B (D_v z)";
const DENSE: &str = "G v = JᵀBJ v";
const SYMMETRY: &str = "wᵀG v = vᵀG w";
const SEMIDEFINITE: &str = "vᵀG v ≥ 0, as for any convex loss";
const HESSIAN: &str = "∇²f v is the slope of ∇f";

/// Why a claim is not seen to hold.
enum Fault {
    Fails(OptimError),
    Unsettled(OptimError),
}

impl From<OptimError> for Fault {
    fn from(error: OptimError) -> Self {
        match error {
            OptimError::Check { .. } => Fault::Fails(error),
            // A side that could not be computed says nothing of the claim.
            error => Fault::Unsettled(error),
        }
    }
}

struct Check<'a, 'o, 'd> {
    objective: &'o Objective<'d, f64>,
    around: Around<'a>,
    model: &'a Model<'o, f64>,
    seed: u64,
}

impl Check<'_, '_, '_> {
    /// Differences of `f` along a random direction where they settle, and that direction.
    fn settled(
        &self,
        what: &str,
        seed: u64,
        f: impl Fn(&[f64]) -> Result<Vec<f64>>,
    ) -> Result<(Vec<f64>, Differences), Fault> {
        let settled = self.around.settled(seed, 0.1 * DIFFERENCES, f)?;
        settled.ok_or_else(|| {
            Fault::Unsettled(OptimError::Check {
                what: "the objective".into(),
                claim: format!(
                    "differences of {what} settle along none of {DIRECTIONS} random directions: θ \
                     is next to a kink (move it), or {what} is not smooth"
                ),
                table: String::new(),
            })
        })
    }

    fn gradient(&self) -> Result<f64, Fault> {
        let value = |theta: &[f64]| Ok(vec![self.objective.value(theta)?]);
        let (v, numeric) = self.settled("f", self.seed, value)?;
        let gradient = self.model.gradient()?;
        // Beside a minimum, what rounding leaves of differences of f.
        let rounding = self.around.rounding(self.model.value()?.abs());
        let scale = (norm(gradient) * norm(&v))
            .max(SMALLEST)
            .max(rounding / DIFFERENCES);
        let analytic = [dot(gradient, &v)];
        Ok(compare(
            SLOPE,
            &analytic,
            &numeric.value,
            scale,
            DIFFERENCES,
        )?)
    }

    fn against_differences(&self) -> Result<f64, Fault> {
        let outputs = |theta: &[f64]| Ok(self.objective.at(theta)?.gauss_newton()?.outputs());
        let (v, dv) = self.settled("z", self.seed, outputs)?;
        let (w, dw) = self.settled("z", self.seed ^ 0x5555, outputs)?;
        let g = self.model.gauss_newton()?;
        let mut numeric = 0.0;
        for (a, b) in self.blocks(&dw.value, &dv.value)? {
            numeric += dot(&a, &b);
        }
        let mut regularized = vec![0.0; v.len()];
        self.objective.regularizer().add(&v, &mut regularized);
        numeric += dot(&w, &regularized);
        let gv = g.apply(&v)?;
        let scale = norm(&w) * norm(&gv);
        Ok(compare(
            PRODUCT,
            &[dot(&w, &gv)],
            &[numeric],
            scale,
            DIFFERENCES,
        )?)
    }

    /// (a, wᵢ/W B b) of every example, for stacked outputs' directions a and b.
    fn blocks(&self, a: &[f64], b: &[f64]) -> Result<Vec<(Vec<f64>, Vec<f64>)>> {
        let g = self.model.gauss_newton()?;
        let l = g.examples().len();
        let m = a.len() / l;
        let mut blocks = Vec::with_capacity(l);
        for i in 0..l {
            let curvature = g.loss_curvature(i)?;
            let b = &b[i * m..][..m];
            let scale = self.objective.example_scale(i);
            let product = if scale == 0.0 {
                vec![0.0; m]
            } else {
                let rows = curvature.chunks_exact(m);
                rows.map(|row| scale * dot(row, b)).collect()
            };
            blocks.push((a[i * m..][..m].to_vec(), product));
        }
        Ok(blocks)
    }

    /// Two directions, for what needs no differences.
    fn directions(&self) -> [Vec<f64>; 2] {
        [0, 1 << 40].map(|stream| self.around.direction(self.seed, stream))
    }

    fn against_dense(&self) -> Result<f64, Fault> {
        let [v, _] = &self.directions();
        let n = v.len();
        let jacobian = self.model.jacobian()?.explicit(LIMIT)?;
        let dz: Vec<f64> = jacobian
            .chunks_exact(n.max(1))
            .map(|row| dot(row, v))
            .collect();
        let blocks = self.blocks(&dz, &dz)?;
        let u: Vec<f64> = blocks
            .into_iter()
            .flat_map(|(_, product)| product)
            .collect();
        let mut dense = vec![0.0; n];
        self.objective.regularizer().add(v, &mut dense);
        for (row, u) in jacobian.chunks_exact(n.max(1)).zip(u) {
            dense.iter_mut().zip(row).for_each(|(d, j)| *d += j * u);
        }
        let gv = self.model.gauss_newton()?.apply(v)?;
        Ok(compare(DENSE, &gv, &dense, norm(&dense), ROUNDING)?)
    }

    fn symmetry(&self) -> Result<f64, Fault> {
        let [v, w] = &self.directions();
        let g = self.model.gauss_newton()?;
        let (gv, gw) = (g.apply(v)?, g.apply(w)?);
        let scale = norm(w) * norm(&gv) + norm(v) * norm(&gw);
        Ok(compare(
            SYMMETRY,
            &[dot(w, &gv)],
            &[dot(v, &gw)],
            scale,
            ROUNDING,
        )?)
    }

    fn semidefinite(&self) -> Result<f64, Fault> {
        let [v, _] = &self.directions();
        let gv = self.model.gauss_newton()?.apply(v)?;
        let (vgv, scale) = (dot(v, &gv), norm(v) * norm(&gv));
        // How far below 0 it is; NaN is not above.
        let below = if vgv >= 0.0 { 0.0 } else { vgv };
        Ok(compare(SEMIDEFINITE, &[below], &[0.0], scale, ROUNDING)?)
    }

    fn hessian(&self) -> Result<f64, Fault> {
        let gradient = |theta: &[f64]| Ok(self.objective.at(theta)?.gradient()?.to_vec());
        let (v, numeric) = self.settled("∇f", self.seed, gradient)?;
        let hv = self.model.hessian()?.apply(&v)?;
        // Where ∇f hardly changes, what rounding leaves of its differences.
        let rounding = self.around.rounding(norm(self.model.gradient()?));
        let scale = norm(&hv).max(rounding / DIFFERENCES);
        Ok(compare(HESSIAN, &hv, &numeric.value, scale, DIFFERENCES)?)
    }
}

/// Entries may differ by `tolerance` times the norm that enters; gives by how much of it they do.
fn compare(
    claim: &str,
    analytic: &[f64],
    numeric: &[f64],
    scale: f64,
    tolerance: f64,
) -> Result<f64> {
    let scale = scale.max(1e-12);
    table::compare(
        "the objective",
        claim,
        |k| format!("[{k}]"),
        analytic,
        numeric,
        tolerance * scale,
    )?;
    let apart = analytic.iter().zip(numeric).map(|(a, n)| (a - n).abs());
    Ok(apart.fold(0.0, f64::max) / scale)
}
