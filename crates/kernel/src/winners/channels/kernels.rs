//! The kernels of [`Channels`], for AVX-512.
//!
//! All of them take the same two steps for a tap, a window and 16 channels: a permutation hands
//! each lane the number under its channel's winner, and a multiply-add takes it. Masks leave out
//! the channels whose rectifier is off, and those that fill up the last block.

#![allow(unsafe_code)]

use super::{Channels, LANES, OFF};
use crate::instruction_set::arch;
use crate::winners::{AtWinners, part};
use pulp::Arch;
use std::arch::x86_64::*;
use std::array::from_fn;

/// Whether this machine has the instructions, and they may be used.
pub fn available() -> bool {
    matches!(arch(), Arch::V4(_))
}

/// Defines a kernel that may be called anywhere, since a [`Channels`] exists where the instructions
/// do.
macro_rules! kernels {
    ($($(#[$doc:meta])* $name:ident($k:ident $(, $arg:ident: $t:ty)*) $body:block)+) => { $(
        $(#[$doc])*
        pub fn $name($k: &Channels $(, $arg: $t)*) {
            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            fn compiled($k: &Channels $(, $arg: $t)*) $body
            // SAFETY: `Channels::new` found the instructions to be available.
            unsafe { compiled($k $(, $arg)*) }
        }
    )+ };
}

/// Evaluates an expression with a constant that `$n` is equal to.
macro_rules! sized {
    ($n:expr, [$($size:literal)*], $N:ident => $what:expr) => {
        match $n {
            $($size => {
                const $N: usize = $size;
                $what
            })*
            n => unreachable!("there is no kernel of size {n}"),
        }
    };
}

kernels! {
    /// y += x ∗ dw + db at the winners of `count` images.
    dots(
        k, count: usize, saved: &[u32], x_dw: Option<(&[f32], &[f32])>, db: Option<&[f32]>,
        y: &mut [f32]
    ) {
        let (m, kept) = (k.stage.output_len(), k.saved_len());
        for i in 0..count {
            let y = &mut y[i * m..][..m];
            let image = Image::new(k, &saved[i * kept..], x_dw.map_or(&[], |(x, _)| &x[i * k.len..]));
            for first in (0..k.lanes.channels).step_by(LANES) {
                let size = k.taps.count() * LANES;
                let weight = x_dw.map(|(_, dw)| &dw[first * k.taps.count()..][..size]);
                let bias = db.map_or(_mm512_setzero_ps(), |db| load_channels(&db[first..]));
                let (mut p, windows) = (0, k.lanes.positions);
                while p < windows {
                    let n = part(windows - p, 8);
                    sized!(n, [1 2 3 4 5 6 7 8], P => summed::<P>(image, first, p, weight, bias, y));
                    p += n;
                }
            }
        }
    }

    /// gw += the adjoint in the packed weight. An image is read in many passes, hence one after the
    /// other.
    gather(k, saved: &[u32], laid: &[f32], g: &[f32], gw: &mut [f32]) {
        let (m, kept, taps) = (k.stage.output_len(), k.saved_len(), k.taps.count());
        let images = saved.chunks_exact(kept).zip(laid.chunks_exact(k.len));
        for ((saved, laid), g) in images.zip(g.chunks_exact(m)) {
            let image = Image::new(k, saved, laid);
            for first in (0..k.lanes.channels).step_by(LANES) {
                let mut tap = 0;
                while tap < taps {
                    let n = part(taps - tap, 25);
                    let to = &mut gw[first * taps + tap * LANES..][..n * LANES];
                    sized!(
                        n,
                        [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25],
                        N => gathered::<N>(image, first, tap, g, to)
                    );
                    tap += n;
                }
            }
        }
    }

    /// out += the squares of the adjoint in the packed weight, for one image and several
    /// cotangents.
    squares(
        k, saved: &[u32], laid: &[f32], cotangents: (usize, &[f32], usize), out: &mut [f32]
    ) {
        let (columns, g, apart) = cotangents;
        let image = Image::new(k, saved, laid);
        for first in (0..k.lanes.channels).step_by(LANES) {
            let (mut tap, taps) = (0, k.taps.count());
            while tap < taps {
                let n = part(taps - tap, 4);
                let to = &mut out[first * taps + tap * LANES..][..n * LANES];
                let mut c = 0;
                while c < columns {
                    let beside = part(columns - c, 5);
                    let g = (&g[c * apart..], apart);
                    sized!(n, [1 2 3 4], N => sized!(
                        beside,
                        [1 2 3 4 5],
                        C => squared::<N, C>(image, first, tap, g, to)
                    ));
                    c += beside;
                }
                tap += n;
            }
        }
    }

    /// gb += the adjoint in the bias.
    bias(k, saved: &[u32], g: &[f32], gb: &mut [f32]) {
        let (m, kept) = (k.stage.output_len(), k.saved_len());
        for first in (0..k.lanes.channels).step_by(LANES) {
            let mut sum = _mm512_setzero_ps();
            for (saved, g) in saved.chunks_exact(kept).zip(g.chunks_exact(m)) {
                sum = _mm512_add_ps(sum, bias_sum(Image::new(k, saved, &[]), first, g));
            }
            let gb = &mut gb[first..];
            store_channels(gb, _mm512_add_ps(load_channels(gb), sum));
        }
    }

    /// out += the squares of the adjoint in the bias, for one image and several cotangents.
    bias_squares(k, saved: &[u32], cotangents: (usize, &[f32], usize), out: &mut [f32]) {
        let (columns, g, apart) = cotangents;
        let image = Image::new(k, saved, &[]);
        for first in (0..k.lanes.channels).step_by(LANES) {
            let out = &mut out[first..];
            let mut total = load_channels(out);
            for c in 0..columns {
                let sum = bias_sum(image, first, &g[c * apart..][..k.stage.output_len()]);
                total = _mm512_fmadd_ps(sum, sum, total);
            }
            store_channels(out, total);
        }
    }
}

/// One image: who won in it, and what it looks like, if that is read.
#[derive(Clone, Copy)]
struct Image<'a> {
    k: &'a Channels,
    lanes: &'a [u8],
    laid: &'a [f32],
}

impl<'a> Image<'a> {
    /// # Panics
    /// If either is shorter than it should be: what the reads below rely on.
    fn new(k: &'a Channels, saved: &'a [u32], laid: &'a [f32]) -> Self {
        let laid = if laid.is_empty() {
            laid
        } else {
            &laid[..k.len]
        };
        let lanes = k.lanes.noted(saved);
        Image { k, lanes, laid }
    }

    /// Of window `p` and 16 channels from `first` on: the lanes of the winners, and which have one.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn winners(self, p: usize, first: usize) -> (__m512i, __mmask16) {
        let bytes = &self.lanes[p * self.k.lanes.window_len() + first..][..LANES];
        // SAFETY: there are 16 bytes.
        let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
        let on = _mm_cmpneq_epi8_mask(bytes, _mm_set1_epi8(OFF as i8));
        (_mm512_cvtepu8_epi32(bytes), on)
    }

    /// Where the image under window `p` begins.
    fn window(self, p: usize) -> *const f32 {
        assert_eq!(
            self.laid.len(),
            self.k.len,
            "an image that is read is laid out"
        );
        // SAFETY: a window begins within its image, whose length was just checked.
        unsafe { self.laid.as_ptr().add(self.k.begins[p]) }
    }
}

