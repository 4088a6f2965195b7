//! Checks 1 to 5: the derivatives are right.

use super::failure::{Checked, Numbers, compare};
use super::ridders;
use super::trial::{Cotangents, Operand, Tangents, Trial, largest, to_f64};
use crate::Scalar;

/// The first step of the differences. Numbers of a domain stay 1/4 away from kinks and poles, or
/// 1/16 away from each other, so that no step of this length leaves the smooth part.
const STEP: f64 = 1.0 / 64.0;

/// How far analytic and numeric derivatives may differ, for values of size 1.
///
/// Not rounding of the rule: it is the differences that are inexact. From this step on Ridders's
/// extrapolation reaches 1e-9 or better for functions that bend on a scale of 1/4; a hundred
/// times that leaves room for the steepest draws, and any wrong formula is far above it.
const DIFFERENCES: f64 = 1e-7;

const ANALYTIC: [&str; 2] = ["analytic", "numeric"];

/// 1. ⟨u, Jv⟩ = ⟨Jᵀu, v⟩.
pub(super) fn adjoint<T: Scalar>(trial: &Trial<T>) -> Checked {
    let p = trial.point(trial.operands());
    adjoint_at(trial, p.x)
}

/// The same at given operands, which may lie on a kink.
pub(super) fn adjoint_at<T: Scalar>(trial: &Trial<T>, x: Vec<Operand<T>>) -> Checked {
    let p = trial.point(x);
    let (v, u) = (trial.tangents(trial.layout.absent, 1), trial.outputs(2));
    let jv = trial.jvp(&p, &v);
    let jtu = trial.vjp(&p, &u, 0);
    let left: f64 = u
        .iter()
        .zip(&jv)
        .map(|(&u, &jv)| u.to_f64() * jv.to_f64())
        .sum();
    let (right, size) = trial.inner(&v, &jtu);
    let size = size + norm(&u) * norm(&jv);
    compare(
        "jvp and vjp are not transposes of each other",
        ["<u, Jv>", "<J'u, v>"],
        Numbers::one("inner product", &[left]),
        &[right],
        |_| trial.rounding(size),
    )
}

/// 2. jvp agrees with differences of forward.
pub(super) fn jvp(trial: &Trial<f64>) -> Checked {
    let p = trial.point(trial.operands());
    let dx = trial.tangents(trial.layout.absent, 1);
    let found = trial.jvp(&p, &dx);
    let numeric = ridders(STEP, |t| trial.point(moved(&p.x, t, &dx)).y);
    let scale = 1.0 + largest(&p.y);
    compare(
        "jvp differs from differences of forward",
        ANALYTIC,
        Numbers::tile("dy", &found, trial.n()),
        &numeric.value,
        |e| DIFFERENCES * (scale + numeric.value[e].abs()),
    )
}

/// 3. vjp_jvp agrees with differences of vjp, in the operands and in the cotangent.
pub(super) fn vjp_jvp(trial: &Trial<f64>) -> Checked {
    let p = trial.point(trial.operands());
    let dx = trial.tangents(trial.layout.absent, 1);
    let g = trial.outputs(2);
    // Without a tangent of its own now and then, as at the last node of a graph.
    let dg = trial
        .layout
        .seed
        .is_multiple_of(3)
        .then(|| trial.outputs(3));
    let found = trial.vjp_jvp(&p, &dx, &g, dg.as_deref(), 0);
    let numeric = ridders(STEP, |t| {
        let p = trial.point(moved(&p.x, t, &dx));
        let g: Vec<f64> = match &dg {
            Some(dg) => g.iter().zip(dg).map(|(g, dg)| g + t * dg).collect(),
            None => g.clone(),
        };
        flat(&trial.vjp(&p, &g, 0))
    });
    let scale = 1.0
        + flat(&trial.vjp(&p, &g, 0))
            .iter()
            .fold(0.0, |m, x| x.abs().max(m));
    let mut from = 0;
    for (j, h) in found.iter().flatten().enumerate() {
        let numeric = &numeric.value[from..from + h.data.len()];
        from += h.data.len();
        compare(
            "vjp_jvp differs from differences of vjp",
            ANALYTIC,
            Numbers::tile(&format!("h{j}"), &h.data, h.len),
            numeric,
            |e| DIFFERENCES * (scale + numeric[e].abs()),
        )?;
    }
    Ok(())
}

/// 4. The Hessian of ⟨u, op⟩ is symmetric.
pub(super) fn symmetry(trial: &Trial<f64>) -> Checked {
    let p = trial.point(trial.operands());
    let (v, w, u) = (trial.tangents(0, 1), trial.tangents(0, 2), trial.outputs(3));
    let hv = trial.vjp_jvp(&p, &v, &u, None, 0);
    let hw = trial.vjp_jvp(&p, &w, &u, None, 0);
    let (left, size) = trial.inner(&w, &hv);
    let (right, more) = trial.inner(&v, &hw);
    compare(
        "the Hessian of <u, op> is not symmetric",
        ["<w, Hv>", "<v, Hw>"],
        Numbers::one("inner product", &[left]),
        &[right],
        |_| trial.rounding(size + more),
    )
}

