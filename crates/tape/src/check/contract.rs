//! Checks 6 to 8, 10 and 11: the rules keep their contract.

use super::derivatives::{flat, same};
use super::failure::{Checked, Numbers, compare, fault};
use super::layout::{Case, Layout, has};
use super::subject::Tried;
use super::trial::{Cotangents, Operand, Tangents, Trial, largest, to_f64};
use crate::{Scalar, Shape, View};

/// 6. forward overwrites; the other rules add; a cotangent that nobody wants changes no other.
pub(super) fn accumulation<T: Scalar>(trial: &Trial<T>) -> Checked {
    let p = trial.point(trial.operands());
    let again = trial.forward(p.x.clone(), T::from_f64(7.0), 7);
    let stale = |what: &str| {
        fault(format!(
            "what `forward` writes to {what} depends on what was there before"
        ))
    };
    if !same_bits(&p.y, &again.y) {
        return stale("its output");
    }
    if !same_bits(&p.reals, &again.reals) || p.indices != again.indices {
        return stale("what it saves");
    }

    let dx = trial.tangents(trial.layout.absent, 1);
    let (g, dg) = (trial.outputs(2), trial.outputs(3));
    let mut random = trial.random(7);
    let mut fill = |x: &mut [T]| random.uniform(1.0, 2.0, x);
    let added = |rule: &str, before: &[T], after: &[T], from_zero: &[T]| {
        let sum: Vec<T> = before.iter().zip(from_zero).map(|(&b, &z)| b + z).collect();
        let message = format!("{rule} does not add to what is there");
        same(trial, &message, after, &sum, largest(from_zero))
    };

    let mut before = trial.outputs(4);
    fill(&mut before);
    let mut after = before.clone();
    trial.jvp_into(&p, &dx, &mut after);
    added("jvp", &before, &after, &trial.jvp(&p, &dx))?;

    for absent in [0, trial.layout.absent] {
        let before = trial.cotangents(absent, &mut fill);
        let mut after = before.clone();
        trial.vjp_into(&p, &g, &mut after);
        let alone = wanted(trial.vjp(&p, &g, 0), absent);
        added("vjp", &flat(&before), &flat(&after), &alone)?;

        let mut after = before.clone();
        trial.vjp_jvp_into(&p, &dx, &g, Some(&dg), &mut after);
        let alone = wanted(trial.vjp_jvp(&p, &dx, &g, Some(&dg), 0), absent);
        added("vjp_jvp", &flat(&before), &flat(&after), &alone)?;
    }
    Ok(())
}

/// 7. The inferred shape is the true one, and other shapes are refused or served, never a panic.
pub(super) fn shapes(case: &Case) -> Checked {
    let trial = Trial::<f64>::new(case)?;
    let p = trial.point(trial.operands());
    if let Some(e) = p.y.iter().position(|y| y.is_nan()) {
        return fault(format!(
            "the shape is {}, but forward leaves number {e} of {} unwritten, or makes NaN of \
             numbers from the op's domain",
            trial.rules.shape(),
            p.y.len()
        ));
    }
    if trial.rules.is_alias() {
        let first: Vec<f64> = (0..trial.k())
            .flat_map(|i| p.x[0].view().example(i).to_vec())
            .collect();
        if p.y != first {
            return fault("`is_alias` says that the output is the first operand, but it is not");
        }
    }
    agree(case, &trial)?;
    for shapes in mutations(&case.shapes) {
        let changed = Case {
            op: case.op.clone(),
            shapes,
            layout: case.layout,
        };
        // Small enough to run; a shape too large to run has only been resolved.
        let mut sizes = changed.shapes.iter().map(Shape::checked_size);
        let runs = |size: Option<usize>| size.is_some_and(|n| 0 < n && n <= 4096);
        let Ok(rules) = changed.op.wide(&changed.shapes) else {
            continue;
        };
        if !sizes.all(runs) || !runs(rules.shape().checked_size()) {
            continue;
        }
        let trial = Trial::<f64>::new(&changed)?;
        agree(&changed, &trial)?;
        let p = trial.point(trial.operands());
        trial.jvp(&p, &trial.tangents(0, 1));
        trial.vjp(&p, &trial.outputs(2), 0);
        if p.y.iter().any(|y| y.is_nan()) {
            return fault(format!(
                "`resolve` accepts {:?}, but forward does not write all numbers of {}",
                changed.shapes,
                trial.rules.shape()
            ));
        }
    }
    Ok(())
}

