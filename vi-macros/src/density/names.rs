//! Names of indices: one that is inside another must not be spelt as that is.

use super::lower::Lower;
use super::symbol::{Ix, Var, length};
use crate::model::ir::{Extent, IndexId, Nominal};

impl Lower<'_> {
    /// Brings a bound index of the model into scope.
    pub fn bind(&self, id: IndexId) -> Var {
        let v = &self.model.indices[id.0];
        let var = Var::of_user(v.name.to_string(), v.nominal, self.index(&v.low), self.index(&v.high), id);
        self.vars.borrow_mut().insert(id, Ix::var(&var));
        var
    }

    /// The customary index of a size: k for K.
    pub fn name_for(&self, nominal: Nominal, fallback: &str) -> String {
        match nominal {
            Nominal::Size(s) => {
                let name = self.model.sizes[s.0].name.to_string().to_lowercase();
                if name.chars().count() <= 2 && name.chars().all(char::is_alphanumeric) {
                    name
                } else {
                    fallback.into()
                }
            }
            Nominal::Literal(_) => fallback.into(),
        }
    }

    /// A fresh index over an axis.
    pub fn axis(&self, extent: &Extent, at: &[Ix], fallback: &str) -> Var {
        let mut name = self.name_for(extent.nominal, fallback);
        let taken = |name: &str| {
            self.plates.borrow().iter().any(|v| v.name == name)
                || self.around.borrow().iter().any(|v| v.name == name)
                || self.gathers.borrow().iter().any(|g| g.var.name == name)
        };
        while taken(&name) {
            name.push('′');
        }
        Var::new(name, extent.nominal, Ix::constant(0), length(&extent.length, at))
    }

    /// Brings the index of a sum into scope. Where a component around it has taken its name, code cannot spell both alike.
    pub(super) fn bind_sum(&self, id: IndexId) -> Var {
        let v = &self.model.indices[id.0];
        let mut name = v.name.to_string();
        while self.around.borrow().iter().any(|v| v.name == name) {
            name.push('′');
        }
        let var = Var::of_user(name, v.nominal, self.index(&v.low), self.index(&v.high), id);
        self.vars.borrow_mut().insert(id, Ix::var(&var));
        var
    }
}
