//! The kinds of edits.

use std::fmt;

/// A kind of edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// One effect is missing: a send, a write, a sync, a reply, an alarm.
    LeaveOutEffect,
    /// Two neighbours are swapped, at least one of which has effects.
    SwapEffects,
    /// One statement is missing.
    LeaveOutStatement,
    /// One assignment is missing.
    LeaveOutAssignment,
    /// One arm of a `match` is missing, or does nothing.
    LeaveOutArm,
    /// An `else` is missing.
    LeaveOutElse,
    /// A condition is negated, or a negation is missing.
    NegateCondition,
    /// A condition, or one side of an `&&` or `||`, is always true or always false.
    FixCondition,
    /// `<` for `<=`, `>` for `>=`, `==` for `!=`, and back.
    Comparison,
    /// `&&` for `||`, and back.
    Logic,
    /// `min` for `max`, and back.
    MinMax,
    /// A number is one more or one less; a range has its end, or lacks it.
    OffByOne,
    /// A field of a message or another value is its type's default.
    DefaultField,
    /// A function returns too early.
    EarlyReturn,
}
impl Operator {
    /// All of them.
    pub const ALL: [Operator; 14] = [
        Operator::LeaveOutEffect,
        Operator::SwapEffects,
        Operator::LeaveOutStatement,
        Operator::LeaveOutAssignment,
        Operator::LeaveOutArm,
        Operator::LeaveOutElse,
        Operator::NegateCondition,
        Operator::FixCondition,
        Operator::Comparison,
        Operator::Logic,
        Operator::MinMax,
        Operator::OffByOne,
        Operator::DefaultField,
        Operator::EarlyReturn,
    ];
}
/// As ids have it: `leave-out-effect`.
impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Operator::LeaveOutEffect => "leave-out-effect",
            Operator::SwapEffects => "swap-effects",
            Operator::LeaveOutStatement => "leave-out-statement",
            Operator::LeaveOutAssignment => "leave-out-assignment",
            Operator::LeaveOutArm => "leave-out-arm",
            Operator::LeaveOutElse => "leave-out-else",
            Operator::NegateCondition => "negate-condition",
            Operator::FixCondition => "fix-condition",
            Operator::Comparison => "comparison",
            Operator::Logic => "logic",
            Operator::MinMax => "min-max",
            Operator::OffByOne => "off-by-one",
            Operator::DefaultField => "default-field",
            Operator::EarlyReturn => "early-return",
        })
    }
}
