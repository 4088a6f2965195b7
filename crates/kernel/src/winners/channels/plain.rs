//! The kernels of [`Channels`] as plain loops: what the others are tested against.

use super::{Channels, LANES, OFF};
use crate::winners::AtWinners;

#[cfg(not(target_arch = "x86_64"))]
pub fn available() -> bool {
    false
}

/// Calls `each(image, window, channel, lane)` for every winner of `count` images.
fn winners(
    k: &Channels,
    count: usize,
    saved: &[u32],
    mut each: impl FnMut(usize, usize, usize, usize),
) {
    for i in 0..count {
        let noted = k.lanes.noted(&saved[i * k.saved_len()..]);
        for (p, noted) in noted.chunks_exact(k.lanes.window_len()).enumerate() {
            for (c, &lane) in noted[..k.lanes.channels].iter().enumerate() {
                if lane != OFF {
                    each(i, p, c, lane.into());
                }
            }
        }
    }
}

/// Where a tap lies in a packed weight.
fn packed(k: &Channels, channel: usize, tap: usize) -> usize {
    ((channel / LANES) * k.taps.count() + tap) * LANES + channel % LANES
}

/// y += x ∗ dw + db at the winners of `count` images.
pub fn dots(
    k: &Channels,
    count: usize,
    saved: &[u32],
    x_dw: Option<(&[f32], &[f32])>,
    db: Option<&[f32]>,
    y: &mut [f32],
) {
    winners(k, count, saved, |i, p, c, lane| {
        let mut sum = db.map_or(0.0, |db| db[c]);
        if let Some((x, dw)) = x_dw {
            let x = &x[i * k.len + k.begins[p] + lane..];
            for (tap, &offset) in k.offsets.iter().enumerate() {
                sum += x[offset] * dw[packed(k, c, tap)];
            }
        }
        y[(i * k.lanes.positions + p) * k.lanes.channels + c] += sum;
    });
}

/// gw += the adjoint in the packed weight.
pub fn gather(k: &Channels, saved: &[u32], laid: &[f32], g: &[f32], gw: &mut [f32]) {
    winners(k, laid.len() / k.len, saved, |i, p, c, lane| {
        let g = g[(i * k.lanes.positions + p) * k.lanes.channels + c];
        let x = &laid[i * k.len + k.begins[p] + lane..];
        for (tap, &offset) in k.offsets.iter().enumerate() {
            gw[packed(k, c, tap)] += g * x[offset];
        }
    });
}

/// out += the squares of the adjoint in the packed weight, for one image and several cotangents.
pub fn squares(
    k: &Channels,
    saved: &[u32],
    laid: &[f32],
    (columns, g, apart): (usize, &[f32], usize),
    out: &mut [f32],
) {
    for c in 0..columns {
        let mut sums = vec![0.0; out.len()];
        gather(k, saved, &laid[..k.len], &g[c * apart..], &mut sums);
        for (out, sum) in out.iter_mut().zip(sums) {
            *out += sum * sum;
        }
    }
}

/// gb += the adjoint in the bias.
pub fn bias(k: &Channels, saved: &[u32], g: &[f32], gb: &mut [f32]) {
    winners(k, saved.len() / k.saved_len(), saved, |i, p, c, _| {
        gb[c] += g[(i * k.lanes.positions + p) * k.lanes.channels + c];
    });
}

/// out += the squares of the adjoint in the bias, for one image and several cotangents.
pub fn bias_squares(
    k: &Channels,
    saved: &[u32],
    (columns, g, apart): (usize, &[f32], usize),
    out: &mut [f32],
) {
    for c in 0..columns {
        let mut sums = vec![0.0; out.len()];
        bias(k, &saved[..k.saved_len()], &g[c * apart..], &mut sums);
        for (out, sum) in out.iter_mut().zip(sums) {
            *out += sum * sum;
        }
    }
}
