//! Lesson 11: an op that is of no kind, with all four rules by hand; verified, then used in a
//! layer.
//!
//! `cargo run --release --example 11_fused_op`
//!
//! Most ops are pointwise, linear, bilinear or a selection, and never come here. An op that fuses
//! several steps, as norms do, implements `Op` itself: it meets its operand's shape once, and
//! answers with `Rules`.

use osculant::optim::check::check_objective;
use osculant::prelude::*;
use osculant::tape::check::proptest::prelude::Strategy;
use osculant::tape::check::{self, Cases, Drawn, draw};
use osculant::tape::op::{At, Needs, Op, Rules, Saved, SavedMut, Tile};
use osculant::tape::{Slot, View};

/// y = x / √(mean x² + ε) along the last axis: numbers of size 1.
///
/// # Formula
/// With r = (mean x² + ε)^(−½), P g = g − y (yᵀg)/n, and n the length of the last axis:
///
/// ```text
/// y = r x      J = r P, which is its own transpose      dr = −r² (yᵀdx)/n
/// ```
///
/// # Reference
/// Zhang and Sennrich, *Root mean square layer normalization*, NeurIPS 2019, eq. 4.
#[derive(Clone, Copy, Debug)]
struct RmsNorm {
    /// ε > 0, which keeps y smooth at x = 0.
    epsilon: f64,
}

impl<T: Scalar> Op<T> for RmsNorm {
    fn name(&self) -> &'static str {
        "rms_norm"
    }

    fn resolve(&self, x: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        // Every option by name: one that is added later cannot be forgotten.
        let RmsNorm { epsilon } = *self;
        if !(epsilon > 0.0 && epsilon.is_finite()) {
            return Err(format!(
                "its ε is {epsilon}; it must be positive and finite"
            ));
        }
        match x {
            [x] if !x.is_empty() => Ok(Box::new(RmsNormOf {
                shape: x.clone(),
                epsilon: T::from_f64(epsilon),
            })),
            [_] => Err("it runs along the last axis, and a single number has none".into()),
            _ => Err(format!("it takes one operand, not {}", x.len())),
        }
    }
}

/// The norm over an operand of known shape.
#[derive(Debug)]
struct RmsNormOf<T> {
    shape: Shape,
    epsilon: T,
}

impl<T: Scalar> RmsNormOf<T> {
    /// How many rows an example has, and how long these are.
    fn rows(&self) -> (usize, usize) {
        let n = self.shape.last();
        (self.shape.size() / n, n)
    }

    /// Calls `f(example, row, y, r)` for every row of the tile: `row` is its range in the example,
    /// y and r its output and the number kept from forward.
    fn each(&self, at: &At<'_, T>, mut f: impl FnMut(usize, std::ops::Range<usize>, &[T], T)) {
        let (rows, n) = self.rows();
        for i in 0..at.tile.len {
            for j in 0..rows {
                let number = i * rows + j;
                let y = &at.output()[number * n..][..n];
                f(i, j * n..(j + 1) * n, y, at.saved.reals[number]);
            }
        }
    }
}

/// aᵀb / n.
fn mean_product<T: Scalar>(a: &[T], b: &[T]) -> T {
    let sum: T = a.iter().zip(b).map(|(&a, &b)| a * b).sum();
    sum / T::from_f64(a.len() as f64)
}

/// out += r P g.
fn add_projected<T: Scalar>(r: T, y: &[T], g: &[T], out: &mut [T]) {
    let mean = mean_product(y, g);
    for ((out, &y), &g) in out.iter_mut().zip(y).zip(g) {
        *out += r * (g - y * mean);
    }
}

impl<T: Scalar> Rules<T> for RmsNormOf<T> {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    // The rules read y and r. x itself is not kept.
    fn needs(&self) -> Needs {
        Needs::OUTPUT
    }

    fn saved(&self) -> Saved {
        Saved {
            reals: self.rows().0,
            indices: 0,
        }
    }

    // Workspace for a row of dy.
    fn scratch(&self, _: usize) -> usize {
        self.rows().1
    }

    fn forward(
        &self,
        tile: Tile<'_>,
        x: &[View<'_, T>],
        saved: SavedMut<'_, T>,
        _: &mut [T],
        y: &mut [T],
    ) {
        let (rows, n) = self.rows();
        for i in 0..tile.len {
            let x = x[0].example(i).chunks_exact(n);
            let y = y[i * rows * n..].chunks_exact_mut(n);
            let saved = &mut saved.reals[i * rows..][..rows];
            for ((x, y), r) in x.zip(y).zip(saved) {
                *r = (mean_product(x, x) + self.epsilon).sqrt().recip();
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = *r * x;
                }
            }
        }
    }

