//! Which values share a slot: liveness decides.

use super::segments::Exit;
use super::{Home, Role, Slots, Stratum};
use crate::Scalar;
use smallvec::SmallVec;

impl<T: Scalar> Stratum<T> {
    /// Shared tangents stay while tiles run, so each has a buffer of its own; shared cotangents
    /// stand in the sums.
    pub(super) fn place_shared(&mut self, n: usize, sum_of: &[usize]) {
        let mut slots = Slots {
            tangent: vec![usize::MAX; n],
            ..Slots::default()
        };
        slots.cotangent = sum_of.to_vec();
        for step in self.steps.iter() {
            if let (true, &Home::Kept(i)) = (step.active, &step.home) {
                slots.tangent[step.node] = i;
            }
        }
        slots.lens = self.kept.clone();
        self.product = slots.clone();
        self.gradient = slots.clone();
        // vjp_jvp finds both in one list: the tangents first, then the sums.
        for at in slots.cotangent.iter_mut().filter(|at| **at != usize::MAX) {
            *at += self.kept.len();
        }
        self.hessian = slots;
    }

    pub(super) fn mark_first(&mut self, n: usize) {
        let mut touched = vec![false; n];
        for step in self.steps.iter_mut().rev().filter(|s| s.is_reversed()) {
            // Passes run in order, so the first occurrence among the operands comes first.
            for o in step.operands.iter_mut().filter(|o| o.role == Role::Inner) {
                o.first = !std::mem::replace(&mut touched[o.root], true);
            }
        }
    }

    fn last_use(&self, n: usize, active_only: bool) -> Vec<usize> {
        let mut last = vec![0; n];
        for (i, step) in self
            .steps
            .iter()
            .enumerate()
            .filter(|(_, s)| s.active || !active_only)
        {
            last[step.node] = last[step.node].max(i);
            for o in &step.operands {
                last[o.root] = i;
            }
        }
        last
    }

    pub(super) fn place_forward(&mut self, n: usize) {
        let last = self.last_use(n, false);
        let mut pool = SlotPool::default();
        let mut slot = vec![usize::MAX; n];
        for i in 0..self.steps.len() {
            let (node, len) = (self.steps[i].node, self.steps[i].len);
            if let Home::Slot(s) = &mut self.steps[i].home {
                *s = pool.take(len);
                slot[node] = *s;
            }
            for o in &mut self.steps[i].operands {
                if let Home::Slot(s) = &mut o.home {
                    *s = slot[o.root];
                }
            }
            let done = |root: usize| slot[root] != usize::MAX && last[root] == i;
            let mut free: SmallVec<[usize; 5]> = self.steps[i]
                .operands
                .iter()
                .map(|o| o.root)
                .filter(|&r| done(r))
                .collect();
            free.extend(done(node).then_some(node));
            free.sort_unstable();
            free.dedup();
            for root in free {
                pool.give_back(slot[root]);
            }
        }
        self.forward = pool.lens;
    }

    /// Slots for jvp followed by a reverse sweep. In H v the reverse sweep reads the tangents.
    pub(super) fn place_product(&self, n: usize, tangents_stay: bool) -> Slots {
        let last = self.last_use(n, true);
        let mut pool = SlotPool::default();
        let mut slots = Slots {
            tangent: vec![usize::MAX; n],
            cotangent: vec![usize::MAX; n],
            lens: Vec::new(),
        };
        let mut output = None;
        for (i, step) in self.steps.iter().enumerate().filter(|(_, s)| s.active) {
            slots.tangent[step.node] = pool.take(step.len);
            output = Some(step);
            if tangents_stay {
                continue;
            }
            for o in step
                .operands
                .iter()
                .filter(|o| o.role == Role::Inner && o.pass == 0)
            {
                if last[o.root] == i {
                    pool.give_back(slots.tangent[o.root]);
                }
            }
        }
        // The output is the last step that anything depends on; its tangent turns into its
        // cotangent by B, so both are alive at once.
        if let Some(step) = output {
            slots.cotangent[step.node] = pool.take(step.len);
            if !tangents_stay {
                pool.give_back(slots.tangent[step.node]);
            }
        }
        for step in self.steps.iter().rev().filter(|s| s.active) {
            for o in step.operands.iter().filter(|o| o.first) {
                slots.cotangent[o.root] = pool.take(o.len);
            }
            if slots.cotangent[step.node] != usize::MAX {
                pool.give_back(slots.cotangent[step.node]);
            }
        }
        slots.lens = pool.lens;
        slots
    }

