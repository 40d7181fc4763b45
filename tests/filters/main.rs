//! The promises of filters and views, checked against another implementation of CEL, a scan of all
//! views, histories of changes, any text, and docs/filters.md.

#[cfg(test)]
mod any_text;
#[cfg(test)]
mod document;
#[cfg(test)]
mod index;
#[cfg(test)]
mod meaning;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod people;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod views;
