//! One array: `.npy`.

use std::io::{self, Read, Write};

use crate::DataError;
use crate::input::Input;
use crate::tensors::half_precision;

/// Headers are a line of text; what announces a longer one is some other file.
const LONGEST_HEADER: usize = 1 << 16;

/// An array of numbers, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// The length of each axis; none for a single number.
    pub shape: Vec<usize>,
    /// The values: as many as the product of `shape`.
    pub values: Values,
}

/// The values of an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// `uint8`, as pixels are.
    Bytes(Vec<u8>),
    /// Booleans and all other integers.
    Integers(Vec<i64>),
    /// `float16`, `float32` and `float64`, rounded to `f32`; NaN included.
    Reals(Vec<f32>),
}

impl Values {
    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Values::Bytes(values) => values.len(),
            Values::Integers(values) => values.len(),
            Values::Reals(values) => values.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values as real numbers.
    pub fn into_reals(self) -> Vec<f32> {
        match self {
            Values::Bytes(values) => values.into_iter().map(f32::from).collect(),
            Values::Integers(values) => values.into_iter().map(|x| x as f32).collect(),
            Values::Reals(values) => values,
        }
    }
}

/// Reads one array, plain or gzip, to the end of its source. `name` is what messages call it.
///
/// # Errors
///
/// The source cannot be read or decompressed; it is no `.npy` file; it holds fewer bytes than its
/// header announces, or more; other values than booleans, integers and reals; an integer above
/// 2⁶³ − 1.
///
/// # Example
///
/// ```
/// use osculant_data::npy::{Array, Values, read_array, write_array};
///
/// let array = Array { shape: vec![2, 1], values: Values::Reals(vec![0.5, -1.0]) };
/// let mut bytes = Vec::new();
/// write_array(&mut bytes, &array)?;
/// assert_eq!(read_array(&bytes[..], "two.npy")?, array);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_array(source: impl Read, name: &str) -> Result<Array, DataError> {
    let mut input = Input::new(source, name)?;
    let refuse = |fault: String| DataError::File {
        file: name.into(),
        fault,
    };
    let (start, _) = input.read(8)?;
    let wide = match *start {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _] => false,
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _] => true,
        _ => {
            return Err(refuse(
                "is no .npy file: it does not begin with 93 \"NUMPY\" and a version from 1 to 3; \
                 check that this is the right file and that it is whole"
                    .into(),
            ));
        }
    };
    let (length, _) = input.read(if wide { 4 } else { 2 })?;
    let length = match *length {
        [a, b] if !wide => usize::from(u16::from_le_bytes([a, b])),
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]) as usize,
        _ => {
            return Err(refuse(
                "is truncated inside its header; copy it again".into(),
            ));
        }
    };
    if length > LONGEST_HEADER {
        return Err(refuse(format!(
            "announces a header of {length} bytes; it is damaged: copy it again"
        )));
    }
    let (header, _) = input.read(length as u64)?;
    if header.len() < length {
        return Err(refuse(
            "is truncated inside its header; copy it again".into(),
        ));
    }
    let header = Header::parse(&header).map_err(|what| {
        refuse(format!(
            "has a header that cannot be read ({what}); write it with numpy.save again"
        ))
    })?;
    let element = Element::find(&header.descr).ok_or_else(|| {
        refuse(format!(
            "holds values of type `{}`; they must be booleans, integers or reals: convert them",
            header.descr
        ))
    })?;
    let size = header
        .shape
        .iter()
        .try_fold(element.size as u64, |n, &axis| n.checked_mul(axis as u64))
        .filter(|&n| n < u64::MAX);
    let Some(size) = size else {
        return Err(refuse(format!(
            "announces shape {:?}, more than any memory holds; it is damaged: copy it again",
            header.shape
        )));
    };
    // One byte more is asked for, which must not be there.
    let (bytes, cut) = input.read(size + 1)?;
    let found = bytes.len() as u64;
    if found != size {
        let what = if found > size { "more" } else { "fewer" };
        return Err(refuse(format!(
            "has {what} bytes than shape {:?} of type `{}` makes, {size}; copy it again",
            header.shape, header.descr
        )));
    }
    if cut {
        return Err(input.cut_off());
    }
    let mut values = element.decode(&bytes).ok_or_else(|| {
        refuse("holds an integer above 2⁶³ − 1; convert its values to reals".into())
    })?;
    if header.fortran && header.shape.len() > 1 {
        values = match values {
            Values::Bytes(values) => Values::Bytes(row_major(&header.shape, &values)),
            Values::Integers(values) => Values::Integers(row_major(&header.shape, &values)),
            Values::Reals(values) => Values::Reals(row_major(&header.shape, &values)),
        };
    }
    Ok(Array {
        shape: header.shape,
        values,
    })
}

