//! What a sweep over sequences keeps in memory: states and steps of the sequences in flight, and nothing of all sequences but their lengths.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use vi_core::prelude::*;
use vi_tests::data::Noise;

model! {
    pub mod symbols(K, V) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param emit[k in K]: Simplex[V];
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed w[s, t in T[s]]    ~ Categorical(emit[z[s, t]]);
        }
    }
}

/// Counts the bytes that are in use, and the most there were.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every request is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        MOST.fetch_max(now, Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc`, which is the one of `System`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above; `at` came from `alloc`, which is that of `System`.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes in use at the worst moment of one E-step with its statistics, beyond what was in use before it.
fn peak(sequences: usize, steps: usize, states: usize) -> usize {
    let mut g = Noise::new(5);
    let w: Vec<Vec<usize>> = (0..sequences).map(|_| (0..steps).map(|_| g.below(4)).collect()).collect();
    let p =
        symbols::Params { start: g.weights(states), trans: g.rows(states, states), emit: g.rows(states, 4) };
    let model = symbols::Model::new(states, 4);
    let data = symbols::Data { w: (&w).into() };
    let before = NOW.load(Relaxed);
    MOST.store(before, Relaxed);
    let stats = model.accumulate(&data, &p).unwrap();
    let most = MOST.load(Relaxed) - before;
    let next = model.maximise(&stats, &p).unwrap();
    assert!((next.trans[0].sum() - 1.0).abs() < 1e-9 && next.trans != p.trans);
    most
}

/// One test: nothing else may run beside it.
#[test]
fn memory_grows_with_the_sequences_in_flight_and_not_with_all() {
    // Of all units there is a list of their places; how many states they have does not matter to it.
    let steps = 200;
    let growth = |states: usize| peak(96, steps, states).saturating_sub(peak(32, steps, states));
    let (narrow, wide) = (growth(10), growth(40));
    let places = 64 * steps * 2 * size_of::<usize>();
    assert!(narrow < 3 * places && wide < 3 * places, "{narrow} and {wide} bytes more, places take {places}");
    assert!(wide < narrow + places / 4, "{narrow} and {wide} bytes more");
    // What is in flight does grow: a few sequences side by side, each with its own steps and states.
    let (short, long) = (peak(16, 100, 40), peak(16, 400, 40));
    assert!(long - short > 8 * 300 * 40 * 8, "{short} and {long}");
    let narrow = peak(16, 400, 10);
    assert!(long - narrow > 8 * 400 * 30 * 8, "{narrow} and {long}");
}