    /// Slots for jvp and vjp inside segments. What an exit's tangent and, later, its cotangent
    /// takes is one slot; the output's tangent and cotangent, between which B stands, take two.
    pub(super) fn place_inside(
        &self,
        n: usize,
        exits: &[Exit],
        (output, m): (usize, usize),
    ) -> Slots {
        let mut pool = SlotPool::default();
        let mut slots = Slots {
            tangent: vec![usize::MAX; n],
            cotangent: vec![usize::MAX; n],
            lens: Vec::new(),
        };
        for step in self.steps.iter().filter(|s| s.active) {
            slots.tangent[step.node] = pool.take(step.len);
            // A node inside a segment has one consumer, so this is its last use.
            for o in step.operands.iter() {
                if o.role == Role::Inner && o.pass == 0 {
                    pool.give_back(slots.tangent[o.root]);
                }
            }
        }
        if slots.tangent[output] == usize::MAX {
            slots.tangent[output] = pool.take(m);
        }
        slots.cotangent[output] = pool.take(m);
        pool.give_back(slots.tangent[output]);
        for exit in exits {
            slots.cotangent[exit.node] = slots.tangent[exit.node];
        }
        self.place_cotangents(&mut slots, pool, &[]);
        slots
    }

    /// Slots for the way back from the output to exits, whose cotangents stay until they are read.
    pub(super) fn place_between(
        &self,
        n: usize,
        exits: &[Exit],
        (output, m): (usize, usize),
    ) -> Slots {
        let mut pool = SlotPool::default();
        let mut slots = Slots {
            tangent: Vec::new(),
            cotangent: vec![usize::MAX; n],
            lens: Vec::new(),
        };
        slots.cotangent[output] = pool.take(m);
        self.place_cotangents(&mut slots, pool, exits);
        slots
    }

    /// Places the cotangents that a reverse sweep meets on its way; those of `stay` stay.
    fn place_cotangents(&self, slots: &mut Slots, mut pool: SlotPool, stay: &[Exit]) {
        for step in self.steps.iter().rev().filter(|s| s.active) {
            for o in step.operands.iter().filter(|o| o.first) {
                slots.cotangent[o.root] = pool.take(o.len);
            }
            if slots.cotangent[step.node] != usize::MAX && stay.iter().all(|e| e.node != step.node)
            {
                pool.give_back(slots.cotangent[step.node]);
            }
        }
        slots.lens = pool.lens;
    }

    pub(super) fn place_gradient(&self, n: usize) -> Slots {
        let mut slots = Slots {
            cotangent: vec![usize::MAX; n],
            ..Slots::default()
        };
        for step in self.steps.iter().filter(|s| s.active) {
            slots.cotangent[step.node] = slots.lens.len();
            slots.lens.push(step.len);
        }
        slots
    }
}

/// Hands out slots: the smallest free one that is large enough, else the largest free one, grown.
#[derive(Default)]
struct SlotPool {
    lens: Vec<usize>,
    free: Vec<usize>,
}

impl SlotPool {
    fn take(&mut self, len: usize) -> usize {
        let lens = &self.lens;
        let fits = self
            .free
            .iter()
            .copied()
            .filter(|&s| lens[s] >= len)
            .min_by_key(|&s| lens[s]);
        let best = fits.or_else(|| self.free.iter().copied().max_by_key(|&s| lens[s]));
        match best {
            Some(slot) => {
                self.free.retain(|&s| s != slot);
                self.lens[slot] = self.lens[slot].max(len);
                slot
            }
            None => {
                self.lens.push(len);
                self.lens.len() - 1
            }
        }
    }

    fn give_back(&mut self, slot: usize) {
        self.free.push(slot);
    }
}
