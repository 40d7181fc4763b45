//! The commands that read and write people through a gateway.

mod export;
mod get;
mod import;
mod save;
mod values;

pub(super) use export::{ExportFlags, export};
pub(super) use get::{DeleteFlags, GetFlags, delete, get};
pub(super) use import::{ImportFlags, import};
pub(super) use save::{SaveFlags, save};
