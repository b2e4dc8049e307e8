//! The checked model as text, close to how it was typed. Stable: it is what snapshots are made of.

use super::ir::{
    Access, Array, ArrayId, Dist, ElemKind, Expr, ExprKind, Extent, FamilyCall, Function, Index, IndexId,
    IndexTerm, IndexVar, Model, Nominal, Role, SizeSource, Type,
};
use crate::syntax::ast::{Binary, Compare, Form, Over, Reducer, Unary};
use std::fmt::{self, Write as _};

impl Model {
    pub fn show_nominal(&self, nominal: Nominal) -> String {
        match nominal {
            Nominal::Literal(n) => n.to_string(),
            Nominal::Size(id) => self.sizes[id.0].name.to_string(),
        }
    }

    pub fn show_extent(&self, extent: &Extent) -> String {
        self.show_index(&extent.length)
    }

    pub fn show_kind(&self, kind: &ElemKind) -> String {
        match kind {
            ElemKind::Real => "Real".to_owned(),
            ElemKind::Positive => "Positive".to_owned(),
            ElemKind::Unit => "Unit".to_owned(),
            ElemKind::Bool => "Bool".to_owned(),
            ElemKind::Count => "Count".to_owned(),
            ElemKind::Counts(d) => format!("Counts[{}]", self.show_extent(d)),
            ElemKind::Category(d) => format!("Category[{}]", self.show_extent(d)),
            ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => self.show_type(&kind.value_type()),
        }
    }

    pub fn show_type(&self, ty: &Type) -> String {
        match ty {
            Type::Real => "Real".to_owned(),
            Type::Positive => "Positive".to_owned(),
            Type::Unit => "Unit".to_owned(),
            Type::Count => "Count".to_owned(),
            Type::Bool => "Bool".to_owned(),
            Type::Index(n) => format!("Category[{}]", self.show_nominal(*n)),
            Type::Simplex(d) => format!("Simplex[{}]", self.show_extent(d)),
            Type::Ordered(d) => format!("Ordered[{}]", self.show_extent(d)),
            Type::Vector(d) => format!("Vector[{}]", self.show_extent(d)),
            Type::Matrix(r, c) => format!("Matrix[{}, {}]", self.show_extent(r), self.show_extent(c)),
            Type::SymPos(d) => format!("SymPos[{}]", self.show_extent(d)),
            Type::Literal(n) => format!("vector of {n} numbers"),
        }
    }

    pub fn show_index(&self, index: &Index) -> String {
        let mut text = String::new();
        // `K - 1`, not `-1 + K`; and `T - 1 - t` with what is added in front.
        let added = index.terms.iter().filter(|(c, _)| *c > 0);
        let taken = index.terms.iter().filter(|(c, _)| *c < 0);
        for (coefficient, term) in added.chain(taken) {
            let sign = match (text.is_empty(), *coefficient < 0) {
                (true, true) => "-",
                (true, false) => "",
                (false, true) => " - ",
                (false, false) => " + ",
            };
            text.push_str(sign);
            if coefficient.unsigned_abs() != 1 {
                let _ = write!(text, "{}·", coefficient.unsigned_abs());
            }
            text.push_str(&self.show_term(term));
        }
        match (text.is_empty(), index.offset) {
            (true, offset) => text = offset.to_string(),
            (false, 0) => {}
            (false, offset) if offset < 0 => {
                let _ = write!(text, " - {}", offset.unsigned_abs());
            }
            (false, offset) => {
                let _ = write!(text, " + {offset}");
            }
        }
        text
    }

    fn show_term(&self, term: &IndexTerm) -> String {
        match term {
            IndexTerm::Bound(id) => self.indices[id.0].name.to_string(),
            IndexTerm::Size(id, over) => format!("{}{}", self.sizes[id.0].name, self.show_indices(over)),
            IndexTerm::Read(access) => self.show_access(access),
            IndexTerm::Axis(axis) => format!("#{axis}"),
        }
    }

    pub fn show_indices(&self, indices: &[Index]) -> String {
        if indices.is_empty() {
            return String::new();
        }
        let shown: Vec<String> = indices.iter().map(|i| self.show_index(i)).collect();
        format!("[{}]", shown.join(", "))
    }

    pub fn show_access(&self, access: &Access) -> String {
        format!("{}{}", self.arrays[access.array.0].name, self.show_indices(&access.indices))
    }

