//! A full disk: saves are refused and deletes succeed until there is room again.

mod room_again;
mod while_full;
mod world;
