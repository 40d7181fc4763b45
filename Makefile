# `make check` is quick and needs Rust only; `make test` runs everything and first installs what the tests need.
# `make bench` runs all benchmarks, one after the other (about a quarter of an hour; docs/benchmarks.md says what they mean).
.PHONY: check test bench fmt

export CARGO_TERM_COLOR ?= auto

check:
	cargo fmt --all --check
	cargo clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
	cargo test --locked --lib --bins --test architecture

test:
	./scripts/install-test-tools.sh
	cargo test --locked
	./scripts/test-js.sh

bench:
	./scripts/install-test-tools.sh
	cargo bench --locked --bench encode
	cargo bench --locked --bench embedded
	cargo bench --locked --bench writes
	cargo bench --locked --bench live

fmt:
	cargo fmt --all
