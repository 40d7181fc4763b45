//! The person that all benchmarks save.

/// A body of 300 bytes.
pub(crate) const PERSON: &str = concat!(
    r#"{"firstName":"Augusta Ada","lastName":"King, Countess of Lovelace","age":36,"job":"Mathematician","#,
    r#""attributes":{"email":"ada@lovelace.example","city":"London","languages":["en","fr","it"],"#,
    r#""address":{"street":"12 St James Square","postcode":"SW1Y 4JH"},"active":true,"score":98.5,"team":"analytical"}}"#,
);

const _: () = assert!(PERSON.len() == 300);

/// The id of one of the people that a benchmark knows by number; twelve digits of it are the number.
pub(crate) fn id(number: u64) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

/// The length of the sentence that a text client is sent when [`PERSON`] was saved.
pub(crate) fn sentence_length() -> usize {
    let id = id(0);
    let (first, last) = ("Augusta Ada", "King, Countess of Lovelace");
    format!("Saved person [{id}] Person(id={id}, firstName={first}, lastName={last}, age=36, job=Mathematician)").len()
}