/// The numbers of a slice's first 16 channels, or of as many as it has; the others are 0.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_channels(from: &[f32]) -> __m512 {
    // SAFETY: the lanes in the mask are numbers of the slice.
    unsafe { _mm512_maskz_loadu_ps(channels(from.len()), from.as_ptr()) }
}

/// Stores as many channels as the slice has, at most 16.
#[inline]
#[target_feature(enable = "avx512f")]
fn store_channels(to: &mut [f32], x: __m512) {
    // SAFETY: the lanes in the mask are numbers of the slice.
    unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), channels(to.len()), x) }
}

/// The first `n` lanes.
fn channels(n: usize) -> __mmask16 {
    u16::MAX >> (LANES - n.min(LANES))
}

/// y += x ∗ dw + db for P windows from window `p` on and 16 channels from `first` on. Every vector
/// of the weight is loaded once for all windows.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn summed<const P: usize>(
    image: Image<'_>,
    first: usize,
    p: usize,
    weight: Option<&[f32]>,
    bias: __m512,
    y: &mut [f32],
) {
    let (k, all) = (image.k, image.k.lanes.channels);
    let mut winners = [(_mm512_setzero_si512(), 0); P];
    for (i, winners) in winners.iter_mut().enumerate() {
        *winners = image.winners(p + i, first);
    }
    let mut sums = [bias; P];
    if let Some(weight) = weight {
        let x: [_; P] = from_fn(|i| image.window(p + i));
        for (weight, &offset) in weight.as_chunks::<LANES>().0.iter().zip(&k.offsets) {
            // SAFETY: there are 16 numbers; from a window's begin and a tap's offset on, a vector
            // of the image can be read.
            unsafe {
                let weight = _mm512_loadu_ps(weight.as_ptr());
                for i in 0..P {
                    let x = _mm512_loadu_ps(x[i].add(offset));
                    let x = _mm512_permutexvar_ps(winners[i].0, x);
                    sums[i] = _mm512_fmadd_ps(x, weight, sums[i]);
                }
            }
        }
    }
    for (i, (sum, (_, on))) in sums.into_iter().zip(winners).enumerate() {
        let y = &mut y[(p + i) * all + first..(p + i + 1) * all];
        let before = load_channels(y);
        store_channels(y, _mm512_mask_add_ps(before, on, before, sum));
    }
}

