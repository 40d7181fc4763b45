#!/usr/bin/env bash
# Installs the programs that tests start (Redis, HAProxy, OpenSSL, Chromium with its driver, faketime) from Debian's packages, when they are
# missing. Tests run their own processes on their own ports, so the packages' services are kept from starting.
set -euo pipefail

declare -A package=(
    [redis-server]=redis-server [redis-cli]=redis-tools [redis-benchmark]=redis-tools [haproxy]=haproxy
    [chromium]=chromium [chromedriver]=chromium-driver [curl]=curl [openssl]=openssl [faketime]=faketime
)

# Debian keeps haproxy outside the path of ordinary users.
PATH="$PATH:/usr/sbin:/sbin"

missing=()
for program in "${!package[@]}"; do
    command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
if [ "${#missing[@]}" -eq 0 ]; then
    exit 0
fi
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

if ! command -v apt-get >/dev/null; then
    echo "The tests need ${missing[*]}: install them (Redis 7.0 or newer), there is no apt-get here to do it." >&2
    exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "The tests need ${missing[*]}: run 'apt-get install ${missing[*]}' as root, there is no sudo here." >&2
        exit 1
    fi
    as_root=(sudo)
fi

# Debian asks this script before a package may start its services; ours says no, and is gone afterwards.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    "${as_root[@]}" chmod 755 "$policy"
fi

install_missing() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "${missing[@]}" </dev/null
}

echo "Installing ${missing[*]} for the tests."
install_missing || {
    "${as_root[@]}" apt-get update </dev/null
    install_missing
}
