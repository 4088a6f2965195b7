//! Derivatives from values alone.

/// How many step sizes are tried, each 1/1.4 of the one before.
const STEPS: usize = 10;
const SHRINK: f64 = 1.4;

/// dF/dt at t = 0 of a function with `m` values, from central differences extrapolated to step
/// size 0 (Ridders, *Accurate computation of F′(x) and F′(x)F″(x)*, Adv. Eng. Softw. 4(2), 1982).
///
/// `f(t, out)` writes F(t). Of all extrapolations each value takes the one that differs least
/// from its neighbours, so that a step too large (a kink in reach) or too small (rounding) is
/// not used. In `f64` about ten digits are right where F is smooth.
pub(crate) fn derivative(m: usize, step: f64, mut f: impl FnMut(f64, &mut [f64])) -> Vec<f64> {
    let (mut plus, mut minus) = (vec![0.0; m], vec![0.0; m]);
    let mut central = Vec::with_capacity(STEPS * m);
    let mut h = step;
    for _ in 0..STEPS {
        f(h, &mut plus);
        f(-h, &mut minus);
        central.extend(plus.iter().zip(&minus).map(|(p, m)| (p - m) / (2.0 * h)));
        h /= SHRINK;
    }
    (0..m)
        .map(|k| extrapolate(|i| central[i * m + k]))
        .collect()
}

/// Neville's tableau over the step sizes.
fn extrapolate(central: impl Fn(usize) -> f64) -> f64 {
    let (mut best, mut smallest) = (central(STEPS - 1), f64::INFINITY);
    let mut last = vec![central(0)];
    for i in 1..STEPS {
        let mut row = vec![central(i)];
        let mut factor = 1.0;
        for j in 1..=i {
            factor *= SHRINK * SHRINK;
            let refined = (row[j - 1] * factor - last[j - 1]) / (factor - 1.0);
            let error = (refined - row[j - 1])
                .abs()
                .max((refined - last[j - 1]).abs());
            if error < smallest {
                (best, smallest) = (refined, error);
            }
            row.push(refined);
        }
        last = row;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::derivative;

    #[test]
    fn smooth_functions_are_right_to_nine_digits() {
        let found = derivative(3, 0.1, |t, out| {
            let x = 0.7 + t;
            out.copy_from_slice(&[x.exp(), x.sin(), x.powi(5)]);
        });
        for (found, exact) in found
            .iter()
            .zip([0.7f64.exp(), 0.7f64.cos(), 5.0 * 0.7f64.powi(4)])
        {
            assert!((found / exact - 1.0).abs() < 1e-9, "{found} {exact}");
        }
    }

    #[test]
    fn a_kink_within_the_first_steps_does_not_matter() {
        let found = derivative(1, 0.1, |t, out| {
            out[0] = (t + 0.06).abs().powi(2) + (t + 0.06).abs()
        });
        assert!((found[0] - 1.12).abs() < 1e-6, "{}", found[0]);
    }
}
