//! The person that all benchmarks save.

/// The digits of the sequence number in [`PERSON`].
pub const SEQUENCE_DIGITS: usize = 10;

/// A body of 300 bytes. The ten digits after the `#` are the change's sequence number, which
/// clients find in what they receive.
pub const PERSON: &str = concat!(
    r#"{"firstName":"Augusta Ada","lastName":"King, Countess of Lovelace","age":36,"#,
    r#""job":"M #0000000000","#,
    r#""attributes":{"email":"ada@lovelace.example","city":"London","languages":["en","fr","it"],"#,
    r#""address":{"street":"12 St James Square","postcode":"SW1Y 4JH"},"#,
    r#""active":true,"score":98.5,"team":"analytical"}}"#,
);

const _: () = assert!(PERSON.len() == 300);

/// The id of the benchmark's person with this number, which is its last twelve digits.
pub fn id(number: u64) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}
