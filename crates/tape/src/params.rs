//! The flat vector θ and its named slices.

use crate::error::{GraphError, Result};
use crate::kernel::first_not_finite;
use crate::tape::{Declared, Role};
use crate::{Init, Place, Scalar, Shape};
use std::ops::Range;

/// What θ's length is.
const TRAINED: &str = "the number of trained parameters";

/// A named slice of θ, or numbers that travel beside it.
#[derive(Clone, Debug)]
pub struct Slice {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) init: Init,
    pub(crate) role: Role,
    /// Where the numbers stand: in θ if trained, else among the fixed values.
    pub(crate) range: Range<usize>,
    pub(crate) regularized: bool,
    pub(crate) place: Place,
}

impl Slice {
    /// The name: the path of the layers around it, then its own, as in `conv1.weight`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape, row-major.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Where it stands in θ; `None` for what is frozen or a buffer.
    pub fn range(&self) -> Option<Range<usize>> {
        self.is_trained().then(|| self.range.clone())
    }

    /// Whether it is a part of θ.
    pub fn is_trained(&self) -> bool {
        self.role == Role::Trained
    }

    /// Whether it is a buffer: saved, never trained.
    pub fn is_buffer(&self) -> bool {
        self.role == Role::Buffer
    }

    /// Whether the regularization term covers it.
    pub fn is_regularized(&self) -> bool {
        self.regularized && self.is_trained()
    }

    /// The line that declared it.
    pub fn place(&self) -> Place {
        self.place
    }
}

/// The layout of θ, and the values of what is not trained.
#[derive(Clone, Debug)]
pub struct Params<T> {
    pub(crate) slices: Vec<Slice>,
    /// The values of frozen parameters and buffers.
    pub(crate) fixed: Vec<T>,
    len: usize,
}

impl<T: Scalar> Params<T> {
    pub(crate) fn new(declared: Vec<Declared>) -> Self {
        let slices = declared.into_iter().map(|d| Slice {
            name: d.name,
            shape: d.shape,
            init: d.init,
            role: d.role,
            range: 0..0,
            regularized: true,
            place: d.place,
        });
        let mut params = Params {
            slices: slices.collect(),
            fixed: Vec::new(),
            len: 0,
        };
        params.place_slices();
        params.fixed = vec![T::zero(); params.fixed_len()];
        for (stream, s) in params
            .slices
            .iter()
            .enumerate()
            .filter(|(_, s)| !s.is_trained())
        {
            s.init
                .fill(0, stream as u64, &mut params.fixed[s.range.clone()]);
        }
        params
    }

    /// The number n of trained parameters: the length of θ.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is trained.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All slices in the order of declaration, the trained, the frozen and the buffers.
    pub fn slices(&self) -> &[Slice] {
        &self.slices
    }

    /// The slice of this name.
    ///
    /// # Errors
    /// [`GraphError::NoSuchParameter`], with the names that exist.
    pub fn get(&self, name: &str) -> Result<&Slice> {
        self.slices
            .iter()
            .find(|s| s.name == name)
            .ok_or_else(|| self.unknown(name))
    }

    /// The numbers of the slice of this name: out of `theta`, or the fixed ones.
    ///
    /// # Errors
    /// An unknown name; a `theta` of another length.
    pub fn view<'a>(&'a self, theta: &'a [T], name: &str) -> Result<&'a [T]> {
        self.check("theta", theta)?;
        let slice = self.get(name)?;
        let home = if slice.is_trained() {
            theta
        } else {
            &self.fixed
        };
        Ok(&home[slice.range.clone()])
    }

    /// Overwrites the slice of this name, in `theta` or among the fixed values.
    ///
    /// # Errors
    /// An unknown name; a wrong length; a value that is not finite.
    pub fn set(&mut self, theta: &mut [T], name: &str, values: &[T]) -> Result<()> {
        self.check("theta", theta)?;
        let slice = self.get(name)?;
        let hint = format!("its shape is {}", slice.shape);
        check_vector(&format!("`{name}`"), values, slice.range.len(), &hint)?;
        let range = slice.range.clone();
        let home = if slice.is_trained() {
            theta
        } else {
            &mut self.fixed
        };
        home[range].copy_from_slice(values);
        Ok(())
    }

