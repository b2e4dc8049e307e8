//! Sums over units whose bits do not depend on the number of threads.
//!
//! Units 0..N are cut into leaves of fixed size, aligned to the global index. Each leaf is added up by itself, in order, from zero, and
//! the leaves are merged in one fixed binary tree:
//!
//! ```text
//! node(0, b) = leaf b          node(l, b) = node(l − 1, 2b) + node(l − 1, 2b + 1)          a node without leaves is left out
//! ```
//!
//! Threads take leaves in increasing order, and whoever completes a node whose sibling is waiting merges the two. Nodes that wait lie
//! between leaves still being added, so O(threads · log leaves) sums are alive at once. Which thread does what never shows: not in the
//! bits, and not in the error, which is that of the lowest leaf that fails.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A sum over units with storage that is worth keeping: the sums of merged nodes are cleared and used again, and every thread has one
/// scratch space for all its leaves.
pub trait Accumulate: Sync {
    /// What is added up: statistics and a share of the objective.
    type Sum: Send;
    /// Workspace of a thread. A leaf may find in it whatever an earlier leaf has left, and must not let it show.
    type Scratch;
    /// Why a leaf can fail.
    type Error: Send;

    /// A sum over no units.
    fn zero(&self) -> Self::Sum;

    /// Makes `sum` bitwise equal to [`zero`](Self::zero). It may be in any state that `add` or `merge` leaves.
    fn clear(&self, sum: &mut Self::Sum);

    /// Allocates the workspace of a thread.
    fn scratch(&self) -> Self::Scratch;

    /// Adds `units`, one leaf, to a sum that is zero.
    fn add(
        &self,
        sum: &mut Self::Sum,
        scratch: &mut Self::Scratch,
        units: Range<usize>,
    ) -> Result<(), Self::Error>;

    /// left ← left + right, where all units of `right` come after those of `left`. `right` may be left in any state.
    fn merge(&self, left: &mut Self::Sum, right: &mut Self::Sum);
}

/// Adds up units 0..`units` in leaves of `leaf` on up to `threads` threads.
///
/// Without units the result is that of `add` on 0..0. A `leaf` or `threads` of 0 counts as 1.
///
/// # Errors
///
/// The error of the lowest leaf that fails, whatever the number of threads. Leaves above it may not be added at all.
pub fn accumulate<J: Accumulate>(
    units: usize,
    leaf: usize,
    threads: usize,
    job: &J,
) -> Result<J::Sum, J::Error> {
    let tree = Tree::new(units, leaf);
    let held = Held { job, sums: Mutex::new(vec![]), error: Mutex::new(None) };
    on_threads(threads.min(tree.leaves), &|| held.work(&tree));
    let root = open(tree.shared.into_inner()).root;
    match (root, open(held.error.into_inner())) {
        (_, Some((_, error))) => Err(error),
        (Some(root), None) => Ok(open(held.sums.into_inner())[root].take().unwrap_or_else(|| job.zero())),
        // `work` has ended in every thread, so every leaf was merged into the root or one has failed. One leaf at least exists.
        (None, None) => Ok(job.zero()),
    }
}

/// The same tree over sums made by a function of each leaf, without storage to keep.
///
/// ```
/// use vi_core::reduce::tree;
///
/// let x: Vec<f64> = (0..10_000).map(|n| 1.0 / (1 + n) as f64).collect();
/// let sum = |threads| tree::<f64, ()>(x.len(), 64, threads, |n| Ok(x[n].iter().sum()), |a, b| *a += b);
/// assert_eq!(sum(1)?.to_bits(), sum(7)?.to_bits());
/// # Ok::<(), ()>(())
/// ```
///
/// # Errors
///
/// The error of the lowest leaf that fails.
pub fn tree<A: Send, E: Send>(
    units: usize,
    leaf: usize,
    threads: usize,
    make: impl Fn(Range<usize>) -> Result<A, E> + Sync,
    merge: impl Fn(&mut A, A) + Sync,
) -> Result<A, E> {
    let made = accumulate(units, leaf, threads, &Made { make: &make, merge })?;
    // A root is the merge of leaves, each of which was made.
    made.map_or_else(|| make(0..0), Ok)
}

