# `make check` is quick and needs Rust only; `make test` runs everything and first installs what the tests need.
# `make bench` runs all benchmarks, one after the other (about an hour; docs/benchmarks.md says what they mean).
.PHONY: check test bench fmt

export CARGO_TERM_COLOR ?= auto
PEOPLE_BENCH := $${CARGO_TARGET_DIR:-target}/release/people-bench

check:
	cargo fmt --all --check
	cargo clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
	cargo test --locked --lib --bins --test architecture

test:
	./scripts/install-test-tools.sh
	cargo test --locked
	./scripts/test-js.sh
	./scripts/test-api.sh
	./scripts/test-generators.sh

bench:
	./scripts/install-test-tools.sh
	cargo bench --locked --bench encode
	cargo bench --locked --bench matching
	cargo bench --locked --bench embedded
	cargo build --release --locked --bins
	$(PEOPLE_BENCH) writes
	$(PEOPLE_BENCH) fanout --floor
	$(PEOPLE_BENCH) fanout --floor --in-flight 8
	for filter in equal range conjunction; do $(PEOPLE_BENCH) selective --floor --filter $$filter || exit 1; done
	$(PEOPLE_BENCH) selective --floor --clients 1000 --filters 100
	$(PEOPLE_BENCH) idle --floor
	$(PEOPLE_BENCH) idle --floor --filters 100
	$(PEOPLE_BENCH) storm --floor
	$(PEOPLE_BENCH) resume
	$(PEOPLE_BENCH) slow
	$(PEOPLE_BENCH) push --floor
	$(PEOPLE_BENCH) push --floor --rate 200 --clients 100

fmt:
	cargo fmt --all
