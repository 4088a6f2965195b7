//! Which tensor of a file belongs to which parameter.

use super::place::Place;
use super::{Layout, Pair, Tensors};

/// A tensor for each place, in order.
pub(super) fn pair(
    places: &[Place],
    tensors: &Tensors,
    layout: Layout,
    given: &[Pair],
) -> Result<Vec<Pair>, String> {
    let mut free: Vec<&str> = tensors.keys().map(String::as_str).collect();
    free.sort_by_key(|name| natural(name));
    let mut found: Vec<Option<&str>> = vec![None; places.len()];
    for pair in given {
        let place = places.iter().position(|place| place.name == pair.ours);
        let place = place.ok_or_else(|| unknown(&pair.ours, places))?;
        let at = free.iter().position(|name| **name == *pair.theirs);
        let at =
            at.ok_or_else(|| format!("has no tensor `{}`, or it is given twice", pair.theirs))?;
        found[place] = Some(free.remove(at));
    }
    let numbered = |name: &&str| {
        name.strip_prefix("arr_")
            .is_some_and(|n| n.parse::<u64>().is_ok())
    };
    let in_order = !free.is_empty() && free.iter().all(numbered);
    let is_given = |place: &Place| given.iter().any(|pair| pair.ours == place.name);
    let mut weight = None;
    for (i, place) in places.iter().enumerate() {
        let axes = place.shape.len();
        if is_given(place) {
            if axes > 1 {
                weight = found[i];
            }
            continue;
        }
        let same = free.iter().position(|name| *name == place.name);
        let beside = |name: &&str| {
            let module = |name: &str| name.rsplit_once(['.', '/']).map(|(m, _)| m.to_string());
            let both = axes == 1 && tensors[*name].0.len() == 1;
            both && weight.is_some_and(|w: &str| module(w) == module(name))
        };
        let alike = |name: &&str| tensors[*name].0.len() == axes && axes > 1;
        let at = if in_order {
            (!free.is_empty()).then_some(0)
        } else if let Some(at) = same.or_else(|| free.iter().position(beside)) {
            Some(at)
        } else {
            let fits = |name: &&str| alike(name) && tensors[*name].0 == place.shape_in(layout);
            let fit: Vec<&str> = free.iter().copied().filter(fits).collect();
            // Names that differ in a word have no order that anybody could know.
            let first = fit.first().copied().unwrap_or_default();
            if let Some(other) = fit.iter().find(|name| words(name) != words(first)) {
                return Err(format!(
                    "does not tell whether `{}` or `{other}` belongs to `{}`: both have its shape, and \
                     their names give no order; say which tensor it is",
                    first, place.name
                ));
            }
            free.iter().position(alike)
        };
        let Some(at) = at else {
            return Err(format!(
                "has no tensor for `{}`, of shape {:?}; give the one that belongs to it",
                place.name,
                place.shape_in(layout)
            ));
        };
        if axes > 1 {
            weight = Some(free[at]);
        }
        found[i] = Some(free.remove(at));
    }
    if let Some(name) = free.first() {
        return Err(format!(
            "has the tensor `{name}`, of shape {:?}, that no layer of the network takes; describe \
             the network that was trained",
            tensors[*name].0
        ));
    }
    let pairs = places.iter().zip(found);
    let pairs = pairs.map(|(place, theirs)| Pair {
        ours: place.name.clone(),
        theirs: theirs.unwrap_or_default().into(),
    });
    Ok(pairs.collect())
}

pub(super) fn unknown(name: &str, places: &[Place]) -> String {
    let known: Vec<_> = places
        .iter()
        .map(|place| format!("`{}`", place.name))
        .collect();
    format!(
        "cannot be matched: the network has no parameter `{name}`; there are: {}",
        known.join(", ")
    )
}

/// A name without its numbers, as far as the last word: a layer's own number is no word of it.
fn words(name: &str) -> String {
    let layer = name
        .rsplit_once(['.', '/'])
        .map_or(name, |(layer, _)| layer);
    layer.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The order in which people number things: `2` before `10`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (text, tail) = rest.split_at(digits);
        let end = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (number, tail) = tail.split_at(end);
        parts.push((text.to_string(), number.parse().unwrap_or(0)));
        rest = tail;
    }
    parts
}