    /// The range as it would be typed: `K`, `1..T`.
    pub fn show_range(&self, var: &IndexVar) -> String {
        match (var.low.as_constant(), var.high.as_shifted_size()) {
            (Some(0), Some((_, _, 0))) => self.show_index(&var.high),
            _ => format!("{}..{}", self.show_index(&var.low), self.show_index(&var.high)),
        }
    }

    pub fn show_bind(&self, id: IndexId) -> String {
        let var = &self.indices[id.0];
        format!("{} in {}", var.name, self.show_range(var))
    }

    /// `mean[K]`: an array and what its plates count.
    pub fn show_array_head(&self, id: ArrayId) -> String {
        let array = &self.arrays[id.0];
        let plates: Vec<String> = array.plates.iter().map(|e| self.show_extent(e)).collect();
        if plates.is_empty() {
            array.name.to_string()
        } else {
            format!("{}[{}]", array.name, plates.join(", "))
        }
    }

    pub fn show_expr(&self, e: &Expr) -> String {
        self.show_at(e, 0)
    }

    /// The expression, in parentheses if it binds more loosely than `level`.
    fn show_at(&self, e: &Expr, level: u8) -> String {
        let (text, own) = self.show_with_level(e);
        if own < level { format!("({text})") } else { text }
    }

    fn show_with_level(&self, e: &Expr) -> (String, u8) {
        const ATOM: u8 = 9;
        match &e.kind {
            ExprKind::Int(v) => (v.to_string(), ATOM),
            ExprKind::Float(v) => (format!("{v:?}"), ATOM),
            ExprKind::Bool(v) => (v.to_string(), ATOM),
            ExprKind::Index(index) => {
                let level = if index.terms.len() + usize::from(index.offset != 0) > 1 { 5 } else { ATOM };
                (self.show_index(index), level)
            }
            ExprKind::Read(access) => (self.show_access(access), ATOM),
            ExprKind::Let(id, indices) => {
                (format!("{}{}", self.lets[id.0].name, self.show_indices(indices)), ATOM)
            }
            ExprKind::Unary(Unary::Not, a) => (format!("not {}", self.show_at(a, 3)), 3),
            ExprKind::Unary(Unary::Neg, a) => (format!("-{}", self.show_at(a, 7)), 7),
            ExprKind::Binary(op, a, b) => {
                let (symbol, own, left, right) = match op {
                    Binary::Or => ("or", 1, 1, 2),
                    Binary::And => ("and", 2, 2, 3),
                    Binary::Add => ("+", 5, 5, 6),
                    Binary::Sub => ("-", 5, 5, 6),
                    Binary::Mul => ("*", 6, 6, 7),
                    Binary::Div => ("/", 6, 6, 7),
                    Binary::Pow => ("^", 8, 9, 8),
                };
                (format!("{} {symbol} {}", self.show_at(a, left), self.show_at(b, right)), own)
            }
            ExprKind::Compare(op, a, b) => {
                (format!("{} {} {}", self.show_at(a, 5), compare_symbol(*op), self.show_at(b, 5)), 4)
            }
            ExprKind::Transpose(a) => (format!("{}.t()", self.show_at(a, ATOM)), ATOM),
            ExprKind::Component(a, indices) => {
                (format!("{}{}", self.show_at(a, ATOM), self.show_indices(indices)), ATOM)
            }
            ExprKind::Call(function, args) => {
                let args: Vec<String> = args.iter().map(|a| self.show_expr(a)).collect();
                (format!("{}({})", function_name(*function), args.join(", ")), ATOM)
            }
            ExprKind::Vector(items) => {
                let items: Vec<String> = items.iter().map(|i| self.show_expr(i)).collect();
                (format!("[{}]", items.join(", ")), ATOM)
            }
            ExprKind::Comprehension { index, guard, body } => {
                let guard = self.show_guard(guard.as_deref());
                (format!("[{} for {}{guard}]", self.show_expr(body), self.show_bind(*index)), ATOM)
            }
            ExprKind::Reduce { op, indices, guard, body } => {
                let name = match op {
                    Reducer::Sum => "sum",
                    Reducer::Prod => "prod",
                    Reducer::All => "all",
                    Reducer::Any => "any",
                };
                let binds: Vec<String> = indices.iter().map(|i| self.show_bind(*i)).collect();
                let guard = self.show_guard(guard.as_deref());
                (format!("{name}({} for {}{guard})", self.show_expr(body), binds.join(", ")), ATOM)
            }
        }
    }

