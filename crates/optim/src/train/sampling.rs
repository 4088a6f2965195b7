//! Which examples the curvature of an iteration is taken over.

use crate::error::{OptimError, Result};
use osculant_tape::Random;

/// The examples of one iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subset<'a> {
    /// All of them.
    All,
    /// Those with these numbers.
    These(&'a [usize]),
}

impl Subset<'_> {
    /// How many these are, of `examples` in all.
    pub fn size(&self, examples: usize) -> usize {
        match self {
            Subset::All => examples,
            Subset::These(these) => these.len(),
        }
    }
}

/// How many examples a subset has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// So many.
    Count(usize),
    /// This share of all, rounded up; 0.05 is usual.
    Fraction(f64),
}

impl Size {
    /// The number |S|, of `examples` in all: at least 1, at most all.
    pub fn of(self, examples: usize) -> Result<usize> {
        match self {
            Size::Count(count) if count >= 1 && count <= examples => Ok(count),
            Size::Count(count) => Err(OptimError::invalid(
                "the size of the curvature subset",
                count,
                &format!("it must lie between 1 and the {examples} examples there are"),
            )),
            Size::Fraction(share) if share > 0.0 && share <= 1.0 => {
                // 0.07 · 100 is 7.000000000000001, which must not become 8.
                let count = share * examples as f64 * (1.0 - 4.0 * f64::EPSILON);
                Ok((count.ceil() as usize).clamp(1, examples.max(1)))
            }
            Size::Fraction(share) => Err(OptimError::invalid(
                "the fraction of the curvature subset",
                share,
                "it must lie in (0, 1], such as 0.05",
            )),
        }
    }
}

/// A rule for the subset of an iteration.
///
/// # Contract
///
/// The answer depends on the rule's options, the number of the iteration (from 0) and the
/// number of examples alone, not on what was asked before: a checkpoint keeps the iteration
/// number, and a run that is taken up again meets the same subsets.
///
/// A subset whose weights are all 0 is refused by the objective. A rule that draws at random says
/// so with [`leaves_weightless_out`](Sampling::leaves_weightless_out), and never meets that.
pub trait Sampling: Send {
    /// The subset of this iteration.
    fn subset(&mut self, iteration: usize, examples: usize) -> Result<Subset<'_>>;

    /// Whether it draws from the examples with a weight above 0 alone: then `examples` is how many
    /// these are, and its numbers count them in their order. Otherwise, as unless told, numbers are
    /// those of the data.
    fn leaves_weightless_out(&self) -> bool {
        false
    }
}

/// All examples in every iteration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Everything;

impl Sampling for Everything {
    fn subset(&mut self, _iteration: usize, _examples: usize) -> Result<Subset<'_>> {
        Ok(Subset::All)
    }
}

/// The permutation drawn last, so that each is drawn once.
#[derive(Clone, Debug, Default)]
struct Permutation {
    /// Its seed, its stream and the number of examples.
    of: Option<(u64, u64, usize)>,
    order: Vec<usize>,
}

impl Permutation {
    /// A random order of the examples, continued by its own head up to `len` numbers.
    fn draw(&mut self, seed: u64, stream: u64, examples: usize, len: usize) -> &[usize] {
        let of = Some((seed, stream, examples));
        if self.of != of {
            self.order = Random::new(seed, stream).permutation(examples);
            self.of = of;
        }
        if len > self.order.len() {
            let missing = len - self.order.len();
            self.order.extend_from_within(..missing.min(examples));
        }
        &self.order
    }
}

// Streams of random numbers, apart from each other and from those of initial values.
const FIXED: u64 = 1 << 32;
const FRESH: u64 = 2 << 32;
const CYCLIC: u64 = 3 << 32;

/// One random subset, the same in every iteration.
///
/// # Example
///
/// ```
/// use osculant_optim::train::{Fixed, Sampling, Size, Subset};
/// let mut fixed = Fixed::new(Size::Fraction(0.05), 7);
/// let Subset::These(first) = fixed.subset(0, 1000)? else { unreachable!() };
/// assert_eq!(first.len(), 50);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fixed {
    size: Size,
    seed: u64,
    drawn: Permutation,
}

impl Fixed {
    /// A subset of this size.
    pub fn new(size: Size, seed: u64) -> Self {
        Fixed {
            size,
            seed,
            drawn: Permutation::default(),
        }
    }
}

impl Sampling for Fixed {
    fn leaves_weightless_out(&self) -> bool {
        true
    }

