//! A product and its bias as one node: y = B(x, w) + b, for dense layers and convolutions.
//!
//! The bias is where the sum begins, so that no pass over the output is made for it, nor one to
//! clear what the product adds to.

use super::chain::{Uses, op};
use super::push;
use crate::kernel::gemm::{Mat, MatMut, gemm};
use crate::kernel::reduce::dot;
use crate::kernel::vectorized;
use crate::kind::{Bilinear, Linear};
use crate::op::{At, Deferred, Needs, Op, Rules, SavedMut, SavedRef, SquareSum, Tile};
use crate::ops::{Add, Conv2d, Dense};
use crate::tape::{Kind, Node};
use crate::{Scalar, Shape, Slot, View};
use std::sync::Arc;

/// Appends the fused form of node `id`, if that adds a bias to a product that nothing else reads.
pub(super) fn replace<T: Scalar>(
    nodes: &[Node<T>],
    id: usize,
    uses: &Uses,
    moved: &[usize],
    fused: &mut Vec<Node<T>>,
) -> Option<usize> {
    op::<T, Linear<Add>>(&nodes[id])?;
    let &[a, b] = &nodes[id].operands[..] else {
        return None;
    };
    let (product, bias) = if uses.next(a) == Some(id) && is_product(&nodes[a]) {
        (a, b)
    } else {
        (b, a)
    };
    let is_bias = uses.shared[bias] && nodes[bias].shape[..] == [nodes[product].shape.last()];
    let alone = uses.next(product) == Some(id) && !uses.shared[product];
    if !is_product(&nodes[product]) || !alone || !is_bias {
        return None;
    }
    // The product as it was rewritten, so that it reads its weight turned.
    let node = fused[moved[product]].clone();
    let Kind::Op { op, rules } = &node.kind else {
        return None;
    };
    let biased = Biased {
        name: op.name(),
        product: rules.clone(),
        bias: node.operands.len(),
    };
    let mut operands = node.operands.clone();
    operands.push(moved[bias]);
    Some(push(
        fused,
        &node,
        biased.clone(),
        Box::new(biased),
        &operands,
    ))
}

fn is_product<T: Scalar>(node: &Node<T>) -> bool {
    op::<T, Bilinear<Dense>>(node).is_some() || op::<T, Bilinear<Conv2d>>(node).is_some()
}

/// Operands: those of the product, and the bias.
#[derive(Clone, Debug)]
struct Biased<T> {
    name: &'static str,
    /// The rules of the product, which is bilinear in its first two operands.
    product: Arc<dyn Rules<T>>,
    /// The position of the bias, after the product's operands.
    bias: usize,
}

/// Bytes that are copied at a time: above some more, copies begin slowly.
const PIECE: usize = 1 << 10;

/// The rows of a dense layer, or images.
const INPUT: usize = 0;
const WEIGHT: usize = 1;

impl<T: Scalar> Biased<T> {
    /// The bias in every row of y, or 0.
    fn begin(&self, bias: Option<View<'_, T>>, y: &mut [T]) {
        let Some(bias) = bias.map(|b| b.example(0)) else {
            return y.fill(T::zero());
        };
        // Copies of what is there already, as long as short ones do.
        let piece = (PIECE / size_of_val(bias).max(1)).max(1) * bias.len();
        let mut done = bias.len().min(y.len());
        y[..done].copy_from_slice(&bias[..done]);
        while done < y.len() {
            let next = done.min(piece).min(y.len() - done);
            y.copy_within(..next, done);
            done += next;
        }
    }

    /// The point as the product sees it.
    fn of_product<'a>(&self, at: &At<'a, T>) -> At<'a, T> {
        At {
            x: &at.x[..self.bias],
            ..*at
        }
    }

    /// gb += Σ of the rows of g.
    fn adjoint_bias(&self, k: usize, g: &[T], gb: &mut Slot<'_, T>) {
        let (n, one) = (gb.len(), [T::one()]);
        let rows = self.shape().size() / n * if gb.is_shared() { k } else { 1 };
        for (i, g) in g.chunks_exact(rows * n).enumerate() {
            let ones = Mat::strided(&one, 1, rows, 0, 0);
            gemm(ones, Mat::new(g, rows, n), MatMut::new(gb.example(i), 1, n));
        }
    }
}

impl<T: Scalar> Op<T> for Biased<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn resolve(&self, _: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        Ok(Box::new(self.clone()))
    }
}

impl<T: Scalar> Rules<T> for Biased<T> {
    fn shape(&self) -> &Shape {
        self.product.shape()
    }

