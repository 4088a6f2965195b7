//! An op at work on a small tile: how the checks call its rules.

use super::failure::fault;
use super::layout::{Case, Layout, has};
use super::subject::Tried;
use super::{Domain, Fault};
use crate::op::{At, Rules, SavedMut, SavedRef, Tile};
use crate::{Random, Scalar, Shape, Slot, View};

/// An operand of all examples, or its tangent.
#[derive(Clone, Debug)]
pub(super) struct Operand<T> {
    pub(super) data: Vec<T>,
    pub(super) len: usize,
    pub(super) stride: usize,
}

impl<T: Scalar> Operand<T> {
    pub(super) fn view(&self) -> View<'_, T> {
        View::strided(&self.data, self.len, self.stride)
    }

    /// The numbers without the gaps, where `k` examples use them.
    pub(super) fn numbers(&self, k: usize) -> impl Iterator<Item = T> + '_ {
        (0..if self.stride == 0 { 1 } else { k })
            .flat_map(|i| self.view().example(i).iter().copied())
    }

    /// a · self + b · other.
    pub(super) fn combine(&self, a: f64, b: f64, other: &Self) -> Self {
        let (a, b) = (T::from_f64(a), T::from_f64(b));
        let pairs = self.data.iter().zip(&other.data);
        Operand {
            data: pairs.map(|(&x, &y)| a * x + b * y).collect(),
            ..*self
        }
    }
}

/// Tangents of all operands; `None` is a tangent of zero.
pub(super) type Tangents<T> = Vec<Option<Operand<T>>>;

/// The cotangent of an operand.
#[derive(Clone, Debug)]
pub(super) struct Cotangent<T> {
    pub(super) data: Vec<T>,
    pub(super) len: usize,
    pub(super) summed: bool,
}

/// The cotangents of all operands; `None` where none is wanted.
pub(super) type Cotangents<T> = Vec<Option<Cotangent<T>>>;

/// Operands, and what `forward` made of them.
#[derive(Clone, Debug)]
pub(super) struct Point<T> {
    pub(super) x: Vec<Operand<T>>,
    pub(super) y: Vec<T>,
    pub(super) reals: Vec<T>,
    pub(super) indices: Vec<u32>,
}

/// The rules of a case in one scalar type.
#[derive(Debug)]
pub(super) struct Trial<T> {
    pub(super) rules: Box<dyn Rules<T>>,
    pub(super) layout: Layout,
    /// How many numbers each operand has.
    pub(super) sizes: Vec<usize>,
    pub(super) domains: Vec<Domain>,
    /// The numbers of the examples, as ops see them.
    pub(super) examples: Vec<usize>,
}

impl<T: Scalar> Trial<T> {
    pub(super) fn new(case: &Case) -> Result<Self, Fault>
    where
        T: Tried,
    {
        let rules = match T::rules(&*case.op, &case.shapes) {
            Ok(rules) => rules,
            Err(why) => return fault(format!("`cases` draws what `resolve` refuses: {why}")),
        };
        Ok(Trial {
            rules,
            layout: case.layout,
            sizes: case.shapes.iter().map(Shape::size).collect(),
            domains: (0..case.shapes.len()).map(|j| case.op.domain(j)).collect(),
            examples: (0..case.layout.k).map(|i| 10 + 3 * i).collect(),
        })
    }

    /// The length of the output of one example.
    pub(super) fn n(&self) -> usize {
        self.rules.shape().size()
    }

    pub(super) fn k(&self) -> usize {
        self.layout.k
    }

