//! Arrays from `.npz` files: archives of `.npy` arrays, as numpy writes them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// An array, its numbers in row-major order.
pub struct Array {
    pub shape: Vec<usize>,
    pub numbers: Vec<f64>,
}

/// All arrays of an archive, by name.
pub struct Npz(BTreeMap<String, Array>);

impl Npz {
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display();
        let file = File::open(path).map_err(|e| format!("{name}: {e}"))?;
        let mut archive = zip::ZipArchive::new(file)?;
        let mut arrays = BTreeMap::new();
        for i in 0..archive.len() {
            let mut entry = archive.by_index(i)?;
            let Some(key) = entry.name()?.strip_suffix(".npy").map(String::from) else {
                continue;
            };
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            let array = parse(&bytes).map_err(|e| format!("{name}, array `{key}`: {e}"))?;
            arrays.insert(key, array);
        }
        Ok(Npz(arrays))
    }

    pub fn get(&self, key: &str) -> Result<&Array> {
        let keys = || self.0.keys().map(String::as_str).collect::<Vec<_>>();
        let missing = || format!("there is no array `{key}`, only {}", keys().join(", "));
        Ok(self.0.get(key).ok_or_else(missing)?)
    }

    pub fn find(&self, key: &str) -> Option<&Array> {
        self.0.get(key)
    }
}

impl Array {
    /// Row i along the first axis.
    pub fn row(&self, i: usize) -> &[f64] {
        let len: usize = self.shape[1..].iter().product();
        &self.numbers[i * len..][..len]
    }
}

/// The format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
fn parse(bytes: &[u8]) -> Result<Array> {
    let cut = || "it is cut short";
    if bytes.get(..6) != Some(b"\x93NUMPY") {
        return Err("it does not begin as a .npy file does".into());
    }
    let (from, len) = match bytes.get(6).ok_or_else(cut)? {
        1 => (
            10,
            u16::from_le_bytes(bytes.get(8..10).ok_or_else(cut)?.try_into()?) as usize,
        ),
        _ => (
            12,
            u32::from_le_bytes(bytes.get(8..12).ok_or_else(cut)?.try_into()?) as usize,
        ),
    };
    let header = std::str::from_utf8(bytes.get(from..from + len).ok_or_else(cut)?)?;
    let after = |key: &str| {
        let at = header
            .find(key)
            .map(|i| header[i + key.len()..].trim_start_matches([' ', ':']));
        at.ok_or_else(|| format!("its header has no {key}: {header}"))
    };
    let kind = after("'descr'")?.trim_start_matches('\'');
    let kind = &kind[..kind.find('\'').ok_or_else(cut)?];
    let fortran = after("'fortran_order'")?.starts_with("True");
    let shape = after("'shape'")?.trim_start_matches('(');
    let shape = shape[..shape.find(')').ok_or_else(cut)?].split(',');
    let shape = shape.map(str::trim).filter(|s| !s.is_empty());
    let shape: Vec<usize> = shape
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;

    let data = &bytes[from + len..];
    let count: usize = shape.iter().product();
    macro_rules! read {
        ($t:ty) => {
            data.chunks_exact(size_of::<$t>())
                .map(|c| <$t>::from_le_bytes(c.try_into().expect("a whole number")) as f64)
                .collect::<Vec<f64>>()
        };
    }
    let numbers = match kind {
        "<f8" => read!(f64),
        "<f4" => read!(f32),
        "<i8" => read!(i64),
        "<i4" => read!(i32),
        "<i2" => read!(i16),
        "|i1" => read!(i8),
        "<u8" => read!(u64),
        "<u4" => read!(u32),
        "<u2" => read!(u16),
        "|u1" | "|b1" => read!(u8),
        _ => {
            return Err(format!("it holds numbers of type {kind}, which is not known here").into());
        }
    };
    if numbers.len() != count {
        let found = numbers.len();
        return Err(format!("it holds {found} numbers where {shape:?} needs {count}").into());
    }
    let numbers = if fortran {
        row_major(&shape, &numbers)
    } else {
        numbers
    };
    Ok(Array { shape, numbers })
}

fn row_major(shape: &[usize], columns: &[f64]) -> Vec<f64> {
    let mut index = vec![0; shape.len()];
    let mut numbers = Vec::with_capacity(columns.len());
    for _ in 0..columns.len() {
        // The first axis runs fastest there, the last one here.
        let at = index
            .iter()
            .zip(shape)
            .rev()
            .fold(0, |at, (i, len)| at * len + i);
        numbers.push(columns[at]);
        for (i, len) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < *len {
                break;
            }
            *i = 0;
        }
    }
    numbers
}
