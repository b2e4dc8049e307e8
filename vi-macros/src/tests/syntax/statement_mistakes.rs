//! Mistakes in blocks, statements, types and distributions: the source, what is underlined, and what is said.

use super::{check_block_err, check_err};

#[test]
fn a_statement_begins_with_a_known_word() {
    check_err("latnet z ~ Categorical(w);",
              "~~~~~~", "`latnet`: did you mean `latent`?");
    check_err("parameter a: Real;",
              "~~~~~~~~~", "`parameter`: did you mean `param`?");
    check_err("constrian a > 0;",
              "~~~~~~~~~", "`constrian`: did you mean `constrain`?");
    check_err("factorise { q(z[..]); }",
              "~~~~~~~~~", "`factorise`: did you mean `factorize`?");
    check_err("x ~ Normal(0, sd: 1);",
              "~", "`x` has no role");
    check_err("x[n in N] ~ Normal(0, sd: 1);",
              "~", "`x` has no role");
    check_err("w[k in K] = v[k];",
              "~", "`w` is given a value without `let`");
    check_err("w = 3;",
              "~", "`w` is given a value without `let`");
    check_err("observed ~ Normal(0, sd: 1);",
              "         ~", "expected a name, found `~`");
    check_err("foo(x);",
              "~~~", "no statement begins with `foo`");
    check_err("model x;",
              "~~~~~", "no statement begins with `model`");
    check_err("3;",
              "~", "expected a statement, found `3`");
    check_err(";",
              "~", "no `;` is needed after `;`");
    check_err("\"text\";",
              "~~~~~~", "expected a statement, found `\"text\"`");
    check_err("init: Real;",
              "    ~", "expected `{` after `init`, found `:`");
}

#[test]
fn statements_end_with_a_semicolon() {
    check_err("param a: Real param b: Real;",
              "              ~~~~~", "expected `;` after the type of `a`, found `param`");
    check_err("latent z[n in N] ~ Categorical(w)",
              "                                  ~", "expected `;` after the distribution of `z`, found `}`");
    check_err("latent z ~ Normal(0, sd: 1) + 1;",
              "                            ~", "expected `;` after the distribution of `z`, found `+`");
    check_err("param a: Real 3;",
              "              ~", "expected `;` after the type of `a`, found `3`");
    check_err("param a b: Real;",
              "        ~", "expected `;` after `a`, found `b`");
}

#[test]
fn a_declaration_has_its_marks() {
    check_err("latent z[n in N] Categorical(w);",
              "                 ~~~~~~~~~~~", "expected `~` before `Categorical`");
    check_err("latent z match a { true => Flat() };",
              "         ~~~~~", "expected `~` before `match`");
    check_err("latent z Normal(0, sd: 1);",
              "         ~~~~~~", "expected `~` before `Normal`");
    check_err("param w Simplex[K];",
              "        ~~~~~~~", "expected `:` before `Simplex`");
    check_err("param w Real;",
              "        ~~~~", "expected `:` before `Real`");
    check_err("param a = 3;",
              "        ~", "`param` takes `~` and a distribution, not `=`");
    check_err("observed y = 3;",
              "           ~", "`observed` takes `~` and a distribution, not `=`");
    check_err("given s = 3;",
              "        ~", "a `given` has its value from the data, not from `=`");
    check_err("param a, b: Real;",
              "       ~", "one statement declares one name");
}

#[test]
fn a_name_is_an_identifier() {
    check_err("param type: Real;",
              "      ~~~~", "`type` is a keyword of Rust, and cannot be a name here");
    check_err("param gen: Real;",
              "      ~~~", "`gen` is a keyword of Rust, and cannot be a name here");
    check_err("param 3: Real;",
              "      ~", "expected a name, found `3`");
    check_err("param _: Real;",
              "      ~", "expected a name, found `_`");
    check_err("param: Real;",
              "     ~", "expected a name, found `:`");
    check_err("param a_name_that_goes_on_and_on_for_ever: Real oh;",
              "                                                ~~", "expected `;` after the type of `a_name_that_goes_…`, found `oh`");
}

