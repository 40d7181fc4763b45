//! The person that all benchmarks save.

/// A body of 300 bytes. The ten digits behind the `#` number the change: a client finds them in
/// what it is sent.
pub const PERSON: &str = concat!(
    r#"{"firstName":"Augusta Ada","lastName":"King, Countess of Lovelace","age":36,"#,
    r#""job":"M #0000000000","#,
    r#""attributes":{"email":"ada@lovelace.example","city":"London","languages":["en","fr","it"],"#,
    r#""address":{"street":"12 St James Square","postcode":"SW1Y 4JH"},"#,
    r#""active":true,"score":98.5,"team":"analytical"}}"#,
);

const _: () = assert!(PERSON.len() == 300);

/// The id of one of the people that a benchmark knows by number; twelve digits of it are the
/// number.
pub fn id(number: u64) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}
