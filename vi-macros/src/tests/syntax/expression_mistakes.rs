//! Mistakes in expressions and indices: the source, what is underlined, and what is said.

use super::check_err;

#[test]
fn an_index_is_a_sum_of_whole_numbers() {
    check_err("let a = x[2 * i];",
              "            ~", "an index or a size has `+` and `-`, not `*`");
    check_err("let a = x[i * 2];",
              "            ~", "an index or a size has `+` and `-`, not `*`");
    check_err("let a = x[i ^ 2];",
              "            ~", "an index or a size has `+` and `-`, not `^`");
    check_err("let a = x[0.5];",
              "          ~~~", "an index or a size is whole, not `0.5`");
    check_err("let a = x[(i + 1)];",
              "          ~", "an index has no parentheses");
    check_err("let a = x[];",
              "         ~~", "nothing stands in these brackets");
    check_err("let a = mu[k, ..];",
              "              ~~", "an expression has no slices");
    check_err("let a = mu[1..2];",
              "            ~~", "expected `,` or the closing bracket, found `..`");
    check_err("let a = x[z[n][0]];",
              "              ~", "an array read inside an index has one pair of brackets");
    check_err("let a = x[f(n)];",
              "           ~", "expected an index, which holds no calls, found `(`");
    check_err("let a = x[i j];",
              "            ~", "expected `,` or the closing bracket, found `j`");
}

#[test]
fn operators_of_other_languages_are_translated() {
    check_err("let a = 2 ** 3;",
              "          ~~", "`**` is written `^`");
    check_err("let a = b && c;",
              "          ~~", "`&&` is written `and`");
    check_err("let a = b || c;",
              "          ~~", "`||` is written `or`");
    check_err("let a = b & c;",
              "          ~", "`&` is written `and`");
    check_err("let a = b | c;",
              "          ~", "`|` is written `or`");
    check_err("let a = !b;",
              "        ~", "`!` is written `not`");
    check_err("let a = b and !c;",
              "              ~", "`!` is written `not`");
    check_err("let a = b = c;",
              "          ~", "`=` is written `==`");
    check_err("let a = b =< c;",
              "          ~~", "`=<` is written `<=`");
    check_err("let a = b % c;",
              "          ~", "there is no remainder operator");
}

#[test]
fn only_the_transpose_is_a_method() {
    check_err("let a = A'b;",
              "         ~", "the transpose is written `.t()`");
    check_err("let a = A.T;",
              "          ~", "the transpose is written `.t()`");
    check_err("let a = A.T * B;",
              "          ~", "the transpose is written `.t()`");
    check_err("let a = A.transpose();",
              "          ~~~~~~~~~", "the transpose is written `.t()`");
    check_err("let a = A.t;",
              "          ~", "the transpose is written `.t()`");
    check_err("let a = A.t(1);",
              "            ~", "expected the closing bracket, found `1`");
    check_err("let a = x.exp();",
              "          ~~~", "`exp` is not a method: the only one is `t()`");
    check_err("let a = x.0;",
              "          ~", "expected `t()` after the dot, found `0`");
}

#[test]
fn comparisons_and_not_do_not_nest() {
    check_err("let a = b < c < d;",
              "              ~", "comparisons do not chain");
    check_err("let a = b == c == d;",
              "               ~~", "comparisons do not chain");
    check_err("let a = b < c and c < d < e;",
              "                        ~", "comparisons do not chain");
    check_err("let a = b + not c;",
              "            ~~~", "`not` here needs parentheses");
    check_err("let a = b == not c;",
              "             ~~~", "`not` here needs parentheses");
}

#[test]
fn expressions_are_complete() {
    check_err("let a = 2(b);",
              "         ~", "only a name can be called");
    check_err("let a = f(b)(c);",
              "            ~", "only a name can be called");
    check_err("let a = f[1](c);",
              "            ~", "only a name can be called");
    check_err("let a = if b { c } else { d };",
              "        ~~", "an expression has no `if`");
    check_err("let a = match b { true => 1 };",
              "        ~~~~~", "a `match` stands only after `~`");
    check_err("let a = (b, c);",
              "          ~", "parentheses hold one expression");
    check_err("let a = (b c);",
              "           ~", "expected an operator or the closing bracket, found `c`");
    check_err("let a = ();",
              "         ~", "expected an expression, found the closing bracket");
    check_err("let a = [];",
              "        ~~", "a vector has at least one element");
    check_err("let a = [b c];",
              "           ~", "expected an operator or the closing bracket, found `c`");
    check_err("let a = 1 + (b * c d);",
              "                   ~", "expected an operator or the closing bracket, found `d`");
}

#[test]
fn a_sum_has_a_for() {
    check_err("let a = sum(b);",
              "        ~~~~~~", "`sum` needs a `for`");
    check_err("let a = sum();",
              "        ~~~~~", "`sum` needs a `for`");
    check_err("let a = prod(b, c);",
              "        ~~~~~~~~~~", "`prod` needs a `for`");
    check_err("let a = sum(b c for k in K);",
              "              ~", "expected an operator or `for`, found `c`");
    check_err("let a = sum(b for k);",
              "                  ~", "`k` has no range");
    check_err("let a = sum(b for k in K for l in L);",
              "                         ~~~", "one `for` holds all its ranges");
    check_err("let a = sum(b for k in K if);",
              "                           ~", "expected an expression, found the closing bracket");
    check_err("let a = [b for 0];",
              "               ~", "`0` has no range");
    check_err("let a = [b for k in K l in L];",
              "                      ~", "expected `,`, `if` or the closing bracket, found `l`");
}

#[test]
fn a_number_is_plain() {
    check_err("let a = 1.5f32;",
              "        ~~~~~~", "a number has no suffix `f32`");
    check_err("let a = 3u8;",
              "        ~~~", "a number has no suffix `u8`");
    check_err("let a = 1e999;",
              "        ~~~~~", "`1e999` is too large");
    check_err("let a = 99999999999999999999;",
              "        ~~~~~~~~~~~~~~~~~~~~", "`99999999999999999…` is too large");
    check_err("let a = x[99999999999999999999];",
              "          ~~~~~~~~~~~~~~~~~~~~", "`99999999999999999…` is too large");
    check_err("let a = \"red\";",
              "        ~~~~~", "`\"red\"` is not a number");
    check_err("let a = 'r';",
              "        ~~~", "`'r'` is not a number");
}

#[test]
fn an_operator_has_operands() {
    check_err("let a = b +;",
              "           ~", "expected an expression, found `;`");
    check_err("let a = + b;",
              "        ~", "expected an expression, found `+`");
    check_err("let a = and b;",
              "        ~~~", "expected an expression, found `and`");
    check_err("let a = b ? c : d;",
              "          ~", "an expression has no `if`");
    check_err("let a = 0..K;",
              "         ~~", "expected `;` after the value of `a`, found `..`");
    check_err("let a = |x| x;",
              "        ~", "expected an expression, found `|`");
    check_err("let a = { b };",
              "        ~", "expected an expression, found `{`");
    check_err("let a = b as f64;",
              "          ~~", "expected `;` after the value of `a`, found `as`");
    check_err("let a = loop;",
              "        ~~~~", "`loop` is a keyword of Rust, and cannot be a name here");
    check_err("let a = dot(a b);",
              "              ~", "expected `,` or the closing bracket, found `b`");
    check_err("let a = dot(a, , b);",
              "               ~", "expected an expression, found `,`");
}