    fn subset(&mut self, _iteration: usize, examples: usize) -> Result<Subset<'_>> {
        let size = self.size.of(examples)?;
        if size >= examples {
            return Ok(Subset::All);
        }
        let order = self.drawn.draw(self.seed, FIXED, examples, examples);
        Ok(Subset::These(&order[..size]))
    }
}

/// A new random subset in every iteration, without repeats within it.
#[derive(Clone, Debug)]
pub struct Fresh {
    size: Size,
    seed: u64,
    drawn: Permutation,
}

impl Fresh {
    /// Subsets of this size.
    pub fn new(size: Size, seed: u64) -> Self {
        Fresh {
            size,
            seed,
            drawn: Permutation::default(),
        }
    }
}

impl Sampling for Fresh {
    fn leaves_weightless_out(&self) -> bool {
        true
    }

    fn subset(&mut self, iteration: usize, examples: usize) -> Result<Subset<'_>> {
        let size = self.size.of(examples)?;
        if size >= examples {
            return Ok(Subset::All);
        }
        let stream = FRESH.wrapping_add(iteration as u64);
        let order = self.drawn.draw(self.seed, stream, examples, examples);
        Ok(Subset::These(&order[..size]))
    }
}

/// Blocks of a random permutation in turn, so that every example has its turn.
///
/// Every ⌈l/|S|⌉ iterations a new permutation of the l examples is drawn, extended by its own
/// head, and cut into blocks of exactly |S|; an iteration takes the next block.
///
/// # Example
///
/// ```
/// use osculant_optim::train::{Cyclic, Sampling, Size, Subset};
/// let mut cyclic = Cyclic::new(Size::Count(4), 7);
/// let mut seen = [false; 10];
/// for iteration in 0..3 {
///     let Subset::These(block) = cyclic.subset(iteration, 10)? else { unreachable!() };
///     assert_eq!(block.len(), 4);
///     block.iter().for_each(|&i| seen[i] = true);
/// }
/// assert_eq!(seen, [true; 10]);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cyclic {
    size: Size,
    seed: u64,
    drawn: Permutation,
}

impl Cyclic {
    /// Blocks of this size.
    pub fn new(size: Size, seed: u64) -> Self {
        Cyclic {
            size,
            seed,
            drawn: Permutation::default(),
        }
    }
}

impl Sampling for Cyclic {
    fn leaves_weightless_out(&self) -> bool {
        true
    }

    fn subset(&mut self, iteration: usize, examples: usize) -> Result<Subset<'_>> {
        let size = self.size.of(examples)?;
        if size >= examples {
            return Ok(Subset::All);
        }
        let blocks = examples.div_ceil(size);
        let stream = CYCLIC.wrapping_add((iteration / blocks) as u64);
        let order = self.drawn.draw(self.seed, stream, examples, blocks * size);
        let start = (iteration % blocks) * size;
        Ok(Subset::These(&order[start..start + size]))
    }
}

/// Stated subsets, one for each iteration: to repeat a run of another program.
///
/// # Errors
///
/// A subset without examples or with numbers beyond them; more iterations than subsets.
///
/// # Example
///
/// ```
/// use osculant_optim::train::{Given, Sampling, Subset};
/// let mut given = Given::new(vec![vec![0, 2], vec![1]]);
/// assert_eq!(given.subset(1, 3)?, Subset::These(&[1]));
/// assert!(given.subset(2, 3).is_err());
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    subsets: Vec<Vec<usize>>,
}

impl Given {
    /// These subsets, in the order of iterations.
    pub fn new(subsets: Vec<Vec<usize>>) -> Self {
        Given { subsets }
    }
}

impl Sampling for Given {
    fn subset(&mut self, iteration: usize, examples: usize) -> Result<Subset<'_>> {
        let given = self.subsets.len();
        let refuse = |value: String, message: &str| {
            let what = format!("the given subset of iteration {iteration}");
            Err(OptimError::invalid(&what, value, message))
        };
        let Some(these) = self.subsets.get(iteration) else {
            let message = format!("{given} were given, for iterations from 0 on; give more");
            return refuse("missing".into(), &message);
        };
        if these.is_empty() {
            return refuse("empty".into(), "it needs at least one example");
        }
        match these.iter().find(|&&i| i >= examples) {
            None => Ok(Subset::These(these)),
            Some(i) => refuse(
                format!("out of range: it holds {i}"),
                &format!("there are {examples} examples, numbered from 0"),
            ),
        }
    }
}
