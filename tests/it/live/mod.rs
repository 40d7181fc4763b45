//! Live updates in the text dress.

mod text;
