//! Check 9: NaN, infinities, zeros and ties.

use super::Domain;
use super::derivatives::adjoint_at;
use super::failure::{Checked, fault};
use super::trial::{Operand, Tangents, Trial};
use crate::Scalar;

/// At most this many numbers of each operand are changed one by one: the others are alike.
const TRIED: usize = 24;

/// 9. Nothing panics; no NaN is lost; on kinks J and Jᵀ agree; the first of equals wins.
pub(super) fn special<T: Scalar>(trial: &Trial<T>) -> Checked {
    anything(trial);
    nan_stays(trial)?;
    kinks(trial)?;
    first_wins(trial)
}

/// Runs every rule on numbers of all kinds, to see that none panics.
fn anything<T: Scalar>(trial: &Trial<T>) {
    let palette = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        1e30,
        -1e-30,
    ];
    for only in [None, Some(4), Some(5), Some(6)] {
        let mut random = trial.random(8);
        let mut pick = |x: &mut [T]| {
            x.fill_with(|| {
                T::from_f64(palette[only.unwrap_or_else(|| random.below(palette.len()))])
            })
        };
        let operands = 0..trial.sizes.len();
        let x = operands.map(|j| trial.operand(j, &mut pick)).collect();
        let p = trial.point(x);
        let (dx, g) = (trial.tangents(0, 1), trial.outputs(2));
        trial.jvp(&p, &dx);
        trial.vjp(&p, &g, 0);
        trial.vjp_jvp(&p, &dx, &g, Some(&g), 0);
    }
}

/// A NaN in an operand shows in every output that it changes or that depends on it.
fn nan_stays<T: Scalar>(trial: &Trial<T>) -> Checked {
    let p = trial.point(trial.operands());
    for j in 0..trial.sizes.len() {
        for e in places(&p.x[j]) {
            let mut x = p.x.clone();
            x[j].data[e] = T::nan();
            let y = trial.point(x).y;
            let dy = trial.jvp(&p, &unit(trial, j, e));
            for (o, ((&before, &y), &dy)) in p.y.iter().zip(&y).zip(&dy).enumerate() {
                if !y.is_nan() && (y != before || dy != T::zero()) {
                    return fault(format!(
                        "NaN is lost: with NaN as number {e} of operand {j}, number {o} of the \
                         output is {y}, not NaN (before it was {before})"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// On kinks and ties, wherever all is finite, J and Jᵀ still make the same choice.
fn kinks<T: Scalar>(trial: &Trial<T>) -> Checked {
    let palette = [0.0, -0.0, 1.0, -1.0];
    let mut random = trial.random(9);
    let mut pick = |x: &mut [T]| x.fill_with(|| T::from_f64(palette[random.below(4)]));
    let operands = 0..trial.sizes.len();
    let x: Vec<Operand<T>> = operands.map(|j| trial.operand(j, &mut pick)).collect();
    let p = trial.point(x.clone());
    let slopes = trial.jvp(&p, &trial.tangents(0, 1));
    let backward = trial.vjp(&p, &trial.outputs(2), 0);
    let finite = |x: &[T]| x.iter().all(|x| x.is_finite());
    if !finite(&slopes) || !backward.iter().flatten().all(|g| finite(&g.data)) {
        return Ok(());
    }
    adjoint_at(trial, x)
}

/// Where all numbers are equal, each output takes the first of those it can take.
///
/// For ops whose operands are [`Domain::Distinct`]: those choose. An output can take a number if
/// raising that number raises the output by as much.
fn first_wins<T: Scalar>(trial: &Trial<T>) -> Checked {
    let choosing = trial.domains.iter().all(|d| *d == Domain::Distinct);
    // Shared numbers are one for all examples, which the count below would mix up.
    if !choosing || trial.k() != 1 {
        return Ok(());
    }
    let operands = 0..trial.sizes.len();
    let equal: Vec<Operand<T>> = operands
        .map(|j| trial.operand(j, |x| x.fill(T::one())))
        .collect();
    let p = trial.point(equal.clone());
    let mut settled = vec![false; p.y.len()];
    for j in 0..equal.len() {
        for e in 0..trial.sizes[j] {
            let mut raised = equal.clone();
            raised[j].data[e] = T::from_f64(2.0);
            let y = trial.point(raised).y;
            let slope = trial.jvp(&p, &unit(trial, j, e));
            for o in 0..y.len() {
                let takes = slope[o] != T::zero();
                let first = !settled[o] && y[o] == T::from_f64(2.0);
                if takes != first {
                    return fault(format!(
                        "among equals the first must win: with all numbers equal, the derivative \
                         of output {o} in number {e} of operand {j} is {}",
                        slope[o]
                    ));
                }
                settled[o] |= first;
            }
        }
    }
    Ok(())
}

/// The places of an operand's numbers, gaps left out; a few of them if there are many.
fn places<T>(x: &Operand<T>) -> impl Iterator<Item = usize> + use<T> {
    let (len, stride) = (x.len, x.stride.max(x.len).max(1));
    let all = (0..x.data.len()).filter(move |e| e % stride < len);
    let every = x.data.len().div_ceil(TRIED).max(1);
    all.step_by(every)
}

/// The tangent that is 1 at one place of one operand.
fn unit<T: Scalar>(trial: &Trial<T>, j: usize, e: usize) -> Tangents<T> {
    (0..trial.sizes.len())
        .map(|i| {
            (i == j).then(|| {
                let mut dx = trial.operand(j, |x| x.fill(T::zero()));
                dx.data[e] = T::one();
                dx
            })
        })
        .collect()
}
