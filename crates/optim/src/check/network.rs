//! Verification of curvature on a whole network: yours, with your loss and your data.

use super::table;
use crate::error::{OptimError, Result};
use crate::loss::Convexity;
use crate::operator::LinearOperator;
use crate::{Model, Objective};
use osculant_tape::Random;
use osculant_tape::check::{Differences, ridders};

/// Agreement with differences, relative: they give nine or ten digits where f is smooth.
const DIFFERENCES: f64 = 1e-5;
/// How much the slopes to either side may differ: at a kink central differences settle too, on the
/// mean of both slopes.
const KINK: f64 = 1e-5;
/// Steps at which they are compared, from the shortest of the differences down to where rounding
/// begins to count; a kink farther out than the first keeps the differences from settling.
const KINK_STEPS: [f64; 6] = [6.4e-5, 1.6e-5, 4e-6, 1e-6, 2.5e-7, 1e-7];
/// Agreement of two exact routes, relative to the norms that enter.
const ROUNDING: f64 = 1e-10;
/// First steps of the differences, relative to the direction: small, to stay clear of kinks. Two,
/// because at a kink the extrapolations of one table can agree by chance.
const STEPS: [f64; 2] = [1e-3, 6.3e-4];
/// Directions to try before saying that the differences don't settle.
const DIRECTIONS: u64 = 8;
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
    let model = objective.at(theta)?;
    let check = Check {
        objective,
        theta,
        model: &model,
    };
    let v = check.direction(seed, 0);
    let w = check.direction(seed, 1 << 40);
    check.gradient(seed)?;
    check.against_differences(seed)?;
    check.against_dense(&v)?;
    check.symmetry(&v, &w)?;
    check.hessian(seed)
}

struct Check<'a, 'o, 'd> {
    objective: &'o Objective<'d, f64>,
    theta: &'a [f64],
    model: &'a Model<'o, f64>,
}

