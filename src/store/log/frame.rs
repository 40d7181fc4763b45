//! A change on the wire and in the embedded log: one header line of tokens, then the bytes.
//!
//! ```text
//! 1 EPOCH SEQ PREVIOUS_TAG TAG S|D TIME CREATED ID_BYTES AFTER_BYTES BEFORE_BYTES [TRACEPARENT]\n
//! ID AFTER BEFORE
//! ```
//! The three texts follow each other without a separator. The traceparent (W3C Trace Context) is
//! there if the write was recorded. Readers recognise it by its form, not by its place, so that
//! later tokens may be optional too. Readers ignore tokens that they do not know, so old and new
//! gateways run side by side. A frame of another version cannot be read, and the relay asks the log
//! instead.

use crate::domain::{
    Change, FieldsJson, LogPosition, Partition, PersonId, Position, Tag, Timestamp, TraceContext,
};

/// The first token.
const VERSION: &str = "1";

/// Bytes that are not a frame of this version.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a frame of version {VERSION}")]
pub struct InvalidFrame;

/// Writes a change as a frame.
pub fn encode(change: &Change) -> Vec<u8> {
    let Position { epoch, seq, tag } = change.at.position;
    let id = change.id.to_string();
    let operation = if change.after.is_some() { 'S' } else { 'D' };
    let [after, before] =
        [&change.after, &change.before].map(|image| image.as_ref().map_or("", FieldsJson::as_str));
    let (time, created) = (change.time.as_millis(), change.created_at.as_millis());
    let (previous, id_bytes, after_bytes, before_bytes) =
        (change.previous, id.len(), after.len(), before.len());
    let trace = change
        .trace
        .map(|trace| format!(" {trace}"))
        .unwrap_or_default();
    format!(
        "{VERSION} {epoch} {seq} {previous} {tag} {operation} {time} {created} {id_bytes} \
         {after_bytes} {before_bytes}{trace}\n{id}{after}{before}"
    )
    .into_bytes()
}

/// Reads a frame of `partition`. Any other bytes are an error, never a panic.
pub fn decode(partition: Partition, bytes: &[u8]) -> Result<Change, InvalidFrame> {
    let text = std::str::from_utf8(bytes).map_err(|_| InvalidFrame)?;
    let (header, texts) = text.split_once('\n').ok_or(InvalidFrame)?;
    let mut tokens = header.split(' ');
    if tokens.next() != Some(VERSION) {
        return Err(InvalidFrame);
    }
    let position_epoch = parse(&mut tokens)?;
    let seq = parse(&mut tokens)?;
    let previous: Tag = parse(&mut tokens)?;
    let tag = parse(&mut tokens)?;
    let saves = match tokens.next() {
        Some("S") => true,
        Some("D") => false,
        _ => return Err(InvalidFrame),
    };
    let time: Timestamp = parse(&mut tokens)?;
    let created_at: Timestamp = parse(&mut tokens)?;
    let (id, texts) = split(texts, parse(&mut tokens)?)?;
    let (after, texts) = split(texts, parse(&mut tokens)?)?;
    let (before, texts) = split(texts, parse(&mut tokens)?)?;
    let trace: Option<TraceContext> = tokens.find_map(|token| token.parse().ok());
    let id: PersonId = id.parse().map_err(|_| InvalidFrame)?;
    let (after, before) = (image(after)?, image(before)?);
    if !texts.is_empty() || after.is_some() != saves || (!saves && before.is_none()) {
        return Err(InvalidFrame);
    }
    let at = LogPosition::new(
        partition,
        Position {
            epoch: position_epoch,
            seq,
            tag,
        },
    );
    Ok(Change {
        at,
        previous,
        id,
        time,
        created_at,
        before,
        after,
        trace,
    })
}

fn parse<'a, T: std::str::FromStr>(
    tokens: &mut impl Iterator<Item = &'a str>,
) -> Result<T, InvalidFrame> {
    tokens
        .next()
        .and_then(|token| token.parse().ok())
        .ok_or(InvalidFrame)
}

fn split(text: &str, at: usize) -> Result<(&str, &str), InvalidFrame> {
    text.split_at_checked(at).ok_or(InvalidFrame)
}

fn image(text: &str) -> Result<Option<FieldsJson>, InvalidFrame> {
    if text.is_empty() {
        return Ok(None);
    }
    FieldsJson::from_stored(text)
        .map(Some)
        .map_err(|_| InvalidFrame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn change(saves: bool, name: &str) -> Change {
        let fields = format!(r#"{{"firstName":{name:?},"lastName":"L","age":1,"job":""}}"#);
        let fields = FieldsJson::from_stored(&fields).expect("fields");
        let position = Position {
            epoch: "a1".parse().expect("hex"),
            seq: "7".parse().expect("decimal"),
            tag: Tag::new(255),
        };
        Change {
            at: LogPosition::new(Partition::new(3), position),
            previous: Tag::new(16),
            id: "0190f3e2-7c1b-7d9a-8f00-1234567890ab"
                .parse()
                .expect("an id"),
            time: Timestamp::from_millis(2),
            created_at: Timestamp::from_millis(1),
            before: Some(fields.clone()),
            after: saves.then_some(fields),
            trace: None,
        }
    }

    #[test]
    fn a_change_reads_back_as_it_was_written() {
        for change in [change(true, "Åsa"), change(false, "B")] {
            assert_eq!(decode(Partition::new(3), &encode(&change)), Ok(change));
        }
    }

    #[test]
    fn unknown_tokens_are_ignored_and_other_versions_are_refused() {
        let bytes = encode(&change(true, "A"));
        let text = String::from_utf8(bytes).expect("text");
        let longer = text.replacen('\n', " future\n", 1);
        assert_eq!(
            decode(Partition::new(3), longer.as_bytes()),
            Ok(change(true, "A"))
        );
        assert_eq!(
            decode(Partition::new(3), text.replacen('1', "2", 1).as_bytes()),
            Err(InvalidFrame)
        );
    }

    #[test]
    fn a_trace_context_is_found_among_unknown_tokens_and_a_malformed_one_is_ignored() {
        let context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let traced = Change {
            trace: Some(context.parse().expect("a context")),
            ..change(true, "Åsa")
        };
        let text = String::from_utf8(encode(&traced)).expect("text");
        assert!(text.contains(&format!(" {context}\n")), "{text}");
        assert_eq!(
            decode(Partition::new(3), text.as_bytes()),
            Ok(traced.clone())
        );
        let among = text.replacen(context, &format!("future {context} 7"), 1);
        assert_eq!(decode(Partition::new(3), among.as_bytes()), Ok(traced));
        let malformed = text
            .replacen(context, &context.to_uppercase(), 1)
            .replacen("4BF9", "4bg9", 1);
        assert_eq!(
            decode(Partition::new(3), malformed.as_bytes()),
            Ok(change(true, "Åsa"))
        );
    }

    proptest! {
        #[test]
        fn forged_bytes_never_panic(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
            let mut bytes = encode(&change(true, "Åsa"));
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = decode(Partition::new(0), &bytes);
            bytes.truncate(cut.index(bytes.len()));
            let _ = decode(Partition::new(0), &bytes);
        }
    }
}
