# `make check` is quick and needs Rust only; `make test` runs everything and first installs what the tests need.
# `make release` packs the program with its licences; `make notices` writes THIRD-PARTY-NOTICES.txt anew (Python 3).
# `make test-chaos` brings faults about and takes hours (docs/reliability.md).
# `make fuzz` looks for inputs that break a reader, a minute for each (scripts/fuzz.sh; needs cargo-fuzz).
# `make bench` runs all benchmarks, one after the other (about an hour; docs/benchmarks.md says what they mean).
.PHONY: check test test-chaos targets fuzz bench release notices fmt

export CARGO_TERM_COLOR ?= auto
PEOPLE_BENCH := $${CARGO_TARGET_DIR:-target}/release/people-bench

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
	cargo test --workspace --locked --lib --bins
	cargo test --locked --test architecture

test:
	./scripts/install-test-tools.sh
	cargo test --workspace --locked
	./scripts/test-valkey.sh
	./scripts/test-js.sh
	./scripts/test-api.sh
	./scripts/test-generators.sh
	./scripts/test-notices.sh

# Every fault of docs/reliability.md, twenty times, and then the planted bugs: hours. An interrupted run goes on where it was.
CHAOS = cargo build --release --locked -p people-gateway -p people-chaos --bins

test-chaos:
	./scripts/install-test-tools.sh
	$(CHAOS)
	$${CARGO_TARGET_DIR:-target}/release/people-chaos --results $${CARGO_TARGET_DIR:-target}/chaos.jsonl
	$(CHAOS) --features people-chaos/sabotage --target-dir $${CARGO_TARGET_DIR:-target}/sabotage
	$${CARGO_TARGET_DIR:-target}/sabotage/release/people-chaos --sabotages

# After a change of dependencies.
notices:
	./scripts/third-party-notices.py THIRD-PARTY-NOTICES.txt

# Type-checks for systems other than Linux; not part of `make test`, because it has not been seen to pass.
targets:
	./scripts/check-targets.sh

fuzz:
	./scripts/fuzz.sh

RELEASE = people-gateway-$(shell sed -n 's/^version = "\(.*\)"/\1/p;T;q' Cargo.toml)-$(shell rustc -vV | sed -n 's/^host: //p')

release:
	cargo build --release --locked --bin people-gateway
	rm -rf target/$(RELEASE) && mkdir target/$(RELEASE)
	install -s $${CARGO_TARGET_DIR:-target}/release/people-gateway target/$(RELEASE)/
	cp README.md CHANGELOG.md LICENSE LICENSE-APACHE LICENSE-MIT THIRD-PARTY-NOTICES.txt target/$(RELEASE)/
	tar -C target -czf target/$(RELEASE).tar.gz $(RELEASE)
	@echo "target/$(RELEASE).tar.gz"

bench:
	./scripts/install-test-tools.sh
	cargo bench --locked -p people-bench --bench encode
	cargo bench --locked -p people-bench --bench matching
	cargo bench --locked -p people-bench --bench embedded
	cargo build --workspace --release --locked --bins
	$(PEOPLE_BENCH) writes
	$(PEOPLE_BENCH) fanout --baseline
	$(PEOPLE_BENCH) fanout --baseline --in-flight 8
	for filter in equal range conjunction; do $(PEOPLE_BENCH) selective --baseline --filter $$filter || exit 1; done
	$(PEOPLE_BENCH) selective --baseline --clients 1000 --filters 100
	$(PEOPLE_BENCH) idle --baseline
	$(PEOPLE_BENCH) idle --baseline --filters 100
	$(PEOPLE_BENCH) storm --baseline
	$(PEOPLE_BENCH) resume
	$(PEOPLE_BENCH) slow
	$(PEOPLE_BENCH) slow --unread 200 --turns 1
	$(PEOPLE_BENCH) push --baseline
	$(PEOPLE_BENCH) push --baseline --rate 200 --clients 100

fmt:
	cargo fmt --all
