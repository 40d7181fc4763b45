# syntax=docker/dockerfile:1

# Dependencies stay in cache mounts, so only the gateway itself is compiled again after a change.
FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin people-gateway \
    && install -s target/release/people-gateway /people-gateway \
    && mkdir /state

# glibc, CA certificates and nothing else: no shell, no package manager, not root.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /people-gateway /usr/local/bin/people-gateway
COPY THIRD-PARTY-NOTICES.txt LICENSE-APACHE LICENSE-MIT /usr/share/doc/people-gateway/
# The embedded store's ./data is made below; mount a volume there to keep it. Redis needs nothing writable.
COPY --from=build --chown=65532:65532 /state /var/lib/people-gateway
WORKDIR /var/lib/people-gateway
USER 65532:65532
EXPOSE 8080 9091
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s --retries=3 CMD ["people-gateway", "health"]
ENTRYPOINT ["people-gateway"]