impl Check<'_, '_, '_> {
    /// A random direction as long as θ, or as 1 if that is shorter.
    fn direction(&self, seed: u64, stream: u64) -> Vec<f64> {
        let mut v = vec![0.0; self.theta.len()];
        Random::new(seed, stream).normal(1.0, &mut v);
        let scale = norm(self.theta).max(1.0) / norm(&v).max(f64::MIN_POSITIVE);
        v.iter_mut().for_each(|v| *v *= scale);
        v
    }

    fn moved(&self, t: f64, v: &[f64]) -> Vec<f64> {
        self.theta.iter().zip(v).map(|(x, v)| x + t * v).collect()
    }

    /// The first random direction along which differences of `f` settle, with its differences.
    fn settled(
        &self,
        what: &str,
        seed: u64,
        f: impl Fn(&[f64]) -> Result<Vec<f64>>,
    ) -> Result<(Vec<f64>, Differences)> {
        for stream in 0..DIRECTIONS {
            let v = self.direction(seed, stream);
            let mut error = None;
            let [found, again] = STEPS.map(|step| {
                ridders(step, |t| match f(&self.moved(t, &v)) {
                    Ok(value) => value,
                    Err(e) => {
                        error = Some(e);
                        Vec::new()
                    }
                })
            });
            if let Some(error) = error {
                return Err(error);
            }
            let scale = norm(&found.value).max(1e-6);
            let apart = found.value.iter().zip(&again.value).map(|(a, b)| a - b);
            let unsettled = norm(&found.error).max(norm(&apart.collect::<Vec<_>>()));
            if unsettled <= 0.1 * DIFFERENCES * scale && self.kink(&v, &f)? <= KINK * scale {
                return Ok((v, found));
            }
        }
        Err(OptimError::Check {
            what: "the objective".into(),
            claim: format!(
                "differences of {what} settle along none of {DIRECTIONS} random directions: θ is \
                 next to a kink (move it), or {what} is not smooth"
            ),
            table: String::new(),
        })
    }

    /// By how much the slope of `f` along v jumps near θ, at most.
    ///
    /// The bend at step h, (f(θ + hv) + f(θ − hv) − 2f(θ))/h, is proportional to h where f is
    /// smooth. From a kink at 0 < t < h it has J(1 − t/h) besides, for a jump J of the slope, which
    /// is proportional to h at no two steps in a row.
    fn kink(&self, v: &[f64], f: impl Fn(&[f64]) -> Result<Vec<f64>>) -> Result<f64> {
        let here = f(self.theta)?;
        let mut bends = Vec::with_capacity(KINK_STEPS.len());
        for h in KINK_STEPS {
            let (above, below) = (f(&self.moved(h, v))?, f(&self.moved(-h, v))?);
            let sides = above.iter().zip(&below).zip(&here);
            bends.push(sides.map(|((a, b), c)| (a + b - 2.0 * c) / h).collect());
        }
        let steps = KINK_STEPS.windows(2).zip(bends.windows(2));
        Ok(steps.fold(0.0, |most, (h, bend): (_, &[Vec<f64>])| {
            let rest = bend[0]
                .iter()
                .zip(&bend[1])
                .map(|(far, near)| far * h[1] / h[0] - near);
            f64::max(most, norm(&rest.collect::<Vec<_>>()))
        }))
    }

    fn gradient(&self, seed: u64) -> Result<()> {
        let (v, numeric) =
            self.settled("f", seed, |theta| Ok(vec![self.objective.value(theta)?]))?;
        let gradient = self.model.gradient()?;
        let scale = norm(gradient) * norm(&v);
        let analytic = [dot(gradient, &v)];
        compare(
            "∇fᵀv is the slope of f",
            &analytic,
            &numeric.value,
            scale,
            DIFFERENCES,
        )
    }

    fn against_differences(&self, seed: u64) -> Result<()> {
        let outputs = |theta: &[f64]| Ok(self.objective.at(theta)?.gauss_newton()?.outputs());
        let (v, dv) = self.settled("z", seed, outputs)?;
        let (w, dw) = self.settled("z", seed ^ 0x5555, outputs)?;
        let g = self.model.gauss_newton()?;
        let mut numeric = 0.0;
        for (a, b) in self.blocks(&dw.value, &dv.value)? {
            numeric += dot(&a, &b);
        }
        let mut regularized = vec![0.0; v.len()];
        self.objective.add_regularizer(&v, &mut regularized);
        numeric += dot(&w, &regularized);
        let gv = g.apply(&v)?;
        let scale = norm(&w) * norm(&gv);
        let claim = "wᵀG v is 1/C wᵀv + 1/W Σ wᵢ (D_w z)ᵀ B (D_v z)";
        compare(claim, &[dot(&w, &gv)], &[numeric], scale, DIFFERENCES)
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
            let product = curvature
                .chunks_exact(m)
                .map(|row| scale * dot(row, b))
                .collect();
            blocks.push((a[i * m..][..m].to_vec(), product));
        }
        Ok(blocks)
    }

    fn against_dense(&self, v: &[f64]) -> Result<()> {
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
        self.objective.add_regularizer(v, &mut dense);
        for (row, u) in jacobian.chunks_exact(n.max(1)).zip(u) {
            dense.iter_mut().zip(row).for_each(|(d, j)| *d += j * u);
        }
        let gv = self.model.gauss_newton()?.apply(v)?;
        compare("G v = JᵀBJ v", &gv, &dense, norm(&dense), ROUNDING)
    }

    fn symmetry(&self, v: &[f64], w: &[f64]) -> Result<()> {
        let g = self.model.gauss_newton()?;
        let (gv, gw) = (g.apply(v)?, g.apply(w)?);
        let scale = norm(w) * norm(&gv) + norm(v) * norm(&gw);
        compare(
            "wᵀG v = vᵀG w",
            &[dot(w, &gv)],
            &[dot(v, &gw)],
            scale,
            ROUNDING,
        )?;
        let (vgv, least) = (dot(v, &gv), -ROUNDING * norm(v) * norm(&gv));
        if self.objective.convexity() == Convexity::Convex && (vgv.is_nan() || vgv < least) {
            return compare(
                "vᵀG v ≥ 0, as for any convex loss",
                &[vgv],
                &[0.0],
                0.0,
                ROUNDING,
            );
        }
        Ok(())
    }

    fn hessian(&self, seed: u64) -> Result<()> {
        let gradient = |theta: &[f64]| Ok(self.objective.at(theta)?.gradient()?.to_vec());
        let (v, numeric) = self.settled("∇f", seed, gradient)?;
        let hv = self.model.hessian()?.apply(&v)?;
        compare(
            "∇²f v is the slope of ∇f",
            &hv,
            &numeric.value,
            norm(&hv),
            DIFFERENCES,
        )
    }
}

/// Entries may differ by `tolerance` times the norm that enters.
fn compare(
    claim: &str,
    analytic: &[f64],
    numeric: &[f64],
    scale: f64,
    tolerance: f64,
) -> Result<()> {
    let allowed = tolerance * scale.max(1e-12);
    table::compare(
        "the objective",
        claim,
        |k| format!("[{k}]"),
        analytic,
        numeric,
        allowed,
    )
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}