#[test]
fn a_for_has_ranges_and_a_body() {
    check_err("for n in N { param a: Real; };",
              "                             ~", "no `;` is needed after the `}` of a `for`");
    check_err("n in N { }",
              "~", "expected `for` before `n`");
    check_err("fro n in N { }",
              "~~~", "`fro`: did you mean `for`?");
    check_err("for (n in N) { }",
              "    ~", "a range has no parentheses");
    check_err("for n = 1..N { }",
              "      ~", "expected `in`, found `=`");
    check_err("for n { }",
              "    ~", "`n` has no range");
    check_err("for n in 1:N { }",
              "          ~", "a range is written with `..`");
    check_err("for n in 0..=N { }",
              "          ~~~", "a range stops before its upper bound");
    check_err("for n in 1.. { }",
              "          ~~", "this range has no upper bound");
    check_err("for n in N-1 { }",
              "         ~~~", "`N-1` is not the name of a size");
    check_err("for n in 3 { }",
              "         ~", "`3` is not the name of a size");
    check_err("for n in N param a: Real;",
              "           ~~~~~", "expected `{` after the ranges of the `for`, found `param`");
    check_err("for n in N repeat { }",
              "                  ~", "expected a count, found `{`");
    check_err("for n in N repeat c[n] param a: Real;",
              "                       ~~~~~", "expected `{` after `repeat`, found `param`");
    check_err("for type in K { }",
              "    ~~~~", "`type` is a keyword of Rust, and cannot be a name here");
    check_err("for n in N;",
              "          ~", "expected `{` after the ranges of the `for`, found `;`");
    check_err("for n in (1..N) { }",
              "         ~", "a range has no parentheses");
    check_err("for k in K, { }x",
              "               ~", "no statement begins with `x`");
}

#[test]
fn brackets_hold_binds() {
    check_err("latent z[] ~ Flat();",
              "        ~~", "nothing stands in these brackets");
    check_err("latent z[n on N] ~ Flat();",
              "           ~~", "expected `in`, `,` or the closing bracket, found `on`");
    check_err("latent z[n in] ~ Flat();",
              "             ~", "expected an index, found the closing bracket");
    check_err("latent z[n in N m in M] ~ Flat();",
              "                ~", "expected `,` or the closing bracket, found `m`");
    check_err("latent z[n in N, , m in M] ~ Flat();",
              "                 ~", "expected an index, found `,`");
    check_err("latent z[t in 1..T] ~ Categorical(trans[z[-1]]);",
              "                                          ~", "an index does not begin with `-`");
    check_err("latent z[t in 1..T] ~ Categorical(trans[z[t + -1]]);",
              "                                              ~", "an index does not begin with `-`");
}

#[test]
fn a_let_has_a_value() {
    check_err("let a;",
              "     ~", "expected `=` and the value of the `let`, found `;`");
    check_err("let a ~ Normal(0, sd: 1);",
              "      ~", "a `let` has a value, not a distribution");
    check_err("let mut a = 1;",
              "    ~~~", "nothing in a model changes its value");
    check_err("let a: Real? = 1;",
              "           ~", "a `let` is never missing");
    check_err("let a: Real;",
              "           ~", "expected `=` and the value of the `let`, found `;`");
    check_err("let a = 1 let b = 2;",
              "          ~~~", "expected `;` after the value of `a`, found `let`");
}

#[test]
fn a_type_is_known_and_has_its_sizes() {
    check_err("param a: Rael;",
              "         ~~~~", "`Rael`: did you mean `Real`?");
    check_err("param a: f64;",
              "         ~~~", "`f64`: did you mean `Real`?");
    check_err("param a: Color;",
              "         ~~~~~", "`Color` is not a type");
    check_err("param a: Vector;",
              "         ~~~~~~", "`Vector` needs its size");
    check_err("param a: Vector[];",
              "               ~~", "`Vector` is written `Vector[D]`");
    check_err("param a: Vector<D>;",
              "               ~", "sizes stand in square brackets");
    check_err("param a: Option<Real>;",
              "               ~", "sizes stand in square brackets");
    check_err("param a: Real[N];",
              "             ~", "`Real` has no size");
    check_err("param a: Matrix[D];",
              "               ~~~", "`Matrix` is written `Matrix[D, H]`");
    check_err("param a: SymPos[D, D];",
              "               ~~~~~~", "`SymPos` is written `SymPos[D]`");
    check_err("param a: Category[K, L];",
              "                 ~~~~~~", "`Category` is written `Category[K]`");
    check_err("param a: Simplex[i in I, j in J];",
              "                ~~~~~~~~~~~~~~~~", "`Simplex` is written `Simplex[k in K]`");
    check_err("param a: Vector[D + 1];",
              "                ~~~~~", "the size `D+1` needs a name");
    check_err("param a: Positive();",
              "                 ~~", "these parentheses hold no bound");
    check_err("param a: Positive(1e-6);",
              "                  ~~~~", "expected `min:` or `max:`, found `1e-6`");
    check_err("param a: Positive(lower: 0);",
              "                  ~~~~~", "expected `min:` or `max:`, found `lower`");
    check_err("param a: Positive(min: 0, min: 1);",
              "                          ~~~", "`min` is given twice");
    check_err("param a: 3;",
              "         ~", "expected a type, found `3`");
    check_err("param a: ;",
              "         ~", "expected a type, found `;`");
    check_err("observed a: Real? Real ~ Flat();",
              "                  ~~~~", "expected `;` after the type of `a`, found `Real`");
}

