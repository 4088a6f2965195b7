//! Lanczos' method: a symmetric operator becomes a small tridiagonal matrix.

use super::eigenvalues::ql;
use crate::error::{OptimError, Result, expect_finite, expect_length};
use crate::operator::{SelfAdjoint, expect_square};
use crate::vector;
use osculant_tape::Scalar;

/// A remainder this small, in roundings of the matrix so far, is one of rounding.
const ROUNDINGS: f64 = 16.0;

/// Lanczos' method with full reorthogonalization.
///
/// # Formula
///
/// From q₁ = v/‖v‖, with q₀ = 0:
///
/// ```text
/// w = A qⱼ − βⱼ₋₁ qⱼ₋₁      αⱼ = qⱼᵀw      w ← w − αⱼ qⱼ
/// w ← w − Q Qᵀ w, twice, with Q = (q₁ … qⱼ)
/// βⱼ = ‖w‖      qⱼ₊₁ = w/βⱼ
/// ```
///
/// so that QᵀAQ is tridiagonal with α on the diagonal and β beside it. Orthogonality is restored
/// against all q in every step: without that, rounding lets eigenvalues that are already found
/// appear again and again. It ends before the bound where w vanishes but for rounding: the q then
/// span an invariant subspace, and every eigenvalue of the matrix is one of A. At the latest that
/// is so after as many steps as A has rows.
///
/// The q take `steps` times n numbers.
///
/// # Reference
///
/// Golub and Van Loan, *Matrix Computations*, 4th ed. 2013, §10.1 and 10.3.
///
/// # Errors
///
/// An operator that is not square; a bound of 0; a start of the wrong length, that is 0 or not
/// finite; a product that is not finite; more numbers than memory holds.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::Diagonal;
/// use osculant_optim::solve::Lanczos;
/// let a = Diagonal::new(vec![1.0, 2.0, 2.0, 5.0])?;
/// let t = Lanczos::new(10).run(&a, &[1.0; 4])?;
/// assert!(t.invariant); // 2 is found once: nothing in the start tells the two apart
/// let ritz = t.ritz()?;
/// let values: Vec<f64> = ritz.iter().map(|r| (1e9 * r.value).round() / 1e9).collect();
/// assert_eq!(values, [1.0, 2.0, 5.0]);
/// assert!((ritz[1].weight - 0.5).abs() < 1e-12);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanczos {
    /// The bound on steps, each with one product.
    pub steps: usize,
}

/// QᵀAQ of Lanczos' method.
#[derive(Clone, Debug, PartialEq)]
pub struct Tridiagonal {
    /// α, one for each step that was made.
    pub diagonal: Vec<f64>,
    /// β, one less.
    pub off_diagonal: Vec<f64>,
    /// The last β, by which A Q differs from Q QᵀAQ; 0 where the subspace is invariant.
    pub residual: f64,
    /// Whether the steps ended because the subspace is invariant.
    pub invariant: bool,
}

/// An eigenvalue of QᵀAQ, which stands for one or more of A.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ritz {
    /// The value.
    pub value: f64,
    /// The share of the start vector (of ‖v‖²) that belongs to it; all shares add up to 1.
    pub weight: f64,
    /// A has an eigenvalue within this distance, rounding aside.
    pub error: f64,
}

/// ‖x‖, where squares of the entries might vanish too.
fn norm<T: Scalar>(x: &[T]) -> f64 {
    match vector::norm(x) {
        // So short only if every square is next to nothing.
        short if short < 1e-140 => {
            let largest = vector::max_abs(x);
            let square = |x: &T| (Scalar::to_f64(*x) / largest).powi(2);
            if largest == 0.0 {
                0.0
            } else {
                largest * x.iter().map(square).sum::<f64>().sqrt()
            }
        }
        norm => norm,
    }
}

impl Lanczos {
    /// With this bound on steps.
    pub fn new(steps: usize) -> Self {
        Lanczos { steps }
    }

    /// Makes the steps from a start vector v.
    ///
    /// # Errors
    ///
    /// See [`Lanczos`].
    pub fn run<T: Scalar, A: SelfAdjoint<T> + ?Sized>(
        &self,
        a: &A,
        start: &[T],
    ) -> Result<Tridiagonal> {
        self.run_watched(a, start, &mut Basis::default(), &mut |_| {})
    }

