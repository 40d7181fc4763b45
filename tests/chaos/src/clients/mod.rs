//! Clients of every format: they read a stream, fold it into a view, and note every contradiction.

mod crowd;
mod fold;
mod library;
mod message;
mod silence;
mod violation;
mod watcher;
mod wire;

pub use self::crowd::{Changes, Crowd, Member};
pub use self::fold::{Fold, Segment};
pub use self::library::LibraryClient;
pub use self::message::{Record, saved_sentence};
pub use self::silence::Silence;
pub use self::violation::{Kind, Violation};
pub use self::watcher::{ClientOptions, ClientState, SavedView, Watcher};
pub use self::wire::{Cut, Format, handshake};
