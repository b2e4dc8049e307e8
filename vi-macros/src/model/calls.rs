//! Family calls: arguments to parameters, each in its domain, and the value against the type of the array.

use super::Checker;
use super::expr::is_vector;
use super::facts::constant_value;
use super::ir::{ElemKind, Expr, ExprKind, Extent, FamilyCall, Type};
use super::names::Scope;
use crate::diagnostics::model as diagnostic;
use crate::families::{ALL, Domain, Family, Support};
use crate::syntax::ast;

/// The arguments of a call by their canonical names.
pub(super) struct Matched<'a> {
    pub args: Vec<(&'static str, &'a ast::Expr)>,
    pub min: Option<&'a ast::Expr>,
    pub max: Option<&'a ast::Expr>,
    complete: bool,
}

impl<'a> Checker<'a> {
    pub(super) fn family_call(
        &mut self,
        call: &'a ast::FamilyCall,
        scope: &Scope,
        kind: Option<&ElemKind>,
        array: &str,
    ) -> Option<FamilyCall> {
        let Some(family) = crate::families::find(&call.name.to_string()) else {
            let names: Vec<&str> = ALL.iter().map(|f| f.name).collect();
            self.error(diagnostic::unknown_family(&call.name, &names));
            // Mistakes in the arguments are reported all the same.
            for arg in &call.args {
                self.expr(&arg.value, scope, None);
            }
            return None;
        };
        let matched = self.match_arguments(family, call);
        let place = kind.and_then(|k| place_of(family, k));
        let mut args = Vec::new();
        let mut sound = matched.complete;
        for (name, e) in &matched.args {
            match self.expr(e, scope, place.as_ref()) {
                Some(e) => {
                    sound &= self.argument_fits(family, name, &e, place.as_ref());
                    args.push((*name, e));
                }
                None => sound = false,
            }
        }
        let mut bound = |this: &mut Self, e: Option<&'a ast::Expr>| {
            let e = this.expr(e?, scope, None)?;
            if !e.ty.is_scalar() {
                let found = this.model.show_type(&e.ty);
                this.error(diagnostic::not_a_number(e.loc, &found));
                sound = false;
                return None;
            }
            Some(e)
        };
        let (min, max) = (bound(self, matched.min), bound(self, matched.max));
        let call = FamilyCall { loc: call.loc, family, name: call.name.clone(), args, min, max };
        if let Some(kind) = kind
            && sound
        {
            sound &= self.value_of_family_fits(&call, kind, array);
        }
        sound.then_some(call)
    }

    /// Pairs arguments with parameters; missing, unknown and duplicate ones are one mistake with the signature.
    pub(super) fn match_arguments(
        &mut self,
        family: &'static Family,
        call: &'a ast::FamilyCall,
    ) -> Matched<'a> {
        let mut given: Vec<Option<(&'static str, &'a ast::Expr)>> = vec![None; family.params.len()];
        let mut matched = Matched { args: Vec::new(), min: None, max: None, complete: true };
        let mut problems = diagnostic::Arguments::default();
        let mut positional = family.params.iter().enumerate().filter(|(_, p)| p.positional).map(|(n, _)| n);
        for arg in &call.args {
            let Some(name) = &arg.name else {
                match positional.find(|n| given[*n].is_none()) {
                    Some(n) => given[n] = Some((family.params[n].ways[0].name, &arg.value)),
                    None => problems.unnamed.push((arg.value.loc, arg.value.to_string())),
                }
                continue;
            };
            let bound = match name.to_string().as_str() {
                "min" => Some(&mut matched.min),
                "max" => Some(&mut matched.max),
                _ => None,
            };
            if let Some(bound) = bound.filter(|_| family.truncatable) {
                if bound.replace(&arg.value).is_some() {
                    problems.duplicate.push(name.clone());
                }
                continue;
            }
            let mut found = None;
            for (n, param) in family.params.iter().enumerate() {
                if let Some(way) = param.ways.iter().find(|w| name == w.name) {
                    found = Some((n, way.name));
                }
            }
            match found {
                None => problems.unknown.push(name.clone()),
                Some((n, _)) if given[n].is_some() => problems.duplicate.push(name.clone()),
                Some((n, way)) => given[n] = Some((way, &arg.value)),
            }
        }
        let missing =
            |(n, p): (usize, &crate::families::Param)| (given[n].is_none() && !p.optional).then_some(n);
        problems.missing = family.params.iter().enumerate().filter_map(missing).collect();
        let some_optional = family.params.iter().zip(&given).any(|(p, g)| p.optional && g.is_some());
        if some_optional {
            // `Uniform(a)` has one end only.
            let left_out =
                |(n, p): (usize, &crate::families::Param)| (given[n].is_none() && p.optional).then_some(n);
            problems.missing.extend(family.params.iter().enumerate().filter_map(left_out));
        }
        if problems.any() {
            problems.typed = call.args.iter().map(ToString::to_string).collect();
            self.error(diagnostic::arguments(family, &call.name, call.loc, &problems));
            matched.complete = false;
        }
        matched.args = given.into_iter().flatten().collect();
        matched
    }

    /// Reports an argument outside its domain.
    fn argument_fits(
        &mut self,
        family: &'static Family,
        name: &str,
        e: &Expr,
        place: Option<&Extent>,
    ) -> bool {
        let ways = family.params.iter().flat_map(|p| p.ways);
        let Some(way) = ways.into_iter().find(|w| w.name == name) else { return true };
        // A vector has no place in the distribution of a number.
        let scalar_value = place.is_none() && family.value == Support::RealOrVector;
        if way.accepts.iter().any(|d| (is_number(*d) || !scalar_value) && self.in_domain(e, *d, place)) {
            return true;
        }
        let shown = self.model.show_expr(e);
        let found = self.model.show_type(&e.ty);
        let of_size = way.accepts.iter().any(|d| self.in_domain(e, *d, None));
        if let (true, Some(place)) = (of_size, place) {
            let wanted = self.model.show_type(&Type::Vector(place.clone()));
            self.error(diagnostic::extent_mismatch(e.loc, &found, &wanted));
            return false;
        }
        let simplex = way.accepts == [Domain::Simplex] && is_vector(&e.ty);
        if simplex {
            self.error(diagnostic::not_a_simplex(e.loc, &shown));
            return false;
        }
        let needed: Vec<&str> =
            way.accepts.iter().filter(|d| is_number(**d) || !scalar_value).map(|d| domain_name(*d)).collect();
        let suggestion = self.suggest(e, way.accepts);
        self.error(diagnostic::outside_domain(e.loc, &shown, &found, family.name, name, &needed, suggestion));
        false
    }

    /// What to write instead: the declaration with a family or type whose values fit.
    fn suggest(&self, e: &Expr, accepts: &[Domain]) -> Option<String> {
        let square = matches!(&e.ty, Type::Matrix(rows, columns) if !rows.differs(columns));
        if square && accepts.contains(&Domain::SymPos) && matches!(e.kind, ExprKind::Binary(..)) {
            return Some("name the latent behind it: `latent f[n in N]: Vector[H] ~ Normal(0, var: 1);` and `Normal(W * f[n] + mu, …)`".into());
        }
        let ExprKind::Read(access) = &e.kind else { return None };
        let array = &self.model.arrays[access.array.0];
        let element =
            accepts.iter().all(|d| is_number(*d)).then(|| array.plates.get(access.indices.len())).flatten();
        if element.is_some() || matches!(e.ty, Type::Vector(_)) && accepts.iter().all(|d| is_number(*d)) {
            return Some(format!("read one element of it, as in `{}[…]`", array.name));
        }
        let (support, ty) = accepts.iter().find_map(|d| match d {
            Domain::Positive | Domain::PositiveVector => Some((Support::Positive, "Positive")),
            Domain::Unit => Some((Support::Unit, "Unit")),
            Domain::SymPos => Some((Support::SymPos, "SymPos[D]")),
            Domain::Simplex => Some((Support::Simplex, "Simplex[K]")),
            Domain::Count => Some((Support::Count, "Count")),
            Domain::Real | Domain::Any | Domain::Vector | Domain::Matrix => None,
        })?;
        let random = matches!(array.role, super::ir::Role::Latent | super::ir::Role::Observed);
        if random {
            let fitting: Vec<&str> = ALL.iter().filter(|f| f.value == support).map(|f| f.name).collect();
            Some(format!("give `{}` a distribution on these values: {}", array.name, fitting.join(", ")))
        } else if matches!(e.ty, Type::Vector(_)) && ty == "Positive" && array.plates.is_empty() {
            // One number for all coordinates would be another model.
            let shown = self.model.show_type(&e.ty);
            let size = shown.trim_start_matches("Vector[").trim_end_matches(']');
            let letter = size.len() == 1 && size.chars().all(char::is_alphabetic);
            let index = if letter { size.to_lowercase() } else { "i".to_string() };
            let low = if size.parse::<u64>().is_ok() { "0.." } else { "" };
            Some(format!(
                "declare `{}[{index} in {low}{size}]: Positive`, a number for each coordinate",
                array.name
            ))
        } else {
            Some(format!("declare `{}` as `{ty}`", array.name))
        }
    }

    /// Whether the value lies in the domain; `place` is the extent a vector must have.
    pub(super) fn in_domain(&self, e: &Expr, domain: Domain, place: Option<&Extent>) -> bool {
        let facts = self.model.facts(e);
        let number = e.ty.is_scalar();
        let fits = |d: &Extent| place.is_none_or(|p| !p.differs(d));
        let vector = match &e.ty {
            Type::Vector(d) | Type::Simplex(d) | Type::Ordered(d) => fits(d),
            // Its length is compared with a literal place here, with a size when data arrive.
            Type::Literal(n) => place.and_then(|p| p.length.as_constant()).is_none_or(|len| len == *n as i64),
            _ => false,
        };
        match domain {
            Domain::Real => number,
            Domain::Positive => number && facts.positive,
            Domain::Unit => number && facts.nonnegative && facts.at_most_one,
            Domain::Count => number && facts.nonnegative && facts.whole,
            Domain::Any => number && (e.ty.is_finite() || constant_value(e).is_some()),
            Domain::Vector => vector,
            Domain::PositiveVector => vector && facts.positive,
            Domain::Simplex => vector && self.is_simplex(e),
            Domain::SymPos => matches!(&e.ty, Type::SymPos(d) if fits(d)),
            Domain::Matrix => match &e.ty {
                Type::Matrix(r, c) => fits(r) && !r.differs(c),
                Type::SymPos(d) => fits(d),
                _ => false,
            },
        }
    }

    fn value_of_family_fits(&mut self, call: &FamilyCall, kind: &ElemKind, array: &str) -> bool {
        let nonnegative = |e: Option<&Expr>| e.is_some_and(|e| self.model.facts(e).nonnegative);
        let at_most_one = |e: Option<&Expr>| e.is_some_and(|e| self.model.facts(e).at_most_one);
        let (low, high) = match call.family.value {
            Support::RealOrCategory => (call.arg("a"), call.arg("b")),
            _ => (call.min.as_ref(), call.max.as_ref()),
        };
        let real_fits = match kind {
            ElemKind::Real => true,
            ElemKind::Positive => nonnegative(low),
            ElemKind::Unit => nonnegative(low) && at_most_one(high),
            _ => false,
        };
        let fits = match call.family.value {
            Support::Real => real_fits,
            Support::RealOrVector => {
                real_fits || (matches!(kind, ElemKind::Vector(_)) && low.is_none() && high.is_none())
            }
            Support::Positive => {
                matches!(kind, ElemKind::Positive) || (matches!(kind, ElemKind::Unit) && at_most_one(high))
            }
            Support::Unit => matches!(kind, ElemKind::Unit),
            Support::Bool => matches!(kind, ElemKind::Bool),
            Support::Count => matches!(kind, ElemKind::Count),
            Support::CountVector => matches!(kind, ElemKind::Counts(_)),
            Support::Category => matches!(kind, ElemKind::Category(_)),
            Support::Simplex => matches!(kind, ElemKind::Simplex(_)),
            Support::SymPos => matches!(kind, ElemKind::SymPos(_)),
            Support::RealOrCategory => match call.args.len() {
                0 => matches!(kind, ElemKind::Category(_) | ElemKind::Bool),
                _ => real_fits,
            },
            Support::Finite => match call.args.first() {
                Some((_, value)) => constant_fits(value, kind),
                None => false,
            },
        };
        if !fits {
            let shown = self.model.show_kind(kind);
            let example = fitting_families(kind);
            let gives = support_name(call.family.value);
            let by_bounds = matches!(kind, ElemKind::Positive)
                && matches!(call.family.value, Support::Real | Support::RealOrVector)
                && call.family.truncatable;
            self.error(diagnostic::family_of_other_values(
                &call.name, gives, array, &shown, &example, by_bounds,
            ));
        }
        fits
    }

    /// Whether a value may be stored in an element of this kind.
    pub(super) fn value_fits(&self, e: &Expr, kind: &ElemKind) -> bool {
        let place = kind.axes().first().map(|d| (*d).clone());
        let (place, number) = (place.as_ref(), e.ty.is_scalar());
        match kind {
            ElemKind::Real => number,
            ElemKind::Positive => self.in_domain(e, Domain::Positive, None),
            ElemKind::Unit => self.in_domain(e, Domain::Unit, None),
            ElemKind::Count => self.in_domain(e, Domain::Count, None),
            ElemKind::Bool => matches!(e.ty, Type::Bool),
            ElemKind::Category(d) => match &e.ty {
                Type::Index(nominal) => *nominal == d.nominal,
                _ => constant_value(e).is_some_and(|v| v >= 0.0 && v.fract() == 0.0),
            },
            ElemKind::Simplex(_) => self.in_domain(e, Domain::Simplex, place),
            ElemKind::Counts(_) | ElemKind::Ordered(_) | ElemKind::Vector(_) => {
                number || self.in_domain(e, Domain::Vector, place)
            }
            ElemKind::Matrix(r, c) => match &e.ty {
                Type::Matrix(x, y) => !r.differs(x) && !c.differs(y),
                Type::SymPos(d) => !r.differs(d) && !c.differs(d),
                _ => number,
            },
            ElemKind::SymPos(_) => {
                self.in_domain(e, Domain::SymPos, place) || self.in_domain(e, Domain::Positive, None)
            }
        }
    }
}

