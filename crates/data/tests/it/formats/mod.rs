//! Tables and arrays in files: what is read, and what each kind of bad file is told.

mod csv;
mod libsvm;
mod load;
mod npy;

use osculant_data::{AnyDataset, Classes, DataError, Dataset, Legend, Reals, Table};

/// The labelled data of a table, and their legend.
#[track_caller]
fn classes(table: Table) -> (Dataset<Classes>, Legend) {
    match table.decode(None).unwrap() {
        (AnyDataset::Classes(data), legend) => (data, legend),
        other => panic!("{other:?}"),
    }
}

/// The data of a table with real targets.
#[track_caller]
fn reals(table: Table) -> Dataset<Reals> {
    match table.decode(None).unwrap() {
        (AnyDataset::Reals(data), _) => data,
        other => panic!("{other:?}"),
    }
}

/// Reading and decoding, whatever comes of it: it must end, without a panic.
fn survives(table: Result<Table, DataError>) {
    if let Ok(table) = table {
        let _ = table.decode(None);
    }
}
