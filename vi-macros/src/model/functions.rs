//! The functions of the language: what each takes, and the type of its value.

use super::Checker;
use super::expr::is_vector;
use super::facts::constant_value;
use super::ir::{Expr, ExprKind, Extent, Function, Nominal, Type};
use super::names::Scope;
use crate::diagnostics::model as diagnostic;
use crate::syntax::ast::{self, Loc};
use proc_macro2::Ident;

const FUNCTIONS: [(&str, Function, usize); 9] = [
    ("dot", Function::Dot, 2),
    ("exp", Function::Exp, 1),
    ("log", Function::Log, 1),
    ("sqrt", Function::Sqrt, 1),
    ("logit", Function::Logit, 1),
    ("sigmoid", Function::Sigmoid, 1),
    ("diag", Function::Diag, 1),
    ("onehot", Function::Onehot, 1),
    ("trace", Function::Trace, 1),
];

fn function(name: &Ident) -> Option<(Function, usize)> {
    FUNCTIONS.iter().find(|(n, _, _)| name == n).map(|(_, f, arity)| (*f, *arity))
}

impl<'a> Checker<'a> {
    pub(super) fn call(
        &mut self,
        loc: Loc,
        name: &Ident,
        args: &[ast::Expr],
        scope: &Scope,
        place: Option<&Extent>,
    ) -> Option<Expr> {
        let Some((function, arity)) = function(name) else {
            let family = crate::families::find(&name.to_string()).is_some();
            self.error(diagnostic::unknown_function(name, FUNCTIONS.map(|f| f.0).as_slice(), family));
            return None;
        };
        if args.len() != arity {
            self.error(diagnostic::function_arity(name, loc, arity, args.len()));
            return None;
        }
        let typed: Vec<Option<Expr>> = args.iter().map(|a| self.expr(a, scope, None)).collect();
        let args: Vec<Expr> = typed.into_iter().collect::<Option<_>>()?;
        let ty = self.function_type(name, function, &args, place)?;
        let narrow = ty.is_scalar();
        let mut expr = Expr { loc, ty, kind: ExprKind::Call(function, args) };
        if narrow {
            expr.ty = self.model.facts(&expr).scalar_type();
        }
        Some(expr)
    }

    fn function_type(
        &mut self,
        name: &Ident,
        function: Function,
        args: &[Expr],
        place: Option<&Extent>,
    ) -> Option<Type> {
        let first = &args[0];
        let facts = self.model.facts(first);
        let shown = self.model.show_type(&first.ty);
        let refuse = |this: &mut Self, wanted: &str| {
            this.error(diagnostic::function_domain(name, first.loc, &shown, wanted));
            None
        };
        match function {
            Function::Dot => {
                for arg in args {
                    if !is_vector(&arg.ty) {
                        let found = self.model.show_type(&arg.ty);
                        self.error(diagnostic::function_domain(name, arg.loc, &found, "a vector"));
                        return None;
                    }
                }
                self.same_extent(args[1].loc, &args[0].ty, &args[1].ty)?;
                Some(Type::Real)
            }
            Function::Exp | Function::Log | Function::Sqrt | Function::Logit | Function::Sigmoid
                if !first.ty.is_scalar() =>
            {
                self.error(diagnostic::function_of_vector(name, first.loc, &shown));
                None
            }
            Function::Exp | Function::Sigmoid => Some(Type::Real),
            Function::Log if !facts.positive => refuse(self, "a positive number"),
            Function::Sqrt if !facts.nonnegative => refuse(self, "a number that is not negative"),
            Function::Logit if !(facts.nonnegative && facts.at_most_one) => refuse(self, "a number in 0..1"),
            Function::Log | Function::Sqrt | Function::Logit => Some(Type::Real),
            Function::Diag => match &first.ty {
                Type::Vector(d) | Type::Simplex(d) | Type::Ordered(d) if facts.positive => {
                    Some(Type::SymPos(d.clone()))
                }
                Type::Vector(d) | Type::Simplex(d) | Type::Ordered(d) => {
                    Some(Type::Matrix(d.clone(), d.clone()))
                }
                Type::Literal(n) => {
                    let extent = match place {
                        Some(extent) => extent.clone(),
                        None => Extent::literal(first.loc, *n as u64),
                    };
                    if facts.positive {
                        Some(Type::SymPos(extent))
                    } else {
                        Some(Type::Matrix(extent.clone(), extent))
                    }
                }
                _ => refuse(self, "a vector"),
            },
            Function::Trace => match &first.ty {
                Type::SymPos(_) => Some(Type::Positive),
                Type::Matrix(r, c) if !r.differs(c) => Some(Type::Real),
                _ => refuse(self, "a square matrix"),
            },
            Function::Onehot => match (&first.ty, place) {
                (Type::Index(Nominal::Size(size)), _) => {
                    Some(Type::Vector(Extent::of_size(first.loc, *size)))
                }
                (Type::Index(Nominal::Literal(n)), _) => Some(Type::Vector(Extent::literal(first.loc, *n))),
                (Type::Bool, _) => Some(Type::Vector(Extent::literal(first.loc, 2))),
                (_, Some(extent)) if constant_value(first).is_some() && facts.whole => {
                    Some(Type::Vector(extent.clone()))
                }
                _ => refuse(self, "an index or a category"),
            },
        }
    }
}
