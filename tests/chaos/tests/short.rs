//! A few runs of faults. `make test-chaos` has all faults, and twenty runs of each.

use std::ops::ControlFlow;

use people_chaos::faults;
use people_chaos::runs::{AtOnce, cases, run_all};

const AT_ONCE: AtOnce = AtOnce {
    groups: 1,
    others: 3,
};

#[test]
fn views_stay_exact_through_faults() {
    let cases = faults::all().flat_map(|fault| cases(&[fault], 1..=fault.short_runs));
    let mut broken = Vec::new();
    run_all(cases.collect(), AT_ONCE, |run| {
        println!("{run}");
        if run.is_broken() {
            broken.push(run.to_string());
        }
        ControlFlow::Continue(())
    });
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn faults_have_names_of_their_own() {
    let mut names: Vec<&str> = faults::all().map(|fault| fault.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
