//! One IDX array of any element type, from any source of bytes.

use std::io::Read;

use crate::DataError;
use crate::input::Input;

/// An array as an IDX file holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct IdxArray {
    /// The length of each axis; the first is usually the number of examples.
    pub shape: Vec<usize>,
    /// The values, row-major: as many as the product of `shape`.
    pub values: IdxValues,
}

/// The values of an IDX array, in the type of the file. Floats are given as they stand there,
/// NaN included.
#[derive(Debug, Clone, PartialEq)]
pub enum IdxValues {
    /// Code `08`, "ubyte".
    U8(Vec<u8>),
    /// Code `09`, "byte".
    I8(Vec<i8>),
    /// Code `0b`, "short".
    I16(Vec<i16>),
    /// Code `0c`, "int".
    I32(Vec<i32>),
    /// Code `0d`, "float".
    F32(Vec<f32>),
    /// Code `0e`, "double".
    F64(Vec<f64>),
}

impl IdxValues {
    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::I8(v) => v.len(),
            Self::I16(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the format calls the element type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::U8(_) => "ubyte",
            Self::I8(_) => "byte",
            Self::I16(_) => "short",
            Self::I32(_) => "int",
            Self::F32(_) => "float",
            Self::F64(_) => "double",
        }
    }
}

/// The element type in a header: the third byte of the file.
#[derive(Clone, Copy)]
enum Element {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl Element {
    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x08 => Self::U8,
            0x09 => Self::I8,
            0x0b => Self::I16,
            0x0c => Self::I32,
            0x0d => Self::F32,
            0x0e => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of one value.
    fn size(self) -> u64 {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    fn decode(self, bytes: Vec<u8>) -> IdxValues {
        match self {
            Self::U8 => IdxValues::U8(bytes),
            Self::I8 => IdxValues::I8(big_endian(&bytes, i8::from_be_bytes)),
            Self::I16 => IdxValues::I16(big_endian(&bytes, i16::from_be_bytes)),
            Self::I32 => IdxValues::I32(big_endian(&bytes, i32::from_be_bytes)),
            Self::F32 => IdxValues::F32(big_endian(&bytes, f32::from_be_bytes)),
            Self::F64 => IdxValues::F64(big_endian(&bytes, f64::from_be_bytes)),
        }
    }
}

/// Values of `N` bytes each; the caller has checked that the bytes divide evenly.
fn big_endian<const N: usize, V>(bytes: &[u8], value: fn([u8; N]) -> V) -> Vec<V> {
    bytes
        .as_chunks::<N>()
        .0
        .iter()
        .map(|&chunk| value(chunk))
        .collect()
}

/// Reads one IDX array, plain or gzip, to the end of its source. `name` is what messages call
/// the source.
///
/// # Errors
///
/// The source cannot be read or decompressed; it is not IDX; it holds fewer bytes than its
/// header announces, or more.
///
/// # Example
///
/// ```
/// use osculant_data::idx::{IdxValues, read_array};
///
/// let file = [0, 0, 0x0b, 1, 0, 0, 0, 2, 0, 7, 0xff, 0xff]; // two shorts
/// let array = read_array(&file[..], "two-shorts")?;
/// assert_eq!(array.values, IdxValues::I16(vec![7, -1]));
/// # Ok::<(), osculant_data::DataError>(())
/// ```
pub fn read_array(source: impl Read, name: &str) -> Result<IdxArray, DataError> {
    array(Input::new(source, name)?)
}

fn array(mut input: Input<'_>) -> Result<IdxArray, DataError> {
    let (start, cut) = input.read(4)?;
    if cut {
        check_complete(&input, &[], 4, cut)?;
    }
    let (element, axes) = match *start {
        [0, 0, code, axes @ 1..=255] => match Element::from_code(code) {
            Some(element) => (element, axes),
            None => return Err(not_idx(&input, start)),
        },
        _ => return Err(not_idx(&input, start)),
    };

    let header = 4 + 4 * u64::from(axes);
    let (lengths, cut) = input.read(header - 4)?;
    check_complete(&input, &[], header, cut)?;
    // A `usize` of 64 or 32 bits holds every u32.
    let shape = big_endian(&lengths, |b| u32::from_be_bytes(b) as usize);

    let size = shape
        .iter()
        .try_fold(element.size(), |n, &axis| n.checked_mul(axis as u64));
    // One byte is kept free for the one that must not follow.
    let Some(expected) = size
        .and_then(|n| n.checked_add(header))
        .filter(|&n| n < u64::MAX)
    else {
        return Err(DataError::TooLarge {
            file: input.name.into(),
            shape,
        });
    };

    // One byte more than announced is asked for: at the end of the file it is not there,
    // and a gzip decoder that has met the end has also compared its checksum.
    let (mut bytes, cut) = input.read(expected - header + 1)?;
    if input.found > expected {
        return Err(DataError::TrailingBytes {
            file: input.name.into(),
            shape,
            expected,
        });
    }
    check_complete(&input, &shape, expected, cut)?;
    bytes.shrink_to_fit();
    Ok(IdxArray {
        shape,
        values: element.decode(bytes),
    })
}

/// Checks that no byte is missing, neither of the array nor of the gzip trailer.
fn check_complete(
    input: &Input<'_>,
    shape: &[usize],
    expected: u64,
    cut: bool,
) -> Result<(), DataError> {
    if input.found < expected {
        return Err(DataError::Truncated {
            file: input.name.into(),
            shape: shape.to_vec(),
            expected,
            found: input.found,
        });
    }
    if cut { Err(input.cut_off()) } else { Ok(()) }
}

fn not_idx(input: &Input<'_>, first: Vec<u8>) -> DataError {
    DataError::NotIdx {
        file: input.name.into(),
        first,
    }
}
