//! The syntax stage: what reads, how it groups, how it prints, and what is said of what does not read.

// rustfmt would put each underline beside its source, not under it.
#[rustfmt::skip]
mod expression_mistakes;
mod recovery;
mod round_trip;
#[rustfmt::skip]
mod statement_mistakes;

use crate::diagnostics::nearest;
use crate::report::{Diagnostic, Report};
use crate::syntax::ast::{Binary, Block, Expr, ExprKind, Item, Loc, Unary};
use crate::syntax::parse;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Reads tokens, and checks of every mistake that it is worded as all are.
fn parse_tokens(tokens: TokenStream) -> (Option<Block>, Vec<Diagnostic>) {
    let mut report = Report::new();
    let block = parse(tokens, &mut report);
    let mistakes = report.take();
    for mistake in &mistakes {
        let title = &mistake.title;
        assert!(title.chars().count() < 70, "too long: {title}");
        assert!(!title.starts_with(char::is_uppercase), "upper case: {title}");
        let lines = mistake.help.iter().chain(&mistake.note).chain([title]);
        lines.for_each(|line| assert!(!line.ends_with('.'), "full stop: {line}"));
    }
    (block, mistakes)
}

fn tokens(source: &str) -> TokenStream {
    source.parse().unwrap_or_else(|error| panic!("{error}: {source}"))
}

#[track_caller]
fn read(source: &str) -> Block {
    let (block, mistakes) = parse_tokens(tokens(source));
    assert!(mistakes.is_empty(), "{source}\n{mistakes:#?}");
    block.expect("a block without mistakes is returned")
}

fn mistakes(source: &str) -> Vec<Diagnostic> {
    parse_tokens(tokens(source)).1
}

/// Reads one statement of a block.
#[track_caller]
fn read_item(source: &str) -> Item {
    let mut items = read(&format!("mod m {{\n{source} }}")).items;
    assert_eq!(items.len(), 1, "{source}");
    items.remove(0)
}

#[track_caller]
fn read_expr(source: &str) -> Expr {
    match read_item(&format!("let a = {source};")) {
        Item::Let(statement) => statement.value,
        other => panic!("a let was read as {other}"),
    }
}

/// `source` is a statement of a block; `underline` stands under what is wrong with it.
#[track_caller]
fn check_err(source: &str, underline: &str, message: &str) {
    check_mistake(&mistakes(&format!("mod m {{\n{source} }}")), 2, underline, message);
}

/// `source` is all that stands in `model! { … }`.
#[track_caller]
fn check_block_err(source: &str, underline: &str, message: &str) {
    check_mistake(&mistakes(source), 1, underline, message);
}

#[track_caller]
fn check_mistake(found: &[Diagnostic], line: usize, underline: &str, message: &str) {
    let [mistake] = found else { panic!("one mistake expected: {found:#?}") };
    assert_eq!(mistake.title, message);
    let (start, end) = (mistake.loc.start.start(), mistake.loc.end.end());
    assert!(underline.is_empty() || (start.line, end.line) == (line, line), "{message}");
    let drawn = " ".repeat(start.column) + &"~".repeat(end.column - start.column);
    assert_eq!(drawn, underline, "{message}");
}

#[track_caller]
fn check_print(source: &str, printed: &str) {
    assert_eq!(read_item(source).to_string(), printed);
}

#[test]
fn everything_prints_in_one_canonical_form() {
    let source = "/// A model.\n#[exact] #[allow(unused)] pub(crate) mod everything(K, W=3, R=W+1, a0:Positive(min:1e-3)=1.0, m:Vector[D],) {
        /// The weights.
        param w: Simplex[j in 0..K if j!=2,];
        observed y[n in N, t in 1..T[n], if n<t and t!=3]: Real? ~ match z[n] { true=>Normal(mu[n][t], var:s,), 2 => match b { _ => Flat() } false=>Constant(0), };
        for s in S, t in 0..T[s] if s != t repeat count[s, t,] { for d in D { given x[s,t,d]: Count(min: 0, max: 200); } latent u[s, 0] ~ Flat(); }
        let v[k in 0..K-1]: Unit = u[k]*prod(1-u[j] for j in 0..k);
        let l = [1, 2.5, -x^2,];
        constrain 0 < gap[n] <= 1+b;
        factorize { q(z[..], u[each],): Gaussian; q(mu); }
        init { z[n in N] = [0.5 for k in K if k > 0]; b = true; }
    }";
    let printed = "/// A model.
