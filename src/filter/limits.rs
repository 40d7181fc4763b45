//! The limits of a filter. They bound the time and the memory that one filter may take.

/// Bytes of a filter's text.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Conditions of a filter; `true` and `false` count too.
pub const CONDITIONS_MAX: usize = 64;
/// Levels of a filter: a `!`, a chain of `&&`, a chain of `||`, a needless pair of parentheses.
pub const LEVELS_MAX: usize = 8;
/// List items of a filter, over all its lists.
pub const LIST_ITEMS_MAX: usize = 1000;
/// Bytes of one compiled pattern, and of the cache that a search with it may fill.
pub const PATTERN_BYTES_MAX: usize = 256 * 1024;
/// Expanded length of all patterns of a filter. One pattern that compiles is shorter: a character
/// or class takes more than sixteen bytes.
pub const EXPANDED_LENGTH_MAX: u64 = 16 * 1024;
