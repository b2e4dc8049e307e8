//! Sums that keep what rounding takes from them.

/// A sum of numbers and of products of two (Neumaier 1974; the products as in Ogita, Rump and Oishi 2005).
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct Compensated {
    sum: f64,
    rest: f64,
}

impl Compensated {
    pub fn new(sum: f64) -> Self {
        Compensated { sum, rest: 0.0 }
    }

    pub fn add(&mut self, x: f64) {
        let total = self.sum + x;
        let part = total - self.sum;
        self.rest += (self.sum - (total - part)) + (x - part);
        self.sum = total;
    }

    pub fn add_product(&mut self, a: f64, b: f64) {
        // Most coefficients and gauges are 0, and a fused product may be a call.
        if a != 0.0 && b != 0.0 {
            let product = a * b;
            self.add(product);
            self.rest += a.mul_add(b, -product);
        }
    }

    pub fn value(self) -> f64 {
        self.sum + self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rounding_takes_is_kept() {
        let mut sum = Compensated::new(1e16);
        (0..1000).for_each(|_| sum.add(1.25));
        sum.add(-1e16);
        assert_eq!(sum.value(), 1250.0);
        let mut products = Compensated::default();
        products.add_product(1.0 + f64::EPSILON, 1.0 + f64::EPSILON);
        products.add(-1.0 - 2.0 * f64::EPSILON);
        assert_eq!(products.value(), f64::EPSILON * f64::EPSILON);
    }
}
