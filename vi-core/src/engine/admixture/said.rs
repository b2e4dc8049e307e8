//! What the units of some groups say of the table that all share: sorted by value, so that each row is written once.

use crate::tile::TileBuffer;
use crate::tile::rows::add_rows;

/// Ratios of units, and θ of their groups.
#[derive(Default)]
pub(super) struct Said {
    stride: usize,
    groups: usize,
    /// groups × stride
    thetas: TileBuffer,
    /// Of each unit.
    values: Vec<u32>,
    group: Vec<u32>,
    ratios: Vec<f64>,
    /// The same by value, and where each value ends.
    ends: Vec<usize>,
    sorted_group: Vec<u32>,
    sorted_ratios: Vec<f64>,
}

impl Said {
    /// Nothing yet, with room for so many groups of rows of `stride` entries.
    pub fn begin(&mut self, groups: usize, stride: usize) {
        self.stride = stride;
        self.groups = 0;
        if self.thetas.len() < groups * stride {
            self.thetas = TileBuffer::new(groups * stride);
        }
        self.values.clear();
        self.group.clear();
        self.ratios.clear();
    }

    /// One more group: `ratios[i] theta` is to be added to the row of `values[i]`.
    pub fn say(&mut self, values: &[u32], ratios: &[f64], theta: &[f64]) {
        self.thetas[self.groups * self.stride..][..self.stride].copy_from_slice(theta);
        let group = u32::try_from(self.groups).unwrap_or(u32::MAX);
        self.values.extend_from_slice(values);
        self.group.extend(values.iter().map(|_| group));
        self.ratios.extend_from_slice(&ratios[..values.len()]);
        self.groups += 1;
    }

    /// Adds all of it to a table of rows, those of one value in the order in which they were said.
    pub fn add_to(&mut self, table: &mut [f64]) {
        let values = table.len() / self.stride.max(1);
        // Where each value begins, which moves to where it ends as its units take their places.
        self.ends.clear();
        self.ends.resize(values + 1, 0);
        for v in &self.values {
            self.ends[*v as usize + 1] += 1;
        }
        for v in 0..values {
            self.ends[v + 1] += self.ends[v];
        }
        self.sorted_group.resize(self.values.len(), 0);
        self.sorted_ratios.resize(self.values.len(), 0.0);
        for ((v, group), ratio) in self.values.iter().zip(&self.group).zip(&self.ratios) {
            let place = &mut self.ends[*v as usize];
            self.sorted_group[*place] = *group;
            self.sorted_ratios[*place] = *ratio;
            *place += 1;
        }
        add_rows(
            table,
            self.stride,
            &self.ends[..values],
            &self.sorted_group,
            &self.sorted_ratios,
            &self.thetas,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile::lanes;

    #[test]
    fn rows_hold_what_a_plain_loop_adds_to_them() {
        for states in [1_usize, 3, 4, 9, 50] {
            let stride = states.next_multiple_of(lanes());
            let (groups, values) = (7, 11);
            let mut said = Said::default();
            let mut expected = vec![0.25; values * stride];
            let mut table = expected.clone();
            for _ in 0..2 {
                said.begin(groups, stride);
                for g in 0..groups {
                    let theta: Vec<f64> =
                        (0..stride).map(|k| ((g * 13 + k * 7) % 17) as f64 / 17.0).collect();
                    let values: Vec<u32> = (0..5 * g).map(|i| ((i * i + g) % 10) as u32).collect();
                    let ratios: Vec<f64> = values.iter().map(|v| f64::from(*v) + 0.5).collect();
                    said.say(&values, &ratios, &theta);
                    for (v, ratio) in values.iter().zip(&ratios) {
                        for k in 0..stride {
                            expected[*v as usize * stride + k] += ratio * theta[k];
                        }
                    }
                }
                said.add_to(&mut table);
            }
            for (found, expected) in table.iter().zip(&expected) {
                assert!(
                    (found - expected).abs() <= 1e-13 * expected.abs(),
                    "{states}: {found} and {expected}"
                );
            }
        }
    }
}
