//! Evaluations that may take long are offloaded: neither the thread that sends nor a worker of the
//! runtime waits for them.
//!
//! A pattern can be made to take a second on a few kilobytes of text. Whoever asks for such a view
//! waits for it; the others are served meanwhile.

use tokio::sync::Semaphore;
use tokio::task;

use super::Filter;
use crate::domain::Person;

/// Steps of patterns (see [`Filter::steps`]) that are taken inline: four milliseconds at worst.
pub const INLINE_STEPS_MAX: u64 = 1 << 20;

/// Makes a judgement that takes so many steps at most: at once where it is quick, else aside, one
/// at a time.
pub async fn offload<T>(steps: u64, evaluate: impl FnOnce() -> T) -> T {
    static PERMIT: Semaphore = Semaphore::const_new(1);
    if steps <= INLINE_STEPS_MAX {
        return evaluate();
    }
    let _permit = PERMIT.acquire().await.expect("it is never closed");
    task::block_in_place(evaluate)
}

/// How many of these are evaluated together, and the steps of that: as many as are quick together,
/// and one at least.
pub fn within_budget<T>(items: &[T], steps: impl Fn(&T) -> u64) -> (usize, u64) {
    let mut sum = 0_u64;
    for (count, item) in items.iter().enumerate() {
        let with_it = sum.saturating_add(steps(item));
        if with_it > INLINE_STEPS_MAX && count > 0 {
            return (count, sum);
        }
        sum = with_it;
    }
    (items.len(), sum)
}

/// Those of the people who match, in their order.
pub async fn matching<'p>(filter: &Filter, people: &'p [Person]) -> Vec<&'p Person> {
    let (mut matching, mut rest) = (Vec::new(), people);
    while !rest.is_empty() {
        let (count, steps) = within_budget(rest, |person| filter.steps(person.id, &person.fields));
        let (these, others) = rest.split_at(count);
        let evaluate = || {
            matching.extend(
                these
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
    fn what_is_within_the_budget_is_inline_or_a_single_one() {
        let within = |steps: &[u64]| within_budget(steps, |steps| *steps);
        assert_eq!(within(&[]), (0, 0));
        assert_eq!(within(&[0; 1000]), (1000, 0));
        assert_eq!(within(&[INLINE_STEPS_MAX - 1, 1, 1]), (2, INLINE_STEPS_MAX));
        assert_eq!(within(&[u64::MAX, 0]), (1, u64::MAX));
        assert_eq!(within(&[1, u64::MAX, 1]), (1, 1));
    }
}