    // dy += r P dx
    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], _: &mut [T], dy: &mut [T]) {
        let Some(dx) = dx[0] else { return };
        let size = self.shape.size();
        self.each(at, |i, row, y, r| {
            let dy = &mut dy[i * size..][row.clone()];
            add_projected(r, y, &dx.example(i)[row], dy);
        });
    }

    // gx += r P g
    fn vjp(&self, at: &At<'_, T>, g: &[T], _: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        let Some(gx) = &mut gx[0] else { return };
        let size = self.shape.size();
        self.each(at, |i, row, y, r| {
            let g = &g[i * size..][row.clone()];
            add_projected(r, y, g, &mut gx.example(i)[row]);
        });
    }

    // hx += r P dg + dr P g − r (dy (yᵀg)/n + y (dyᵀg)/n), the tangent of the rule above
    fn vjp_jvp(
        &self,
        at: &At<'_, T>,
        dx: &[Option<View<'_, T>>],
        g: &[T],
        dg: Option<&[T]>,
        scratch: &mut [T],
        hx: &mut [Option<Slot<'_, T>>],
    ) {
        let Some(hx) = &mut hx[0] else { return };
        let (size, n) = (self.shape.size(), self.shape.last());
        self.each(at, |i, row, y, r| {
            let hx = &mut hx.example(i)[row.clone()];
            if let Some(dg) = dg {
                add_projected(r, y, &dg[i * size..][row.clone()], hx);
            }
            let Some(dx) = dx[0] else { return };
            let (dx, g) = (&dx.example(i)[row.clone()], &g[i * size..][row]);
            // Workspace arrives with undefined contents, and `add_projected` adds.
            let dy = &mut scratch[..n];
            dy.fill(T::zero());
            add_projected(r, y, dx, dy);
            add_projected(-r * r * mean_product(y, dx), y, g, hx);
            let (yg, dyg) = (mean_product(y, g), mean_product(dy, g));
            for ((hx, &y), &dy) in hx.iter_mut().zip(y).zip(&*dy) {
                *hx -= r * (dy * yg + y * dyg);
            }
        });
    }
}

impl Cases for RmsNorm {
    fn cases() -> Drawn<Self> {
        let rows = draw::shape().prop_filter("a last axis", |x| !x.is_empty());
        (0.01..1.0, rows)
            .prop_map(|(epsilon, x)| (RmsNorm { epsilon }, vec![x]))
            .boxed()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    check::op::<RmsNorm>();
    println!("rms_norm: all four rules verified");

    // Alone: the length of the input is divided out.
    let f = Function::<f64>::new([4], |x| x.apply(RmsNorm { epsilon: 1e-12 }))?;
    let (near, far) = (
        f.at(&[1.0, 2.0, 3.0, 4.0])?,
        f.at(&[10.0, 20.0, 30.0, 40.0])?,
    );
    println!("{:.4?}", near.values());
    assert!((near.values()[3] - far.values()[3]).abs() < 1e-12);

    // In a layer: a gain for each channel, and a residual branch around it.
    let norm = layer_fn(|x: Var<'_, f64>| {
        let gain = x.param("gain", x.shape().last(), Init::Constant(1.0));
        x.apply(RmsNorm { epsilon: 1e-5 }) * gain
    });
    let block = Sequential::new()
        .then(norm.named("norm"))
        .then(Dense::new(6))
        .then(Tanh);
    let net = Network::<f64>::new([3], |x| x.dense(6).layer(Residual::new(block)).dense(2))?;
    let inputs: Vec<f64> = (0..15).map(|i| (1.3 * i as f64).sin()).collect();
    let data = Labelled::new([3], inputs, vec![0, 1, 1, 0, 1])?;
    let objective = Objective::new(&net, SoftmaxCrossEntropy, &data)?.regularization(10.0)?;
    check_objective(&objective, &net.init(0), 1)?;
    println!("a network around it: gradient, G v and ∇²f v verified");
    let mistake = Network::<f64>::new([3], |x| x.sum().apply(RmsNorm { epsilon: 1e-5 }));
    let mistake = mistake.err().map(|e| e.to_string()).unwrap_or_default();
    println!("misused: {mistake}");
    assert!(mistake.contains("rms_norm") && mistake.contains("last axis"));
    Ok(())
}
