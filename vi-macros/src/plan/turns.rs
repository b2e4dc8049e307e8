//! Which blocks are updated together: a colouring of the graph in which two blocks are neighbours if a term holds latents of both.
//!
//! An update maximises the bound over one block with its neighbours held. Blocks that share no term do not see one another, so that their
//! updates are one and the same whether they come at once or in sequence; blocks that share one must take turns, or the bound could fall.

use super::blocks::Proved;
use super::interact::Interaction;

/// Positions of blocks, turn by turn. A block's turn comes right after the last of those neighbours that stand before it, so that the turns
/// do what the sequence does.
pub fn turns(g: &Interaction, blocks: &[Proved]) -> Vec<Vec<usize>> {
    let mut out: Vec<Vec<usize>> = vec![];
    for n in 0..blocks.len() {
        let after =
            out.iter().rposition(|turn| turn.iter().any(|m| are_neighbours(g, &blocks[*m], &blocks[n])));
        let at = after.map_or(0, |t| t + 1);
        if at == out.len() {
            out.push(vec![]);
        }
        out[at].push(n);
    }
    out
}

fn are_neighbours(g: &Interaction, a: &Proved, b: &Proved) -> bool {
    let touches = |b: &Proved, f: &super::interact::Factor| b.nodes.iter().any(|n| f.touches(*n));
    g.factors.iter().any(|f| touches(a, f) && touches(b, f))
}
