//! Who won: the winners of one image, listed by channel and by window.
//!
//! Kept per image, among the op's indices: for each channel the windows that have a winner in it,
//! in order, and how many lie in each group of windows; and, window after window, which channels
//! each pixel of the window won: the pixel, how many channels, and these. An entry is a window and
//! a pixel of it in 16 bits: products at a kept linearization read the lists again and again, so
//! their size counts.

use super::super::choose::NONE;
use pulp::bytemuck::{cast_slice, cast_slice_mut};

/// The sizes of an image's lists, and where each begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists {
    pub positions: usize,
    pub channels: usize,
    window: [usize; 2],
    /// How many windows are visited together: a group.
    part: usize,
    /// Bits of an entry that hold the pixel of the window.
    bits: u32,
    /// Whether there are lists by window, which the adjoint in the image needs.
    by_window: bool,
}

impl Lists {
    /// `None` where entries would not hold the numbers.
    pub fn new(
        positions: usize,
        window: [usize; 2],
        channels: usize,
        part: usize,
        by_window: bool,
    ) -> Option<Self> {
        let candidates = window[0].checked_mul(window[1]).filter(|&n| n <= 256)?;
        let bits = candidates.next_power_of_two().ilog2();
        let fits = positions << bits <= 1 << 16 && channels < 1 << 16;
        fits.then_some(Lists {
            positions,
            channels,
            window,
            part,
            bits,
            by_window,
        })
    }

    /// Pixels of a window.
    fn candidates(&self) -> usize {
        self.window[0] * self.window[1]
    }

    /// The number of a pixel of a window.
    pub fn candidate(&self, down: usize, across: usize) -> usize {
        down * self.window[1] + across
    }

    /// How many groups of windows there are.
    pub fn groups(&self) -> usize {
        self.positions.div_ceil(self.part)
    }

    /// The window of an entry.
    #[inline(always)]
    pub fn position(&self, entry: u16) -> usize {
        (entry >> self.bits) as usize
    }

    /// How many different entries there are: a bound on each.
    pub fn entries(&self) -> usize {
        self.positions << self.bits
    }

    /// The entry of a window and a pixel.
    pub fn entry(&self, position: usize, candidate: usize) -> usize {
        position << self.bits | candidate
    }

    /// Where the lists by channel, the length of those by window, these, and the room begin; and
    /// where that ends.
    fn parts(&self) -> [usize; 5] {
        let all = self.positions * self.channels;
        let heads = self.positions * self.candidates().min(self.channels);
        let channels = self.groups() * self.channels;
        let length = channels + all.div_ceil(2);
        let windows = length + 1;
        // One entry more, for what is noted in vain.
        let room = windows + self.by_window as usize * (all + 2 * heads + 1).div_ceil(2);
        [channels, length, windows, room, room + self.channels]
    }

    /// Indices that are kept: the lists, and room for one window's winners while they are listed.
    pub fn len(&self) -> usize {
        self.parts()[4]
    }

    /// The entries of a channel in group number `group`.
    #[inline(always)]
    pub fn channel<'a>(&self, saved: &'a [u32], channel: usize, group: usize) -> &'a [u16] {
        let end = |group: usize| saved[group * self.channels + channel] as usize;
        let start = if group == 0 { 0 } else { end(group - 1) };
        let entries = cast_slice::<u32, u16>(&saved[self.parts()[0]..]);
        &entries[channel * self.positions..][start..end(group)]
    }

    /// All entries of a channel.
    #[inline(always)]
    pub fn whole_channel<'a>(&self, saved: &'a [u32], channel: usize) -> &'a [u16] {
        let end = saved[(self.groups() - 1) * self.channels + channel] as usize;
        &cast_slice::<u32, u16>(&saved[self.parts()[0]..])[channel * self.positions..][..end]
    }

    /// The lists by window: an entry, how many channels it won, and these, again and again.
    #[inline(always)]
    pub fn by_window<'a>(&self, saved: &'a [u32]) -> &'a [u16] {
        let [_, length, windows, room, _] = self.parts();
        &cast_slice::<u32, u16>(&saved[windows..room])[..saved[length] as usize]
    }

    /// Room for the winners of one window, to be listed by [`note`](Self::note).
    pub fn room<'a>(&self, saved: &'a mut [u32]) -> &'a mut [u32] {
        &mut saved[self.parts()[3]..][..self.channels]
    }

    /// Empties the lists.
    pub fn clear(&self, saved: &mut [u32]) {
        let [channels, length, ..] = self.parts();
        saved[..channels].fill(0);
        saved[length] = 0;
    }

    /// Lists the winners of window `p`, which stand in the [`room`](Self::room). Windows come in
    /// order.
    #[inline(always)]
    pub fn note(&self, p: usize, saved: &mut [u32]) {
        let group = p / self.part;
        if group > 0 && p.is_multiple_of(self.part) {
            // Counts go on from those of the group before.
            let n = self.channels;
            saved.copy_within((group - 1) * n..group * n, group * n);
        }
        let [channels, length, windows, room, _] = self.parts();
        let (saved, winners) = saved.split_at_mut(room);
        let (saved, by_window) = saved.split_at_mut(windows);
        let (saved, length) = saved.split_at_mut(length);
        let (counts, entries) = saved.split_at_mut(channels);
        let counts = &mut counts[group * self.channels..];
        let entries = cast_slice_mut::<u32, u16>(entries).chunks_exact_mut(self.positions);
        // How many channels each pixel won, then where its list ends; the last stands for none.
        let mut ends = [0u32; 257];
        let winners = &winners[..self.channels];
        // Whether there is a winner is as good as random: no branches. What is noted in vain lies
        // behind the list, where the next entry overwrites it.
        for ((&winner, count), entries) in winners.iter().zip(counts).zip(entries) {
            entries[*count as usize] = self.entry(p, winner as usize) as u16;
            *count += u32::from(winner != NONE);
            ends[winner.min(256) as usize] += 1;
        }
        if !self.by_window {
            return;
        }
        let by_window = cast_slice_mut::<u32, u16>(by_window);
        let mut at = length[0];
        for (candidate, end) in ends[..self.candidates()].iter_mut().enumerate() {
            if *end > 0 {
                by_window[at as usize] = self.entry(p, candidate) as u16;
                by_window[at as usize + 1] = *end as u16;
                let first = at + 2;
                at = first + *end;
                *end = first;
            }
        }
        length[0] = at;
        ends[256] = at;
        for (channel, &winner) in winners.iter().enumerate() {
            let end = &mut ends[winner.min(256) as usize];
            by_window[*end as usize] = channel as u16;
            *end += u32::from(winner != NONE);
        }
    }
}