    /// Initial values of θ, from a generator that gives the same numbers on every machine.
    pub fn init(&self, seed: u64) -> Vec<T> {
        let mut theta = vec![T::zero(); self.len];
        for (stream, s) in self
            .slices
            .iter()
            .enumerate()
            .filter(|(_, s)| s.is_trained())
        {
            s.init
                .fill(seed, stream as u64, &mut theta[s.range.clone()]);
        }
        theta
    }

    /// Refuses a θ, v or the like of the wrong length or with a value that is not finite.
    ///
    /// # Errors
    /// [`GraphError::Length`] or [`GraphError::NotFinite`].
    pub fn check(&self, what: &str, vector: &[T]) -> Result<()> {
        check_vector(what, vector, self.len, TRAINED)
    }

    /// Its length alone.
    pub(crate) fn check_length(&self, what: &str, vector: &[T]) -> Result<()> {
        check_length(what, vector.len(), self.len, TRAINED)
    }

    /// Leaves parameters out of the regularization term: the one of this name, or all within the
    /// layer of this name.
    pub(crate) fn exempt(&mut self, name: &str) -> Result<()> {
        for i in self.matching(name)? {
            self.slices[i].regularized = false;
        }
        Ok(())
    }

    /// Changes the role of parameters, and moves their values to where they now belong.
    pub(crate) fn set_role(&mut self, name: &str, role: Role, theta: &[T]) -> Result<Vec<T>> {
        self.check("theta", theta)?;
        let chosen = self.matching(name)?;
        let before = self.clone();
        for &i in &chosen {
            if self.slices[i].role != Role::Buffer {
                self.slices[i].role = role;
            }
        }
        self.place_slices();
        let mut moved = vec![T::zero(); self.len];
        self.fixed = vec![T::zero(); self.fixed_len()];
        for (old, new) in before.slices.iter().zip(&self.slices) {
            let from = if old.is_trained() {
                theta
            } else {
                &before.fixed
            };
            let to = if new.is_trained() {
                &mut moved
            } else {
                &mut self.fixed
            };
            to[new.range.clone()].copy_from_slice(&from[old.range.clone()]);
        }
        Ok(moved)
    }

    fn matching(&self, name: &str) -> Result<Vec<usize>> {
        let inside = |s: &Slice| {
            s.name
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let chosen: Vec<usize> = (0..self.slices.len())
            .filter(|&i| inside(&self.slices[i]))
            .collect();
        if chosen.is_empty() {
            Err(self.unknown(name))
        } else {
            Ok(chosen)
        }
    }

    fn place_slices(&mut self) {
        let (mut trained, mut fixed) = (0, 0);
        for s in &mut self.slices {
            let at = if s.is_trained() {
                &mut trained
            } else {
                &mut fixed
            };
            s.range = *at..*at + s.shape.size();
            *at = s.range.end;
        }
        self.len = trained;
    }

    fn fixed_len(&self) -> usize {
        self.slices
            .iter()
            .filter(|s| !s.is_trained())
            .map(|s| s.range.len())
            .sum()
    }

    fn unknown(&self, name: &str) -> GraphError {
        let known = self
            .slices
            .iter()
            .map(|s| s.name.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        let known = if known.is_empty() {
            "none at all".into()
        } else {
            known
        };
        GraphError::NoSuchParameter {
            name: name.into(),
            known,
        }
    }
}

/// Refuses a vector of the wrong length or with a number that is not finite.
pub(crate) fn check_vector<T: Scalar>(
    what: &str,
    vector: &[T],
    expected: usize,
    hint: &str,
) -> Result<()> {
    check_length(what, vector.len(), expected, hint)?;
    match first_not_finite(vector) {
        Some(index) => Err(not_finite(what, vector, index)),
        None => Ok(()),
    }
}

fn check_length(what: &str, found: usize, expected: usize, hint: &str) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let (what, hint) = (what.to_string(), hint.to_string());
    Err(GraphError::Length {
        what,
        found,
        expected,
        hint,
    })
}

/// The error that number `index` is.
pub(crate) fn not_finite<T: Scalar>(what: &str, vector: &[T], index: usize) -> GraphError {
    let (what, value) = (what.to_string(), vector[index].to_f64());
    GraphError::NotFinite { what, index, value }
}
