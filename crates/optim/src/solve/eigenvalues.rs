//! Eigenvalues of a small symmetric matrix.

use crate::error::{OptimError, Result, expect_finite, expect_length};

/// Implicit QL steps per eigenvalue; two or three are usual.
const STEPS: usize = 60;

/// All eigenvalues of a symmetric matrix, smallest first: for spectra of small problems, and to
/// compare iterative methods with.
///
/// # Shapes
/// `a` is n × n, row-major; its lower triangle is read.
///
/// # Formula
/// Householder's reduction to tridiagonal form, then QL steps with Wilkinson's shift; O(n³).
///
/// # Reference
/// Golub and Van Loan, *Matrix Computations*, 4th ed. 2013, §8.3.
///
/// # Errors
/// A matrix of the wrong size or not finite; more than 60 steps for one eigenvalue.
///
/// # Example
/// ```
/// use osculant_optim::solve::symmetric_eigenvalues;
/// let e = symmetric_eigenvalues(2, &[2.0, 1.0, 1.0, 2.0])?;
/// assert!((e[0] - 1.0).abs() < 1e-15 && (e[1] - 3.0).abs() < 1e-15);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
pub fn symmetric_eigenvalues(n: usize, a: &[f64]) -> Result<Vec<f64>> {
    expect_length(
        "the matrix",
        a.len(),
        n.saturating_mul(n),
        "n × n, row-major",
    )?;
    expect_finite("the matrix", a)?;
    let (mut d, mut e) = tridiagonal(n, a.to_vec());
    ql(&mut d, &mut e, &mut [])?;
    d.sort_by(f64::total_cmp);
    Ok(d)
}

/// The diagonal and the subdiagonal (with a 0 at the end) of QᵀAQ.
fn tridiagonal(n: usize, mut a: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    let (mut d, mut e) = (vec![0.0; n], vec![0.0; n]);
    let mut p = vec![0.0; n];
    // Row i is reduced to a[i][i] and one neighbour, from the last row up.
    for i in (1..n).rev() {
        let (head, tail) = a.split_at_mut(i * n);
        let v = &mut tail[..i];
        let scale = v.iter().fold(0.0f64, |s, x| s.max(x.abs()));
        if scale == 0.0 {
            continue;
        }
        v.iter_mut().for_each(|x| *x /= scale);
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let alpha = if v[i - 1] > 0.0 { -norm } else { norm };
        e[i - 1] = alpha * scale;
        v[i - 1] -= alpha;
        let vv: f64 = v.iter().map(|x| x * x).sum();
        if vv == 0.0 {
            continue;
        }
        // A ← A − v wᵀ − w vᵀ with p = 2 A v / vᵀv and w = p − (vᵀp / vᵀv) v.
        let p = &mut p[..i];
        p.fill(0.0);
        for r in 0..i {
            let row = &head[r * n..][..=r];
            let mut sum = row[r] * v[r];
            for c in 0..r {
                sum += row[c] * v[c];
                p[c] += row[c] * v[r];
            }
            p[r] += sum;
        }
        p.iter_mut().for_each(|x| *x *= 2.0 / vv);
        let k = p.iter().zip(&*v).map(|(p, v)| p * v).sum::<f64>() / vv;
        p.iter_mut().zip(&*v).for_each(|(p, v)| *p -= k * v);
        for r in 0..i {
            let row = &mut head[r * n..][..=r];
            for c in 0..=r {
                row[c] -= v[r] * p[c] + p[r] * v[c];
            }
        }
    }
    for i in 0..n {
        d[i] = a[i * n + i];
    }
    (d, e)
}

/// Diagonalizes a tridiagonal matrix with `d` on the diagonal and `e`, with a last entry that is
/// not read, beside it. The eigenvalues are left in `d`, and each of the `rows`, of some matrix, is
/// multiplied by the matrix of eigenvectors.
pub(super) fn ql(d: &mut [f64], e: &mut [f64], rows: &mut [&mut [f64]]) -> Result<()> {
    let n = d.len();
    for l in 0..n {
        let mut steps = 0;
        loop {
            let small = |m: usize| e[m].abs() <= f64::EPSILON * (d[m].abs() + d[m + 1].abs());
            let m = (l..n - 1).find(|&m| small(m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            steps += 1;
            if steps > STEPS {
                let message = "the QL steps do not converge; is the matrix symmetric?";
                return Err(OptimError::invalid("an eigenvalue", d[l], message));
            }
            let mut g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let r = g.hypot(1.0);
            g = d[m] - d[l] + e[l] / (g + if g >= 0.0 { r } else { -r });
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut deflated = false;
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                let r = f.hypot(g);
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    deflated = true;
                    break;
                }
                (s, c) = (f / r, g / r);
                g = d[i + 1] - p;
                let r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
                for row in rows.iter_mut() {
                    let (left, right) = (row[i], row[i + 1]);
                    row[i] = c * left - s * right;
                    row[i + 1] = s * left + c * right;
                }
            }
            if !deflated {
                d[l] -= p;
                e[l] = g;
                e[m] = 0.0;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::symmetric_eigenvalues;
    use osculant_tape::Random;

    #[test]
    fn known_spectra_are_found() {
        let found =
            symmetric_eigenvalues(3, &[2.0, -1.0, 0.0, -1.0, 2.0, -1.0, 0.0, -1.0, 2.0]).unwrap();
        let root = 2f64.sqrt();
        for (found, exact) in found.iter().zip([2.0 - root, 2.0, 2.0 + root]) {
            assert!((found - exact).abs() < 1e-14, "{found} {exact}");
        }
        assert!(symmetric_eigenvalues(0, &[]).unwrap().is_empty());
    }

    #[test]
    fn power_sums_of_eigenvalues_are_traces_of_powers() {
        for n in [1, 2, 5, 17, 40] {
            let mut x = vec![0.0; n * n];
            Random::new(3, n as u64).normal(1.0, &mut x);
            let a: Vec<f64> = (0..n * n).map(|k| x[k] + x[(k % n) * n + k / n]).collect();
            let found = symmetric_eigenvalues(n, &a).unwrap();
            let trace: f64 = (0..n).map(|i| a[i * n + i]).sum();
            let square: f64 = a.iter().map(|x| x * x).sum();
            assert!((found.iter().sum::<f64>() - trace).abs() < 1e-12 * square);
            assert!((found.iter().map(|e| e * e).sum::<f64>() - square).abs() < 1e-12 * square);
            let cube: f64 = found.iter().map(|e| e * e * e).sum();
            let product =
                |i: usize, j: usize| -> f64 { (0..n).map(|k| a[i * n + k] * a[k * n + j]).sum() };
            let exact: f64 = (0..n * n)
                .map(|k| product(k / n, k % n) * a[(k % n) * n + k / n])
                .sum();
            assert!((cube - exact).abs() < 1e-11 * square.powf(1.5), "{n}");
        }
    }
}
