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

mod apart;
mod cost;
mod defer;
mod exits;
mod facts;
mod segments;
mod slots;
mod stratum;

use self::apart::Apart;
use self::cost::tile_len;
pub(crate) use self::cost::{Costs, KEPT};
use self::defer::{DEFER, defer, in_place};
use self::facts::Facts;
pub(crate) use self::segments::Segments;
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
    /// It is only read: it has a tangent, and its cotangent goes elsewhere.
    Read,
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
    /// Whether a cotangent comes back to it, if it depends on θ.
    pub reached: bool,
    /// Whether the output's value depends on it; else derivative rules alone read it.
    pub valued: bool,
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

/// A step whose cotangents of a shared operand are left for later: summed once per round, or
/// written for one example.
#[derive(Clone, Debug)]
pub(crate) struct DeferredStep {
    /// The step, by its position in the stratum.
    pub step: usize,
    /// Which of its operands' values the sum reads.
    pub a: usize,
    /// The number of the sum.
    pub sum: usize,
    /// Whether no step before it adds to that operand's.
    pub first: bool,
    /// Ranges are cut at multiples of this.
    pub row: usize,
    pub a_len: usize,
    /// Numbers per example of the cotangent.
    pub g_len: usize,
    /// Whether `a` has a tangent: an input has none.
    pub a_active: bool,
    /// Where `a` starts in an example's row; `g` follows.
    pub offset: usize,
    /// The same in the rows for H v, where `dg` follows, and then `da` and `g` if `a` has a
    /// tangent.
    pub hessian_offset: usize,
}

/// Whether one of these steps leaves its cotangents of the shared operand of this sum for later.
pub(crate) fn defers(steps: &[DeferredStep], sum: usize) -> bool {
    steps.iter().any(|d| d.sum == sum)
}

impl DeferredStep {
    /// Numbers per example that are kept in G v.
    pub fn row_len(&self) -> usize {
        self.a_len + self.g_len
    }

    /// Numbers per example that are kept in H v.
    pub fn hessian_row_len(&self) -> usize {
        self.row_len() * if self.a_active { 2 } else { 1 }
    }
}

impl<T> Step<T> {
    /// Whether reverse sweeps pass it.
    pub fn is_reversed(&self) -> bool {
        self.active && self.reached
    }
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

impl<T> Stratum<T> {
    /// The steps that reverse sweeps pass.
    pub fn reversed(&self) -> impl DoubleEndedIterator<Item = (usize, &Step<T>)> {
        let steps = self.steps.iter().enumerate();
        steps.filter(|(_, s)| s.is_reversed())
    }

    /// Whether reverse sweeps have anything to do.
    pub fn has_reverse(&self) -> bool {
        self.reversed().next().is_some()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Plan<T> {
    pub shared: Stratum<T>,
    pub tile: Stratum<T>,
    /// Every parameter, and every shared node that a cotangent comes back to, has a sum; its
    /// length.
    pub sums: Vec<usize>,
    /// Whether lanes sum it (else it is deferred).
    pub local: Vec<bool>,
    /// The parameters among the sums, with their ranges in θ.
    pub parameters: Vec<(usize, Range<usize>)>,
    pub deferred: Vec<DeferredStep>,
    /// By sum: where in θ it stands, if no shared node touches it; in ascending order.
    pub in_place: Vec<Option<Range<usize>>>,
    pub apart: Apart,
    /// Numbers per example that deferred sums keep for a round: in G v, in H v.
    pub row: usize,
    pub hessian_row: usize,
    /// Examples per tile.
    pub tile_len: usize,
    /// The stored route to G v: its steps, and examples per tile, whose S is in the cache too.
    pub segments: Segments<T>,
    pub stored_tile_len: usize,
    /// What the routes to G v cost.
    pub costs: Costs,
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
            let wanted = facts.reached[id] || matches!(node.kind, Kind::Param(_));
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
        let tile = Stratum::new(nodes, params, &facts, false, &sum_of, &outer);

        let mut large: Vec<bool> = sums.iter().map(|&len| len >= DEFER).collect();
        let deferred = defer(&tile, &mut large);
        let local: Vec<bool> = large.iter().map(|&deferred| !deferred).collect();
        let row = deferred.iter().map(DeferredStep::row_len).sum();
        let hessian_row = deferred.iter().map(DeferredStep::hessian_row_len).sum();

        let output_root = facts.root[output];
        let m = nodes[output_root].shape.size();
        let segments = Segments::new(&tile, nodes.len(), output_root, m);
        let costs = Costs::new(&tile, &segments, m);
        let reals = input_size + tile.kept.iter().sum::<usize>();
        let indices: usize = tile.kept_indices.iter().sum();
        let bytes = |table: &Slots, more: usize| {
            let reals = reals + table.lens.iter().sum::<usize>();
            let reals = reals.saturating_add(more);
            let indices = indices.saturating_mul(size_of::<u32>());
            reals.saturating_mul(size_of::<T>()).saturating_add(indices)
        };
        let (swept, stored) = (
            bytes(&tile.product, 0),
            bytes(&segments.inside.product, costs.kept),
        );
        let large = local.iter().zip(&sums).filter(|(local, _)| !**local);
        let weights = large.map(|(_, len)| len * size_of::<T>()).sum();
        let output = tile
            .steps
            .iter()
            .find(|s| s.node == output_root)
            .map(|s| s.home.clone());
        let Some(Home::Kept(output)) = output else {
            unreachable!("the output is an op's node of the tile stratum, and always kept")
        };
        let in_place = in_place(&shared, sums.len(), &parameters);
        let apart = Apart::new(&shared, &tile, &sums, &deferred);
        Plan {
            work: tile.steps.iter().map(|s| s.rules.work()).sum(),
            shared,
            tile,
            sums,
            local,
            parameters,
            deferred,
            in_place,
            apart,
            row,
            hessian_row,
            tile_len: tile_len(swept, weights),
            segments,
            stored_tile_len: tile_len(stored, weights),
            costs,
            output,
            output_root,
        }
    }
}