/// Both scalar types must resolve alike.
fn agree(case: &Case, trial: &Trial<f64>) -> Checked {
    let (narrow, wide) = (Trial::<f32>::new(case)?.rules, &trial.rules);
    let same = narrow.shape() == wide.shape()
        && narrow.needs() == wide.needs()
        && narrow.saved() == wide.saved()
        && narrow.is_alias() == wide.is_alias();
    if same {
        Ok(())
    } else {
        fault("shape, needs, saved or is_alias differ between f32 and f64")
    }
}

/// Shapes that the op has no reason to expect: one operand more or fewer, an axis more or fewer,
/// longer, empty, or beyond counting.
fn mutations(shapes: &[Shape]) -> Vec<Vec<Shape>> {
    let mut out = vec![
        Vec::new(),
        shapes[..shapes.len().saturating_sub(1)].to_vec(),
    ];
    let mut longer = shapes.to_vec();
    longer.push(Shape::from([2]));
    out.push(longer);
    for (j, shape) in shapes.iter().enumerate() {
        let mut with = |axes: &[usize]| {
            let mut changed = shapes.to_vec();
            changed[j] = Shape::new(axes);
            out.push(changed);
        };
        with(&[]);
        with(&[&[2], &**shape].concat());
        with(&[&**shape, &[2]].concat());
        for a in 0..shape.len() {
            let mut fewer = shape.to_vec();
            fewer.remove(a);
            with(&fewer);
            for length in [0, 1, shape[a] + 1, 2 * shape[a], usize::MAX / 2, usize::MAX] {
                let mut axes = shape.to_vec();
                axes[a] = length;
                with(&axes);
            }
        }
    }
    out
}

/// 8. f32 gives what f64 gives, to the rounding of f32.
pub(super) fn precision(narrow: &Trial<f32>, wide: &Trial<f64>) -> Checked {
    let (p, q) = (narrow.point(narrow.operands()), wide.point(wide.operands()));
    let size =
        p.x.iter()
            .map(|x| largest_of(x, narrow.k()))
            .fold(1.0, f64::max);
    let near = |what: &str, a: &[f32], b: &[f64]| {
        let scale = size + largest(b);
        compare(
            "f32 differs from f64 by more than rounding",
            ["f32", "f64"],
            Numbers::one(what, &to_f64(a)),
            b,
            |_| narrow.rounding(scale),
        )
    };
    near("y", &p.y, &q.y)?;
    let absent = narrow.layout.absent;
    let (dx, dv) = (narrow.tangents(absent, 1), wide.tangents(absent, 1));
    near("dy", &narrow.jvp(&p, &dx), &wide.jvp(&q, &dv))?;
    let (g, u) = (narrow.outputs(2), wide.outputs(2));
    let (gx, ux) = (narrow.vjp(&p, &g, 0), wide.vjp(&q, &u, 0));
    near("g", &flat(&gx), &flat(&ux))?;
    let (dg, du) = (narrow.outputs(3), wide.outputs(3));
    let hx = narrow.vjp_jvp(&p, &dx, &g, Some(&dg), 0);
    let ux = wide.vjp_jvp(&q, &dv, &u, Some(&du), 0);
    near("h", &flat(&hx), &flat(&ux))
}

/// 10. A tile of k examples equals k tiles of one.
pub(super) fn tiles<T: Tried>(case: &Case, trial: &Trial<T>) -> Checked {
    let p = trial.point(trial.operands());
    let dx = trial.tangents(trial.layout.absent, 1);
    let (g, dg) = (trial.outputs(2), trial.outputs(3));
    let (mut y, mut dy) = (Vec::new(), Vec::new());
    let mut gx = trial.cotangents(0, |_| ());
    let mut hx = trial.cotangents(0, |_| ());
    for i in 0..trial.k() {
        let one = trial.only(i, Trial::<T>::new(case)?.rules);
        let n = trial.n();
        let (g, dg) = (&g[i * n..][..n], &dg[i * n..][..n]);
        let at = one.point(p.x.iter().map(|x| example(x, i)).collect());
        let dx: Tangents<T> = dx.iter().map(|dx| Some(example(dx.as_ref()?, i))).collect();
        y.extend_from_slice(&at.y);
        dy.extend(one.jvp(&at, &dx));
        add_example(&mut gx, &one.vjp(&at, g, 0), i);
        add_example(&mut hx, &one.vjp_jvp(&at, &dx, g, Some(dg), 0), i);
    }
    let near = |what: &str, together: &[T], alone: &[T]| {
        let message = format!("{what}: a tile of k examples differs from k tiles of one");
        same(trial, &message, together, alone, largest(alone))
    };
    near("forward", &p.y, &y)?;
    near("jvp", &trial.jvp(&p, &dx), &dy)?;
    near("vjp", &flat(&trial.vjp(&p, &g, 0)), &flat(&gx))?;
    let together = trial.vjp_jvp(&p, &dx, &g, Some(&dg), 0);
    near("vjp_jvp", &flat(&together), &flat(&hx))
}

