//! Where every value lives: strata, kept values, and slots that values share in turn.
//!
//! Nodes fall into two strata. *Shared* nodes depend on parameters and constants alone and run
//! once per θ (or per v); *tile* nodes run for every tile of examples. Both are swept by the same
//! code, so each stratum has a plan of its own kind: steps in topological order and, for each
//! step, where its operands, tangents and cotangents stand.
//!
//! Three kinds of homes hold values of a tile. What a derivative rule will read is *kept*, in a
//! buffer of its own. Everything else, and all tangents and cotangents, takes a *slot*: liveness
//! decides which values can use one slot after the other.

use crate::Scalar;
use crate::op::{Rules, Saved};
use crate::params::Params;
use crate::tape::{Kind, Node};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// Examples travel in rounds of at most this many, whose deferred sums are taken together.
pub(crate) const ROUND: usize = 256;
/// A tile's values should fit in a core's cache, whatever machine it is.
const TILE_BYTES: usize = 512 * 1024;
/// More examples per tile than this gain nothing.
const MAX_TILE: usize = 64;
/// Shared operands of at least this many numbers have their cotangents summed per round.
const DEFER: usize = 16 * 1024;

/// Where the value of an operand stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Home {
    /// In the examples' inputs, from this position on.
    Input(usize),
    /// In θ.
    Theta(Range<usize>),
    /// Among the values of frozen parameters and buffers.
    Fixed(Range<usize>),
    /// In the node of this number.
    Constant(usize),
    /// Among the kept values of the shared stratum.
    Outer(usize),
    /// Among the kept values of this stratum.
    Kept(usize),
    /// In a slot.
    Slot(usize),
}