    /// The same with room for q that stays, and called back after each step with its number.
    pub(super) fn run_watched<T: Scalar, A: SelfAdjoint<T> + ?Sized>(
        &self,
        a: &A,
        start: &[T],
        basis: &mut Basis<T>,
        watch: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Tridiagonal> {
        expect_square(a)?;
        let n = a.rows();
        expect_length("the start", start.len(), n, "the rows of the operator")?;
        expect_finite("the start", start)?;
        if self.steps == 0 {
            let message = "at least one step must be allowed";
            return Err(OptimError::invalid("the bound of Lanczos", 0, message));
        }
        let steps = self.steps.min(n);
        let largest = vector::max_abs(start);
        if largest == 0.0 {
            let message = "it must have an entry that is not 0, such as random numbers have";
            return Err(OptimError::invalid("the start of Lanczos", "0", message));
        }
        basis.begin(n, steps)?;
        // Scaled before its norm is taken, which might overflow or vanish.
        let scaled = start.iter().map(|&x| T::from_f64(x.to_f64() / largest));
        basis.w.extend(scaled);
        if a.is_parallel() || n >= vector::PARALLEL {
            rayon::scope(|_| self.steps(a, steps, basis, watch))
        } else {
            self.steps(a, steps, basis, watch)
        }
    }

    fn steps<T: Scalar, A: SelfAdjoint<T> + ?Sized>(
        &self,
        a: &A,
        steps: usize,
        basis: &mut Basis<T>,
        watch: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Tridiagonal> {
        let mut t = Tridiagonal {
            diagonal: Vec::with_capacity(steps),
            off_diagonal: Vec::with_capacity(steps),
            residual: 0.0,
            invariant: false,
        };
        let mut beta = vector::norm(&basis.w);
        // The largest row sum of |QᵀAQ|, which bounds its norm.
        let mut size = 0f64;
        for step in 1..=steps {
            basis.push(beta);
            let (q, w) = basis.last();
            a.apply_into(q, w)?;
            let alpha = vector::dot(q, w)?;
            basis.orthogonalize()?;
            let before = t.off_diagonal.last().copied().unwrap_or(0.0);
            beta = norm(&basis.w);
            if !(alpha.is_finite() && beta.is_finite()) {
                let (what, value) = (
                    format!("the product of step {step} of Lanczos"),
                    if alpha.is_finite() { beta } else { alpha },
                );
                let index = basis.w.iter().position(|x| !x.is_finite()).unwrap_or(0);
                return Err(OptimError::NotFinite { what, index, value });
            }
            t.diagonal.push(alpha);
            watch(step);
            size = size.max(before + alpha.abs());
            let rounding = ROUNDINGS * T::epsilon().to_f64() * size;
            // At step n there is nothing left: w is rounding, whatever its length.
            if beta <= rounding || step == basis.n {
                t.invariant = true;
                return Ok(t);
            }
            size = size.max(before + alpha.abs() + beta);
            if step < steps {
                t.off_diagonal.push(beta);
            }
        }
        t.residual = beta;
        Ok(t)
    }
}

impl Tridiagonal {
    /// Its eigenvalues, smallest first.
    ///
    /// # Formula
    ///
    /// With T s = θ s and ‖s‖ = 1: the value is θ, its weight s₁², its error β |s_k| where β is the
    /// residual. Σ ωᵢ g(μᵢ) is Gauss quadrature for vᵀg(A)v / vᵀv, exact for polynomials g of
    /// degree up to 2k − 1.
    ///
    /// # Reference
    ///
    /// Golub and Meurant, *Matrices, Moments and Quadrature with Applications*, 2010, ch. 6.
    ///
    /// # Errors
    ///
    /// More than 60 QL steps for one eigenvalue, as with numbers that are not finite.
    pub fn ritz(&self) -> Result<Vec<Ritz>> {
        let k = self.diagonal.len();
        let mut values = self.diagonal.clone();
        let mut beside = self.off_diagonal.clone();
        beside.resize(k, 0.0);
        let (mut first, mut last) = (vec![0.0; k], vec![0.0; k]);
        if let (Some(first), Some(last)) = (first.first_mut(), last.last_mut()) {
            (*first, *last) = (1.0, 1.0);
        }
        ql(&mut values, &mut beside, &mut [&mut first, &mut last])?;
        let ends = first.iter().zip(&last);
        let mut ritz: Vec<Ritz> = values
            .iter()
            .zip(ends)
            .map(|(&value, (first, last))| Ritz {
                value,
                weight: first * first,
                error: self.residual * last.abs(),
            })
            .collect();
        ritz.sort_by(|a, b| a.value.total_cmp(&b.value));
        Ok(ritz)
    }
}

/// The vectors q, one after the other, and w.
#[derive(Debug)]
pub(super) struct Basis<T> {
    n: usize,
    q: Vec<T>,
    w: Vec<T>,
}

impl<T> Default for Basis<T> {
    fn default() -> Self {
        Basis {
            n: 0,
            q: Vec::new(),
            w: Vec::new(),
        }
    }
}

impl<T: Scalar> Basis<T> {
    fn begin(&mut self, n: usize, steps: usize) -> Result<()> {
        self.n = n;
        self.q.clear();
        self.w.clear();
        let numbers = n.saturating_mul(steps);
        self.q.try_reserve_exact(numbers).map_err(|_| {
            let message = format!("{numbers} numbers don't fit in memory; make fewer steps");
            OptimError::invalid("the bound of Lanczos", steps, &message)
        })
    }

    /// q ← w/β.
    fn push(&mut self, beta: f64) {
        let unit = self.w.iter().map(|&w| T::from_f64(w.to_f64() / beta));
        self.q.extend(unit);
    }

    /// The latest q, and w.
    fn last(&mut self) -> (&[T], &mut [T]) {
        let before = self.q.len().saturating_sub(self.n);
        (&self.q[before..], &mut self.w)
    }

    /// w ← w − Q Qᵀ w, twice; latest q first, which takes off most.
    fn orthogonalize(&mut self) -> Result<()> {
        for _ in 0..2 {
            for q in self.q.chunks_exact(self.n).rev() {
                let along = vector::dot(q, &self.w)?;
                vector::add_scaled(T::from_f64(-along), q, &mut self.w)?;
            }
        }
        Ok(())
    }
}
