#!/usr/bin/env bash
# Makes in deploy/auth (or in the folder of the argument) what the profile `auth` of docker-compose.yml needs, unless it
# is there: the key of an issuer for trying out (issuer.jwks), its public half for the gateways (keys.jwks), and a
# certificate for localhost with its key (people.pem) from an authority of its own (authority.pem), whose key is thrown
# away. Needs openssl, and the image people-gateway (`docker compose build gateway`) or a program in PEOPLE_GATEWAY.
set -euo pipefail

# Others on this machine cannot enter the folder. Containers get single files of it, and run as other users.
umask 077
folder=${1:-$(dirname "$0")/../deploy/auth}
mkdir -p "$folder"
cd "$folder"
days=825

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

program() {
    if [ -n "${PEOPLE_GATEWAY:-}" ]; then
        "$PEOPLE_GATEWAY" "$@"
    else
        docker run --rm --network none --user "$(id -u)" --volume "$PWD:/auth" --workdir /auth people-gateway "$@"
    fi
}

# Without its progress, unless it fails.
quiet_openssl() {
    openssl "$@" 2>"$work/errors" || { cat "$work/errors" >&2 && return 1; }
}

# A file gets its name when it is whole, so an interrupted run can be repeated.
complete() {
    chmod 644 "$1.new"
    mv "$1.new" "$1"
}

[ -e issuer.jwks ] || program keys new issuer.jwks
if ! [ -e keys.jwks ]; then
    program keys public issuer.jwks >keys.jwks.new
    complete keys.jwks
fi

if ! [ -e people.pem ]; then
    new=(req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
    quiet_openssl "${new[@]}" -x509 -days $days -subj "/CN=people-gateway on $(hostname)" \
        -keyout "$work/authority.key" -out authority.pem.new
    quiet_openssl "${new[@]}" -subj /CN=localhost -keyout "$work/server.key" -out "$work/server.csr"
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth\n' >"$work/extensions"
    quiet_openssl x509 -req -days $days -in "$work/server.csr" -CA authority.pem.new -CAkey "$work/authority.key" \
        -set_serial "0x$(openssl rand -hex 16)" -extfile "$work/extensions" -out "$work/server.pem"
    cat "$work/server.pem" "$work/server.key" >people.pem.new
    complete authority.pem
    complete people.pem
fi
echo "In $PWD: issuer.jwks signs tokens, keys.jwks and people.pem are for the containers, authority.pem for clients."
