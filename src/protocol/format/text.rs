//! The text format: sentences for people and for clients of the tutorial's Ktor service, values as
//! Kotlin's `toString` writes them: no quotes, no escapes.

use std::fmt::Display;

use crate::domain::{Change, FieldsJson, PersonId, Values};
use crate::filter::{Kinds, Verdict};
use crate::rights::Scope;

/// What an incoming text means. Texts are compared exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextCommand {
    /// Show these kinds from here on.
    Show(Kinds),
    /// Close the session.
    Stop,
}

impl TextCommand {
    /// Reads a text; any other text means [`Kinds::All`].
    pub fn read(text: &str) -> Self {
        match text {
            "saves" => Self::Show(Kinds::Saves),
            "deletes" => Self::Show(Kinds::Deletes),
            "stop" => Self::Stop,
            _ => Self::Show(Kinds::All),
        }
    }
}

/// The sentence for a change with this verdict; none for [`Verdict::Outside`].
pub fn sentence(verdict: Verdict, change: &Change, scope: &Scope) -> Option<String> {
    match verdict {
        Verdict::Create | Verdict::Enter | Verdict::Update => {
            let fields = change.after.as_ref()?;
            Some(saved(change.id, fields, scope))
        }
        Verdict::Leave => Some(format!("Left person [{}]", change.id)),
        Verdict::Delete => Some(format!("Deleted person [{}]", change.id)),
        Verdict::Outside => None,
    }
}

/// The sentence for a person who is in the view. A hidden value is null, as in Kotlin.
pub fn saved(id: PersonId, fields: &FieldsJson, scope: &Scope) -> String {
    let Values {
        first_name,
        last_name,
        age,
        job,
        ..
    } = fields.values();
    let shown = |name: &str, value: &dyn Display| match scope.mask() {
        Some(mask) if mask.hides_field(name) => "null".to_owned(),
        _ => value.to_string(),
    };
    format!(
        "Saved person [{id}] Person(id={id}, firstName={}, lastName={}, age={}, job={})",
        shown("firstName", first_name),
        shown("lastName", last_name),
        shown("age", age),
        shown("job", job),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LogPosition, Partition, Position, Tag, Timestamp};

    fn change(before: bool, after: bool) -> Change {
        let json =
            r#"{"firstName":"A \"q\"","lastName":"L=)","age":36,"job":"","attributes":{"a":1}}"#;
        let fields = FieldsJson::from_stored(json).unwrap();
        let id = "0190f3e2-7c1b-7d9a-8f00-1234567890ab".parse().unwrap();
        let at = LogPosition::new(Partition::new(0), Position::start_of("1".parse().unwrap()));
        let (before, after) = (before.then(|| fields.clone()), after.then_some(fields));
        let moment = Timestamp::from_millis(0);
        Change {
            at,
            previous: Tag::START,
            id,
            time: moment,
            created_at: moment,
            before,
            after,
            trace: None,
        }
    }

    fn said(verdict: Verdict, change: &Change) -> Option<String> {
        sentence(verdict, change, &Scope::everything())
    }

    #[test]
    fn the_sentences_equal_those_of_the_tutorial() {
        assert_eq!(
            said(Verdict::Create, &change(false, true)).unwrap(),
            "Saved person [0190f3e2-7c1b-7d9a-8f00-1234567890ab] \
             Person(id=0190f3e2-7c1b-7d9a-8f00-1234567890ab, firstName=A \"q\", lastName=L=), \
             age=36, job=)"
        );
        assert_eq!(
            said(Verdict::Delete, &change(true, false)).unwrap(),
            "Deleted person [0190f3e2-7c1b-7d9a-8f00-1234567890ab]"
        );
        assert_eq!(
            said(Verdict::Leave, &change(true, true)).unwrap(),
            "Left person [0190f3e2-7c1b-7d9a-8f00-1234567890ab]"
        );
        assert_eq!(said(Verdict::Outside, &change(true, true)), None);
    }

    #[test]
    fn incoming_texts_are_compared_exactly() {
        assert_eq!(TextCommand::read("saves"), TextCommand::Show(Kinds::Saves));
        assert_eq!(
            TextCommand::read("deletes"),
            TextCommand::Show(Kinds::Deletes)
        );
        assert_eq!(TextCommand::read("stop"), TextCommand::Stop);
        for text in ["", "Saves", "stop ", "all", "deletes\n"] {
            assert_eq!(
                TextCommand::read(text),
                TextCommand::Show(Kinds::All),
                "{text:?}"
            );
        }
    }
}