/// Adds the adjoint of N taps from `tap` on in 16 channels from `first` on, which stay in registers
/// over all windows.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn gathered<const N: usize>(image: Image<'_>, first: usize, tap: usize, g: &[f32], to: &mut [f32]) {
    let (k, all) = (image.k, image.k.lanes.channels);
    // Callers take N of the taps that are left, which `part` makes at most all of them.
    let offsets: &[usize; N] = k.offsets[tap..].first_chunk().expect("there are N taps");
    let mut sums = [_mm512_setzero_ps(); N];
    for p in 0..k.lanes.positions {
        let (lanes, on) = image.winners(p, first);
        let g = load_channels(&g[p * all + first..(p + 1) * all]);
        let x = image.window(p);
        for (sum, &offset) in sums.iter_mut().zip(offsets) {
            // SAFETY: from a window's begin and a tap's offset on, a vector can be read.
            let x = unsafe { _mm512_loadu_ps(x.add(offset)) };
            let x = _mm512_maskz_permutexvar_ps(on, lanes, x);
            *sum = _mm512_fmadd_ps(x, g, *sum);
        }
    }
    for (to, sum) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(sums) {
        let before = load_channels(to);
        store_channels(to, _mm512_add_ps(before, sum));
    }
}

/// Adds the squares of the adjoints of N taps in 16 channels, for C cotangents: each number that a
/// lane is handed serves all of them.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn squared<const N: usize, const C: usize>(
    image: Image<'_>,
    first: usize,
    tap: usize,
    (g, apart): (&[f32], usize),
    to: &mut [f32],
) {
    let (k, all) = (image.k, image.k.lanes.channels);
    // Callers take N of the taps that are left, which `part` makes at most all of them.
    let offsets: &[usize; N] = k.offsets[tap..].first_chunk().expect("there are N taps");
    let mut sums = [[_mm512_setzero_ps(); N]; C];
    for p in 0..k.lanes.positions {
        let (lanes, on) = image.winners(p, first);
        let mut of = [_mm512_setzero_ps(); C];
        for (c, of) in of.iter_mut().enumerate() {
            *of = load_channels(&g[c * apart + p * all + first..c * apart + (p + 1) * all]);
        }
        let x = image.window(p);
        for (j, &offset) in offsets.iter().enumerate() {
            // SAFETY: from a window's begin and a tap's offset on, a vector can be read.
            let x = unsafe { _mm512_loadu_ps(x.add(offset)) };
            let x = _mm512_maskz_permutexvar_ps(on, lanes, x);
            for (sums, &g) in sums.iter_mut().zip(&of) {
                sums[j] = _mm512_fmadd_ps(x, g, sums[j]);
            }
        }
    }
    for (j, to) in to.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let mut total = load_channels(to);
        for sums in &sums {
            total = _mm512_fmadd_ps(sums[j], sums[j], total);
        }
        store_channels(to, total);
    }
}

/// The sum of one image's cotangents in 16 channels from `first` on, where the rectifier is on.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn bias_sum(image: Image<'_>, first: usize, g: &[f32]) -> __m512 {
    let all = image.k.lanes.channels;
    let mut sum = _mm512_setzero_ps();
    for (p, g) in g.chunks_exact(all).enumerate() {
        let (_, on) = image.winners(p, first);
        sum = _mm512_mask_add_ps(sum, on, sum, load_channels(&g[first..]));
    }
    sum
}
