//! The padding of a convolution, as it is written.

use osculant_tape::ops::Padding;
use serde::de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// All four sides.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sides {
    #[serde(default)]
    top: usize,
    #[serde(default)]
    bottom: usize,
    #[serde(default)]
    left: usize,
    #[serde(default)]
    right: usize,
}

pub(super) fn symmetric([down, across]: [usize; 2]) -> Padding {
    Padding::Explicit {
        top: down,
        bottom: down,
        left: across,
        right: across,
    }
}

pub(super) fn serialize<S: Serializer>(padding: &Padding, s: S) -> Result<S::Ok, S::Error> {
    match *padding {
        Padding::Valid => "valid".serialize(s),
        Padding::Same => "same".serialize(s),
        Padding::Explicit {
            top,
            bottom,
            left,
            right,
        } if top == bottom && left == right => [top, left].serialize(s),
        Padding::Explicit {
            top,
            bottom,
            left,
            right,
        } => Sides {
            top,
            bottom,
            left,
            right,
        }
        .serialize(s),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Padding, D::Error> {
    d.deserialize_any(PaddingVisitor)
}

struct PaddingVisitor;

impl<'de> Visitor<'de> for PaddingVisitor {
    type Value = Padding;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "\"same\", \"valid\", a whole number, two as [down, across], or an object with top, \
             bottom, left and right",
        )
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Padding, E> {
        match name {
            "same" => Ok(Padding::Same),
            "valid" => Ok(Padding::Valid),
            _ => Err(E::invalid_value(de::Unexpected::Str(name), &self)),
        }
    }

    fn visit_u64<E: de::Error>(self, all: u64) -> Result<Padding, E> {
        match usize::try_from(all) {
            Ok(all) => Ok(symmetric([all; 2])),
            Err(_) => Err(E::invalid_value(de::Unexpected::Unsigned(all), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Padding, A::Error> {
        let mut sides = Vec::new();
        while let Some(side) = sequence.next_element()? {
            sides.push(side);
        }
        match sides[..] {
            [down, across] => Ok(symmetric([down, across])),
            _ => Err(de::Error::invalid_length(sides.len(), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Padding, A::Error> {
        let Sides {
            top,
            bottom,
            left,
            right,
        } = Sides::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Padding::Explicit {
            top,
            bottom,
            left,
            right,
        })
    }
}