/// A copy of a category or Bool, or the zero of a count that is structurally absent.
fn constant_fits(value: &Expr, kind: &ElemKind) -> bool {
    let literal = constant_value(value).filter(|v| *v >= 0.0 && v.fract() == 0.0);
    match kind {
        ElemKind::Bool => matches!(value.ty, Type::Bool),
        ElemKind::Count => literal.is_some() || matches!(value.ty, Type::Count | Type::Bool),
        ElemKind::Category(d) => literal.is_some() || matches!(&value.ty, Type::Index(n) if *n == d.nominal),
        ElemKind::Real
        | ElemKind::Positive
        | ElemKind::Unit
        | ElemKind::Counts(_)
        | ElemKind::Simplex(_)
        | ElemKind::Ordered(_)
        | ElemKind::Vector(_)
        | ElemKind::Matrix(..)
        | ElemKind::SymPos(_) => false,
    }
}

/// The extent that vector arguments must have.
fn place_of(family: &Family, kind: &ElemKind) -> Option<Extent> {
    match (family.value, kind) {
        (Support::RealOrVector, ElemKind::Vector(d))
        | (Support::Category, ElemKind::Category(d))
        | (Support::Simplex, ElemKind::Simplex(d))
        | (Support::SymPos, ElemKind::SymPos(d))
        | (Support::CountVector, ElemKind::Counts(d)) => Some(d.clone()),
        _ => None,
    }
}

