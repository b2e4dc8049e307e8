//! One run finds every mistake, and one mistake is not reported as several.

use super::{mistakes, parse_tokens, tokens};
use crate::syntax::ast::{Block, Item};
use crate::tests::programs;
use proc_macro2::{Group, TokenStream, TokenTree};

/// Each mistake by the line it is on.
fn found(source: &str) -> Vec<(usize, String)> {
    mistakes(source).into_iter().map(|mistake| (mistake.loc.start.start().line, mistake.title)).collect()
}

fn expected(lines: &[(usize, &str)]) -> Vec<(usize, String)> {
    lines.iter().map(|(line, title)| (*line, (*title).to_owned())).collect()
}

#[test]
fn every_statement_is_read_whatever_the_others_are() {
    let source = "pub mod m(K, 3) {
        param w Simplex[K];
        param mean[k in K]: Vector[D]
        param cov[k in K]: SymPos[D, D];
        latnet z[n in N] ~ Categorical(w);
        for s in S, t = 0..T {
            observed x[s, t] ~ Normal(mean[z[2 * t]], cov: cov[z[t]]);
            given u[s, t]: Real;
            y[s, t] ~ Normal(0, sd = 1);
            let a = b && c;
        }
        constrain a < b < c < d;
        factorize { q(z[..]) q(w): Normal; r(z); q(mean); }
        init { w = 1 +; mean[k in K] ~ Flat(); cov = 1; }
        observed v[n in N] ~ Poisson(rate[n];
    }";
    // The last line would not close its bracket: to Rust that is not a list of tokens at all.
    let source = source.replace("Poisson(rate[n];", "Poisson(rate[n]) + 1;");
    let lines = [
        (1, "expected a size or a constant, found `3`"),
        (2, "expected `:` before `Simplex`"),
        (4, "expected `;` after the type of `mean`, found `param`"),
        (4, "`SymPos` is written `SymPos[D]`"),
        (5, "`latnet`: did you mean `latent`?"),
        (6, "expected `in`, found `=`"),
        (7, "an index or a size has `+` and `-`, not `*`"),
        (9, "`y` has no role"),
        (9, "an argument is named with `:`"),
        (10, "`&&` is written `and`"),
        (12, "a constraint has at most two bounds"),
        (13, "expected `;` after the group, found `q`"),
        (13, "`Normal` is not a form of q"),
        (13, "expected a group `q(…)`, found `r`"),
        (14, "expected an expression, found `;`"),
        (14, "a start is a value, not a distribution"),
        (15, "expected `;` after the distribution of `v`, found `+`"),
    ];
    assert_eq!(found(&source), expected(&lines));
    let block = parse_tokens(tokens(&source)).0.expect("a block");
    let kept: Vec<String> = block.items.iter().map(ToString::to_string).collect();
    let good = [
        "param mean[k in K]: Vector[D];",
        "latent z[n in N] ~ Categorical(w);",
        "factorize { q(z[..]); q(mean); }",
        "init { cov = 1; }",
    ];
    assert_eq!(kept, good);
}

#[test]
fn the_body_of_a_block_is_read_after_a_bad_header() {
    let lines =
        [(1, "expected `mod` and the name of the model, found `mixture`"), (2, "expected `:` before `Real`")];
    assert_eq!(found("pub mixture(K) {\n param w Real; }"), expected(&lines));
}

#[test]
fn a_statement_that_went_wrong_ends_at_its_braces() {
    let source = "mod m {
        latent x ~ match a b { true => Flat() }
        param w Real;
        for n on N { param v Real; }
        param u Real;
        let a = if b { c } else { d }
        param t Real;
    }";
    let lines = [
        (2, "expected `{` after what is matched, found `b`"),
        (3, "expected `:` before `Real`"),
        (4, "`n` has no range"),
        (4, "expected `:` before `Real`"),
        (5, "expected `:` before `Real`"),
        (6, "an expression has no `if`"),
        (7, "expected `:` before `Real`"),
    ];
    assert_eq!(found(source), expected(&lines));
}

#[test]
fn a_forgotten_semicolon_hides_neither_statement() {
    let sources = [
        "param a: Real latent b ~ Flat();",
        "param a: Real /// text\n latent b ~ Flat();",
        "let a = 1 let b = 2;",
        "let a = 1 for n in N { }",
        "let a = b constrain a > 0;",
        "let a = b factorize { q(a); }",
        "let a = b init { a = 1; }",
        "constrain a > 0 given b: Real;",
        "given b: Real constrain a > 0",
    ];
    for source in sources {
        let (block, mistakes) = parse_tokens(tokens(&format!("mod m {{ {source} }}")));
        let forgotten = 1 + usize::from(!source.ends_with([';', '}']));
        assert_eq!(mistakes.len(), forgotten, "{source}: {mistakes:#?}");
        assert!(mistakes.iter().all(|mistake| mistake.title.starts_with("expected `;`")), "{source}");
        assert_eq!(block.expect("a block").items.len(), 2, "{source}");
    }
}