/// 5. Every rule is linear in its tangents, and an absent tangent acts like zeros.
pub(super) fn linearity<T: Scalar>(trial: &Trial<T>) -> Checked {
    let p = trial.point(trial.operands());
    let (a, b) = (0.75, -1.25);
    let absent = trial.layout.absent;
    let (v, w) = (trial.tangents(absent, 1), trial.tangents(absent, 2));
    let (g, dg, dh) = (trial.outputs(3), trial.outputs(4), trial.outputs(5));
    let both = combine_tangents(a, &v, b, &w);
    let linear = |rule: &str, of_both: &[T], of_v: &[T], of_w: &[T]| {
        same(
            trial,
            &format!("{rule}(a v + b w) differs from a {rule}(v) + b {rule}(w)"),
            of_both,
            &combine(a, of_v, b, of_w),
            largest(of_v) + largest(of_w),
        )
    };

    let jvp = |dx: &Tangents<T>| trial.jvp(&p, dx);
    linear("jvp", &jvp(&both), &jvp(&v), &jvp(&w))?;

    let vjp = |g: &[T]| flat(&trial.vjp(&p, g, 0));
    let (of_dg, of_dh) = (vjp(&dg), vjp(&dh));
    linear("vjp", &vjp(&combine(a, &dg, b, &dh)), &of_dg, &of_dh)?;

    let vjp_jvp =
        |dx: &Tangents<T>, g: &[T], dg: Option<&[T]>| flat(&trial.vjp_jvp(&p, dx, g, dg, 0));
    let (of_v, of_w) = (vjp_jvp(&v, &g, Some(&dg)), vjp_jvp(&w, &g, Some(&dh)));
    let of_both = vjp_jvp(&both, &g, Some(&combine(a, &dg, b, &dh)));
    linear("vjp_jvp", &of_both, &of_v, &of_w)?;

    // Zeros in place of nothing.
    let zeros: Tangents<T> = (0..v.len())
        .map(|j| match &v[j] {
            Some(v) => Some(v.clone()),
            None => Some(trial.operand(j, |x| x.fill(T::zero()))),
        })
        .collect();
    let absent = "an absent tangent does not act like zeros";
    let (some, all) = (jvp(&v), jvp(&zeros));
    same(trial, absent, &some, &all, largest(&all))?;
    let none = vec![T::zero(); dg.len()];
    let (some, all) = (vjp_jvp(&v, &g, None), vjp_jvp(&zeros, &g, Some(&none)));
    same(trial, absent, &some, &all, largest(&all))
}

/// Whether two results agree to rounding.
pub(super) fn same<T: Scalar>(
    trial: &Trial<T>,
    message: &str,
    found: &[T],
    expected: &[T],
    scale: f64,
) -> Checked {
    let scale = 1.0 + scale;
    compare(
        &format!("{message} (in {})", T::NAME),
        ["found", "expected"],
        Numbers::one("number", &to_f64(found)),
        &to_f64(expected),
        |_| trial.rounding(scale),
    )
}

/// All cotangents, one after the other.
pub(super) fn flat<T: Scalar>(gx: &Cotangents<T>) -> Vec<T> {
    let each = gx.iter().flatten();
    each.flat_map(|gx| gx.data.iter().copied()).collect()
}

fn moved(x: &[Operand<f64>], t: f64, dx: &Tangents<f64>) -> Vec<Operand<f64>> {
    let pairs = x.iter().zip(dx);
    pairs
        .map(|(x, dx)| match dx {
            Some(dx) => x.combine(1.0, t, dx),
            None => x.clone(),
        })
        .collect()
}

fn combine<T: Scalar>(a: f64, x: &[T], b: f64, y: &[T]) -> Vec<T> {
    let (a, b) = (T::from_f64(a), T::from_f64(b));
    x.iter().zip(y).map(|(&x, &y)| a * x + b * y).collect()
}

fn combine_tangents<T: Scalar>(a: f64, v: &Tangents<T>, b: f64, w: &Tangents<T>) -> Tangents<T> {
    let pairs = v.iter().zip(w);
    pairs
        .map(|(v, w)| Some(v.as_ref()?.combine(a, b, w.as_ref()?)))
        .collect()
}

fn norm<T: Scalar>(x: &[T]) -> f64 {
    x.iter().map(|&x| x.to_f64().powi(2)).sum::<f64>().sqrt()
}
