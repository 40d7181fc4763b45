//! The wire formats from outside: every message in every format to the letter, what holds for any
//! text, and the examples of docs/asyncapi.yaml.

#[cfg(test)]
mod asyncapi;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod wire;
