//! Which parts of the runtime a model needs, as constants.
//!
//! Code behind a constant that is false is not compiled, without optimisation either: a mixture carries nothing of chains, gates or meetings.
//! It is several times smaller for that, and built so much sooner. Conditions must be the constant itself, `if M::GATED` or `M::GATED && …`.

use super::program::Program;

pub(super) trait Needs: Program {
    /// Units of some component depend on one another, one by one.
    const COUPLES: bool = !Self::COUPLED.is_empty();
    /// Statements read the latents of several components at one unit.
    const MEETS: bool = !Self::MEETINGS.is_empty();
    /// Categories choose rows of chains of Gaussians.
    const GATED: bool = !Self::GATES.is_empty();
    /// Units of some chain of Gaussians differ by their data alone.
    const HAS_ALIKE: bool = !Self::ALIKE.is_empty();
    /// Latents are integrated out in the states of some component.
    const HAS_CONDITIONAL: bool = !Self::CONDITIONAL.is_empty();
    /// Units of some component have Gaussian latents.
    const HAS_NORMALS: bool = !Self::NORMALS.is_empty();
    /// The data of some component are read once.
    const COLLAPSES: bool = !Self::COLLAPSED.is_empty();
    /// Blocks of single units take turns with the units' states.
    const HAS_LOCAL: bool = !Self::LOCAL.is_empty();
    /// Variances may be led to their floors.
    const DESCENDS: bool = Self::FLOORED && !Self::SERIES && !(Self::COUPLES || Self::MEETS || Self::GATED);
}

impl<M: Program> Needs for M {}
