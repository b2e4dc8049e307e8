//! A fit as text: stable, rounded, made for snapshots.

use super::{Described, Fit, Program};
use std::fmt;

/// Significant digits of a value. Enough to read, few enough to be the same on every machine.
const DIGITS: usize = 4;

impl<M: Program> fmt::Display for Fit<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = M::plan();
        let ended = if self.converged { "converged" } else { "not converged" };
        let sweeps = if self.iterations == 1 { "sweep" } else { "sweeps" };
        writeln!(f, "{}: {}, {ended} after {} {sweeps}", M::NAME, plan.claim, self.iterations)?;
        let likelihood = self.elbo() - self.log_prior;
        let params = M::describe(&self.params);
        let shared = M::describe_shared(&self.posterior);
        // A likelihood has params it is a function of; where everything has been integrated out it is the evidence.
        match plan.claim {
            super::Claim::Exact if self.is_integrated() => {
                writeln!(f, "log-evidence  {}", rounded(self.elbo(), 7))?;
            }
            super::Claim::Exact => writeln!(f, "log-likelihood  {}", rounded(likelihood, 7))?,
            super::Claim::MeanField => writeln!(f, "elbo  {}", rounded(self.elbo(), 7))?,
        }
        if self.log_prior != 0.0 {
            writeln!(f, "log-prior       {}", rounded(self.log_prior, 7))?;
        }
        for d in &params {
            write_array(f, d, None)?;
        }
        for d in &shared {
            // A point has no spread to print.
            let sd = d.sd.values.iter().any(|s| *s != 0.0).then_some(&d.sd);
            write_array(f, &d.mean, sd)?;
        }
        for d in &M::describe_lets(&self.lets) {
            write_array(f, d, None)?;
        }
        if !self.at_boundary.is_empty() {
            writeln!(f, "at a bound: {}", self.at_boundary.join(", "))?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

/// An array, each row with the standard deviations of its entries behind it where they are known.
fn write_array(f: &mut fmt::Formatter<'_>, d: &Described, sd: Option<&Described>) -> fmt::Result {
    // Rows and columns longer than this are cut: a snapshot is to be read.
    const WIDE: usize = 12;
    let spread = |n: usize, width: usize| match sd {
        Some(s) => s.values.chunks(width).nth(n).map_or(String::new(), |s| format!("  sd {}", row(s, WIDE))),
        None => String::new(),
    };
    match d.dims.as_slice() {
        [] => {
            let mean = d.values.first().copied().unwrap_or(f64::NAN);
            write!(f, "{} = {}", d.name, rounded(mean, DIGITS))?;
            match sd.and_then(|s| s.values.first()) {
                Some(s) => writeln!(f, "  sd {}", rounded(*s, DIGITS)),
                None => writeln!(f),
            }
        }
        [_] => writeln!(f, "{} = {}{}", d.name, row(&d.values, WIDE), spread(0, d.values.len().max(1))),
        [plates @ .., last] => {
            writeln!(f, "{}", d.name)?;
            let rows = plates.iter().product::<usize>();
            let width = (*last).max(1);
            for (n, values) in d.values.chunks(width).enumerate().take(4 * WIDE) {
                writeln!(f, "  [{}] {}{}", position(n, plates), row(values, WIDE), spread(n, width))?;
            }
            if rows > 4 * WIDE {
                writeln!(f, "  … {} more rows", rows - 4 * WIDE)?;
            }
            Ok(())
        }
    }
}

fn position(mut n: usize, dims: &[usize]) -> String {
    let mut at = vec![];
    for d in dims.iter().rev() {
        at.push((n % d.max(&1)).to_string());
        n /= d.max(&1);
    }
    at.reverse();
    at.join(", ")
}

fn row(values: &[f64], wide: usize) -> String {
    // Beside a number 10¹² times as large, the digits of a small one tell nothing and differ between machines.
    let largest = values.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let show = |x: &f64| {
        if *x != 0.0 && x.abs() < 1e-12 * largest { "~0".to_string() } else { rounded(*x, DIGITS) }
    };
    let shown: Vec<String> = values.iter().take(wide).map(show).collect();
    let more =
        if values.len() > wide { format!(", … {} more", values.len() - wide) } else { String::new() };
    format!("[{}{more}]", shown.join(", "))
}

/// A number to so many significant digits, without an exponent where it reads well.
pub(crate) fn rounded(x: f64, digits: usize) -> String {
    if x == 0.0 {
        return "0".into();
    }
    if !x.is_finite() {
        return x.to_string();
    }
    // The magnitude of what is printed: 0.99999 to four digits is 1.
    let scientific = format!("{x:.*e}", digits - 1);
    let magnitude: i32 = scientific.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    if !(-4..9).contains(&magnitude) {
        return scientific;
    }
    let decimals = (digits as i32 - 1 - magnitude).max(0) as usize;
    let text = format!("{x:.decimals$}");
    // −0.000 is 0.
    if text.trim_start_matches(['-', '0', '.']).is_empty() { "0".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn numbers_are_rounded_to_significant_digits() {
        for (x, text) in [
            (0.35587286, "0.3559"),
            (-1130.2639601, "-1130"),
            (54.478, "54.48"),
            (1e-7, "1.000e-7"),
            (0.99999, "1.000"),
            (0.0, "0"),
            (2.0, "2.000"),
        ] {
            assert_eq!(rounded(x, 4), text);
        }
    }
}
