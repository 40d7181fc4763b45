//! The two sides of a condition, as a filter writes them.

use crate::filter::error::TextSpan;
use crate::filter::predicate::{Condition, Path, Scalar};

/// One side of a condition, or a whole condition.
pub(crate) struct Operand {
    pub(crate) kind: OperandKind,
    pub(crate) span: TextSpan,
}

pub(crate) enum OperandKind {
    Literal(Scalar),
    List(Vec<(Scalar, TextSpan)>),
    Path(Path),
    /// A claim whose value is not known yet: a literal or a list.
    Claim,
    /// `size(PATH)`.
    Size(Path),
    /// A call that is true or false by itself.
    Condition(Condition),
}
