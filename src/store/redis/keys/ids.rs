//! Ids as texts in Redis' order, where others may stand among them.

use uuid::Uuid;

use crate::domain::PersonId;

/// The least of all ids.
const FIRST: PersonId = PersonId::new(Uuid::nil());
/// The last of all ids.
pub(in crate::store::redis) const LAST: PersonId = PersonId::new(Uuid::max());
/// Digits of an id in order; the hyphen has its own places.
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Where the people after `after` begin: the id right behind it. Texts between the two are no ids.
/// None behind the last.
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

/// The id that a member of the list is written as; none where it is not written as we write ids.
pub(in crate::store::redis) fn listed(member: &[u8]) -> Option<PersonId> {
    let id: PersonId = std::str::from_utf8(member).ok()?.parse().ok()?;
    (id.encode(&mut PersonId::buffer()).as_bytes() == member).then_some(id)
}

/// The last id that does not come after this text, byte by byte; none where all come after it.
pub(in crate::store::redis) fn last_up_to(text: &[u8]) -> Option<PersonId> {
    let mut id = [0; 36];
    let same = (0..36)
        .take_while(|place| {
            text.get(*place)
                .is_some_and(|byte| allowed(*place).contains(byte))
        })
        .count();
    id[..same].copy_from_slice(&text[..same]);
    let mut place = same;
    if same < 36 {
        // The text leaves the form here, or ends: what comes before it differs here, or at an
        // earlier place.
        loop {
            let limit = text.get(place).copied().unwrap_or(0);
            if let Some(below) = allowed(place).iter().rev().find(|byte| **byte < limit) {
                id[place] = *below;
                break;
            }
            place = place.checked_sub(1)?;
        }
        for (later, byte) in id.iter_mut().enumerate().skip(place + 1) {
            *byte = *allowed(later).last().expect("each place takes something");
        }
    }
    listed(&id)
}

/// What may stand at a place of an id's text, in order.
fn allowed(place: usize) -> &'static [u8] {
    if matches!(place, 8 | 13 | 18 | 23) {
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
    fn the_id_before_a_text_is_found_wherever_it_leaves_the_form() {
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
            "not as we write it"
        );
    }

    proptest! {
        #[test]
        fn no_id_stands_between_a_text_and_the_id_before_it(
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
