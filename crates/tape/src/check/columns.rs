//! Check 12: several cotangents at once.

use super::derivatives::same;
use super::failure::Checked;
use super::layout::{Case, Layout};
use super::subject::Tried;
use super::trial::{Trial, largest};
use crate::Slot;

/// vjp of several cotangents at once is vjp of each, from a turned weight too; and where squares
/// have a rule, it gives the squares of each example's cotangent.
pub(super) fn columns<T: Tried>(case: &Case) -> Checked {
    // Every cotangent stands apart: those of operands that have examples of their own, and those of
    // shared ones, which are squared before they are summed.
    let layout = Layout {
        apart: u8::MAX,
        ..case.layout
    };
    let trial = Trial::<T>::new(&Case {
        layout,
        ..case.clone()
    })?;
    let (p, k) = (trial.point(trial.operands()), trial.k());
    for columns in [1, 3] {
        let g: Vec<T> = (0..columns)
            .flat_map(|c| trial.outputs(2 + c as u64))
            .collect();
        let each: Vec<_> = g
            .chunks(g.len() / columns)
            .map(|g| trial.vjp(&p, g, 0))
            .collect();
        for (j, &size) in trial.sizes.iter().enumerate() {
            let numbers = each.iter().filter_map(|gx| Some(&gx[j].as_ref()?.data));
            let numbers: Vec<T> = numbers.flatten().copied().collect();
            // As a sweep may ask: for one operand alone, and for all; added, or for a slot where
            // nothing stands that counts.
            for (alone, fresh) in [(true, false), (false, false), (true, true), (false, true)] {
                let before = if fresh { T::zero() } else { T::one() };
                let expected: Vec<T> = numbers.iter().map(|&g| before + g).collect();
                let message =
                    format!("{before} + vjp of {columns} cotangents at once, operand {j}");
                let anything = if fresh { T::nan() } else { before };
                let mut found = vec![anything; expected.len()];
                let mut rest = vec![vec![]; trial.sizes.len()];
                let mut gx: Vec<Option<Slot<'_, T>>> = Vec::new();
                let mut wanted = Some(&mut found);
                for (i, (room, &other)) in rest.iter_mut().zip(&trial.sizes).enumerate() {
                    gx.push(match i == j {
                        true => wanted
                            .take()
                            .map(|found| Slot::tile(found, size).fresh(fresh)),
                        false if alone => None,
                        false => {
                            room.resize(columns * k * other, T::zero());
                            Some(Slot::tile(room, other))
                        }
                    });
                }
                trial.vjp_columns(&p, columns, &g, &mut gx);
                gx.iter_mut().flatten().for_each(Slot::settle);
                drop(gx);
                same(&trial, &message, &found, &expected, largest(&expected))?;
            }
            // A weight is turned where all examples share it.
            let turns = j == 0 && p.x.get(1).is_some_and(|weight| weight.stride == 0);
            if let Some(found) = turns.then(|| trial.turned(&p, columns, &g)).flatten() {
                let expected: Vec<T> = numbers.iter().map(|&g| T::one() + g).collect();
                let message = format!("1 + {columns} cotangents from the weight turned");
                same(&trial, &message, &found, &expected, largest(&expected))?;
            }
            // Squares are of operands that all examples share.
            let is_shared = p.x[j].stride == 0;
            if let Some(found) = trial.squares(&p, j, columns, &g).filter(|_| is_shared) {
                let mut expected = vec![T::one(); size];
                for own in each.iter().filter_map(|gx| Some(&gx[j].as_ref()?.data)) {
                    for own in own.chunks(size.max(1)) {
                        for (sum, &g) in expected.iter_mut().zip(own) {
                            *sum += g * g;
                        }
                    }
                }
                let message = format!("1 + squares of {columns} cotangents, operand {j}");
                same(&trial, &message, &found, &expected, largest(&expected))?;
            }
        }
    }
    Ok(())
}
