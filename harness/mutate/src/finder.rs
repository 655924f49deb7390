//! Finding every edit of a source.

use crate::functions::{Function, bytes, functions};
use crate::operator::Operator;
use crate::regions::solution;
use crate::{Error, Mutation};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Arm, BinOp, Block, Expr, ExprBinary, ExprIf, ExprStruct, Lit, Local, Member, Pat, RangeLimits, Stmt, UnOp,
};

/// The methods of `Out` and of a batch of writes that ask for something.
const EFFECTS: [&str; 15] = [
    "append",
    "broadcast",
    "call",
    "cancel_timer",
    "emit",
    "put",
    "remove",
    "reply",
    "save",
    "send",
    "set_timer",
    "sync",
    "truncate",
    "write",
    "atomic",
];

/// Every edit of a source, in order of operator and place. `path` is the file's, without `src/`.
///
/// # Errors
/// Where the source is no Rust, or its `BEGIN SOLUTION` lines do not add up.
pub fn mutations(path: &str, source: &str) -> Result<Vec<Mutation>, Error> {
    let regions = solution(source)?;
    let file = syn::parse_file(source)?;
    let mut all = Vec::new();
    for function in functions(&file).iter().filter(|function| !function.is_const) {
        let mut finder = Finder { source, regions: &regions, seen: BTreeSet::new(), found: Vec::new() };
        finder.function(function);
        let mut ordinals: BTreeMap<Operator, u32> = BTreeMap::new();
        let mut found = finder.found;
        found.sort_by_key(|(operator, span, _)| (*operator, span.start, span.end));
        all.extend(found.into_iter().map(|(operator, span, text)| {
            let nth = ordinals.entry(operator).or_default();
            *nth += 1;
            let id = format!("{path}/{}/{operator}/{nth}", function.name);
            Mutation { id, operator, function: function.name.clone(), span, text }
        }));
    }
    Ok(all)
}

struct Finder<'a> {
    source: &'a str,
    /// Where edits are allowed.
    regions: &'a [Range<usize>],
    seen: BTreeSet<(usize, usize, String)>,
    found: Vec<(Operator, Range<usize>, String)>,
}

