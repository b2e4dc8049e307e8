//! Tables of numbers from the files in `data/`.

use nalgebra::DMatrix;
use std::path::{Path, PathBuf};

/// Where a file of `data/` is, whatever the working directory.
#[must_use]
pub fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(file)
}

/// A file of `data/` with one observation per row. Lines that begin with a letter are headers.
///
/// # Errors
/// When the file cannot be read, a cell is not a number, or rows differ in length.
pub fn read(file: &str) -> Result<DMatrix<f64>, Box<dyn std::error::Error>> {
    let mut cells = vec![];
    let mut rows = 0;
    for record in csv::ReaderBuilder::new().has_headers(false).from_path(path(file))?.records() {
        let record = record?;
        if record.get(0).is_some_and(|cell| cell.starts_with(char::is_alphabetic)) {
            continue;
        }
        for cell in &record {
            cells.push(cell.parse::<f64>().map_err(|e| format!("{file}: `{cell}`: {e}"))?);
        }
        rows += 1;
    }
    let columns = cells.len().checked_div(rows).unwrap_or(0);
    Ok(DMatrix::from_row_slice(rows, columns, &cells))
}
