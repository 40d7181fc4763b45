//! The description of REST against the gateway: it names every path and method, real answers are
//! as it says, and its limits are those of the code.

mod answers;
mod description;
mod limits;
mod pages;
mod problems;
mod program;
mod routes;
mod shapes;
