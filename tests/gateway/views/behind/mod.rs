//! Views of clients that read more slowly than the stream goes on.

mod batches;
mod other_formats;
mod overtaken;