    fn show_guard(&self, guard: Option<&Expr>) -> String {
        guard.map(|g| format!(" if {}", self.show_expr(g))).unwrap_or_default()
    }

    pub fn show_call(&self, call: &FamilyCall) -> String {
        let named = call.args.iter().map(|(name, e)| format!("{name}: {}", self.show_expr(e)));
        let min = call.min.iter().map(|e| format!("min: {}", self.show_expr(e)));
        let max = call.max.iter().map(|e| format!("max: {}", self.show_expr(e)));
        let args: Vec<String> = named.chain(min).chain(max).collect();
        format!("{}({})", call.family.name, args.join(", "))
    }

    pub fn show_dist(&self, dist: &Dist) -> String {
        match dist {
            Dist::Family(call) => self.show_call(call),
            Dist::Match { on, arms, .. } => {
                let arms: Vec<String> = arms
                    .iter()
                    .map(|arm| {
                        let pattern = arm.value.map_or("_".to_owned(), |v| v.to_string());
                        format!("{pattern} => {}", self.show_call(&arm.call))
                    })
                    .collect();
                format!("match {} {{ {} }}", self.show_expr(on), arms.join(", "))
            }
        }
    }

    fn show_elem(&self, array: &Array) -> String {
        let mut text = self.show_kind(&array.elem.kind);
        let min = array.elem.min.iter().map(|e| format!("min: {}", self.show_expr(e)));
        let max = array.elem.max.iter().map(|e| format!("max: {}", self.show_expr(e)));
        let bounds: Vec<String> = min.chain(max).collect();
        if !bounds.is_empty() {
            let _ = write!(text, "({})", bounds.join(", "));
        }
        if array.missing {
            text.push('?');
        }
        text
    }

    /// ` for n in N if …`, or nothing.
    fn show_scope(&self, binds: &[IndexId], guards: &[Expr]) -> String {
        let mut text = String::new();
        for id in binds {
            let separator = if text.is_empty() { " for " } else { ", " };
            let _ = write!(text, "{separator}{}", self.show_bind(*id));
        }
        for (n, guard) in guards.iter().enumerate() {
            let word = if n == 0 { " if " } else { " and " };
            let _ = write!(text, "{word}{}", self.show_at(guard, 3));
        }
        text
    }

