//! The contract of an op: what its author states, and what a rule is given.
//!
//! An [`Op`] is what a user records: a name and options. It meets the shapes of its operands once
//! and answers with [`Rules`], which carry the fixed geometry and the four derivatives.
//! Most ops never implement these two traits: they pick one of the kinds in [`crate::kind`].

mod faster;

pub use self::faster::{Deferred, DeferredSum, SquareSum, Turned};

use crate::{Scalar, Shape, Slot, View};
use smallvec::SmallVec;
use std::any::Any;
use std::fmt::Debug;

/// What a rule may know of the tile that it works on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tile<'a> {
    /// How many examples the tile holds; 1 for what all examples share.
    pub len: usize,
    /// Their numbers in the data set, for ops whose result depends on the example (dropout);
    /// empty for what all examples share.
    pub examples: &'a [usize],
    /// The seed of whatever is drawn at random. The sweeps leave it at 0 so far.
    pub seed: u64,
    /// Whether the graph is being trained (or used to predict). The sweeps leave it at `false` so
    /// far: an op that differs in training has to wait for an option that sets it.
    pub training: bool,
}

/// Which values the derivative rules of an op read; no other is kept for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Bit `j` is set if a rule reads the value of operand `j`.
    pub inputs: u32,
    /// Whether a rule reads the output's value.
    pub output: bool,
}

impl Needs {
    /// Nothing at all: linear ops, and those that keep what they need themselves.
    pub const NOTHING: Needs = Needs {
        inputs: 0,
        output: false,
    };
    /// The output's value.
    pub const OUTPUT: Needs = Needs {
        inputs: 0,
        output: true,
    };

    /// The values of the first `n` operands.
    pub const fn inputs(n: u32) -> Needs {
        Needs {
            inputs: if n < u32::BITS {
                (1 << n) - 1
            } else {
                u32::MAX
            },
            output: false,
        }
    }

    /// Whether the value of operand `j` is read.
    pub fn input(&self, j: usize) -> bool {
        j < 32 && self.inputs & (1 << j) != 0
    }
}

/// How many numbers of its own an op keeps from `forward`, per example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Real numbers: the statistics of a norm.
    pub reals: usize,
    /// Indices: the winners of a pool.
    pub indices: usize,
}

/// What `forward` kept for the other rules, for all examples of a tile.
#[derive(Clone, Copy, Debug)]
pub struct SavedRef<'a, T> {
    /// [`Saved::reals`] numbers per example.
    pub reals: &'a [T],
    /// [`Saved::indices`] indices per example.
    pub indices: &'a [u32],
}

/// Where `forward` writes what the other rules will read.
#[derive(Debug)]
pub struct SavedMut<'a, T> {
    /// [`Saved::reals`] numbers per example.
    pub reals: &'a mut [T],
    /// [`Saved::indices`] indices per example.
    pub indices: &'a mut [u32],
}

/// The point at which a rule linearizes: the values that [`Rules::needs`] declared.
#[derive(Clone, Copy, Debug)]
pub struct At<'a, T> {
    /// The tile.
    pub tile: Tile<'a>,
    /// The operands' values, `None` where not declared.
    pub x: &'a [Option<View<'a, T>>],
    /// The output's value, example after example, `None` where not declared.
    pub y: Option<&'a [T]>,
    /// What `forward` kept.
    pub saved: SavedRef<'a, T>,
}

impl<'a, T: Copy> At<'a, T> {
    /// The value of operand `j`, which [`Rules::needs`] declared.
    #[inline]
    pub fn input(&self, j: usize) -> View<'a, T> {
        debug_assert!(
            self.x[j].is_some(),
            "operand {j} is read but not declared by `needs`"
        );
        self.x[j].unwrap_or(View::shared(&[]))
    }

    /// The output's value, which [`Rules::needs`] declared.
    #[inline]
    pub fn output(&self) -> &'a [T] {
        debug_assert!(
            self.y.is_some(),
            "the output is read but not declared by `needs`"
        );
        self.y.unwrap_or(&[])
    }
}

/// An operation as a user records it: its options, before it has met any shape.
pub trait Op<T: Scalar>: Debug + Send + Sync + Any {
    /// The name that messages and graphs show.
    fn name(&self) -> &'static str;

    /// Meets the operands' shapes and answers with rules for exactly these.
    ///
    /// # Errors
    /// What is wrong with the shapes or the options and what to do about it, in a sentence that
    /// names the values. The place, the op and all shapes are added by the caller.
    fn resolve(&self, x: &[Shape]) -> Result<Box<dyn Rules<T>>, String>;
}

/// The four derivative rules of an op for operands of known shapes.
///
/// A rule sees all examples of a tile. `forward` overwrites its output; every other rule **adds**
/// into its outputs, but for a jvp that [says otherwise](Rules::jvp_overwrites). `y`, `g`, `dg` and
/// `dy` lie example after example without gaps. Where an operand has no tangent, or where nobody
/// wants its cotangent, the entry is `None`: no work.
///
/// With y = op(x₁, …, xₘ), the rules compute
///
/// ```text
/// jvp       dy  += Σ ∂y/∂xⱼ dxⱼ
/// vjp       gⱼ  += (∂y/∂xⱼ)ᵀ g
/// vjp_jvp   hⱼ  += (∂y/∂xⱼ)ᵀ dg + Σᵢ dxᵢ ∂/∂xᵢ [(∂y/∂xⱼ)ᵀ g]        tangent of the line above
/// ```
///
/// `scratch` is workspace of [`Rules::scratch`] numbers with undefined contents.
pub trait Rules<T: Scalar>: Debug + Send + Sync {
    /// The shape of the output.
    fn shape(&self) -> &Shape;

