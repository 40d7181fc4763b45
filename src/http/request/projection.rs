//! The parameter `fields`: what a caller asks to be shown of people.

use super::query::Parameters;
use crate::http::refusal::malformed;
use crate::protocol::problem::Problem;
use crate::rights::Projection;

/// The parts that the caller asks for; none for all that it may see.
pub(in crate::http) fn projection(parameters: &Parameters) -> Result<Option<Projection>, Problem> {
    let read = parameters.get("fields").map(str::parse).transpose();
    read.map_err(|error| malformed(format!("fields: {error}.")))
}
