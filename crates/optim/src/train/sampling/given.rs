//! Subsets that are stated.

use super::{Sampling, Subset};
use crate::error::{OptimError, Result};

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
