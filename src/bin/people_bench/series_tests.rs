//! Tests of [`Series`]. They stand apart because benches/embedded.rs shares its file, and has no tests.

use serde_json::json;

use crate::series::Series;

fn series(values: &[f64]) -> Series {
    values.iter().copied().collect()
}

#[test]
fn the_median_is_the_middle_whatever_the_order_and_the_mean_of_two_middles() {
    assert_eq!(series(&[9.0, 1.0, 2.0]).median().to_bits(), 2.0_f64.to_bits());
    assert_eq!(series(&[9.0, 1.0, 2.0, 4.0]).median().to_bits(), 3.0_f64.to_bits());
    assert!(series(&[]).median().is_nan());
}

#[test]
fn it_shows_the_spread_where_there_is_one() {
    assert_eq!(format!("{:.1}", series(&[3.0, 1.0, 2.0])), "2.0 (1.0-3.0)");
    assert_eq!(format!("{:.0}", series(&[3.0])), "3");
}

#[test]
fn a_ratio_is_taken_turn_by_turn_before_its_median() {
    let ratio = series(&[10.0, 40.0, 60.0]).over(&series(&[10.0, 20.0, 10.0]));
    assert_eq!(format!("{ratio:.0}"), "2 (1-6)");
    assert_eq!(ratio.json()["turns"], json!([1.0, 2.0, 6.0]));
}