    fn tile(&self) -> Tile<'_> {
        Tile {
            len: self.k(),
            examples: &self.examples,
            seed: self.layout.seed,
            training: true,
        }
    }

    /// The trial of example `i` alone.
    pub(super) fn only(&self, i: usize, rules: Box<dyn Rules<T>>) -> Self {
        Trial {
            rules,
            layout: Layout {
                k: 1,
                ..self.layout
            },
            sizes: self.sizes.clone(),
            domains: self.domains.clone(),
            examples: vec![self.examples[i]],
        }
    }

    /// A random stream of this case.
    pub(super) fn random(&self, stream: u64) -> Random {
        Random::new(self.layout.seed, stream)
    }

    /// An operand laid out as the case says, filled example by example.
    pub(super) fn operand(&self, j: usize, mut fill: impl FnMut(&mut [T])) -> Operand<T> {
        let len = self.sizes[j];
        let (examples, stride) = if has(self.layout.shared, j) {
            (1, 0)
        } else {
            (self.k(), if self.layout.gaps { len + 3 } else { len })
        };
        let mut data = vec![T::nan(); examples * stride.max(len)];
        for example in data.chunks_mut(stride.max(len).max(1)) {
            fill(&mut example[..len]);
        }
        Operand { data, len, stride }
    }

    /// Operands from their domains, rounded to f32, so that both scalar types see the same.
    pub(super) fn operands(&self) -> Vec<Operand<T>> {
        let each = self.domains.iter().enumerate();
        each.map(|(j, domain)| {
            let mut random = self.random(j as u64);
            self.operand(j, |x| {
                let numbers = domain.draw(j, x.len(), &mut random);
                for (x, number) in x.iter_mut().zip(numbers) {
                    *x = T::from_f64(f64::from(number as f32));
                }
            })
        })
        .collect()
    }

    /// Tangents between −1 and 1 for the operands outside `absent`.
    pub(super) fn tangents(&self, absent: u8, stream: u64) -> Tangents<T> {
        let tangent = |j| {
            let mut random = self.random(100 * stream + j as u64);
            self.operand(j, |x| small(&mut random, x))
        };
        let operands = 0..self.sizes.len();
        operands
            .map(|j| (!has(absent, j)).then(|| tangent(j)))
            .collect()
    }

    /// One number between −1 and 1 for each of the output's.
    pub(super) fn outputs(&self, stream: u64) -> Vec<T> {
        let mut values = vec![T::zero(); self.k() * self.n()];
        small(&mut self.random(100 * stream + 50), &mut values);
        values
    }

    /// Room for the cotangents of the operands outside `absent`, filled by `fill`.
    pub(super) fn cotangents(&self, absent: u8, mut fill: impl FnMut(&mut [T])) -> Cotangents<T> {
        let mut room = |j| {
            let len: usize = self.sizes[j];
            let summed = has(self.layout.shared, j) && !has(self.layout.apart, j);
            let mut data = vec![T::zero(); if summed { len } else { self.k() * len }];
            fill(&mut data);
            Cotangent { data, len, summed }
        };
        let operands = 0..self.sizes.len();
        operands
            .map(|j| (!has(absent, j)).then(|| room(j)))
            .collect()
    }

    /// Runs `forward`, into buffers that hold `before` so far.
    pub(super) fn forward(&self, x: Vec<Operand<T>>, before: T, index: u32) -> Point<T> {
        let saved = self.rules.saved();
        let mut y = vec![before; self.k() * self.n()];
        let mut reals = vec![before; self.k() * saved.reals];
        let mut indices = vec![index; self.k() * saved.indices];
        let views: Vec<View<'_, T>> = x.iter().map(Operand::view).collect();
        let room = SavedMut {
            reals: &mut reals,
            indices: &mut indices,
        };
        let scratch = &mut self.scratch();
        self.rules
            .forward(self.tile(), &views, room, scratch, &mut y);
        Point {
            x,
            y,
            reals,
            indices,
        }
    }

    /// Runs `forward`.
    pub(super) fn point(&self, x: Vec<Operand<T>>) -> Point<T> {
        self.forward(x, T::nan(), u32::MAX)
    }

    /// Workspace, full of NaN.
    fn scratch(&self) -> Vec<T> {
        vec![T::nan(); self.rules.scratch(self.k())]
    }

    /// vjp of several cotangents at once: a tile of each, one after the other.
    pub(super) fn vjp_columns(
        &self,
        p: &Point<T>,
        columns: usize,
        g: &[T],
        gx: &mut [Option<Slot<'_, T>>],
    ) {
        let scratch = &mut vec![T::nan(); self.rules.columns_scratch(self.k(), columns)];
        self.at(p, |at, _| {
            self.rules.vjp_columns(at, columns, g, scratch, gx)
        });
    }

    /// The first operand's cotangents, from the second operand turned, where the op has a form for
    /// it: one for each column and example, added to 1.
    pub(super) fn turned(&self, p: &Point<T>, columns: usize, g: &[T]) -> Option<Vec<T>> {
        let (rule, &[size, weight]) = (self.rules.turned()?, &self.sizes[..]) else {
            return None;
        };
        let (k, mut turned) = (self.k(), vec![T::nan(); weight]);
        rule.turn(p.x[1].view().example(0), &mut turned);
        let mut found = vec![T::one(); columns * k * size];
        let mut to = Slot::tile(&mut found, size);
        if columns == 1 {
            rule.adjoint(k, g, &turned, &mut self.scratch(), &mut to);
        } else {
            let scratch = &mut vec![T::nan(); rule.columns_scratch(k, columns)];
            rule.adjoint_columns(k, columns, g, &turned, scratch, &mut to);
        }
        Some(found)
    }

    /// The sum of squares of operand j's cotangents, where the op has a rule for it.
    pub(super) fn squares(
        &self,
        p: &Point<T>,
        j: usize,
        columns: usize,
        g: &[T],
    ) -> Option<Vec<T>> {
        let rule = self.rules.squares(j)?;
        let scratch = &mut vec![T::nan(); rule.scratch(self.k(), columns)];
        let mut out = vec![T::one(); self.sizes[j]];
        self.at(p, |at, _| rule.add(j, at, columns, g, scratch, &mut out));
        Some(out)
    }

    /// Hands a rule what `needs` declared, and no more.
    fn at<R>(&self, p: &Point<T>, rule: impl FnOnce(&At<'_, T>, &mut [T]) -> R) -> R {
        let needs = self.rules.needs();
        let operands = p.x.iter().enumerate();
        let x: Vec<Option<View<'_, T>>> = operands
            .map(|(j, x)| needs.input(j).then(|| x.view()))
            .collect();
        let at = At {
            tile: self.tile(),
            x: &x,
            y: needs.output.then_some(&p.y),
            saved: SavedRef {
                reals: &p.reals,
                indices: &p.indices,
            },
        };
        rule(&at, &mut self.scratch())
    }

    pub(super) fn jvp_into(&self, p: &Point<T>, dx: &Tangents<T>, dy: &mut [T]) {
        let dx = views(dx);
        self.at(p, |at, scratch| self.rules.jvp(at, &dx, scratch, dy));
    }

    pub(super) fn jvp(&self, p: &Point<T>, dx: &Tangents<T>) -> Vec<T> {
        let mut dy = vec![T::zero(); self.k() * self.n()];
        self.jvp_into(p, dx, &mut dy);
        dy
    }

    pub(super) fn vjp_into(&self, p: &Point<T>, g: &[T], gx: &mut Cotangents<T>) {
        let mut gx = slots(gx);
        self.at(p, |at, scratch| self.rules.vjp(at, g, scratch, &mut gx));
    }

    pub(super) fn vjp(&self, p: &Point<T>, g: &[T], absent: u8) -> Cotangents<T> {
        let mut gx = self.cotangents(absent, |_| ());
        self.vjp_into(p, g, &mut gx);
        gx
    }

    pub(super) fn vjp_jvp_into(
        &self,
        p: &Point<T>,
        dx: &Tangents<T>,
        g: &[T],
        dg: Option<&[T]>,
        hx: &mut Cotangents<T>,
    ) {
        let (dx, mut hx) = (views(dx), slots(hx));
        self.at(p, |at, scratch| {
            self.rules.vjp_jvp(at, &dx, g, dg, scratch, &mut hx)
        });
    }

    pub(super) fn vjp_jvp(
        &self,
        p: &Point<T>,
        dx: &Tangents<T>,
        g: &[T],
        dg: Option<&[T]>,
        absent: u8,
    ) -> Cotangents<T> {
        let mut hx = self.cotangents(absent, |_| ());
        self.vjp_jvp_into(p, dx, g, dg, &mut hx);
        hx
    }

    /// ⟨dx, gx⟩ over all operands and examples, and ‖dx‖‖gx‖.
    pub(super) fn inner(&self, dx: &Tangents<T>, gx: &Cotangents<T>) -> (f64, f64) {
        let (mut dot, mut dx2, mut gx2) = (0.0, 0.0, 0.0);
        for (dx, gx) in dx.iter().zip(gx) {
            let (Some(dx), Some(gx)) = (dx, gx) else {
                continue;
            };
            for (i, gx) in gx.data.chunks(gx.len.max(1)).enumerate() {
                for (&d, &g) in dx.view().example(i).iter().zip(gx) {
                    let (d, g) = (d.to_f64(), g.to_f64());
                    dot += d * g;
                    dx2 += d * d;
                    gx2 += g * g;
                }
            }
        }
        (dot, (dx2 * gx2).sqrt())
    }

    /// What rounding may change in a number of size `scale`.
    ///
    /// The sums behind it have at most as many terms as the largest operand has numbers in all
    /// examples, and each term passes some tens of operations of its own (an exponential, a
    /// quotient); each errs by one unit in the last place.
    pub(super) fn rounding(&self, scale: f64) -> f64 {
        let largest = self.sizes.iter().copied().max().unwrap_or(0).max(self.n());
        (32 + self.k() * largest) as f64 * 2.0 * T::epsilon().to_f64() * scale
    }
}

fn views<T: Scalar>(dx: &Tangents<T>) -> Vec<Option<View<'_, T>>> {
    dx.iter().map(|dx| dx.as_ref().map(Operand::view)).collect()
}

fn slots<T: Scalar>(gx: &mut Cotangents<T>) -> Vec<Option<Slot<'_, T>>> {
    gx.iter_mut()
        .map(|gx| {
            gx.as_mut().map(|gx| {
                if gx.summed {
                    Slot::shared(&mut gx.data)
                } else {
                    Slot::tile(&mut gx.data, gx.len)
                }
            })
        })
        .collect()
}

fn small<T: Scalar>(random: &mut Random, x: &mut [T]) {
    random.uniform(-1.0, 1.0, x);
    for x in x {
        // Exact in both scalar types.
        *x = T::from_f64(f64::from(x.to_f64() as f32));
    }
}

pub(super) fn to_f64<T: Scalar>(x: &[T]) -> Vec<f64> {
    x.iter().map(|&x| x.to_f64()).collect()
}

/// The largest absolute value; NaN is passed over.
pub(super) fn largest<T: Scalar>(x: &[T]) -> f64 {
    x.iter().fold(0.0, |m, &x| x.to_f64().abs().max(m))
}
