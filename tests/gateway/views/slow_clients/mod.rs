//! Views of clients that read more slowly than people are written.

mod batches;
mod other_formats;
mod outrun_snapshots;