fn is_number(domain: Domain) -> bool {
    match domain {
        Domain::Real | Domain::Positive | Domain::Unit | Domain::Count | Domain::Any => true,
        Domain::Vector | Domain::PositiveVector | Domain::Simplex | Domain::SymPos | Domain::Matrix => false,
    }
}

pub fn domain_name(domain: Domain) -> &'static str {
    match domain {
        Domain::Real => "a number",
        Domain::Positive => "a number > 0",
        Domain::Unit => "a number in 0..1",
        Domain::Count => "a count",
        Domain::Any => "a finite value",
        Domain::Vector => "a vector",
        Domain::PositiveVector => "a vector of numbers > 0",
        Domain::Simplex => "a simplex",
        Domain::SymPos => "a symmetric positive matrix",
        Domain::Matrix => "a square matrix",
    }
}

fn support_name(support: Support) -> &'static str {
    match support {
        Support::Real => "Real",
        Support::RealOrVector => "Real or Vector",
        Support::Positive => "Positive",
        Support::Unit => "Unit",
        Support::Bool => "Bool",
        Support::Count => "Count",
        Support::CountVector => "counts over one index",
        Support::Category => "Category",
        Support::Simplex => "Simplex",
        Support::SymPos => "SymPos",
        Support::RealOrCategory => "Real or Category",
        Support::Finite => "finite",
    }
}

fn fitting_families(kind: &ElemKind) -> Vec<&'static str> {
    let fits = |s: Support| match kind {
        ElemKind::Real => matches!(s, Support::Real | Support::RealOrVector | Support::RealOrCategory),
        ElemKind::Positive => s == Support::Positive,
        ElemKind::Unit => s == Support::Unit,
        ElemKind::Bool => s == Support::Bool,
        ElemKind::Count => s == Support::Count,
        ElemKind::Counts(_) => s == Support::CountVector,
        ElemKind::Category(_) => matches!(s, Support::Category | Support::RealOrCategory),
        ElemKind::Simplex(_) => s == Support::Simplex,
        ElemKind::Vector(_) => s == Support::RealOrVector,
        ElemKind::SymPos(_) => s == Support::SymPos,
        ElemKind::Ordered(_) | ElemKind::Matrix(..) => false,
    };
    ALL.iter().filter(|f| fits(f.value)).map(|f| f.name).collect()
}
