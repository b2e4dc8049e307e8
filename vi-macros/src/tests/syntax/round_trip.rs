//! What prints reads back to the same tree.

use super::{read, read_expr, tokens};
use crate::syntax::ast::{
    Access, Binary, Bind, Binders, Block, Compare, Expr, ExprKind, Index, IndexAtom, IndexTerm, Loc, Range,
    Reducer, Unary,
};
use crate::tests::programs;
use proc_macro2::{Ident, Span};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt::Debug;

/// The tree as text, without the places where its pieces stand.
fn structure(tree: &impl Debug) -> String {
    let text = format!("{tree:?}");
    let mut rest = text.as_str();
    let mut kept = String::new();
    while let Some(start) = rest.find("bytes(") {
        kept.push_str(&rest[..start]);
        let end = rest[start..].find(')').expect("a span closes its parenthesis");
        rest = &rest[start + end + 1..];
    }
    kept.push_str(rest);
    kept.replace(", span: ", "")
}

#[track_caller]
fn check_round_trip(block: &Block) {
    let printed = block.to_string();
    let again = read(&printed);
    assert_eq!(structure(&again), structure(block), "{printed}");
    assert_eq!(again.to_string(), printed);
}

#[test]
fn every_program_of_the_reference_reads_and_prints_back() {
    assert_eq!(programs::ALL.len(), 20);
    for (name, source) in programs::ALL {
        let block = read(source);
        assert!(name.ends_with(&block.name.to_string()), "{name}");
        check_round_trip(&block);
    }
}

#[test]
fn a_printed_program_has_the_tokens_that_were_typed() {
    for (name, source) in programs::ALL {
        // The one number that is typed in another form than it prints.
        let source = &source.replace("1e-3", "0.001");
        let printed = read(source).to_string();
        assert_eq!(tokens(&printed).to_string(), tokens(source).to_string(), "{name}");
    }
}

#[test]
fn random_expressions_print_back() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..5000 {
        let expr = random(&mut rng, 4);
        let printed = expr.to_string();
        let again = read_expr(&printed);
        assert_eq!(structure(&again), structure(&expr), "{printed}");
    }
}

fn loc() -> Loc {
    Span::call_site().into()
}

fn name(rng: &mut ChaCha8Rng) -> Ident {
    let names = ["a", "b", "mu", "σ", "sum", "t", "given", "K"];
    Ident::new(names[rng.random_range(0..names.len())], Span::call_site())
}

fn index(rng: &mut ChaCha8Rng, depth: usize) -> Index {
    let terms = (0..rng.random_range(1..3)).map(|position| {
        let atom = if depth == 0 || rng.random_bool(0.4) {
            IndexAtom::Int(rng.random_range(0..9), Span::call_site())
        } else {
            let indices = (0..rng.random_range(0..3)).map(|_| index(rng, depth - 1)).collect();
            IndexAtom::Access(Access { loc: loc(), name: name(rng), indices })
        };
        IndexTerm { negative: position > 0 && rng.random_bool(0.5), atom }
    });
    Index { loc: loc(), terms: terms.collect() }
}

fn binders(rng: &mut ChaCha8Rng, depth: usize) -> Binders {
    let high = Access { loc: loc(), name: name(rng), indices: vec![index(rng, 1)] };
    let high =
        Index { loc: loc(), terms: vec![IndexTerm { negative: false, atom: IndexAtom::Access(high) }] };
    let low = rng.random_bool(0.5).then(|| index(rng, 1));
    let bind = Bind::In { name: name(rng), range: Range { loc: loc(), low, high } };
    let guard = rng.random_bool(0.5).then(|| random(rng, depth));
    Binders { binds: vec![bind], guard }
}

fn random(rng: &mut ChaCha8Rng, depth: usize) -> Expr {
    let kind = if depth == 0 {
        match rng.random_range(0..4) {
            0 => ExprKind::Int(rng.random_range(0..1000)),
            1 => ExprKind::Float(rng.random::<f64>() * 10f64.powi(rng.random_range(-30..30))),
            2 => ExprKind::Bool(rng.random()),
            _ => ExprKind::Name(name(rng)),
        }
    } else {
        let below = depth - 1;
        let sub = |rng: &mut ChaCha8Rng| Box::new(random(rng, below));
        match rng.random_range(0..12) {
            0 => ExprKind::Unary(Unary::Not, sub(rng)),
            1 => ExprKind::Unary(Unary::Neg, sub(rng)),
            2..=5 => {
                let all = [
                    Binary::Or,
                    Binary::And,
                    Binary::Add,
                    Binary::Sub,
                    Binary::Mul,
                    Binary::Div,
                    Binary::Pow,
                ];
                ExprKind::Binary(all[rng.random_range(0..all.len())], sub(rng), sub(rng))
            }
            6 => {
                let all = [Compare::Eq, Compare::Ne, Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge];
                ExprKind::Compare(all[rng.random_range(0..all.len())], sub(rng), sub(rng))
            }
            7 => ExprKind::Transpose(sub(rng)),
            8 => ExprKind::Subscript(sub(rng), vec![index(rng, 2), index(rng, 2)]),
            9 => ExprKind::Call(Ident::new("dot", Span::call_site()), vec![*sub(rng), *sub(rng)]),
            10 => ExprKind::Vector(vec![*sub(rng), *sub(rng)]),
            _ => {
                let binders = Box::new(binders(rng, below));
                let all = [Reducer::Sum, Reducer::Prod, Reducer::All, Reducer::Any];
                match rng.random_range(0..5) {
                    4 => ExprKind::Comprehension(sub(rng), binders),
                    position => ExprKind::Reduce(all[position], sub(rng), binders),
                }
            }
        }
    };
    Expr { loc: loc(), kind }
}