    fn needs(&self) -> Needs {
        self.product.needs()
    }

    fn has_cotangent(&self, j: usize) -> bool {
        j == self.bias || self.product.has_cotangent(j)
    }

    fn scratch(&self, k: usize) -> usize {
        self.product.scratch(k)
    }

    fn columns_scratch(&self, k: usize, columns: usize) -> usize {
        self.product.columns_scratch(k, columns)
    }

    fn work(&self) -> usize {
        self.product.work()
    }

    fn derivative_work(&self, j: usize) -> usize {
        if j == self.bias {
            self.shape().size()
        } else {
            self.product.derivative_work(j)
        }
    }

    fn forward(
        &self,
        tile: Tile<'_>,
        x: &[View<'_, T>],
        _: SavedMut<'_, T>,
        scratch: &mut [T],
        y: &mut [T],
    ) {
        self.begin(Some(x[self.bias]), y);
        // What is bilinear is its own derivative along w, and derivatives add.
        let operands = [Some(x[INPUT]), Some(x[WEIGHT])];
        let at = At {
            tile,
            x: &operands,
            y: None,
            saved: SavedRef {
                reals: &[],
                indices: &[],
            },
        };
        self.product.jvp(&at, &[None, Some(x[WEIGHT])], scratch, y);
    }

    fn jvp_overwrites(&self) -> bool {
        true
    }

    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], scratch: &mut [T], dy: &mut [T]) {
        self.begin(dx[self.bias], dy);
        self.product
            .jvp(&self.of_product(at), &dx[..self.bias], scratch, dy);
    }

    fn vjp(&self, at: &At<'_, T>, g: &[T], scratch: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        let (gx, gb) = gx.split_at_mut(self.bias);
        self.product.vjp(&self.of_product(at), g, scratch, gx);
        if let [Some(gb)] = gb {
            self.adjoint_bias(at.tile.len, g, gb);
        }
    }

    fn vjp_columns(
        &self,
        at: &At<'_, T>,
        columns: usize,
        g: &[T],
        scratch: &mut [T],
        gx: &mut [Option<Slot<'_, T>>],
    ) {
        let (gx, gb) = gx.split_at_mut(self.bias);
        self.product
            .vjp_columns(&self.of_product(at), columns, g, scratch, gx);
        if let [Some(gb)] = gb {
            self.adjoint_bias(columns * at.tile.len, g, gb);
        }
    }

    fn squares(&self, j: usize) -> Option<&dyn SquareSum<T>> {
        if j == self.bias {
            Some(self)
        } else {
            self.product.squares(j)
        }
    }

    // The bias's cotangent is linear in g, and nothing else.
    fn vjp_jvp(
        &self,
        at: &At<'_, T>,
        dx: &[Option<View<'_, T>>],
        g: &[T],
        dg: Option<&[T]>,
        scratch: &mut [T],
        hx: &mut [Option<Slot<'_, T>>],
    ) {
        let (hx, hb) = hx.split_at_mut(self.bias);
        self.product
            .vjp_jvp(&self.of_product(at), &dx[..self.bias], g, dg, scratch, hx);
        if let ([Some(hb)], Some(dg)) = (hb, dg) {
            self.adjoint_bias(at.tile.len, dg, hb);
        }
    }

    fn deferred(&self) -> Option<Deferred<'_, T>> {
        self.product.deferred()
    }
}

// The bias's: an example's cotangent is the sum of g's rows.
impl<T: Scalar> SquareSum<T> for Biased<T> {
    fn scratch(&self, _: usize, _: usize) -> usize {
        self.shape().last()
    }

    fn add(&self, _: usize, _: &At<'_, T>, _: usize, g: &[T], scratch: &mut [T], out: &mut [T]) {
        let (n, len) = (out.len(), self.shape().size());
        let sum = &mut scratch[..n];
        vectorized(
            #[inline(always)]
            || {
                // With one row per example there is nothing to sum before it is squared.
                match out {
                    [out] if len == 1 => return *out += T::from_f64(dot(g, g)),
                    _ if len == n => {
                        for g in g.chunks_exact(n) {
                            for (out, &g) in out.iter_mut().zip(g) {
                                *out += g * g;
                            }
                        }
                        return;
                    }
                    _ => {}
                }
                for g in g.chunks_exact(len) {
                    sum.fill(T::zero());
                    for row in g.chunks_exact(n) {
                        for (x, &g) in sum.iter_mut().zip(row) {
                            *x += g;
                        }
                    }
                    for (out, &x) in out.iter_mut().zip(&*sum) {
                        *out += x * x;
                    }
                }
            },
        );
    }
}
