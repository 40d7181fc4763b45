//! The parts of a request that handlers read: the body within its limits, the query, and the
//! headers that choose the form of the answer.

pub(super) mod body;
pub(super) mod entity_tag;
pub(super) mod header_list;
pub(super) mod media;
pub(super) mod projection;
pub(super) mod query;