/// 11. Where the op declares a deferred sum, it gives what vjp gives.
pub(super) fn deferred<T: Tried>(case: &Case) -> Checked {
    let trial = Trial::<T>::new(case)?;
    let Some(operand) = trial.rules.deferred().map(|d| d.b) else {
        return Ok(());
    };
    // The operand is shared and its cotangent summed: that is what deferring is for.
    let only = 1u8.checked_shl(operand as u32).unwrap_or(0);
    let layout = Layout {
        shared: case.layout.shared | only,
        apart: case.layout.apart & !only,
        ..case.layout
    };
    let trial = Trial::<T>::new(&Case {
        layout,
        ..case.clone()
    })?;
    let Some(deferred) = trial.rules.deferred() else {
        return fault("`deferred` answers differently the second time");
    };
    if deferred.row == 0 || !trial.sizes[deferred.b].is_multiple_of(deferred.row) {
        return fault(format!(
            "`deferred` cuts operand {} of {} numbers into rows of {}",
            deferred.b, trial.sizes[deferred.b], deferred.row
        ));
    }
    let p = trial.point(trial.operands());
    let (g, n, k) = (trial.outputs(2), trial.n(), trial.k());
    // Examples of a round lie apart where a tile is larger than its use.
    let stride = n + 5;
    let mut apart = vec![T::nan(); k * stride];
    for (apart, g) in apart.chunks_mut(stride).zip(g.chunks(n.max(1))) {
        apart[..n].copy_from_slice(g);
    }
    let expected = trial.vjp(&p, &g, 0);
    let Some(expected) = &expected[deferred.b] else {
        return Ok(());
    };
    let rows = trial.sizes[deferred.b] / deferred.row;
    for pieces in [1, 2, rows] {
        let mut found = vec![T::one(); expected.data.len()];
        let step = rows.div_ceil(pieces.max(1)).max(1) * deferred.row;
        for (piece, found) in found.chunks_mut(step).enumerate() {
            let range = piece * step..piece * step + found.len();
            let (a, g) = (p.x[deferred.a].view(), View::strided(&apart, n, stride));
            deferred.sum.sum_range(k, a, g, range, found);
        }
        let more: Vec<T> = expected.data.iter().map(|&g| T::one() + g).collect();
        let message = format!("the deferred sum in {pieces} ranges differs from 1 + vjp");
        same(&trial, &message, &found, &more, largest(&more))?;
        found.fill(T::nan());
        for (piece, found) in found.chunks_mut(step).enumerate() {
            let range = piece * step..piece * step + found.len();
            let (a, g) = (p.x[deferred.a].view(), View::strided(&apart, n, stride));
            deferred.sum.write_range(k, a, g, range, found);
        }
        let message = format!("the deferred sum, written in {pieces} ranges, differs from vjp");
        same(
            &trial,
            &message,
            &found,
            &expected.data,
            largest(&expected.data),
        )?;
    }
    Ok(())
}

fn same_bits<T: Scalar>(a: &[T], b: &[T]) -> bool {
    let bits = |x: T| x.to_f64().to_bits();
    a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| bits(a) == bits(b))
}

/// The cotangents outside `absent`, one after the other.
fn wanted<T: Scalar>(mut gx: Cotangents<T>, absent: u8) -> Vec<T> {
    for (j, gx) in gx.iter_mut().enumerate() {
        if has(absent, j) {
            *gx = None;
        }
    }
    flat(&gx)
}

fn largest_of<T: Scalar>(x: &Operand<T>, k: usize) -> f64 {
    x.numbers(k).fold(0.0, |m, x| x.to_f64().abs().max(m))
}

fn example<T: Scalar>(x: &Operand<T>, i: usize) -> Operand<T> {
    Operand {
        data: x.view().example(i).to_vec(),
        len: x.len,
        stride: if x.stride == 0 { 0 } else { x.len },
    }
}

/// Adds the cotangents of example `i` alone where a tile would put them.
fn add_example<T: Scalar>(all: &mut Cotangents<T>, one: &Cotangents<T>, i: usize) {
    for (all, one) in all.iter_mut().zip(one) {
        let (Some(all), Some(one)) = (all, one) else {
            continue;
        };
        let from = if all.summed { 0 } else { i * all.len };
        for (all, &one) in all.data[from..].iter_mut().zip(&one.data) {
            *all += one;
        }
    }
}
