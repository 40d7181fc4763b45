//! The lines that an import refused, until its answer is read. Their memory is bounded, however
//! many faults they have.

use axum::body::Bytes;
use serde_json::json;

use crate::domain::{Fault, Rejection};
use crate::protocol::problem::{Problem, ProblemKind};

/// Bytes of problems that are kept in full: room for a thousand lines with one fault each.
const KEPT_BYTES: usize = 128 * 1024;
/// Bytes after which a piece of the answer is sent.
const PIECE_BYTES: usize = 16 * 1024;
/// The detail of a line whose problem found no room.
const NOT_KEPT: &str = "This line is refused as well, but the report had no room left for its \
                        faults: correct the other lines and import again.";

/// The refused lines so far.
#[derive(Default)]
pub(super) struct RefusedLines {
    lines: Vec<KeptLine>,
    bytes: usize,
}

struct KeptLine {
    number: u64,
    problem: KeptProblem,
}

/// A problem in the form that is kept.
enum KeptProblem {
    /// The faults of wrong values as JSON; the problem is made of them again.
    Faults(Box<str>),
    /// The document of another problem.
    Document(Box<str>),
    /// The kind of a problem that found no room.
    NotKept(ProblemKind),
}

impl RefusedLines {
    /// The number of refused lines.
    pub(super) const fn len(&self) -> usize {
        self.lines.len()
    }

    /// Adds one.
    pub(super) fn add(&mut self, line: u64, problem: &Problem) {
        let document = problem.to_json(None);
        let kept = match document.get("errors") {
            Some(faults) => KeptProblem::Faults(faults.to_string().into()),
            None => KeptProblem::Document(document.to_string().into()),
        };
        let bytes = size_of::<KeptLine>() + kept.len();
        let kept = if self.bytes + bytes <= KEPT_BYTES {
            kept
        } else {
            KeptProblem::NotKept(problem.kind())
        };
        self.bytes += size_of::<KeptLine>() + kept.len();
        self.lines.push(KeptLine {
            number: line,
            problem: kept,
        });
    }

    /// The answer: its length, and its pieces. It has one line for each refused line, in their
    /// order, then `last`.
    pub(super) fn answer(mut self, last: String) -> (usize, impl Iterator<Item = Bytes> + Send) {
        self.lines.sort_unstable_by_key(|refused| refused.number);
        // Each line is written twice, so that the whole answer is never held.
        let length = self
            .lines
            .iter()
            .map(|refused| refused.to_json().len() + 1)
            .sum::<usize>()
            + last.len()
            + 1;
        let mut lines = self
            .lines
            .into_iter()
            .map(|refused| refused.to_json())
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

impl KeptLine {
    fn to_json(&self) -> String {
        let line = self.number;
        let problem = match &self.problem {
            KeptProblem::Document(document) => {
                return format!(r#"{{"line":{line},"problem":{document}}}"#);
            }
            KeptProblem::Faults(faults) => {
                let faults: Vec<Fault> =
                    serde_json::from_str(faults).expect("this process wrote it");
                Problem::from(Rejection::Invalid(faults))
            }
            KeptProblem::NotKept(kind) => Problem::new(*kind, NOT_KEPT),
        };
        json!({"line": line, "problem": problem.to_json(None)}).to_string()
    }
}

impl KeptProblem {
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

    fn report(refused: RefusedLines) -> Vec<Value> {
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
    fn problems_are_reported_unchanged_in_the_order_of_the_lines() {
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
            report(refused),
            [&expected[..], &[json!({"saved": 0})]].concat()
        );
    }

    #[test]
    fn a_thousand_lines_with_few_faults_are_kept_in_full_and_many_faults_are_bounded() {
        for (faults, whole) in [(1, 1000), (100, 1)] {
            let mut refused = RefusedLines::default();
            (1..=1000).for_each(|line| refused.add(line, &faulty(faults)));
            assert!(
                refused.bytes <= KEPT_BYTES + 1000 * size_of::<KeptLine>(),
                "{} bytes",
                refused.bytes
            );
            let report = report(refused);
            assert_eq!(report.len(), 1001);
            let in_full = |line: &&Value| {
                line["problem"]["errors"]
                    .as_array()
                    .is_some_and(|all| all.len() == faults)
            };
            assert!(report.iter().filter(in_full).count() >= whole);
            assert!(
                report[..1000]
                    .iter()
                    .all(|line| line["problem"]["type"] == "/problems/validation")
            );
        }
    }
}
