//! Arrays as NumPy stores them, version 1 and 2 of the format, little-endian, C order.

use std::error::Error;
use std::path::Path;

/// Extents, and the entries with the last index fastest.
pub struct Array<T> {
    pub shape: Vec<usize>,
    pub values: Vec<T>,
}

/// An array of `f64`.
pub fn reals(path: &Path) -> Result<Array<f64>, Box<dyn Error>> {
    read(path, "<f8", f64::from_le_bytes)
}

/// An array of `i32`.
pub fn integers(path: &Path) -> Result<Array<i32>, Box<dyn Error>> {
    read(path, "<i4", i32::from_le_bytes)
}

fn read<T, const B: usize>(
    path: &Path,
    kind: &str,
    value: impl Fn([u8; B]) -> T,
) -> Result<Array<T>, Box<dyn Error>> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    parse(&bytes, kind, value).map_err(|e| format!("{}: {e}", path.display()).into())
}

fn parse<T, const B: usize>(
    bytes: &[u8],
    kind: &str,
    value: impl Fn([u8; B]) -> T,
) -> Result<Array<T>, String> {
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("this is not an .npy file")?;
    let (length, at) = match rest {
        [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([*a, *b])), 4),
        [2, _, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 6),
        _ => return Err("this version of the format is not read here".into()),
    };
    let header = rest.get(at..at + length).ok_or("the header is cut off")?;
    let header = std::str::from_utf8(header).map_err(|e| e.to_string())?;
    if !header.contains(&format!("'descr': '{kind}'")) || !header.contains("'fortran_order': False") {
        return Err(format!("expected {kind} in C order, found {header}"));
    }
    let (_, shape) = header.split_once("'shape': (").ok_or("no shape")?;
    let (shape, _) = shape.split_once(')').ok_or("no shape")?;
    let shape = shape
        .split(',')
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .map(|s| s.parse::<usize>().map_err(|e| format!("extent {s}: {e}")))
        .collect::<Result<Vec<_>, _>>()?;
    let (values, left) = rest[at + length..].as_chunks::<B>();
    if values.len() != shape.iter().product::<usize>() || !left.is_empty() {
        return Err(format!("{} entries do not fill {shape:?}", values.len()));
    }
    Ok(Array { shape, values: values.iter().map(|v| value(*v)).collect() })
}