#[test]
fn attributes_and_braces_have_no_semicolons() {
    let source = "mod m {
        factorize { q(z) };
        init { a = 1 };
        for n in N { };
        #[exact(1)] 3;
        /// nothing follows
    };";
    let lines = [
        (2, "expected `;` after the group, found `}`"),
        (2, "no `;` is needed after the `}` of `factorize`"),
        (3, "expected `;` after the start of `a`, found `}`"),
        (3, "no `;` is needed after the `}` of `init`"),
        (4, "no `;` is needed after the `}` of a `for`"),
        (5, "`#[exact]` is said of the whole model"),
        (5, "expected a statement, found `3`"),
        (6, "no statement follows this attribute"),
        (7, "no `;` is needed after the `}` of the model"),
    ];
    assert_eq!(found(source), expected(&lines));
}

/// All token streams that differ from `stream` at one token: `change` says what stands in its place.
fn variants(stream: &TokenStream, change: &dyn Fn(&TokenTree) -> Option<TokenStream>) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = stream.clone().into_iter().collect();
    let mut made = Vec::new();
    for (position, tree) in trees.iter().enumerate() {
        let mut with = |middle: TokenStream| {
            let mut stream: TokenStream = trees[..position].iter().cloned().collect();
            stream.extend(middle);
            stream.extend(trees[position + 1..].iter().cloned());
            made.push(stream);
        };
        if let TokenTree::Group(group) = tree {
            for inner in variants(&group.stream(), change) {
                let mut changed = Group::new(group.delimiter(), inner);
                changed.set_span(group.span());
                with(TokenTree::from(changed).into());
            }
        }
        if let Some(middle) = change(tree) {
            with(middle);
        }
    }
    made
}

fn statement_count(items: &[Item]) -> usize {
    let count = |item: &Item| match item {
        Item::For(each) => 1 + statement_count(&each.items),
        Item::Factorize(section) => 1 + section.groups.len(),
        Item::Init(section) => 1 + section.entries.len(),
        Item::Decl(_) | Item::Let(_) | Item::Constrain(_) => 1,
    };
    items.iter().map(count).sum()
}

fn count(block: &Option<Block>) -> usize {
    block.as_ref().map_or(0, |block| statement_count(&block.items))
}

#[test]
fn a_program_without_one_of_its_semicolons_has_one_mistake_and_all_its_statements() {
    let drop = |tree: &TokenTree| (tree.to_string() == ";").then(TokenStream::new);
    let mut tried = 0;
    for (name, source) in programs::ALL {
        let whole = count(&parse_tokens(tokens(source)).0);
        for variant in variants(&tokens(source), &drop) {
            let (block, mistakes) = parse_tokens(variant.clone());
            assert_eq!(mistakes.len(), 1, "{name}: {variant}\n{mistakes:#?}");
            assert!(mistakes[0].title.starts_with("expected `;` after"), "{}", mistakes[0].title);
            assert_eq!(count(&block), whole, "{name}: {variant}");
            tried += 1;
        }
    }
    assert!(tried > 100);
}

#[test]
fn a_program_without_one_of_its_tildes_has_one_mistake() {
    let drop = |tree: &TokenTree| (tree.to_string() == "~").then(TokenStream::new);
    for (name, source) in programs::ALL {
        for variant in variants(&tokens(source), &drop) {
            let (_, mistakes) = parse_tokens(variant.clone());
            assert_eq!(mistakes.len(), 1, "{name}: {variant}\n{mistakes:#?}");
            assert!(mistakes[0].title.starts_with("expected `~` before"), "{}", mistakes[0].title);
        }
    }
}

/// Whatever one token is replaced by, the other statements are read, and no mistake is left to the parser library to name.
#[test]
fn one_wrong_token_costs_at_most_its_own_statement() {
    let replacements =
        ["", ";", "~", "9", "w", "=", "( )", "[ ]", "{ }", ":", "for", "- 1.5", "if", "..", ",", "latent z"];
    for (name, source) in programs::ALL {
        // What stands inside an attribute is read by the parser library.
        let source = &source[source.find("pub mod").expect("a header")..];
        let items = parse_tokens(tokens(source)).0.expect("a block").items;
        let whole = statement_count(&items);
        let largest = items.iter().map(|item| statement_count(std::slice::from_ref(item))).max().unwrap_or(0);
        for replacement in replacements {
            let replacement = tokens(replacement);
            let change = |tree: &TokenTree| {
                let leaf = !matches!(tree, TokenTree::Group(_));
                leaf.then(|| replacement.clone())
            };
            for variant in variants(&tokens(source), &change) {
                let (block, mistakes) = parse_tokens(variant.clone());
                let named = |title: &str| !title.contains("unexpected token");
                assert!(
                    mistakes.iter().all(|mistake| named(&mistake.title)),
                    "{name}: {variant}\n{mistakes:#?}"
                );
                if let Some(block) = &block {
                    // A `;` too few joins a statement with the next.
                    let left = statement_count(&block.items);
                    assert!(
                        left + largest + 1 >= whole,
                        "{name}: {left} of {whole} in {variant}\n{mistakes:#?}"
                    );
                }
                assert!(mistakes.len() <= 4, "{name}: {variant}\n{mistakes:#?}");
            }
        }
    }
}