/// Where derivatives meet an operand.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Role {
    /// It does not depend on θ: no tangent, no cotangent.
    Inactive,
    /// A node of this stratum.
    Inner,
    /// Seen from a tile: a parameter, or what is computed from parameters alone; the number of
    /// its sum.
    Shared(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Operand {
    /// The node that owns the numbers: past all reshapes.
    pub root: usize,
    pub len: usize,
    pub home: Home,
    /// Whether derivative rules read its value.
    pub read: bool,
    pub role: Role,
    /// Whether this step is the first of the reverse sweep to add to its cotangent.
    pub first: bool,
    /// An operand that occurs twice in one step takes its cotangents in separate passes.
    pub pass: usize,
    /// Its cotangent is summed by the round, not here.
    pub deferred: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Step<T> {
    pub node: usize,
    pub rules: Arc<dyn Rules<T>>,
    pub len: usize,
    pub home: Home,
    pub operands: SmallVec<[Operand; 4]>,
    /// Whether it depends on θ.
    pub active: bool,
    /// Whether its own derivative rules read its output.
    pub read: bool,
    pub saved: Saved,
    pub saved_reals: Option<usize>,
    pub saved_indices: Option<usize>,
    pub passes: usize,
}

/// Which slot each tangent and cotangent takes in one kind of product, by node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    pub tangent: Vec<usize>,
    pub cotangent: Vec<usize>,
    /// Numbers per example of each slot.
    pub lens: Vec<usize>,
}

/// A large shared operand whose cotangents are summed once per round.
#[derive(Clone, Debug)]
pub(crate) struct DeferredStep {
    /// The step, by its position in the stratum.
    pub step: usize,
    /// Which of its operands' values the sum reads.
    pub a: usize,
    /// The number of the sum.
    pub sum: usize,
    /// Ranges are cut at multiples of this.
    pub row: usize,
    pub a_len: usize,
    /// Where `a` starts in an example's row; `g`, and for H v then `da` and `dg`, follow.
    pub offset: usize,
    /// The same in the rows for H v.
    pub hessian_offset: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Stratum<T> {
    pub steps: Vec<Step<T>>,
    /// Numbers per example of each kept buffer.
    pub kept: Vec<usize>,
    /// Indices per example of each kept buffer of indices.
    pub kept_indices: Vec<usize>,
    /// Numbers per example of each slot of the forward sweep.
    pub forward: Vec<usize>,
    /// G v: jvp, then vjp.
    pub product: Slots,
    /// H v: jvp, then vjp_jvp, which reads all tangents again.
    pub hessian: Slots,
    /// Cotangents that stay, one buffer each: the gradient's, for H v.
    pub gradient: Slots,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan<T> {
    pub shared: Stratum<T>,
    pub tile: Stratum<T>,
    /// Every parameter and shared node that depends on θ has a sum; its length.
    pub sums: Vec<usize>,
    /// Whether lanes sum it (else it is deferred).
    pub local: Vec<bool>,
    /// The parameters among the sums, with their ranges in θ.
    pub parameters: Vec<(usize, Range<usize>)>,
    pub deferred: Vec<DeferredStep>,
    /// Numbers per example that deferred sums keep for a round: in G v, in H v.
    pub row: usize,
    pub hessian_row: usize,
    /// Examples per tile.
    pub tile_len: usize,
    /// Multiply-adds of one forward pass of an example.
    pub work: usize,
    /// The kept buffer of the output.
    pub output: usize,
    /// The node that owns the output.
    pub output_root: usize,
}

impl<T: Scalar> Plan<T> {
    /// Plans a graph whose `output` is an op's node.
    pub fn new(nodes: &[Node<T>], output: usize, params: &Params<T>, input_size: usize) -> Self {
        let facts = Facts::new(nodes, output, params);
        let mut sums = Vec::new();
        let mut sum_of = vec![usize::MAX; nodes.len()];
        let mut parameters = Vec::new();
        for (id, node) in nodes.iter().enumerate() {
            // A parameter that nothing uses still has a derivative: 0.
            let wanted = facts.live[id] || matches!(node.kind, Kind::Param(_));
            if wanted && facts.root[id] == id && facts.shared[id] && facts.active[id] {
                sum_of[id] = sums.len();
                if let Kind::Param(p) = node.kind {
                    parameters.push((sums.len(), params.slices[p].range.clone()));
                }
                sums.push(node.shape.size());
            }
        }

        let outer = |_: usize| None;
        let shared = Stratum::new(nodes, params, &facts, true, &sum_of, &outer);
        let shared_home: Vec<(usize, Home)> = shared
            .steps
            .iter()
            .map(|s| (s.node, s.home.clone()))
            .collect();
        let outer = |root: usize| match shared_home.iter().find(|(node, _)| *node == root) {
            Some((_, Home::Kept(i))) => Some(*i),
            _ => None,
        };
        let mut tile = Stratum::new(nodes, params, &facts, false, &sum_of, &outer);

        let mut local = vec![true; sums.len()];
        let deferred = defer(&mut tile, &sums, &mut local);
        let row = deferred
            .last()
            .map_or(0, |d| d.offset + d.a_len + tile.steps[d.step].len);
        let hessian_row = deferred.last().map_or(0, |d| {
            d.hessian_offset + 2 * (d.a_len + tile.steps[d.step].len)
        });

        let reals: usize =
            input_size + tile.kept.iter().sum::<usize>() + tile.product.lens.iter().sum::<usize>();
        let indices: usize = tile.kept_indices.iter().sum();
        let bytes = reals * size_of::<T>() + indices * size_of::<u32>();
        let tile_len = (TILE_BYTES / bytes.max(1)).clamp(1, MAX_TILE);
        let output_root = facts.root[output];
        let output = tile
            .steps
            .iter()
            .find(|s| s.node == output_root)
            .map(|s| s.home.clone());
        let Some(Home::Kept(output)) = output else {
            unreachable!("the output is an op's node of the tile stratum, and always kept")
        };
        Plan {
            work: tile.steps.iter().map(|s| s.rules.work()).sum(),
            shared,
            tile,
            sums,
            local,
            parameters,
            deferred,
            row,
            hessian_row,
            // A power of two, so that tiles fill rounds.
            tile_len: 1 << tile_len.ilog2(),
            output,
            output_root,
        }
    }
}

/// What is known of each node before anything is placed.
struct Facts {
    /// The node whose numbers it shows: itself, unless it is a reshape.
    root: Vec<usize>,
    /// Whether the output depends on it; nothing else is ever computed.
    live: Vec<bool>,
    shared: Vec<bool>,
    active: Vec<bool>,
    /// Whether a derivative rule reads it.
    read: Vec<bool>,
}

impl Facts {
    fn new<T: Scalar>(nodes: &[Node<T>], output: usize, params: &Params<T>) -> Self {
        let n = nodes.len();
        let mut f = Facts {
            root: (0..n).collect(),
            live: live(nodes, output),
            shared: vec![false; n],
            active: vec![false; n],
            read: vec![false; n],
        };
        for (id, node) in nodes.iter().enumerate() {
            match &node.kind {
                Kind::Input { .. } => {}
                Kind::Param(p) => {
                    f.shared[id] = true;
                    f.active[id] = params.slices[*p].is_trained();
                }
                Kind::Constant(_) => f.shared[id] = true,
                Kind::Op { rules, .. } => {
                    // The output belongs to the examples even if it ignores their inputs.
                    f.shared[id] = id != output && node.operands.iter().all(|&x| f.shared[x]);
                    f.active[id] = node.operands.iter().any(|&x| f.active[x]);
                    if rules.is_alias() && id != output {
                        f.root[id] = f.root[node.operands[0]];
                    }
                    if f.live[id] && f.active[id] && f.root[id] == id {
                        let needs = rules.needs();
                        f.read[id] |= needs.output;
                        for (j, &x) in node.operands.iter().enumerate() {
                            f.read[f.root[x]] |= needs.input(j);
                        }
                    }
                }
            }
        }
        f.read[f.root[output]] = true;
        f
    }
}

fn live<T>(nodes: &[Node<T>], output: usize) -> Vec<bool> {
    let mut live = vec![false; nodes.len()];
    live[output] = true;
    for id in (0..=output).rev() {
        if live[id] {
            nodes[id].operands.iter().for_each(|&x| live[x] = true);
        }
    }
    live
}

impl<T: Scalar> Stratum<T> {
    fn new(
        nodes: &[Node<T>],
        params: &Params<T>,
        facts: &Facts,
        shared: bool,
        sum_of: &[usize],
        outer: &dyn Fn(usize) -> Option<usize>,
    ) -> Self {
        let member = |id: usize| facts.shared[id] == shared;
        let mut home: Vec<Option<Home>> = vec![None; nodes.len()];
        let (mut kept, mut kept_indices) = (Vec::new(), Vec::new());
        let mut keep = |len: usize| {
            kept.push(len);
            kept.len() - 1
        };
        let mut steps: Vec<Step<T>> = Vec::new();
        for (id, node) in nodes.iter().enumerate() {
            let Kind::Op { rules, .. } = &node.kind else {
                home[id] = Some(match &node.kind {
                    Kind::Input { offset } => Home::Input(*offset),
                    Kind::Param(p) => {
                        let slice = &params.slices[*p];
                        let range = slice.range.clone();
                        if slice.is_trained() {
                            Home::Theta(range)
                        } else {
                            Home::Fixed(range)
                        }
                    }
                    _ => Home::Constant(id),
                });
                continue;
            };
            if !member(id) {
                home[id] = outer(id).map(Home::Outer);
                continue;
            }
            if facts.root[id] != id || !facts.live[id] {
                continue;
            }
            let len = node.shape.size();
            // Shared values are few and computed once: all of them stay.
            let is_kept = shared || facts.read[id];
            let this = if is_kept {
                Home::Kept(keep(len))
            } else {
                Home::Slot(usize::MAX)
            };
            home[id] = Some(this.clone());
            let saved = rules.saved();
            let saved_reals = (saved.reals > 0).then(|| keep(saved.reals));
            let saved_indices = (saved.indices > 0).then(|| {
                kept_indices.push(saved.indices);
                kept_indices.len() - 1
            });
            let needs = rules.needs();
            let mut operands: SmallVec<[Operand; 4]> = SmallVec::new();
            for (j, &x) in node.operands.iter().enumerate() {
                let root = facts.root[x];
                let role = match facts.active[root] {
                    false => Role::Inactive,
                    true if facts.shared[root] && !shared => Role::Shared(sum_of[root]),
                    true => Role::Inner,
                };
                operands.push(Operand {
                    root,
                    len: nodes[root].shape.size(),
                    home: home[root].clone().unwrap_or(Home::Constant(root)),
                    read: needs.input(j),
                    role,
                    first: false,
                    pass: operands.iter().filter(|o| o.root == root).count(),
                    deferred: false,
                });
            }
            let passes = operands.iter().map(|o| o.pass + 1).max().unwrap_or(1);
            steps.push(Step {
                node: id,
                rules: rules.clone(),
                len,
                home: this,
                operands,
                active: facts.active[id],
                read: needs.output,
                saved,
                saved_reals,
                saved_indices,
                passes,
            });
        }
        let mut stratum = Stratum {
            steps,
            kept,
            kept_indices,
            forward: Vec::new(),
            product: Slots::default(),
            hessian: Slots::default(),
            gradient: Slots::default(),
        };
        if shared {
            stratum.place_shared(nodes.len(), sum_of);
        } else {
            stratum.mark_first(nodes.len());
            stratum.place_forward(nodes.len());
            stratum.product = stratum.place_product(nodes.len(), false);
            stratum.hessian = stratum.place_product(nodes.len(), true);
            stratum.gradient = stratum.place_gradient(nodes.len());
        }
        stratum
    }

    /// Shared tangents stay while tiles run, so each has a buffer of its own; shared cotangents
    /// stand in the sums.
    fn place_shared(&mut self, n: usize, sum_of: &[usize]) {
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

    fn mark_first(&mut self, n: usize) {
        let mut touched = vec![false; n];
        for step in self.steps.iter_mut().rev().filter(|s| s.active) {
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

    fn place_forward(&mut self, n: usize) {
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
    fn place_product(&self, n: usize, tangents_stay: bool) -> Slots {
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

    fn place_gradient(&self, n: usize) -> Slots {
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

/// Decides which sums are deferred: the large ones all of whose uses in tiles have such a rule.
fn defer<T: Scalar>(
    tile: &mut Stratum<T>,
    sums: &[usize],
    local: &mut [bool],
) -> Vec<DeferredStep> {
    let sum_of = |o: &Operand| match o.role {
        Role::Shared(sum) => Some(sum),
        Role::Inactive | Role::Inner => None,
    };
    let mut able: Vec<bool> = sums.iter().map(|&len| len >= DEFER).collect();
    for step in tile.steps.iter().filter(|s| s.active) {
        for (j, o) in step.operands.iter().enumerate() {
            let Some(sum) = sum_of(o) else { continue };
            let rule = step.rules.deferred().is_some_and(|d| {
                let of_examples = matches!(
                    step.operands[d.a].home,
                    Home::Input(_) | Home::Kept(_) | Home::Slot(_)
                );
                d.b == j && of_examples && step.passes == 1
            });
            able[sum] &= rule;
        }
    }
    let (mut offset, mut hessian_offset) = (0, 0);
    let mut deferred = Vec::new();
    for (i, step) in tile.steps.iter_mut().enumerate().filter(|(_, s)| s.active) {
        let Some(rule) = step.rules.deferred() else {
            continue;
        };
        let (a, b, row) = (rule.a, rule.b, rule.row);
        let Some(sum) = sum_of(&step.operands[b]).filter(|&s| able[s]) else {
            continue;
        };
        local[sum] = false;
        step.operands[b].deferred = true;
        let a_len = step.operands[a].len;
        deferred.push(DeferredStep {
            step: i,
            a,
            sum,
            row,
            a_len,
            offset,
            hessian_offset,
        });
        offset += a_len + step.len;
        hessian_offset += 2 * (a_len + step.len);
    }
    deferred
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
