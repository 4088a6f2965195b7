//! Initial values of parameters, from a seeded generator that gives the same numbers everywhere.

use crate::{Scalar, Shape};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// How a parameter gets its initial values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All 0.
    Zeros,
    /// All the same.
    Constant(f64),
    /// Normal with mean 0.
    Normal {
        /// The standard deviation.
        std: f64,
    },
    /// Uniform on [low, high).
    Uniform {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// Normal with variance 2/fan_in, for ReLU networks (He et al. 2015, eq. 10).
    He {
        /// How many inputs each output sums.
        fan_in: usize,
    },
    /// Uniform with variance 2/(fan_in + fan_out) (Glorot and Bengio 2010, eq. 16).
    Glorot {
        /// How many inputs each output sums.
        fan_in: usize,
        /// How many outputs each input reaches.
        fan_out: usize,
    },
    /// Few of the inputs of each output, drawn anew for each, with normal weights; all others 0
    /// (Martens, *Deep learning via Hessian-free optimization*, ICML 2010, §5: 15 of them, for
    /// deep networks of sigmoids). The weight's last axis counts the outputs.
    Sparse {
        /// How many inputs each output sums.
        fan_in: usize,
        /// How many of these have a weight that is not 0; all of them if there are fewer.
        nonzero: usize,
        /// The standard deviation of these weights.
        std: f64,
    },
}

impl Init {
    /// The first of its numbers that is not finite as a `T`, where there is one.
    fn not_finite<T: Scalar>(self) -> Option<f64> {
        let numbers = match self {
            Init::Zeros | Init::He { .. } | Init::Glorot { .. } => [0.0, 0.0],
            Init::Constant(c) => [c, c],
            Init::Normal { std } | Init::Sparse { std, .. } => [std, std],
            Init::Uniform { low, high } => [low, high],
        };
        let fault = |x: &f64| !T::from_f64(*x).is_finite();
        numbers.into_iter().find(fault)
    }

    /// What is wrong with it for a parameter of this shape, if anything.
    pub(crate) fn fault<T: Scalar>(self, shape: &Shape) -> Option<String> {
        if let Some(x) = self.not_finite::<T>() {
            return Some(format!(
                "its initial values are drawn with {x}; give a finite number"
            ));
        }
        let outputs = shape.last();
        match self {
            Init::Sparse { fan_in, .. } if fan_in.checked_mul(outputs) != Some(shape.size()) => {
                Some(format!(
                    "its fan_in is {fan_in}, and a weight of shape {shape} has {} inputs for each \
                     output: give that",
                    shape.size() / outputs.max(1)
                ))
            }
            _ => None,
        }
    }

    /// Fills `out` with initial values, drawn from stream number `stream` of `seed`.
    ///
    /// Streams are independent; a parameter's is its number, so that one that is declared after all
    /// others changes no initial values but its own.
    pub fn fill<T: Scalar>(self, seed: u64, stream: u64, out: &mut [T]) {
        let mut random = Random::new(seed, stream);
        match self {
            Init::Zeros => out.fill(T::zero()),
            Init::Constant(c) => out.fill(T::from_f64(c)),
            Init::Normal { std } => random.normal(std, out),
            Init::He { fan_in } => random.normal((2.0 / fan_in.max(1) as f64).sqrt(), out),
            Init::Uniform { low, high } => random.uniform(low, high, out),
            Init::Glorot { fan_in, fan_out } => {
                let bound = (6.0 / fan_in.saturating_add(fan_out).max(1) as f64).sqrt();
                random.uniform(-bound, bound, out);
            }
            Init::Sparse {
                fan_in,
                nonzero,
                std,
            } => sparse(fan_in, nonzero, std, &mut random, out),
        }
    }
}

fn sparse<T: Scalar>(fan_in: usize, nonzero: usize, std: f64, random: &mut Random, out: &mut [T]) {
    out.fill(T::zero());
    let outputs = out.len() / fan_in.max(1);
    let mut inputs: Vec<usize> = (0..fan_in).collect();
    let mut weights = vec![T::zero(); nonzero.min(fan_in)];
    for o in 0..outputs {
        random.normal(std, &mut weights);
        for (k, &weight) in weights.iter().enumerate() {
            // The first steps of Fisher and Yates draw without repeats, from any order.
            inputs.swap(k, k + random.below(fan_in - k));
            out[inputs[k] * outputs + o] = weight;
        }
    }
}

/// A seeded generator (ChaCha with 8 rounds) whose numbers don't depend on the machine.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The generator of this seed and stream.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Random(rng)
    }

    /// A number in [0, 1), with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A whole number in 0..n, each equally likely; 0 if n is 0.
    pub fn below(&mut self, n: usize) -> usize {
        // Multiply-shift with rejection (Lemire 2019): no bias, on any machine.
        let n = n as u64;
        if n == 0 {
            return 0;
        }
        let threshold = n.wrapping_neg() % n;
        loop {
            let wide = u128::from(self.0.next_u64()) * u128::from(n);
            if wide as u64 >= threshold {
                return (wide >> 64) as usize;
            }
        }
    }

    /// A random order of 0..n (Fisher and Yates).
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }

    /// Fills `out` with normal numbers of mean 0 (Box and Muller 1958; `libm`, so that every
    /// platform rounds alike).
    pub fn normal<T: Scalar>(&mut self, std: f64, out: &mut [T]) {
        for pair in out.chunks_mut(2) {
            let radius = std * libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
            let angle = std::f64::consts::TAU * self.unit();
            pair[0] = T::from_f64(radius * libm::cos(angle));
            if let Some(second) = pair.get_mut(1) {
                *second = T::from_f64(radius * libm::sin(angle));
            }
        }
    }

    /// Fills `out` with numbers uniform on [low, high).
    pub fn uniform<T: Scalar>(&mut self, low: f64, high: f64, out: &mut [T]) {
        for x in out {
            *x = T::from_f64(low + (high - low) * self.unit());
        }
    }
}