# [allow (unused)]
#[exact]
pub(crate) mod everything(K, W = 3, R = W+1, a0: Positive(min: 0.001) = 1.0, m: Vector[D]) {
    /// The weights.
    param w: Simplex[j in 0..K if j != 2];
    observed y[n in N, t in 1..T[n] if n < t and t != 3]: Real? ~ match z[n] { true => Normal(mu[n][t], var: s), 2 => match b { _ => Flat() }, false => Constant(0) };
    for s in S, t in 0..T[s] if s != t repeat count[s, t] {
        for d in D {
            given x[s, t, d]: Count(min: 0, max: 200);
        }
        latent u[s, 0] ~ Flat();
    }
    let v[k in 0..K-1]: Unit = u[k] * prod(1 - u[j] for j in 0..k);
    let l = [1, 2.5, -x^2];
    constrain 0 < gap[n] <= 1 + b;
    factorize { q(z[..], u[each]): Gaussian; q(mu); }
    init { z[n in N] = [0.5 for k in K if k > 0]; b = true; }
}";
    let block = read(source);
    assert_eq!(block.to_string(), printed);
    assert_eq!(read(printed).to_string(), printed);
}

/// The same expression with every operation in brackets, so that a table can show how it was grouped.
fn grouped(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Unary(Unary::Not, of) => format!("{{not {}}}", grouped(of)),
        ExprKind::Unary(Unary::Neg, of) => format!("{{-{}}}", grouped(of)),
        ExprKind::Binary(op, left, right) => format!("{{{} {op} {}}}", grouped(left), grouped(right)),
        ExprKind::Compare(op, left, right) => format!("{{{} {op} {}}}", grouped(left), grouped(right)),
        ExprKind::Transpose(of) => format!("{{{}.t()}}", grouped(of)),
        ExprKind::Subscript(of, indices) => {
            let indices: Vec<String> = indices.iter().map(ToString::to_string).collect();
            format!("{{{}[{}]}}", grouped(of), indices.join(", "))
        }
        _ => expr.to_string(),
    }
}

#[test]
fn operators_group_by_precedence() {
    let table = [
        ("a or b and c", "{a or {b and c}}"),
        ("a and b or c", "{{a and b} or c}"),
        ("a or b or c", "{{a or b} or c}"),
        ("not a and b", "{{not a} and b}"),
        ("not a == b", "{not {a == b}}"),
        ("not not a", "{not {not a}}"),
        ("a and not b or c", "{{a and {not b}} or c}"),
        ("a < b and c >= d", "{{a < b} and {c >= d}}"),
        ("(a < b) == c", "{{a < b} == c}"),
        ("a + b < c * d", "{{a + b} < {c * d}}"),
        ("a <-b", "{a < {-b}}"),
        ("a != -b", "{a != {-b}}"),
        ("a - b - c", "{{a - b} - c}"),
        ("a - (b - c)", "{a - {b - c}}"),
        ("a + b * c", "{a + {b * c}}"),
        ("a * b + c", "{{a * b} + c}"),
        ("a / b * c", "{{a / b} * c}"),
        ("a / (b * c)", "{a / {b * c}}"),
        ("a * -b", "{a * {-b}}"),
        ("a - -b", "{a - {-b}}"),
        ("-a * b", "{{-a} * b}"),
        ("-a + b", "{{-a} + b}"),
        ("-a^2", "{-{a ^ 2}}"),
        ("(-a)^2", "{{-a} ^ 2}"),
        ("a^b^c", "{a ^ {b ^ c}}"),
        ("(a^b)^c", "{{a ^ b} ^ c}"),
        ("a^-b", "{a ^ {-b}}"),
        ("a^-b^c", "{a ^ {-{b ^ c}}}"),
        ("a^-b * c", "{{a ^ {-b}} * c}"),
        ("a * b^c", "{a * {b ^ c}}"),
        ("a^b.t()", "{a ^ {b.t()}}"),
        ("-a.t()", "{-{a.t()}}"),
        ("A.t() * B[i].t()", "{{A.t()} * {{B[i]}.t()}}"),
        ("(A * B).t()", "{{A * B}.t()}"),
        ("mu[k][d]", "{{mu[k]}[d]}"),
        ("y[i, j+1]", "{y[i, j+1]}"),
        ("x[z[n]]^2", "{{x[z[n]]} ^ 2}"),
        ("[a, b][k]", "{[a, b][k]}"),
        ("f(a)[k]", "{f(a)[k]}"),
        ("-1e-3", "{-0.001}"),
        ("2.t()", "{2.t()}"),
    ];
    for (source, groups) in table {
        assert_eq!(grouped(&read_expr(source)), groups, "{source}");
    }
}

