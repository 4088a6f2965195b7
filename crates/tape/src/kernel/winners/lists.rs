//! Who won: the winners of one image, listed by channel and by window.
//!
//! Kept per image, as indices: how many windows have a winner in each channel; for each channel these
//! windows, in order; then, window after window, which channels each pixel of the window won: the
//! pixel, how many channels, and these. An entry is a window and a pixel of it.

/// The sizes of an image's lists, and where each begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lists {
    pub positions: usize,
    pub candidates: usize,
    pub channels: usize,
}

/// Bits of an entry that hold the pixel of the window.
const BITS: u32 = 8;

/// No pixel: the rectifier is off.
pub(super) const NONE: u32 = u32::MAX;

/// The window of an entry.
#[inline(always)]
pub(super) fn position(entry: u32) -> usize {
    (entry >> BITS) as usize
}

/// The pixel of the window.
#[inline(always)]
pub(super) fn candidate(entry: u32) -> usize {
    (entry & ((1 << BITS) - 1)) as usize
}

impl Lists {
    /// `None` where entries would not hold the numbers.
    pub fn new(positions: usize, candidates: usize, channels: usize) -> Option<Self> {
        let fits = positions < 1 << (u32::BITS - BITS) && candidates <= 1 << BITS;
        (fits && channels < NONE as usize).then_some(Lists {
            positions,
            candidates,
            channels,
        })
    }

    /// Indices that are kept: the lists by channel, their lengths, the lists by window, their
    /// length, and room for one window's winners while they are listed.
    pub fn len(&self) -> usize {
        let all = self.positions * self.channels;
        let heads = self.positions * self.candidates.min(self.channels);
        self.channels + all + 1 + all + 2 * heads + self.channels
    }

    /// Where the lists by window begin, after their length.
    fn windows(&self) -> usize {
        self.channels + self.positions * self.channels
    }

    /// The entries of a channel.
    #[inline(always)]
    pub fn channel<'a>(&self, saved: &'a [u32], channel: usize) -> &'a [u32] {
        let from = self.channels + channel * self.positions;
        &saved[from..][..saved[channel] as usize]
    }

    /// The lists by window: an entry, how many channels it won, and these, again and again.
    #[inline(always)]
    pub fn by_window<'a>(&self, saved: &'a [u32]) -> &'a [u32] {
        let at = self.windows();
        &saved[at + 1..][..saved[at] as usize]
    }

    /// Room for the winners of one window, to be listed by [`note`](Self::note).
    pub fn room<'a>(&self, saved: &'a mut [u32]) -> &'a mut [u32] {
        let at = self.len() - self.channels;
        &mut saved[at..][..self.channels]
    }

    /// Empties the lists.
    pub fn clear(&self, saved: &mut [u32]) {
        saved[..self.channels].fill(0);
        saved[self.windows()] = 0;
    }

    /// Lists the winners of window `p`, which stand in the [`room`](Self::room).
    #[inline(always)]
    pub fn note(&self, p: usize, saved: &mut [u32]) {
        let (saved, winners) = saved.split_at_mut(self.len() - self.channels);
        let (by_channel, by_window) = saved.split_at_mut(self.windows());
        let (counts, entries) = by_channel.split_at_mut(self.channels);
        let (length, by_window) = by_window.split_at_mut(1);
        // How many channels each pixel won, then where its list ends.
        let mut ends = [0u32; 1 << BITS];
        let ends = &mut ends[..self.candidates];
        let lists = entries.chunks_exact_mut(self.positions);
        for ((&winner, count), entries) in winners.iter().zip(counts).zip(lists) {
            if winner != NONE {
                entries[*count as usize] = ((p as u32) << BITS) | winner;
                *count += 1;
                ends[winner as usize] += 1;
            }
        }
        let mut at = length[0];
        for (candidate, end) in ends.iter_mut().enumerate() {
            if *end > 0 {
                by_window[at as usize] = ((p as u32) << BITS) | candidate as u32;
                by_window[at as usize + 1] = *end;
                let first = at + 2;
                at = first + *end;
                *end = first;
            }
        }
        length[0] = at;
        for (channel, &winner) in winners.iter().enumerate() {
            if winner != NONE {
                let end = &mut ends[winner as usize];
                by_window[*end as usize] = channel as u32;
                *end += 1;
            }
        }
    }
}
