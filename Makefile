# `make check` is quick and needs Rust only; `make test` runs everything and first installs what the tests need.
.PHONY: check test fmt

export CARGO_TERM_COLOR ?= auto

check:
	cargo fmt --all --check
	cargo clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
	cargo test --locked --lib --bins --test architecture

test:
	./scripts/install-test-tools.sh
	cargo test --locked

fmt:
	cargo fmt --all