#[test]
fn numbers_read_as_they_are_in_rust() {
    let table = [
        ("0", "0"),
        ("1_000_000", "1000000"),
        ("18446744073709551615", "18446744073709551615"),
        ("0x10", "16"),
        ("1.0", "1.0"),
        ("1.", "1.0"),
        ("1e-3", "0.001"),
        ("1E3", "1000.0"),
        ("2.5e+10", "25000000000.0"),
        ("1_0.2_5", "10.25"),
        ("1e300", "1e300"),
        ("true", "true"),
    ];
    for (source, printed) in table {
        assert_eq!(read_expr(source).to_string(), printed, "{source}");
    }
    assert!(matches!(read_expr("1e3").kind, ExprKind::Float(1000.0)));
    assert!(matches!(read_expr("1000").kind, ExprKind::Int(1000)));
}

#[test]
fn words_are_keywords_only_where_they_have_a_meaning() {
    check_print("latent given ~ Flat();", "latent given ~ Flat();");
    check_print("param init: Real;", "param init: Real;");
    check_print("latent q[sum in repeat] ~ Flat();", "latent q[sum in repeat] ~ Flat();");
    check_print(
        "let each = sum + prod * any - all / min ^ max;",
        "let each = sum + prod * any - all / min^max;",
    );
    check_print("let a = latent + observed[init] - param;", "let a = latent + observed[init] - param;");
    check_print("latent x ~ Normal(mean: mean, var: var);", "latent x ~ Normal(mean: mean, var: var);");
    check_print("for repeat in N repeat repeat[repeat] { }", "for repeat in N repeat repeat[repeat] {\n}");
    check_print("factorize { q(q[..]); }", "factorize { q(q[..]); }");
    check_print(
        "init { init = 1; q[t in 1..T] = sum(t for t in T); }",
        "init { init = 1; q[t in 1..T] = sum(t for t in T); }",
    );
}

#[test]
fn greek_names_are_names() {
    check_print("latent μ[k in K] ~ Normal(μ0, var: σ2 / κ);", "latent μ[k in K] ~ Normal(μ0, var: σ2 / κ);");
}

#[test]
fn trailing_commas_are_allowed_everywhere() {
    let sources = [
        "param a[k in K,]: Matrix[D, H,](min: 0,);",
        "latent a[k in K, if k > 0,] ~ Normal(0, sd: 1,);",
        "latent a ~ match b { 0 => Flat(), _ => Flat(), };",
        "let a = [b, c,][i,] + dot(b, c,) + sum(b[k] for k in K,) + [b[k] for k in K if c,][0];",
        "for k in K, { }",
        "for k in K, if c repeat d[k,] { }",
        "factorize { q(a, b[..],); }",
        "given a: Category[K,]; given b: Simplex[k in K,]; given c: Vector[D,];",
    ];
    for source in sources {
        read(&format!("mod m(K, a: Real = 1,) {{ {source} }}"));
    }
}

#[test]
fn a_header_may_leave_out_what_it_does_not_need() {
    assert_eq!(read("mod m {}").to_string(), "mod m {\n}");
    assert_eq!(read("mod m() {}").to_string(), "mod m {\n}");
    assert_eq!(read("pub(in crate::models) mod m {}").to_string(), "pub(in crate::models) mod m {\n}");
    assert!(read("#[exact] mod m {}").exact.is_some());
    assert!(read("#[inline] mod m {}").exact.is_none());
}