struct Made<F, M> {
    make: F,
    merge: M,
}

impl<A: Send, E: Send, F, M> Accumulate for Made<F, M>
where
    F: Fn(Range<usize>) -> Result<A, E> + Sync,
    M: Fn(&mut A, A) + Sync,
{
    type Sum = Option<A>;
    type Scratch = ();
    type Error = E;

    fn zero(&self) -> Option<A> {
        None
    }

    fn clear(&self, sum: &mut Option<A>) {
        *sum = None;
    }

    fn scratch(&self) {}

    fn add(&self, sum: &mut Option<A>, (): &mut (), units: Range<usize>) -> Result<(), E> {
        *sum = Some((self.make)(units)?);
        Ok(())
    }

    fn merge(&self, left: &mut Option<A>, right: &mut Option<A>) {
        if let (Some(left), Some(right)) = (left, right.take()) {
            (self.merge)(left, right);
        }
    }
}

/// Runs `work` on `threads` threads, of which the caller is one.
fn on_threads(threads: usize, work: &(dyn Fn() + Sync)) {
    if threads > 1 {
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // When the system has no thread to give, those there are do the work.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
    } else {
        work();
    }
}

/// A poisoned lock means that the job panicked in some thread; the scope passes that panic on.
fn open<T>(lock: Result<T, PoisonError<T>>) -> T {
    lock.unwrap_or_else(PoisonError::into_inner)
}

/// The order of additions and merges. It knows sums by their number alone, so that it is compiled once and not for every kind of sum.
struct Tree {
    units: usize,
    leaf: usize,
    leaves: usize,
    /// The lowest leaf that no thread has taken.
    next: AtomicUsize,
    /// The lowest leaf known to have failed, or `leaves`: none at or above it need be taken.
    end: AtomicUsize,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Complete nodes (level, number, sum) whose sibling is not complete.
    waiting: Vec<(u32, usize, usize)>,
    /// Sums that were merged away. They are shared because one thread may do most of the merging.
    spare: Vec<usize>,
    /// How many sums there are.
    sums: usize,
    root: Option<usize>,
}

impl Tree {
    fn new(units: usize, leaf: usize) -> Tree {
        let leaf = leaf.max(1);
        let leaves = units.div_ceil(leaf).max(1);
        Tree {
            units,
            leaf,
            leaves,
            next: AtomicUsize::new(0),
            end: AtomicUsize::new(leaves),
            shared: Mutex::default(),
        }
    }

    /// The lowest leaf that nobody has taken, and the sum to use for it.
    fn take(&self) -> Option<(usize, usize)> {
        let leaf = self.next.fetch_add(1, Ordering::Relaxed);
        if leaf >= self.end.load(Ordering::Relaxed) {
            return None;
        }
        let mut shared = self.lock();
        let sum = shared.spare.pop().unwrap_or_else(|| {
            shared.sums += 1;
            shared.sums - 1
        });
        Some((leaf, sum))
    }

    fn units(&self, leaf: usize) -> Range<usize> {
        let start = leaf.saturating_mul(self.leaf).min(self.units);
        start..start.saturating_add(self.leaf).min(self.units)
    }

    /// Merges upwards from a complete leaf until a sibling is missing, or the root is reached.
    fn rise(&self, leaf: usize, mut sum: usize, merge: &mut dyn FnMut(usize, usize)) {
        let mut level = 0;
        let mut node = leaf;
        // The root is the lowest node 0 that covers every leaf.
        while (self.leaves - 1) >> level > 0 {
            let sibling = node ^ 1;
            // Node b of this level has leaves if b · 2^level ≤ leaves − 1.
            if sibling <= (self.leaves - 1) >> level {
                let mut shared = self.lock();
                let Some(at) = shared.waiting.iter().position(|(l, n, _)| (*l, *n) == (level, sibling))
                else {
                    shared.waiting.push((level, node, sum));
                    return;
                };
                let (_, _, mut other) = shared.waiting.swap_remove(at);
                drop(shared);
                if sibling < node {
                    std::mem::swap(&mut sum, &mut other);
                }
                merge(sum, other);
                self.lock().spare.push(other);
            }
            level += 1;
            node >>= 1;
        }
        self.lock().root = Some(sum);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        open(self.shared.lock())
    }
}

