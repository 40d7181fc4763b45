//! The lines that an import refused, until its answer is read: in bounded memory, however many
//! values are wrong in them.

use axum::body::Bytes;
use serde_json::json;

use crate::domain::{Fault, Rejection};
use crate::protocol::problem::{Problem, ProblemKind};

/// What is kept of all refused lines in full, in bytes. It holds a thousand lines with one fault
/// each.
const KEPT_BYTES: usize = 128 * 1024;
/// Bytes after which a piece of the answer is sent.
const PIECE_BYTES: usize = 16 * 1024;
/// What stands for the rest.
const NOT_KEPT: &str = "This line is refused too. So much is wrong before it that there was no \
                        room left to say what is wrong here: correct the other lines and import \
                        again.";

/// The refused lines so far.
#[derive(Default)]
pub(super) struct RefusedLines {
    lines: Vec<Refused>,
    bytes: usize,
}

struct Refused {
    line: u64,
    why: Why,
}

/// A problem as it is kept.
enum Why {
    /// Values are wrong: the faults as JSON, from which the problem is made again.
    Faults(Box<str>),
    /// The document of another problem.
    Document(Box<str>),
    /// What there was no room for.
    NotKept(ProblemKind),
}

impl RefusedLines {
    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.lines.len()
    }

    /// Adds one.
    pub(super) fn add(&mut self, line: u64, problem: &Problem) {
        let document = problem.to_json(None);
        let why = match document.get("errors") {
            Some(faults) => Why::Faults(faults.to_string().into()),
            None => Why::Document(document.to_string().into()),
        };
        let bytes = size_of::<Refused>() + why.len();
        let why = if self.bytes + bytes <= KEPT_BYTES {
            why
        } else {
            Why::NotKept(problem.kind())
        };
        self.bytes += size_of::<Refused>() + why.len();
        self.lines.push(Refused { line, why });
    }

    /// The answer: a line for each, in the order of the lines, then `last`. Its length, and itself
    /// in pieces.
    pub(super) fn answer(mut self, last: String) -> (usize, impl Iterator<Item = Bytes> + Send) {
        self.lines.sort_unstable_by_key(|refused| refused.line);
        // All is written twice, so that it need not be kept.
        let length = self
            .lines
            .iter()
            .map(|refused| refused.told().len() + 1)
            .sum::<usize>()
            + last.len()
            + 1;
        let mut lines = self
            .lines
            .into_iter()
            .map(|refused| refused.told())
            .chain([last])
            .peekable();
        let pieces = std::iter::from_fn(move || {
            lines.peek()?;
            let mut piece = String::new();
            while piece.len() < PIECE_BYTES
                && let Some(line) = lines.next()
            {
                piece.push_str(&line);
                piece.push('\n');
            }
            Some(piece.into())
        });
        (length, pieces)
    }
}

impl Refused {
    fn told(&self) -> String {
        let line = self.line;
        let problem = match &self.why {
            Why::Document(document) => return format!(r#"{{"line":{line},"problem":{document}}}"#),
            Why::Faults(faults) => {
                let faults: Vec<Fault> =
                    serde_json::from_str(faults).expect("it was written by this process");
                Problem::from(Rejection::Invalid(faults))
            }
            Why::NotKept(kind) => Problem::new(*kind, NOT_KEPT),
        };
        json!({"line": line, "problem": problem.to_json(None)}).to_string()
    }
}

impl Why {
    fn len(&self) -> usize {
        match self {
            Self::Faults(text) | Self::Document(text) => text.len(),
            Self::NotKept(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn faulty(faults: usize) -> Problem {
        let fault = |number| Fault {
            pointer: format!("/attributes/{number}"),
            detail: "is \"wrong\"".to_owned(),
        };
        Problem::from(Rejection::Invalid((0..faults).map(fault).collect()))
    }

    fn told(refused: RefusedLines) -> Vec<Value> {
        let (length, pieces) = refused.answer(r#"{"saved":0}"#.to_owned());
        let text: Vec<u8> = pieces.flatten().collect();
        assert_eq!(text.len(), length);
        String::from_utf8(text)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn each_problem_is_told_as_it_was_in_the_order_of_the_lines() {
        let problems = [
            faulty(1),
            faulty(3),
            Problem::new(ProblemKind::TooLarge, "too long").with("limit", 7),
        ];
        let mut refused = RefusedLines::default();
        for (line, problem) in [9, 2, 5].into_iter().zip(&problems) {
            refused.add(line, problem);
        }
        assert_eq!(refused.len(), 3);
        let expected = [(2, &problems[1]), (5, &problems[2]), (9, &problems[0])]
            .map(|(line, problem)| json!({"line": line, "problem": problem.to_json(None)}));
        assert_eq!(
            told(refused),
            [&expected[..], &[json!({"saved": 0})]].concat()
        );
    }

    #[test]
    fn a_thousand_lines_with_few_faults_are_kept_in_full_and_many_faults_are_bounded() {
        for (faults, whole) in [(1, 1000), (100, 1)] {
            let mut refused = RefusedLines::default();
            (1..=1000).for_each(|line| refused.add(line, &faulty(faults)));
            assert!(
                refused.bytes <= KEPT_BYTES + 1000 * size_of::<Refused>(),
                "{} bytes",
                refused.bytes
            );
            let told = told(refused);
            assert_eq!(told.len(), 1001);
            let in_full = |line: &&Value| {
                line["problem"]["errors"]
                    .as_array()
                    .is_some_and(|all| all.len() == faults)
            };
            assert!(told.iter().filter(in_full).count() >= whole);
            assert!(
                told[..1000]
                    .iter()
                    .all(|line| line["problem"]["type"] == "/problems/validation")
            );
        }
    }
}