#[test]
fn documentation_of_every_kind_of_statement_is_kept() {
    let source = "mod m {
    /// one
    for n in N {
        /// two
        latent a[n] ~ Flat();
        /// three
        constrain a[n] > 0;
    }
    /// four
    let b = 1;
    /// five
    factorize { q(a[..]); }
    /// six
    init { a[n in N] = 1; }
}";
    assert_eq!(read(source).to_string(), source);
    let long = "mod m {\n    /** one\n two */\n    param a: Real;\n}";
    assert_eq!(read(long).to_string(), "mod m {\n    # [doc = \" one\\n two \"]\n    param a: Real;\n}");
}

#[test]
fn a_nested_choice_reads() {
    check_print(
        "latent x ~ match a { true => match b { 0 => Flat(), _ => Constant(0) } false => Flat() };",
        "latent x ~ match a { true => match b { 0 => Flat(), _ => Constant(0) }, false => Flat() };",
    );
}

/// What a location covers, taken from the source it was read from.
fn text(source: &str, loc: Loc) -> String {
    let (start, end) = (loc.start.start(), loc.end.end());
    assert_eq!((start.line, end.line), (2, 2));
    source.chars().skip(start.column).take(end.column - start.column).collect()
}

#[test]
fn a_location_covers_what_was_read() {
    let source =
        "latent x[n in 1..T[s]]: Vector[D](min: 0)? ~ Normal((a + b[n, 0]).t(), sd: -sum(c for k in K));";
    let Item::Decl(decl) = read_item(source) else { panic!("a declaration") };
    assert_eq!(text(source, decl.loc), source);
    assert_eq!(text(source, decl.ty.expect("a type").loc), "Vector[D](min: 0)");
    let Some(crate::syntax::ast::Dist::Family(call)) = decl.dist else { panic!("a family") };
    assert_eq!(text(source, call.loc), "Normal((a + b[n, 0]).t(), sd: -sum(c for k in K))");
    assert_eq!(text(source, call.args[0].value.loc), "(a + b[n, 0]).t()");
    assert_eq!(text(source, call.args[1].value.loc), "-sum(c for k in K)");
    let Some(crate::syntax::ast::Bind::In { range, .. }) = decl.binders.expect("indices").binds.pop() else {
        panic!("a range")
    };
    assert_eq!(text(source, range.loc), "1..T[s]");
    for source in ["let a = b * (c - d);", "constrain 0 < a <= b - c;", "for n in N { }"] {
        let loc = match read_item(source) {
            Item::Let(statement) => statement.loc,
            Item::Constrain(statement) => statement.loc,
            Item::For(statement) => statement.loc,
            other => panic!("{other}"),
        };
        assert_eq!(text(source, loc), source);
    }
}

#[test]
fn a_fragment_of_a_macro_is_one_operand() {
    let fragment = TokenTree::from(Group::new(Delimiter::None, tokens("1 + x")));
    let mut model = tokens("let a = 2 *");
    model.extend([fragment]);
    model.extend(tokens(".t();"));
    let mut block = tokens("mod m");
    block.extend([TokenTree::from(Group::new(Delimiter::Brace, model))]);
    let (block, mistakes) = parse_tokens(block);
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    let Some(Item::Let(statement)) = block.and_then(|mut block| block.items.pop()) else { panic!("a let") };
    assert_eq!(statement.value.to_string(), "2 * (1 + x).t()");
    assert!(matches!(statement.value.kind, ExprKind::Binary(Binary::Mul, ..)));
}

#[test]
fn the_nearest_word_is_what_was_meant() {
    let table = [
        ("latnet", Some("latent")),
        ("Latent", Some("latent")),
        ("latents", Some("latent")),
        ("observe", Some("observed")),
        ("parameter", Some("param")),
        ("parma", Some("param")),
        ("constrian", Some("constrain")),
        ("model", None),
        ("x", None),
        ("", None),
    ];
    for (word, meant) in table {
        assert_eq!(nearest(word, ["observed", "given", "latent", "param", "constrain"]), meant, "{word}");
    }
    assert_eq!(nearest("mn", ["mu", "nu"]), Some("mu"));
}