#[test]
fn a_distribution_is_a_family_with_arguments() {
    check_err("latent a ~ ;",
              "           ~", "expected a distribution, found `;`");
    check_err("latent a ~ 2 * Normal(0, sd: 1);",
              "           ~", "expected a distribution, found `2`");
    check_err("latent a ~ Flat;",
              "               ~", "expected `(` and the arguments of `Flat`");
    check_err("latent a ~ vi::Flat();",
              "             ~~", "expected `(` and the arguments of `vi`");
    check_err("latent a ~ Normal(0, sd = 1);",
              "                        ~", "an argument is named with `:`");
    check_err("latent a ~ Normal(0, sd: );",
              "                         ~", "expected an expression, found the closing bracket");
    check_err("latent a ~ Normal(0 sd: 1);",
              "                    ~~", "expected `,` or the closing bracket, found `sd`");
    check_err("latent a ~ if b { Flat() } else { Flat() };",
              "           ~~", "a choice between distributions is a `match`");
    check_err("latent a ~ match b { true | false => Flat() };",
              "                          ~", "a pattern is one value");
    check_err("latent a ~ match b { -1 => Flat() };",
              "                     ~", "expected `true`, `false`, a number or `_`, found `-`");
    check_err("latent a ~ match b { red => Flat() };",
              "                     ~~~", "expected `true`, `false`, a number or `_`, found `red`");
    check_err("latent a ~ match b { true -> Flat() };",
              "                          ~~", "expected `=>` after the pattern, found `->`");
    check_err("latent a ~ match b { true => Flat() ; false => Flat() };",
              "                                    ~", "expected `,` or the closing bracket, found `;`");
    check_err("latent a ~ match b (true);",
              "                         ~", "expected `{` after what is matched, found `;`");
    check_err("latent a ~ match { true => Flat() };",
              "                 ~", "expected an expression, found `{`");
    check_err("latent a ~ match b { 99999999999999999999 => Flat() };",
              "                     ~~~~~~~~~~~~~~~~~~~~", "`99999999999999999…` is too large");
    check_err("latent a ~ match b { true Flat() };",
              "                          ~~~~", "expected `=>` after the pattern, found `Flat`");
    check_err("latent a ~ type();",
              "           ~~~~", "`type` is a keyword of Rust, and cannot be a name here");
    check_err("latent a ~ Normal(0, type: 1);",
              "                     ~~~~", "`type` is a keyword of Rust, and cannot be a name here");
    check_err("latent a ~ Normal(0, sd: 1)(2);",
              "                           ~", "expected `;` after the distribution of `a`, found `(`");
}

#[test]
fn a_constraint_is_a_comparison() {
    check_err("constrain a;",
              "           ~", "expected a comparison, found `;`");
    check_err("constrain 0 < a < b < c;",
              "                    ~", "a constraint has at most two bounds");
    check_err("constrain a > 0 and b > 0;",
              "                ~~~", "a constraint has no `and`");
    check_err("constrain a > 0 or b > 0;",
              "                ~~", "a constraint has no `or`");
    check_err("constrain not a;",
              "          ~~~", "a constraint has no `not`");
    check_err("constrain a > 0",
              "                ~", "expected `;` after the constraint, found `}`");
    check_err("constrain a + b;",
              "               ~", "expected a comparison, found `;`");
}

#[test]
fn factorize_holds_groups() {
    check_err("factorize q(z[..]);",
              "          ~", "expected `{` after `factorize`, found `q`");
    check_err("factorize { z[..]; }",
              "            ~", "expected a group `q(…)`, found `z`");
    check_err("factorize { q(); }",
              "             ~~", "this group holds no latent");
    check_err("factorize { q; }",
              "             ~", "expected `(` after `q`, found `;`");
    check_err("factorize { q(z[n]); }",
              "               ~~~", "a group says `[..]` or `[each]`, not which element");
    check_err("factorize { q(z[..=]); }",
              "               ~~~~~", "a group says `[..]` or `[each]`, not which element");
    check_err("factorize { q(z): Normal; }",
              "                  ~~~~~~", "`Normal` is not a form of q");
    check_err("factorize { q(z) q(w); }",
              "                 ~", "expected `;` after the group, found `q`");
    check_err("factorize { q(z[..]), q(w); }",
              "                    ~", "expected `;` after the group, found `,`");
    check_err("factorize { q(z[.. k]); }",
              "                   ~", "expected the closing bracket, found `k`");
}

