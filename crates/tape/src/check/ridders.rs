//! Derivatives from differences alone, to compare every other kind with.

/// A derivative from differences, with what the extrapolation says of its own error.
#[derive(Clone, Debug, PartialEq)]
pub struct Differences {
    /// dF/dt at t = 0, entry by entry.
    pub value: Vec<f64>,
    /// How much the last two estimates of each entry differ.
    pub error: Vec<f64>,
}

/// The derivative of F: ℝ → ℝᵐ at t = 0, by central differences extrapolated to step 0.
///
/// `h` is the first and largest step, at which F must still be smooth: about a hundredth of the
/// scale on which it bends. Steps shrink by 1.4, ten times, and each entry takes the extrapolation
/// that differs least from its neighbours; stopping at the first that gets worse would be taken in
/// by chance. For smooth functions of ordinary size the result is right to nine or ten digits. `f`
/// is called 20 times and returns vectors of one length.
///
/// To differentiate a function of many numbers, take F(t) = f(x + t d): its derivative is J d.
///
/// # Reference
/// Ridders, *Accurate computation of F'(x) and F'(x)F''(x)*, Advances in Engineering Software
/// 4(2), 1982; Press et al., *Numerical Recipes*, section 5.7 (`dfridr`).
///
/// ```
/// let d = osculant_tape::check::ridders(0.1, |t| vec![(1.0 + t).ln(), (2.0 * t).sin()]);
/// assert!((d.value[0] - 1.0).abs() < 1e-10);
/// assert!((d.value[1] - 2.0).abs() < 1e-10);
/// ```
pub fn ridders(h: f64, mut f: impl FnMut(f64) -> Vec<f64>) -> Differences {
    const SHRINK: f64 = 1.4;
    const STEPS: usize = 10;

    let mut central = |h: f64| -> Vec<f64> {
        let (above, below) = (f(h), f(-h));
        let pairs = above.iter().zip(&below);
        pairs.map(|(a, b)| (a - b) / (2.0 * h)).collect()
    };
    let first = central(h);
    let mut error = vec![f64::INFINITY; first.len()];
    let mut value = first.clone();
    // Row e: the extrapolations of entry e at the last step, from order 0 up.
    let mut table: Vec<Vec<f64>> = first.into_iter().map(|d| vec![d]).collect();
    let mut step = h;
    for _ in 1..STEPS {
        step /= SHRINK;
        for (e, difference) in central(step).into_iter().enumerate().take(table.len()) {
            let last = &table[e];
            let mut row = vec![difference];
            let mut factor = 1.0;
            for j in 1..=last.len() {
                // Neville: order j cancels the term in h²ʲ.
                factor *= SHRINK * SHRINK;
                let next = (row[j - 1] * factor - last[j - 1]) / (factor - 1.0);
                let change = (next - row[j - 1]).abs().max((next - last[j - 1]).abs());
                if change <= error[e] {
                    (error[e], value[e]) = (change, next);
                }
                row.push(next);
            }
            table[e] = row;
        }
    }
    Differences { value, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off(found: f64, exact: f64) -> f64 {
        (found - exact).abs() / exact.abs().max(1.0)
    }

    #[test]
    fn smooth_functions_come_out_to_ten_digits() {
        let at = 0.7f64;
        let d = ridders(1.0 / 64.0, |t| {
            let x = at + t;
            vec![
                x.exp(),
                x.ln(),
                x.tanh(),
                1.0 / x,
                x.powi(5),
                (9.0 * x).sin(),
            ]
        });
        let exact = [
            at.exp(),
            1.0 / at,
            1.0 - at.tanh().powi(2),
            -1.0 / (at * at),
            5.0 * at.powi(4),
            9.0 * (9.0 * at).cos(),
        ];
        for (found, exact) in d.value.iter().zip(exact) {
            assert!(off(*found, exact) < 1e-10, "{found} {exact}");
        }
        assert!(d.error.iter().all(|&e| e < 1e-8), "{:?}", d.error);
    }

    #[test]
    fn linear_functions_come_out_to_rounding() {
        let d = ridders(0.125, |t| vec![3.0 * t, 0.0]);
        assert!(off(d.value[0], 3.0) < 1e-14, "{d:?}");
        assert_eq!(d.value[1], 0.0);
    }

    #[test]
    fn a_kink_shows_in_the_error() {
        let d = ridders(0.1, |t| vec![(t + 0.003f64).abs()]);
        assert!(d.error[0] > 1e-3, "{d:?}");
    }

    #[test]
    fn nan_is_not_hidden() {
        let d = ridders(0.1, |_| vec![f64::NAN]);
        assert!(d.value[0].is_nan());
    }

    #[test]
    fn no_entries_no_work() {
        assert!(ridders(0.1, |_| vec![]).value.is_empty());
    }
}
