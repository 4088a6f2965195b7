//! Sizes along the two axes of an image.

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// A size down and a size across; one number stands for both.
///
/// # Example
/// ```
/// use osculant_layers::Size2d;
///
/// assert_eq!(Size2d::from(3), Size2d::from([3, 3]));
/// assert_eq!(Size2d::from([3, 2]).0, [3, 2]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Size2d(
    /// Down, then across.
    pub [usize; 2],
);

impl From<usize> for Size2d {
    fn from(both: usize) -> Self {
        Size2d([both; 2])
    }
}

impl From<[usize; 2]> for Size2d {
    fn from(size: [usize; 2]) -> Self {
        Size2d(size)
    }
}

impl fmt::Display for Size2d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for Size2d {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Size2dVisitor)
    }
}

struct Size2dVisitor;

impl<'de> Visitor<'de> for Size2dVisitor {
    type Value = Size2d;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, or two as [down, across]")
    }

    fn visit_u64<E: de::Error>(self, both: u64) -> Result<Size2d, E> {
        match usize::try_from(both) {
            Ok(both) => Ok(Size2d::from(both)),
            Err(_) => Err(E::invalid_value(de::Unexpected::Unsigned(both), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Size2d, A::Error> {
        let mut found = 0;
        let mut size = [0; 2];
        while let Some(value) = sequence.next_element()? {
            if let Some(place) = size.get_mut(found) {
                *place = value;
            }
            found += 1;
        }
        match found {
            2 => Ok(Size2d(size)),
            _ => Err(de::Error::invalid_length(found, &self)),
        }
    }
}
