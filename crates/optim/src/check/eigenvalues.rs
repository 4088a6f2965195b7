//! Eigenvalues of small symmetric matrices.

use super::table::largest;

/// The eigenvalues of a symmetric matrix, by Jacobi's rotations (Golub and Van Loan, *Matrix
/// Computations*, 4th ed. 2013, Algorithm 8.5.2); at most 50 rounds.
pub(super) fn eigenvalues(m: usize, mut a: Vec<f64>) -> Vec<f64> {
    let scale = largest(&a);
    for _ in 0..50 {
        let mut off = 0.0f64;
        for p in 0..m {
            for q in p + 1..m {
                let apq = a[p * m + q];
                off = off.max(apq.abs());
                if apq == 0.0 {
                    continue;
                }
                let tau = (a[q * m + q] - a[p * m + p]) / (2.0 * apq);
                let t = tau.signum() / (tau.abs() + tau.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for k in 0..m {
                    let (x, y) = (a[k * m + p], a[k * m + q]);
                    (a[k * m + p], a[k * m + q]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..m {
                    let (x, y) = (a[p * m + k], a[q * m + k]);
                    (a[p * m + k], a[q * m + k]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
        if off <= f64::EPSILON * scale {
            break;
        }
    }
    (0..m).map(|k| a[k * m + k]).collect()
}

#[cfg(test)]
mod tests {
    use super::eigenvalues;

    #[test]
    fn known_spectra_are_found() {
        let mut found = eigenvalues(3, vec![2.0, -1.0, 0.0, -1.0, 2.0, -1.0, 0.0, -1.0, 2.0]);
        found.sort_by(f64::total_cmp);
        let root = 2f64.sqrt();
        for (found, exact) in found.iter().zip([2.0 - root, 2.0, 2.0 + root]) {
            assert!((found - exact).abs() < 1e-14, "{found} {exact}");
        }
        assert!(eigenvalues(0, vec![]).is_empty());
    }
}
