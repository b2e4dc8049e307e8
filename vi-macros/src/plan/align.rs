//! Axes that several arrays carry in step: along them, what is solved together falls into independent copies.

use super::edges::{Frame, fresh};
use super::interact::{Factor, Interaction};

/// The shared axes of some nodes under the factors that join them, in the order of the first node's axes.
pub fn shared(g: &Interaction, nodes: &[usize], factors: &[Factor]) -> Frame {
    let Some(first) = nodes.first() else { return Frame { position: vec![], members: vec![] } };
    let joint: Vec<&Factor> = factors.iter().filter(|f| nodes.iter().any(|n| f.touches(*n))).collect();
    let mut frame = Frame { position: vec![], members: nodes.iter().map(|n| (*n, vec![])).collect() };
    for axis in 0..g.nodes[*first].outer() + g.nodes[*first].events {
        if let Some(axes) = follow(g, nodes, *first, axis, &frame, &joint) {
            frame.position.push(fresh("p"));
            for ((_, known), k) in frame.members.iter_mut().zip(axes) {
                known.push(k);
            }
        }
    }
    frame
}

/// One axis of each node that always reads the same, starting from an axis of the first.
fn follow(
    g: &Interaction,
    nodes: &[usize],
    first: usize,
    axis: usize,
    frame: &Frame,
    joint: &[&Factor],
) -> Option<Vec<usize>> {
    let mut found: Vec<Option<usize>> = nodes.iter().map(|n| (*n == first).then_some(axis)).collect();
    let at = |n: usize| nodes.iter().position(|m| *m == n);
    loop {
        let mut grown = false;
        for f in joint {
            let members: Vec<_> = f.atoms.iter().filter_map(|a| at(a.node).map(|k| (k, a))).collect();
            let Some(e) = members.iter().find_map(|(k, a)| found[*k].map(|axis| a.ix[axis].clone())) else {
                continue;
            };
            for (k, a) in &members {
                match found[*k] {
                    Some(axis) if a.ix[axis] != e => return None,
                    Some(_) => {}
                    None => {
                        let node = &g.nodes[a.node];
                        let taken = &frame.members[*k].1;
                        let free = |j: &usize| !taken.contains(j) && a.ix[*j] == e;
                        found[*k] = Some((0..node.outer() + node.events).find(free)?);
                        grown = true;
                    }
                }
            }
        }
        if !grown {
            return found.into_iter().collect();
        }
    }
}