/// The sums behind their numbers.
struct Held<'a, J: Accumulate> {
    job: &'a J,
    /// A sum is absent while some thread works on it.
    sums: Mutex<Vec<Option<J::Sum>>>,
    /// The lowest leaf that has failed, and why.
    error: Mutex<Option<(usize, J::Error)>>,
}

impl<J: Accumulate> Held<'_, J> {
    fn work(&self, tree: &Tree) {
        let mut scratch = None;
        while let Some((leaf, number)) = tree.take() {
            let mut sum = match self.remove(number) {
                Some(mut sum) => {
                    self.job.clear(&mut sum);
                    sum
                }
                None => self.job.zero(),
            };
            let scratch = scratch.get_or_insert_with(|| self.job.scratch());
            match self.job.add(&mut sum, scratch, tree.units(leaf)) {
                Ok(()) => {
                    self.put(number, sum);
                    tree.rise(leaf, number, &mut |left, right| self.merge(left, right));
                }
                Err(error) => {
                    tree.end.fetch_min(leaf, Ordering::Relaxed);
                    self.fail(leaf, error);
                }
            }
        }
    }

    /// Leaves are taken in increasing order and never abandoned, so the lowest failing leaf is always reached.
    fn fail(&self, leaf: usize, error: J::Error) {
        let mut first = open(self.error.lock());
        if first.as_ref().is_none_or(|(failed, _)| leaf < *failed) {
            *first = Some((leaf, error));
        }
    }

    fn merge(&self, left: usize, right: usize) {
        if let (Some(mut sum), Some(mut other)) = (self.remove(left), self.remove(right)) {
            self.job.merge(&mut sum, &mut other);
            self.put(left, sum);
            self.put(right, other);
        }
    }

    fn remove(&self, number: usize) -> Option<J::Sum> {
        open(self.sums.lock()).get_mut(number)?.take()
    }

    fn put(&self, number: usize, sum: J::Sum) {
        let mut sums = open(self.sums.lock());
        if sums.len() <= number {
            sums.resize_with(number + 1, || None);
        }
        sums[number] = Some(sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREADS: [usize; 6] = [0, 1, 2, 3, 7, 64];

    /// Terms of either sign over 60 orders of magnitude: any change of order shows in the sum.
    fn wild(n: usize) -> f64 {
        let hash = (n as u64).wrapping_mul(0x9e3779b97f4a7c15) ^ 0x5bd1e995;
        let hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58476d1ce4e5b9);
        let mantissa = (hash >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
        mantissa * 10f64.powi((hash % 61) as i32 - 30)
    }

    /// The tree written as its definition.
    fn reference(units: usize, leaf: usize) -> f64 {
        fn node(low: usize, high: usize, leaves: &[f64]) -> Option<f64> {
            match high - low {
                1 => leaves.get(low).copied(),
                width => {
                    let left = node(low, low + width / 2, leaves)?;
                    Some(node(low + width / 2, high, leaves).map_or(left, |right| left + right))
                }
            }
        }
        let leaves: Vec<f64> = (0..units.div_ceil(leaf).max(1))
            .map(|b| (b * leaf..((b + 1) * leaf).min(units)).fold(0.0, |sum, n| sum + wild(n)))
            .collect();
        node(0, leaves.len().next_power_of_two(), &leaves).unwrap()
    }

    fn sum(units: usize, leaf: usize, threads: usize) -> f64 {
        let make = |r: Range<usize>| Ok::<_, ()>(r.fold(0.0, |sum, n| sum + wild(n)));
        tree(units, leaf, threads, make, |a, b| *a += b).unwrap()
    }

    #[test]
    fn bits_are_those_of_the_tree_for_every_number_of_threads() {
        for leaf in [1, 2, 16, 100] {
            for units in [0, 1, leaf - 1, leaf, leaf + 1, 2 * leaf, 7 * leaf, 7 * leaf + 3, 64 * leaf, 1000] {
                let expected = reference(units, leaf).to_bits();
                for threads in THREADS {
                    assert_eq!(sum(units, leaf, threads).to_bits(), expected, "{units} {leaf} {threads}");
                }
            }
        }
    }

    #[test]
    fn the_terms_of_these_tests_show_a_change_of_order() {
        assert_ne!(sum(1000, 16, 1).to_bits(), sum(1000, 32, 1).to_bits());
        assert_ne!(sum(1000, 16, 1).to_bits(), (0..1000).rev().fold(0.0, |sum, n| sum + wild(n)).to_bits());
    }

    #[test]
    fn merging_keeps_the_order_of_units() {
        for threads in THREADS {
            let order =
                tree(1001, 3, threads, |r| Ok::<_, ()>(r.collect()), |a: &mut Vec<usize>, b| a.extend(b));
            assert_eq!(order, Ok((0..1001).collect()), "{threads}");
        }
    }

    #[test]
    fn no_units_are_one_empty_leaf() {
        for threads in THREADS {
            assert_eq!(tree(0, 8, threads, |r| Ok::<_, ()>((r.start, r.end)), |_, _| ()), Ok((0, 0)));
        }
        assert_eq!(tree(3, 0, 2, |r| Ok::<_, ()>(r.len()), |a, b| *a += b), Ok(3));
    }

    #[test]
    fn the_first_error_wins_even_when_a_later_leaf_fails_sooner() {
        let make = |r: Range<usize>| match r.start {
            400 => {
                std::thread::sleep(std::time::Duration::from_millis(20));
                Err("early")
            }
            n if n > 400 => Err("late"),
            _ => Ok(()),
        };
        for threads in THREADS {
            for _ in 0..5 {
                assert_eq!(tree(10_000, 10, threads, make, |(), ()| ()), Err("early"), "{threads}");
            }
        }
    }

    /// Sums that count how many of them are alive, over scratch that is dirty on purpose.
    struct Counted {
        alive: AtomicUsize,
        most: AtomicUsize,
    }

    impl Accumulate for Counted {
        type Sum = Vec<f64>;
        type Scratch = Vec<f64>;
        type Error = ();

        fn zero(&self) -> Vec<f64> {
            let alive = self.alive.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(alive, Ordering::SeqCst);
            vec![0.0]
        }

        fn clear(&self, sum: &mut Vec<f64>) {
            sum[0] = 0.0;
        }

        fn scratch(&self) -> Vec<f64> {
            Vec::new()
        }

        fn add(&self, sum: &mut Vec<f64>, scratch: &mut Vec<f64>, units: Range<usize>) -> Result<(), ()> {
            scratch.clear();
            scratch.extend(units.map(wild));
            for x in scratch.iter() {
                sum[0] += x;
            }
            if scratch.len() == 5 {
                // Uneven leaves drive threads apart.
                std::thread::yield_now();
            }
            Ok(())
        }

        fn merge(&self, left: &mut Vec<f64>, right: &mut Vec<f64>) {
            left[0] += right[0];
            right[0] = f64::NAN;
        }
    }

    #[test]
    fn storage_is_reused_without_a_trace() {
        for threads in [1, 2, 7] {
            let job = Counted { alive: AtomicUsize::new(0), most: AtomicUsize::new(0) };
            let (units, leaf) = (40_000, 5);
            let sum = accumulate(units, leaf, threads, &job).unwrap();
            assert_eq!(sum[0].to_bits(), reference(units, leaf).to_bits(), "{threads}");
            let levels = (units / leaf).next_power_of_two().ilog2() as usize;
            let most = job.most.into_inner();
            assert!(
                most <= threads * (levels + 2),
                "{threads} threads held {most} sums of {} leaves",
                units / leaf
            );
        }
    }

    #[test]
    fn a_panic_of_the_job_reaches_the_caller() {
        let job = || {
            tree(
                100,
                1,
                3,
                |r| if r.start == 50 { panic!("of the job") } else { Ok::<_, ()>(()) },
                |(), ()| (),
            )
        };
        assert!(std::panic::catch_unwind(job).is_err());
    }
}