#[test]
fn init_holds_values() {
    check_err("init { mu ~ Normal(0, sd: 1); }",
              "          ~", "a start is a value, not a distribution");
    check_err("init { mu: 0; }",
              "         ~", "expected `=` and where it starts, found `:`");
    check_err("init { a = 1 b = 2; }",
              "             ~", "expected `;` after the start of `a`, found `b`");
    check_err("init x = 3;",
              "     ~", "expected `{` after `init`, found `x`");
    check_err("init { a = 2 ** x[n]; }",
              "             ~~", "`**` is written `^`");
    check_err("init { a[k in K] 1; }",
              "                 ~", "expected `=` and where it starts, found `1`");
}

#[test]
fn attributes_stand_before_what_they_are_for() {
    check_err("#[exact] latent a ~ Flat();",
              "  ~~~~~", "`#[exact]` is said of the whole model");
    check_err("#![exact] latent a ~ Flat();",
              "~", "attributes are written `#[…]`, before what they are for");
    check_err("mod b { }",
              "~~~", "a model holds statements, not modules");
    check_err("pub mod b { }",
              "~~~", "a model holds statements, not modules");
    check_err("# param a: Real;",
              "  ~~~~~", "this is not an attribute");
}

#[test]
fn a_statement_ends_where_it_ends() {
    check_err("observed given x: Real;",
              "               ~", "expected `;` after `given`, found `x`");
    check_err("latent x ~ Normal(0, 1) in N;",
              "                        ~~", "expected `;` after the distribution of `x`, found `in`");
}

#[test]
fn a_block_has_a_header_and_one_body() {
    check_block_err("",
                    "", "the model is empty");
    check_block_err("mod",
                    "", "expected the name of the model, found the closing bracket");
    check_block_err("mod m",
                    "", "expected `{` and the statements, found the end");
    check_block_err("mod m;",
                    "     ~", "expected `{` and the statements, found `;`");
    check_block_err("mod m(K)",
                    "", "expected `{` and the statements, found the end");
    check_block_err("pub mixture(K) { }",
                    "    ~~~~~~~", "expected `mod` and the name of the model, found `mixture`");
    check_block_err("mixture(K) { }",
                    "~~~~~~~", "expected `mod` and the name of the model, found `mixture`");
    check_block_err("model mixture(K) { }",
                    "~~~~~", "expected `mod` and the name of the model, found `model`");
    check_block_err("mod type { }",
                    "    ~~~~", "`type` is a keyword of Rust, and cannot be a name here");
    check_block_err("mod 3 { }",
                    "    ~", "expected the name of the model, found `3`");
    check_block_err("mod m(K: usize) { }",
                    "         ~~~~~", "a size in the header has no type");
    check_block_err("mod m(K = 1.5) { }",
                    "          ~~~", "an index or a size is whole, not `1.5`");
    check_block_err("mod m(R = T[s]) { }",
                    "          ~~~~", "`T[s]` is not one number");
    check_block_err("mod m(R = 2 * K) { }",
                    "            ~", "an index or a size has `+` and `-`, not `*`");
    check_block_err("mod m(K L) { }",
                    "        ~", "expected `,` or the closing bracket, found `L`");
    check_block_err("mod m(3) { }",
                    "      ~", "expected a size or a constant, found `3`");
    check_block_err("mod m(a: Real = ) { }",
                    "                ~", "expected an expression, found the closing bracket");
    check_block_err("mod m(a: Positiv) { }",
                    "         ~~~~~~~", "`Positiv`: did you mean `Positive`?");
    check_block_err("mod m[K] { }",
                    "     ~", "expected `{` and the statements, found `[`");
    check_block_err("mod m { } mod n { }",
                    "          ~~~", "one `model!` holds one block");
    check_block_err("mod m { } 3",
                    "          ~", "one `model!` holds one block");
    check_block_err("mod m { };",
                    "         ~", "no `;` is needed after the `}` of the model");
    check_block_err("#[exact(now)] mod m { }",
                    "  ~~~~~", "`exact` takes no arguments");
    check_block_err("#![exact] mod m { }",
                    "~", "attributes are written `#[…]`, before what they are for");
    check_block_err("fn m() { }",
                    "~~", "expected `mod` and the name of the model, found `fn`");
    check_block_err("#[doc] struct M { }",
                    "       ~~~~~~", "expected `mod` and the name of the model, found `struct`");
}
