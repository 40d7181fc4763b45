//! Which changes a view shows, and as what.

mod view;

pub use view::{Kinds, Verdict, View};
