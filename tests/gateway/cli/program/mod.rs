//! The program: its version, its errors, and its exit codes.

mod serving;
mod settings;

use crate::cli::process::{gateway, run};

#[tokio::test]
async fn the_version_is_printed() {
    let (code, out, _) = run(gateway(&["--version"])).await;
    assert_eq!(
        (code, out.trim()),
        (0, concat!("people-gateway ", env!("CARGO_PKG_VERSION")))
    );
}

#[tokio::test]
async fn wrong_usage_exits_with_2_and_a_failure_with_1() {
    for arguments in [
        &["--lisen", "x"][..],
        &["fly"],
        &["--store", "embedded:x", "serve"],
        &["migrate", "--listen", "x"],
    ] {
        let (code, out, err) = run(gateway(arguments)).await;
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains("error: "), "{err}");
    }
    let (code, out, err) = run(gateway(&["--config", "/nowhere/at/all.toml"])).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("/nowhere/at/all.toml") && err.trim_end().lines().count() == 1,
        "{err}"
    );
}
