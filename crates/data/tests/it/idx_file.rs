//! IDX files made by hand, for the tests of their readers.

/// An IDX file with this element type, these axes and these bytes of values.
pub(crate) fn idx(code: u8, axes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, code, axes.len() as u8];
    file.extend(axes.iter().flat_map(|axis| axis.to_be_bytes()));
    file.extend(values);
    file
}