impl Finder<'_> {
    fn text(&self, of: &impl Spanned) -> &str {
        &self.source[bytes(of)]
    }
    fn add(&mut self, operator: Operator, span: Range<usize>, text: impl Into<String>) {
        let text = text.into();
        let allowed = self.regions.iter().any(|region| region.start <= span.start && span.end <= region.end);
        if allowed
            && self.source[span.clone()] != text
            && self.seen.insert((span.start, span.end, text.clone()))
        {
            self.found.push((operator, span, text));
        }
    }

    fn function(&mut self, function: &Function<'_>) {
        self.visit_block(function.block);
        let mut statements = function.block.stmts.iter();
        let Some(first) = statements.next() else { return };
        let at = |statement: &Stmt| bytes(statement).start..bytes(statement).start;
        if !function.is_unit {
            self.add(Operator::EarlyReturn, at(first), "return Default::default(); ");
            return;
        }
        self.add(Operator::EarlyReturn, at(first), "return; ");
        for statement in statements {
            self.add(Operator::EarlyReturn, at(statement), "return; ");
        }
    }

    /// A statement that is left out.
    fn statement(&mut self, statement: &Stmt, names: &BTreeSet<String>) {
        let span = bytes(statement);
        match statement {
            Stmt::Expr(expression, semicolon) => {
                let operator = match expression {
                    expression if is_effect(expression) => Operator::LeaveOutEffect,
                    Expr::Assign(_) => Operator::LeaveOutAssignment,
                    Expr::Binary(binary) if assigns(&binary.op) => Operator::LeaveOutAssignment,
                    Expr::If(_)
                    | Expr::Match(_)
                    | Expr::ForLoop(_)
                    | Expr::While(_)
                    | Expr::MethodCall(_) => Operator::LeaveOutStatement,
                    _ if semicolon.is_some() => Operator::LeaveOutStatement,
                    _ => return, // a value
                };
                self.add(operator, span, "");
            }
            Stmt::Macro(_) => self.add(Operator::LeaveOutStatement, span, ""),
            // without it, the name means what it meant before
            Stmt::Local(Local { pat: Pat::Ident(pattern), .. })
                if names.contains(&pattern.ident.to_string()) =>
            {
                self.add(Operator::LeaveOutStatement, span, "");
            }
            Stmt::Local(_) | Stmt::Item(_) => {}
        }
    }

    fn swap(&mut self, first: &Stmt, second: &Stmt) {
        let (a, b) = (Traits::of(self.text(first), first), Traits::of(self.text(second), second));
        if a.declares || b.declares || !(a.effects || b.effects) {
            return;
        }
        // effects happen after the handler: what else stands beside one matters only if it changes what the effect says
        let matters = match (a.effects, b.effects) {
            (true, true) => true,
            (true, false) => !a.words.is_disjoint(&b.changes),
            (false, _) => !b.words.is_disjoint(&a.changes),
        };
        if !matters {
            return;
        }
        let between = &self.source[bytes(first).end..bytes(second).start];
        let ends = |text: &str| text.ends_with(';') || text.ends_with('}');
        let (one, two) = (self.text(first), self.text(second));
        let semicolon = if ends(two) { "" } else { ";" };
        let text = format!("{two}{semicolon}{between}{one}");
        self.add(Operator::SwapEffects, bytes(first).start..bytes(second).end, text);
    }

    fn condition(&mut self, condition: &Expr, may_be_true: bool) {
        match condition {
            Expr::Let(_) => {}
            Expr::Paren(inner) => self.condition(&inner.expr, may_be_true),
            // of a chain of `let`s, each other condition by itself
            Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) && has_let(condition) => {
                self.condition(&binary.left, may_be_true);
                self.condition(&binary.right, may_be_true);
            }
            _ => {
                let span = bytes(condition);
                let negated = match condition {
                    Expr::Unary(not) if matches!(not.op, UnOp::Not(_)) => self.text(&not.expr).to_owned(),
                    Expr::Binary(binary) if compares(&binary.op) => String::new(),
                    _ => format!("!({})", self.text(condition)),
                };
                if !negated.is_empty() {
                    self.add(Operator::NegateCondition, span.clone(), negated);
                }
                if may_be_true {
                    self.add(Operator::FixCondition, span.clone(), "true");
                }
                self.add(Operator::FixCondition, span, "false");
            }
        }
    }

    fn binary(&mut self, binary: &ExprBinary) {
        let span = bytes(&binary.op);
        let other = match &binary.op {
            BinOp::Lt(_) => (Operator::Comparison, "<="),
            BinOp::Le(_) => (Operator::Comparison, "<"),
            BinOp::Gt(_) => (Operator::Comparison, ">="),
            BinOp::Ge(_) => (Operator::Comparison, ">"),
            BinOp::Eq(_) => (Operator::Comparison, "!="),
            BinOp::Ne(_) => (Operator::Comparison, "=="),
            BinOp::And(_) => (Operator::Logic, "||"),
            BinOp::Or(_) => (Operator::Logic, "&&"),
            _ => return,
        };
        if has_let(&binary.left) || has_let(&binary.right) {
            return;
        }
        self.add(other.0, span, other.1);
        let fixed = match &binary.op {
            BinOp::And(_) => "true",
            BinOp::Or(_) => "false",
            // the opposite of a comparison that has a border is not its neighbour
            BinOp::Lt(_) => return self.add(Operator::Comparison, bytes(&binary.op), ">="),
            BinOp::Le(_) => return self.add(Operator::Comparison, bytes(&binary.op), ">"),
            BinOp::Gt(_) => return self.add(Operator::Comparison, bytes(&binary.op), "<="),
            BinOp::Ge(_) => return self.add(Operator::Comparison, bytes(&binary.op), "<"),
            _ => return,
        };
        for side in [&binary.left, &binary.right] {
            // a side that is a chain itself has sides of its own
            if !matches!(&**side, Expr::Binary(inner) if inner.op == binary.op) {
                self.add(Operator::FixCondition, bytes(side), fixed);
            }
        }
    }

    fn arms(&mut self, arms: &[Arm]) {
        for (nth, arm) in arms.iter().enumerate() {
            if let Some((_, guard)) = &arm.guard {
                self.condition(guard, true);
            }
            let rest = &arms[nth + 1..];
            let catches_all =
                |arm: &Arm| arm.guard.is_none() && matches!(&arm.pat, Pat::Wild(_) | Pat::Ident(_));
            let body = bytes(&arm.body);
            if rest.iter().any(catches_all) {
                let end = arm.comma.as_ref().map_or(body.end, |comma| bytes(comma).end);
                self.add(Operator::LeaveOutArm, bytes(&arm.pat).start..end, "");
            } else if matches!(&*arm.body, Expr::Block(block) if !block.block.stmts.is_empty()) {
                self.add(Operator::LeaveOutArm, body, "{}");
            } else if is_call(&arm.body) && !is_effect(&arm.body) {
                self.add(Operator::LeaveOutArm, body, "()");
            }
        }
    }

    fn field(&mut self, value: &Expr, prefix: &str) {
        if !is_default(self.text(value)) {
            self.add(Operator::DefaultField, bytes(value), format!("{prefix}Default::default()"));
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_block(&mut self, block: &'ast Block) {
        let mut names = BTreeSet::new();
        for statement in &block.stmts {
            self.statement(statement, &names);
            if let Stmt::Local(Local { pat: Pat::Ident(pattern), .. }) = statement {
                names.insert(pattern.ident.to_string());
            }
        }
        for pair in block.stmts.windows(2) {
            self.swap(&pair[0], &pair[1]);
        }
        visit::visit_block(self, block);
    }
    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            // an effect that is a statement is gone already
            effect if is_effect(effect) => {
                let span = bytes(effect);
                let gone =
                    |(start, end, _): &(usize, usize, String)| *start == span.start && *end >= span.end;
                if !self.seen.iter().any(|seen| seen.2.is_empty() && gone(seen)) {
                    self.add(Operator::LeaveOutEffect, span, "()");
                }
            }
            Expr::While(of) => self.condition(&of.cond, false), // for ever is too easy to find
            Expr::Binary(binary) => self.binary(binary),
            Expr::Match(of) => self.arms(&of.arms),
            Expr::Unary(not) if matches!(not.op, UnOp::Not(_)) => {
                let inner = self.text(&not.expr).to_owned();
                self.add(Operator::NegateCondition, bytes(expression), inner);
            }
            Expr::Range(range) => {
                let other = match (&range.limits, &range.end) {
                    (RangeLimits::HalfOpen(_), Some(_)) => Some("..="),
                    (RangeLimits::Closed(_), _) => Some(".."),
                    (RangeLimits::HalfOpen(_), None) => None,
                };
                if let Some(other) = other {
                    self.add(Operator::OffByOne, bytes(&range.limits), other);
                }
            }
            Expr::Lit(literal) => {
                if let Lit::Int(number) = &literal.lit
                    && let Ok(value) = number.base10_parse::<u64>()
                {
                    let near = [value.checked_sub(1), value.checked_add(1)];
                    for near in near.into_iter().flatten() {
                        self.add(Operator::OffByOne, bytes(literal), format!("{near}{}", number.suffix()));
                    }
                }
            }
            Expr::Call(call) if is_constructor(&call.func) => {
                if self.text(&call.func) == "Some" {
                    self.add(Operator::DefaultField, bytes(call), "None");
                } else {
                    for value in &call.args {
                        self.field(value, "");
                    }
                }
            }
            _ => {}
        }
        if let Expr::MethodCall(call) = expression {
            let name = call.method.to_string();
            let other = match name.as_str() {
                "min" => Some("max"),
                "max" => Some("min"),
                _ => None,
            };
            if let Some(other) = other {
                self.add(Operator::MinMax, bytes(&call.method), other);
            }
        }
        visit::visit_expr(self, expression);
    }
    fn visit_expr_if(&mut self, of: &'ast ExprIf) {
        self.condition(&of.cond, true);
        if let Some((_, other)) = &of.else_branch
            && !matches!(&**other, Expr::If(_))
        {
            let span = bytes(&of.then_branch).end..bytes(other).end;
            self.add(Operator::LeaveOutElse, span, "");
        }
        visit::visit_expr_if(self, of);
    }
    fn visit_expr_struct(&mut self, of: &'ast ExprStruct) {
        for field in &of.fields {
            match (&field.member, &field.colon_token) {
                (Member::Named(name), None) => self.field(&field.expr, &format!("{name}: ")),
                _ => self.field(&field.expr, ""),
            }
        }
        visit::visit_expr_struct(self, of);
    }
}

