//! How the states of one unit are turned into those of the next along an axis: which latents are summed over when.
//!
//! A step reads elements of the unit before and of the unit itself. Latents come in one after another; as soon as nothing that is still to come
//! reads an element, it is summed over, unless the unit itself remembers it. What is neither new nor summed over is carried along, so that a
//! part of a step costs its own elements alone.

/// An element, seen from the later unit: the place of its array among those handed on, and how many units before it stands.
pub type Element = (usize, usize);

/// One part of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Carried along.
    pub kept: Vec<Element>,
    /// Summed over.
    pub lost: Vec<Element>,
    /// Coming in.
    pub new: Vec<Element>,
}

impl Pass {
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.kept.iter().chain(&self.lost).chain(&self.new)
    }

    /// Whether all of some elements are at hand.
    pub fn covers(&self, read: &[Element]) -> bool {
        read.iter().all(|e| self.elements().any(|x| x == e))
    }
}

/// Above this number of arrays, they come in as they were declared.
const TRIED: usize = 5;

/// The parts of a step. `depths` holds how many units of each array a unit remembers, its own among them, and 0 where all units share one
/// element, which every part carries along; `reads` what the statements that join two units read.
pub fn passes(depths: &[usize], reads: &[Vec<Element>]) -> Vec<Pass> {
    let arrays: Vec<usize> = (0..depths.len()).filter(|a| depths[*a] > 0).collect();
    let orders = match arrays.len() {
        0 => vec![],
        n if n <= TRIED => orders(&arrays),
        _ => vec![arrays.clone()],
    };
    let together = in_order(depths, reads, &[arrays]);
    let apart = orders.iter().map(|order| {
        let each: Vec<Vec<usize>> = order.iter().map(|a| vec![*a]).collect();
        in_order(depths, reads, &each)
    });
    // The first of those whose largest parts are smallest, and fewest.
    std::iter::once(together).chain(apart).min_by_key(|passes| sizes(passes)).unwrap_or_default()
}

fn orders(arrays: &[usize]) -> Vec<Vec<usize>> {
    if arrays.len() <= 1 {
        return vec![arrays.to_vec()];
    }
    arrays
        .iter()
        .flat_map(|first| {
            let rest: Vec<usize> = arrays.iter().copied().filter(|a| a != first).collect();
            orders(&rest).into_iter().map(|o| [&[*first], o.as_slice()].concat())
        })
        .collect()
}

/// Numbers of elements, largest first.
fn sizes(passes: &[Pass]) -> Vec<usize> {
    let mut out: Vec<usize> = passes.iter().map(|p| p.elements().count()).collect();
    out.sort_unstable_by(|a, b| b.cmp(a));
    out
}

fn in_order(depths: &[usize], reads: &[Vec<Element>], groups: &[Vec<usize>]) -> Vec<Pass> {
    let before = depths.iter().enumerate().flat_map(|(a, depth)| {
        let first = usize::from(*depth > 0);
        (first..=*depth).map(move |back| (a, back))
    });
    let mut current: Vec<Element> = before.collect();
    let mut waiting: Vec<&Vec<Element>> = reads.iter().collect();
    let mut new: Vec<Element> = vec![];
    let mut out = vec![];
    for (n, group) in groups.iter().enumerate() {
        new.extend(group.iter().map(|a| (*a, 0)));
        waiting.retain(|read| !read.iter().all(|e| current.contains(e) || new.contains(e)));
        let done = |e: &Element| {
            depths[e.0] > 0 && e.1 == depths[e.0] && !waiting.iter().any(|read| read.contains(e))
        };
        let (lost, kept): (Vec<Element>, Vec<Element>) = current.iter().copied().partition(done);
        // A part that sums over nothing only makes the next one larger.
        if lost.is_empty() && n + 1 < groups.len() {
            continue;
        }
        new.sort_unstable();
        let pass = Pass { kept, lost, new: std::mem::take(&mut new) };
        current = [pass.kept.as_slice(), &pass.new].concat();
        out.push(pass);
    }
    out
}
