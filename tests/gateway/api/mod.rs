//! The description of REST against the gateway: it has every path and method, it describes the real
//! answers, and its limits are those of the code.

mod answers;
mod description;
mod limits;
mod problems;
mod program;
mod routes;
mod shapes;
mod static_files;
