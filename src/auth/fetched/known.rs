//! The keys of the last successful fetch. A key that stays in the set keeps its life; one that left
//! it is withdrawn, and every token that it verified knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::auth::keys::{Key, KeyPrint, KeySet};
use crate::rights::KeyLife;

/// The known keys; none before the first fetch.
#[derive(Debug, Default)]
pub(super) struct KnownKeys {
    set: Option<Arc<KeySet>>,
    lives: BTreeMap<KeyPrint, KeyLife>,
}

/// The difference between two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyChange {
    /// Keys that are new, or were changed.
    pub(super) added: usize,
    /// Keys that are gone, or were changed.
    pub(super) withdrawn: usize,
}

impl KnownKeys {
    /// The keys.
    pub(super) fn set(&self) -> Option<&Arc<KeySet>> {
        self.set.as_ref()
    }

    /// Takes a new set, of at least one key, in place of the old one.
    pub(super) fn replace(&mut self, fetched: Vec<(KeyPrint, Key)>) -> KeyChange {
        let old = std::mem::take(&mut self.lives);
        let mut keys = Vec::with_capacity(fetched.len());
        for (print, mut key) in fetched {
            let life = self.lives.entry(print);
            let life = life.or_insert_with(|| old.get(&print).cloned().unwrap_or_default());
            key.life = Some(life.clone());
            keys.push(key);
        }
        self.set = Some(Arc::new(KeySet::new(keys)));
        let added = self.lives.keys().filter(|print| !old.contains_key(*print));
        let added = added.count();
        let gone = old
            .iter()
            .filter(|(print, _)| !self.lives.contains_key(*print));
        let withdrawn = gone.map(|(_, life)| life.withdraw()).count();
        KeyChange { added, withdrawn }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::algorithm::Algorithm;
    use crate::auth::jws::{FreshKey, VerifyingKey, fresh_key};

    fn key(number: u8) -> (KeyPrint, Key) {
        let Some(FreshKey::Ed25519 { x, .. }) = fresh_key(Algorithm::EdDsa) else {
            panic!("it is an Ed25519 key");
        };
        let key = Key {
            algorithm: Algorithm::EdDsa,
            kid: Some(number.to_string()),
            verifying: VerifyingKey::ed25519(&x).expect("a key"),
            life: None,
        };
        ([number; 32], key)
    }

    fn life(known: &KnownKeys, kid: &str) -> Option<KeyLife> {
        let key = known.set()?.find(Algorithm::EdDsa, Some(kid))?;
        key.life.clone()
    }

    #[test]
    fn a_key_that_leaves_the_set_is_withdrawn_and_the_others_live_on() {
        let mut known = KnownKeys::default();
        assert!(known.set().is_none());
        let change = |added, withdrawn| KeyChange { added, withdrawn };
        assert_eq!(known.replace(vec![key(1), key(2)]), change(2, 0));
        let (first, second) = (life(&known, "1"), life(&known, "2"));
        let (first, second) = (first.expect("a life"), second.expect("a life"));
        assert_eq!(known.replace(vec![key(1), key(2)]), change(0, 0));
        assert_eq!(known.replace(vec![key(2), key(3)]), change(1, 1));
        assert!(first.is_withdrawn() && !second.is_withdrawn());
        assert!(life(&known, "1").is_none());
        assert_eq!(known.replace(vec![key(1), key(2)]), change(1, 1));
        let again = life(&known, "1").expect("a life");
        assert!(first.is_withdrawn() && !again.is_withdrawn());
        assert!(!second.is_withdrawn() && !life(&known, "2").expect("a life").is_withdrawn());
    }
}