/// What matters of a statement that may be swapped.
struct Traits {
    /// It makes names for what follows.
    declares: bool,
    effects: bool,
    words: BTreeSet<String>,
    /// The words of what it may change: of an assignment those before its `=`.
    changes: BTreeSet<String>,
}
impl Traits {
    fn of(text: &str, statement: &Stmt) -> Traits {
        let declares = matches!(statement, Stmt::Local(_) | Stmt::Item(_));
        let place = match statement {
            Stmt::Expr(Expr::Assign(assign), _) => bytes(&assign.left).len(),
            Stmt::Expr(Expr::Binary(binary), _) if assigns(&binary.op) => bytes(&binary.left).len(),
            _ => text.len(),
        };
        let all = words(text);
        let effects = ["out", "all"].iter().any(|word| all.contains(*word));
        let but_common = |all: BTreeSet<String>| {
            all.into_iter().filter(|word| !["self", "out", "all"].contains(&word.as_str())).collect()
        };
        Traits { declares, effects, words: but_common(all), changes: but_common(words(&text[..place])) }
    }
}
fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// Whether this asks `Out`, or a batch of writes, for something.
fn is_effect(expression: &Expr) -> bool {
    let Expr::MethodCall(call) = expression else { return false };
    let of_name = matches!(&*call.receiver, Expr::Path(path) if path.path.get_ident().is_some_and(|name| name != "self"));
    of_name && EFFECTS.iter().any(|effect| call.method == effect)
}
fn is_call(expression: &Expr) -> bool {
    matches!(expression, Expr::MethodCall(_) | Expr::Call(_) | Expr::Assign(_))
        || matches!(expression, Expr::Binary(binary) if assigns(&binary.op))
}
/// Whether a path is that of a type or a variant.
fn is_constructor(function: &Expr) -> bool {
    let Expr::Path(path) = function else { return false };
    let last = path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
    last.starts_with(char::is_uppercase)
}
fn is_default(text: &str) -> bool {
    ["0", "false", "None", "()", "vec![]", "Default::default()"].contains(&text)
        || text.ends_with("::new()")
        || text.ends_with("::default()")
        || text.ends_with("::ZERO")
}
fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}
fn compares(operator: &BinOp) -> bool {
    use BinOp::{Eq, Ge, Gt, Le, Lt, Ne};
    matches!(operator, Lt(_) | Le(_) | Gt(_) | Ge(_) | Eq(_) | Ne(_))
}
fn assigns(operator: &BinOp) -> bool {
    use BinOp::{
        AddAssign, BitAndAssign, BitOrAssign, BitXorAssign, DivAssign, MulAssign, RemAssign, SubAssign,
    };
    matches!(
        operator,
        AddAssign(_)
            | SubAssign(_)
            | MulAssign(_)
            | DivAssign(_)
            | RemAssign(_)
            | BitAndAssign(_)
            | BitOrAssign(_)
            | BitXorAssign(_)
    )
}
