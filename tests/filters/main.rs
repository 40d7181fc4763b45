//! What filters and views promise: against another reader of CEL, against histories, against any
//! text.

#[cfg(test)]
mod any_text;
#[cfg(test)]
mod grammar;
#[cfg(test)]
mod index;
#[cfg(test)]
mod meaning;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod people;
#[cfg(test)]
mod views;