    /// Which values the derivative rules read.
    fn needs(&self) -> Needs;

    /// What the op keeps of its own, per example.
    fn saved(&self) -> Saved {
        Saved::default()
    }

    /// How many numbers of workspace a rule needs for a tile of `k` examples.
    fn scratch(&self, _k: usize) -> usize {
        0
    }

    /// About how many multiply-adds `forward` costs per example; it decides whether threads pay.
    fn work(&self) -> usize {
        self.shape().size()
    }

    /// About how many multiply-adds operand `j`'s part of jvp, or of vjp, costs per example: what
    /// the choice between routes goes by.
    fn derivative_work(&self, _j: usize) -> usize {
        self.work()
    }

    /// Whether the output is the first operand's numbers unchanged, under another shape. Such a
    /// node needs no buffer of its own.
    fn is_alias(&self) -> bool {
        false
    }

    /// Whether every number of the one operand goes to at most one number of the output, unchanged:
    /// then squares of cotangents pass as cotangents do.
    fn moves_numbers(&self) -> bool {
        false
    }

    /// Whether derivatives don't pass: the output counts as a constant.
    fn is_constant(&self) -> bool {
        false
    }

    /// Whether operand `j` gets a cotangent. One that doesn't is only read, by derivative rules
    /// alone: it is computed from another operand, which gets the cotangent of both.
    fn has_cotangent(&self, _j: usize) -> bool {
        true
    }

    /// Writes the output, and what it keeps.
    fn forward(
        &self,
        tile: Tile<'_>,
        x: &[View<'_, T>],
        saved: SavedMut<'_, T>,
        scratch: &mut [T],
        y: &mut [T],
    );

    /// Writes the output alone, where no derivative will be asked for; `false`, and nothing done,
    /// if that is no less work than [`forward`](Rules::forward).
    fn evaluate(
        &self,
        _tile: Tile<'_>,
        _x: &[View<'_, T>],
        _scratch: &mut [T],
        _y: &mut [T],
    ) -> bool {
        false
    }

    /// Whether [`jvp`](Rules::jvp) overwrites the tangent rather than adding to it: then nobody
    /// clears it beforehand.
    fn jvp_overwrites(&self) -> bool {
        false
    }

    /// Adds the tangent of the output, or overwrites it.
    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], scratch: &mut [T], dy: &mut [T]);

    /// Adds the cotangents of the operands.
    fn vjp(&self, at: &At<'_, T>, g: &[T], scratch: &mut [T], gx: &mut [Option<Slot<'_, T>>]);

    /// Numbers of workspace for [`vjp_columns`](Rules::vjp_columns) of so many cotangents of a tile
    /// of `k` examples.
    fn columns_scratch(&self, k: usize, columns: usize) -> usize {
        self.scratch(columns * k)
    }

    /// vjp of several cotangents at one point: `g` and every slot hold a tile for each of them, one
    /// after the other. Where rules share work among these, they say how.
    fn vjp_columns(
        &self,
        at: &At<'_, T>,
        columns: usize,
        g: &[T],
        scratch: &mut [T],
        gx: &mut [Option<Slot<'_, T>>],
    ) {
        if columns == 1 {
            return self.vjp(at, g, scratch, gx);
        }
        let k = at.tile.len;
        for (c, g) in g.chunks_exact(g.len() / columns.max(1)).enumerate() {
            let mut gx: SmallVec<[_; 4]> = gx
                .iter_mut()
                .map(|slot| slot.as_mut().map(|slot| slot.part(c * k, k)))
                .collect();
            self.vjp(at, g, scratch, &mut gx);
        }
    }

    /// How the squares of operand `j`'s cotangents are summed over examples, where there is a
    /// better way than to write each example's down.
    fn squares(&self, _j: usize) -> Option<&dyn SquareSum<T>> {
        None
    }

    /// Adds the tangents of the operands' cotangents. `dg` is the tangent of `g`, if it has one.
    fn vjp_jvp(
        &self,
        at: &At<'_, T>,
        dx: &[Option<View<'_, T>>],
        g: &[T],
        dg: Option<&[T]>,
        scratch: &mut [T],
        hx: &mut [Option<Slot<'_, T>>],
    );

    /// How the cotangent of a large shared operand can be summed over many examples at once, a
    /// range of it at a time; `None` if the op has no such way.
    fn deferred(&self) -> Option<Deferred<'_, T>> {
        None
    }

    /// For rules that are bilinear in their two operands: how the adjoint in the first reads the
    /// second turned, where that is faster.
    fn turned(&self) -> Option<&dyn Turned<T>> {
        None
    }
}
