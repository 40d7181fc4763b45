//! Ids as members of a sorted set, among members that may be no ids.

use uuid::Uuid;

use crate::domain::PersonId;

/// The least of all ids.
const FIRST: PersonId = PersonId::new(Uuid::nil());
/// The last of all ids.
pub(in crate::store::redis) const LAST: PersonId = PersonId::new(Uuid::max());
/// The digits of an id, in order. Hyphens have fixed indices.
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The id right after `after`; texts between the two are no ids. None after the last id.
pub(in crate::store::redis) fn first_after(after: Option<PersonId>) -> Option<PersonId> {
    match after {
        None => Some(FIRST),
        Some(after) => after
            .uuid()
            .as_u128()
            .checked_add(1)
            .map(|next| PersonId::new(Uuid::from_u128(next))),
    }
}

/// The id that a member is; none if it is not written as the gateway writes ids.
pub(in crate::store::redis) fn listed(member: &[u8]) -> Option<PersonId> {
    let id: PersonId = std::str::from_utf8(member).ok()?.parse().ok()?;
    (id.encode(&mut PersonId::buffer()).as_bytes() == member).then_some(id)
}

/// The last id that is not greater than this text, byte by byte; none if all are greater.
pub(in crate::store::redis) fn last_up_to(text: &[u8]) -> Option<PersonId> {
    let mut id = [0; 36];
    let same = (0..36)
        .take_while(|index| {
            text.get(*index)
                .is_some_and(|byte| allowed(*index).contains(byte))
        })
        .count();
    id[..same].copy_from_slice(&text[..same]);
    let mut index = same;
    if same < 36 {
        // The text leaves the form of an id here, or ends. The last smaller id differs from it
        // here, or at a smaller index.
        loop {
            let limit = text.get(index).copied().unwrap_or(0);
            if let Some(below) = allowed(index).iter().rev().find(|byte| **byte < limit) {
                id[index] = *below;
                break;
            }
            index = index.checked_sub(1)?;
        }
        for (later, byte) in id.iter_mut().enumerate().skip(index + 1) {
            *byte = *allowed(later).last().expect("each index allows a byte");
        }
    }
    listed(&id)
}

/// The bytes that an id may have at this index, in order.
fn allowed(index: usize) -> &'static [u8] {
    if matches!(index, 8 | 13 | 18 | 23) {
        b"-"
    } else {
        DIGITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_id_up_to_any_text_is_found() {
        for (text, id) in [
            ("zzz", Some("ffffffff-ffff-ffff-ffff-ffffffffffff")),
            ("", None),
            ("!", None),
            ("00000000", None),
            ("1", Some("0fffffff-ffff-ffff-ffff-ffffffffffff")),
            ("A", Some("9fffffff-ffff-ffff-ffff-ffffffffffff")),
            (
                "00000000-0000-0000-0000-000000000000",
                Some("00000000-0000-0000-0000-000000000000"),
            ),
            (
                "00000000-0000-0000-0000-000000000001x",
                Some("00000000-0000-0000-0000-000000000001"),
            ),
            ("00000001_", Some("00000001-ffff-ffff-ffff-ffffffffffff")),
            ("00000001!", Some("00000000-ffff-ffff-ffff-ffffffffffff")),
        ] {
            assert_eq!(
                last_up_to(text.as_bytes())
                    .map(|id| id.to_string())
                    .as_deref(),
                id,
                "{text}"
            );
        }
        assert_eq!(first_after(Some(LAST)), None);
        assert_eq!(
            listed(b"00000000-0000-0000-0000-00000000000A"),
            None,
            "another form of an id"
        );
    }

    proptest! {
        #[test]
        fn no_id_lies_between_a_text_and_the_last_id_up_to_it(
            text in "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            at in 0_usize..36, byte: u8, cut in 0_usize..=36,
        ) {
            let mut text = text.into_bytes();
            text[at] = byte;
            text.truncate(cut);
            let before = last_up_to(&text);
            if let Some(before) = before {
                prop_assert!(before.to_string().as_bytes() <= &text[..]);
            }
            if let Some(next) = first_after(before) {
                let next = next.to_string().into_bytes();
                prop_assert!(next > text || before.is_none() && next >= text);
            }
        }
    }
}
