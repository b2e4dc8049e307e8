//! The order of dependence of the statements.

use super::Checker;
use super::ir::StatementId;

impl<'a> Checker<'a> {
    pub(super) fn order(&mut self) {
        self.model.order = (0..self.model.statements.len()).map(StatementId).collect();
    }
}