    fn show_source(&self, source: &SizeSource) -> String {
        match source {
            SizeSource::Header { default: None } => "header".to_owned(),
            SizeSource::Header { default: Some(index) } => format!("header = {}", self.show_index(index)),
            SizeSource::Axis { array, axis, offset: 0 } => {
                format!("axis {axis} of {}", self.arrays[array.0].name)
            }
            SizeSource::Axis { array, axis, offset } => {
                format!("axis {axis} of {} {offset:+}", self.arrays[array.0].name)
            }
            SizeSource::Value { array, axis } => {
                let array = &self.arrays[array.0];
                format!("axis {axis} of {} {}", role_name(array.role), array.name)
            }
            SizeSource::LargestCategory { arrays } => {
                let names: Vec<String> = arrays.iter().map(|a| self.arrays[a.0].name.to_string()).collect();
                format!("1 + largest of {}", names.join(", "))
            }
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "mod {}", self.name)?;
        writeln!(f, "sizes")?;
        for size in &self.sizes {
            let over: Vec<String> = size.over.iter().map(|s| self.sizes[s.0].name.to_string()).collect();
            let over = if over.is_empty() { String::new() } else { format!("[{}]", over.join(", ")) };
            let sources: Vec<String> = size.sources.iter().map(|s| self.show_source(s)).collect();
            writeln!(f, "  {}{over}: {}", size.name, sources.join("; "))?;
        }
        writeln!(f, "arrays")?;
        for (id, array) in self.arrays.iter().enumerate() {
            let head = self.show_array_head(ArrayId(id));
            let symmetric = if array.symmetric { " symmetric" } else { "" };
            let default =
                array.default.iter().map(|e| format!(" = {}", self.show_expr(e))).collect::<String>();
            let role = role_name(array.role);
            writeln!(f, "  {role} {head}: {}{symmetric}{default}", self.show_elem(array))?;
        }
        writeln!(f, "statements")?;
        for s in &self.statements {
            let target = format!("{}{}", self.arrays[s.array.0].name, self.show_indices(&s.target));
            let dist = s.dist.iter().map(|d| format!(" ~ {}", self.show_dist(d))).collect::<String>();
            let repeat: String =
                s.repeat.iter().map(|a| format!(" repeat {}", self.show_access(a))).collect();
            let scope = self.show_scope(&s.binds, &s.guards);
            writeln!(f, "  {}: {} {target}{dist}{scope}{repeat}", s.line, role_name(s.role))?;
        }
        for value in &self.lets {
            let plates: Vec<String> = value.plates.iter().map(|e| self.show_extent(e)).collect();
            let plates = if plates.is_empty() { String::new() } else { format!("[{}]", plates.join(", ")) };
            let reported = if value.reported { ", reported" } else { "" };
            writeln!(f, "let {}{plates}: {}{reported}", value.name, self.show_type(&value.ty))?;
            for piece in &value.pieces {
                let target = format!("{}{}", value.name, self.show_indices(&piece.target));
                let scope = self.show_scope(&piece.binds, &piece.guards);
                writeln!(f, "  {}: {target} = {}{scope}", piece.line, self.show_expr(&piece.value))?;
            }
        }
        for c in &self.constraints {
            let mut chain = self.show_at(&c.first, 5);
            for (op, e) in &c.rest {
                let _ = write!(chain, " {} {}", compare_symbol(*op), self.show_at(e, 5));
            }
            writeln!(f, "constrain\n  {}: {chain}{}", c.line, self.show_scope(&c.binds, &c.guards))?;
        }
        for group in &self.groups {
            let vars: Vec<String> = group
                .vars
                .iter()
                .map(|(id, over, _)| {
                    let over = match over {
                        None => "",
                        Some(Over::Joint) => "[..]",
                        Some(Over::Each) => "[each]",
                    };
                    format!("{}{over}", self.arrays[id.0].name)
                })
                .collect();
            let form = match group.form {
                None => "",
                Some((Form::Point, _)) => ": Point",
                Some((Form::Exact, _)) => ": Exact",
                Some((Form::Gaussian, _)) => ": Gaussian",
                Some((Form::Diagonal, _)) => ": Diagonal",
                Some((Form::Laplace, _)) => ": Laplace",
            };
            writeln!(f, "factorize\n  {}: q({}){form}", group.line, vars.join(", "))?;
        }
        for init in &self.init {
            let target = format!("{}{}", self.arrays[init.array.0].name, self.show_indices(&init.target));
            let scope = self.show_scope(&init.binds, &init.guards);
            writeln!(f, "init\n  {}: {target} = {}{scope}", init.line, self.show_expr(&init.value))?;
        }
        let order: Vec<String> = self
            .order
            .iter()
            .map(|id| {
                let s = &self.statements[id.0];
                format!("{}{}", self.arrays[s.array.0].name, self.show_indices(&s.target))
            })
            .collect();
        writeln!(f, "order\n  {}", order.join(", "))
    }
}

pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Const => "const",
        Role::Given => "given",
        Role::Observed => "observed",
        Role::Latent => "latent",
        Role::Param => "param",
    }
}

pub fn compare_symbol(op: Compare) -> &'static str {
    match op {
        Compare::Eq => "==",
        Compare::Ne => "!=",
        Compare::Lt => "<",
        Compare::Le => "<=",
        Compare::Gt => ">",
        Compare::Ge => ">=",
    }
}

pub fn function_name(function: Function) -> &'static str {
    match function {
        Function::Dot => "dot",
        Function::Exp => "exp",
        Function::Log => "log",
        Function::Sqrt => "sqrt",
        Function::Logit => "logit",
        Function::Sigmoid => "sigmoid",
        Function::Diag => "diag",
        Function::Onehot => "onehot",
        Function::Trace => "trace",
    }
}

impl Model {
    /// What to write instead of comparing two numbers.
    pub fn difference_line(&self, op: Compare, a: &Expr, b: &Expr) -> String {
        let bound = super::facts::constant_value(b).is_some();
        let symbol = compare_symbol(op);
        let (value, bound) = if bound {
            (self.show_expr(a), self.show_expr(b))
        } else {
            (format!("{} - {}", self.show_at(a, 5), self.show_at(b, 6)), "0".to_owned())
        };
        format!("write `latent gap ~ …; constrain gap {symbol} {bound};` for `{value}`")
    }
}
