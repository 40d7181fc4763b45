//! Judgements that may take long, made aside: neither the thread that sends nor a worker of the runtime waits for them.
//!
//! A pattern can be made to take a second on a few kilobytes of text. Whoever asks for such a view waits for it; the others
//! are served meanwhile.

use tokio::sync::Semaphore;
use tokio::task;

use crate::domain::Person;
use crate::filter::Filter;

/// Steps of patterns (see [`Filter::steps`]) that are taken in passing: four milliseconds at worst.
pub const QUICK_STEPS: u64 = 1 << 20;

/// Makes a judgement that takes so many steps at most: at once where it is quick, else aside, one at a time.
pub async fn aside<T>(steps: u64, judge: impl FnOnce() -> T) -> T {
    static TURN: Semaphore = Semaphore::const_new(1);
    if steps <= QUICK_STEPS {
        return judge();
    }
    let _turn = TURN.acquire().await.expect("it is never closed");
    task::block_in_place(judge)
}

/// How many of these are judged together, and the steps of that: as many as are quick together, and one at least.
pub fn stretch<T>(items: &[T], steps: impl Fn(&T) -> u64) -> (usize, u64) {
    let mut sum = 0_u64;
    for (count, item) in items.iter().enumerate() {
        let with_it = sum.saturating_add(steps(item));
        if with_it > QUICK_STEPS && count > 0 {
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
        let (count, steps) = stretch(rest, |person| filter.steps(person.id, &person.fields));
        let (these, others) = rest.split_at(count);
        let judge = || matching.extend(these.iter().filter(|person| filter.matches(person.id, &person.fields)));
        aside(steps, judge).await;
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
    fn a_stretch_is_quick_or_a_single_one() {
        let stretch = |steps: &[u64]| stretch(steps, |steps| *steps);
        assert_eq!(stretch(&[]), (0, 0));
        assert_eq!(stretch(&[0; 1000]), (1000, 0));
        assert_eq!(stretch(&[QUICK_STEPS - 1, 1, 1]), (2, QUICK_STEPS));
        assert_eq!(stretch(&[u64::MAX, 0]), (1, u64::MAX));
        assert_eq!(stretch(&[1, u64::MAX, 1]), (1, 1));
    }
}
