//! A damaged store: one bad record affects one person, operators are alerted, and a write or a
//! repair removes the damage. A write that Redis would refuse in part changes nothing.

mod partial_writes;
mod records;
mod store;
