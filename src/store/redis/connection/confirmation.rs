//! Whether replicas have what a batch wrote, where `store.durability` asks for it. `WAIT` at the
//! end of the batch covers everything that the master had written when the last command of the
//! connection ended, so it is never sent alone.

use ::redis::{Cmd, Value, cmd};
use people_core::sabotage::{Sabotage, planted};

use super::failure::CommandFailure;
use crate::store::redis::options::Durability;

/// The command that waits for the replicas.
pub(super) fn wait(durability: Durability) -> Cmd {
    let limit = u64::try_from(durability.timeout.as_millis()).unwrap_or(u64::MAX);
    let mut wait = cmd("WAIT");
    // WAIT reads 0 as "for ever".
    wait.arg(durability.replicas.get()).arg(limit.max(1));
    wait
}

/// The answer to a write of the batch, after the answer to the wait.
pub(super) fn judge(
    durability: Durability,
    answer: Result<Value, CommandFailure>,
    confirmed: Option<&Result<Value, CommandFailure>>,
) -> Result<Value, CommandFailure> {
    let wanted = durability.replicas.get();
    let confirmed = match confirmed {
        Some(Ok(Value::Int(replicas))) => *replicas,
        _ => 0,
    };
    match answer {
        Ok(answer) if planted(Sabotage::WaitIgnored) => Ok(answer),
        Ok(answer) if confirmed < i64::from(wanted) => Err(CommandFailure::Unconfirmed {
            answer,
            confirmed,
            wanted,
        }),
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_write_counts_once_enough_replicas_have_it() {
        let durability = Durability {
            replicas: NonZeroU32::new(2).expect("not zero"),
            timeout: Duration::from_millis(300),
        };
        let judge_okay = |replicas| judge(durability, Ok(Value::Okay), Some(&replicas));
        assert!(judge_okay(Ok(Value::Int(2))).is_ok());
        for short in [
            Ok(Value::Int(1)),
            Err(CommandFailure::NotNow("it is a replica".into())),
        ] {
            assert!(matches!(
                judge_okay(short),
                Err(CommandFailure::Unconfirmed { wanted: 2, .. })
            ));
        }
        let refused = Err(CommandFailure::Full("no memory".into()));
        let judged = judge(durability, refused, Some(&Ok(Value::Int(0))));
        assert!(
            matches!(judged, Err(CommandFailure::Full(_))),
            "nothing was written"
        );
    }
}