/// Writes an array: `uint8`, `int64` or `float32`, row-major.
///
/// # Errors
///
/// Those of the writer.
pub fn write_array(mut writer: impl Write, array: &Array) -> io::Result<()> {
    let descr = match array.values {
        Values::Bytes(_) => "|u1",
        Values::Integers(_) => "<i8",
        Values::Reals(_) => "<f4",
    };
    let shape: Vec<String> = array.shape.iter().map(|axis| format!("{axis},")).collect();
    let mut header = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}",
        shape.join(" ")
    );
    // The numbers begin at a multiple of 64 bytes, after a line end.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header += &" ".repeat(length - 1 - header.len());
    header.push('\n');
    let length = u16::try_from(length).map_err(io::Error::other)?;
    writer.write_all(b"\x93NUMPY\x01\x00")?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(header.as_bytes())?;
    let bytes: Vec<u8> = match &array.values {
        Values::Bytes(values) => values.clone(),
        Values::Integers(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Values::Reals(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
    };
    writer.write_all(&bytes)
}

/// What the header says.
struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    /// A dictionary as Python writes it, with these three keys in any order.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let text = str::from_utf8(text).map_err(|_| "it is no text")?;
        let body = text.trim().strip_prefix('{');
        let mut rest = body.ok_or("it is no dictionary")?.trim_start();
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        while !rest.starts_with('}') {
            let (key, after) = quoted(rest).ok_or("a key is missing")?;
            let after = after.trim_start().strip_prefix(':');
            let value = after.ok_or("a value is missing")?.trim_start();
            rest = match key {
                "descr" => {
                    let (value, rest) = quoted(value).ok_or("the type is not a single one")?;
                    descr = Some(value.to_string());
                    rest
                }
                "fortran_order" => {
                    let (value, rest) = match value.strip_prefix("True") {
                        Some(rest) => (true, rest),
                        None => (false, value.strip_prefix("False").ok_or("no order")?),
                    };
                    fortran = Some(value);
                    rest
                }
                "shape" => {
                    let inner = value.strip_prefix('(').ok_or("the shape is no tuple")?;
                    let (inner, rest) = inner.split_once(')').ok_or("the shape has no end")?;
                    let axes = inner.split(',').map(str::trim);
                    let axes = axes.filter(|axis| !axis.is_empty());
                    let axes = axes.map(str::parse).collect::<Result<_, _>>();
                    shape = Some(axes.map_err(|_| "an axis is no whole number")?);
                    rest
                }
                other => return Err(format!("unknown key `{other}`")),
            }
            .trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        Ok(Header {
            descr: descr.ok_or("the type is missing")?,
            fortran: fortran.ok_or("the order is missing")?,
            shape: shape.ok_or("the shape is missing")?,
        })
    }
}

/// The quoted text at the beginning, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    text[1..].split_once(quote)
}

/// The type of the values.
struct Element {
    big_endian: bool,
    kind: u8,
    size: usize,
}

impl Element {
    fn find(descr: &str) -> Option<Self> {
        let [order, kind, size] = *descr.as_bytes() else {
            return None;
        };
        let size = usize::from(size.wrapping_sub(b'0'));
        let known = match kind {
            b'b' => size == 1,
            b'i' | b'u' => [1, 2, 4, 8].contains(&size),
            b'f' => [2, 4, 8].contains(&size),
            _ => false,
        };
        let big_endian = match order {
            b'<' => false,
            b'>' => true,
            b'|' => size > 1,
            _ => return None,
        };
        (known && !(order == b'|' && size > 1)).then_some(Element {
            big_endian,
            kind,
            size,
        })
    }

    fn decode(&self, bytes: &[u8]) -> Option<Values> {
        // The bytes of each value, the least first, in the low end of eight.
        let values = bytes.chunks_exact(self.size).map(|value| {
            let mut wide = [0; 8];
            for (i, &byte) in value.iter().enumerate() {
                let place = if self.big_endian {
                    self.size - 1 - i
                } else {
                    i
                };
                wide[place] = byte;
            }
            u64::from_le_bytes(wide)
        });
        let unused = 64 - 8 * self.size as u32;
        Some(match (self.kind, self.size) {
            (b'u', 1) => Values::Bytes(bytes.to_vec()),
            (b'u', _) => Values::Integers(
                values
                    .map(|x| i64::try_from(x).ok())
                    .collect::<Option<_>>()?,
            ),
            (b'b', _) => Values::Integers(values.map(|x| i64::from(x != 0)).collect()),
            // Shifting up and down again extends the sign.
            (b'i', _) => {
                Values::Integers(values.map(|x| ((x << unused) as i64) >> unused).collect())
            }
            (_, 2) => Values::Reals(values.map(|x| half_precision(x as u16)).collect()),
            (_, 4) => Values::Reals(values.map(|x| f32::from_bits(x as u32)).collect()),
            _ => Values::Reals(values.map(|x| f64::from_bits(x) as f32).collect()),
        })
    }
}

/// Values in Fortran's order, the first axis fastest, put in row-major order.
fn row_major<V: Copy>(shape: &[usize], values: &[V]) -> Vec<V> {
    let mut position = vec![0; shape.len()];
    let mut out = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        let (mut at, mut stride) = (0, 1);
        for (&p, &axis) in position.iter().zip(shape) {
            at += p * stride;
            stride *= axis;
        }
        out.push(values[at]);
        for (p, &axis) in position.iter_mut().zip(shape).rev() {
            *p += 1;
            if *p < axis {
                break;
            }
            *p = 0;
        }
    }
    out
}
