//! Evaluations that may take long run where they delay neither the thread that sends nor a worker
//! of the runtime.
//!
//! A pattern can be made to take a second on a few kilobytes of text. The client with that pattern
//! waits for it; the gateway serves the others meanwhile (docs/adr/0012).

use tokio::sync::Semaphore;
use tokio::task;

use super::program::Scoped;
use crate::domain::Person;

/// Steps of patterns (see [`Filter::steps`](super::Filter::steps)) that are taken inline: four
/// milliseconds at worst.
pub const INLINE_STEPS_MAX: u64 = 1 << 20;

/// Runs an evaluation of at most `steps` steps: inline within [`INLINE_STEPS_MAX`], else on a
/// thread that blocks no other request, one at a time in the whole process.
pub async fn offload<T>(steps: u64, evaluate: impl FnOnce() -> T) -> T {
    static PERMIT: Semaphore = Semaphore::const_new(1);
    if steps <= INLINE_STEPS_MAX {
        return evaluate();
    }
    let _permit = PERMIT
        .acquire()
        .await
        .expect("the semaphore is never closed");
    task::block_in_place(evaluate)
}

/// The number of leading items to evaluate together, and their steps: as many as fit into
/// [`INLINE_STEPS_MAX`], and at least one of a non-empty slice.
pub fn within_budget<T>(items: &[T], steps: impl Fn(&T) -> u64) -> (usize, u64) {
    let mut sum = 0_u64;
    for (count, item) in items.iter().enumerate() {
        let with_item = sum.saturating_add(steps(item));
        if with_item > INLINE_STEPS_MAX && count > 0 {
            return (count, sum);
        }
        sum = with_item;
    }
    (items.len(), sum)
}

/// The people that `filter` selects, in their order.
pub async fn matching<'p>(filter: &Scoped, people: &'p [Person]) -> Vec<&'p Person> {
    let (mut matching, mut rest) = (Vec::new(), people);
    while !rest.is_empty() {
        let (count, steps) = within_budget(rest, |person| filter.steps(person.id, &person.fields));
        let (portion, others) = rest.split_at(count);
        let evaluate = || {
            matching.extend(
                portion
                    .iter()
                    .filter(|person| filter.matches(person.id, &person.fields)),
            );
        };
        offload(steps, evaluate).await;
        rest = others;
        if !rest.is_empty() {
            task::yield_now().await;
        }
    }
    matching
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_fits_the_budget_or_is_a_single_item() {
        let within = |steps: &[u64]| within_budget(steps, |steps| *steps);
        assert_eq!(within(&[]), (0, 0));
        assert_eq!(within(&[0; 1000]), (1000, 0));
        assert_eq!(within(&[INLINE_STEPS_MAX - 1, 1, 1]), (2, INLINE_STEPS_MAX));
        assert_eq!(within(&[u64::MAX, 0]), (1, u64::MAX));
        assert_eq!(within(&[1, u64::MAX, 1]), (1, 1));
    }
}
