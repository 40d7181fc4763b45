# To be sourced by tests that call a gateway: starts one on a free port with an empty store in a folder of its own, and ends
# it with the shell. Leaves its address (HOST:PORT) in `address` and its folder in `folder`. The program is the one in
# PEOPLE_GATEWAY, or the debug build in `target`.

folder=$(mktemp -d)
"${PEOPLE_GATEWAY:-$target/debug/people-gateway}" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 \
    --store "embedded:$folder/data" >"$folder/welcome" 2>"$folder/log" &
gateway=$!
end() {
    kill "$gateway" 2>/dev/null || true
    wait "$gateway" 2>/dev/null || true
    rm -rf "$folder"
}
trap end EXIT

# The welcome is written when it listens.
for _ in $(seq 300); do
    address=$(sed -n 's|.*REST and live updates  http://\([^/]*\)/.*|\1|p' "$folder/welcome")
    [ -n "$address" ] && break
    kill -0 "$gateway" 2>/dev/null || break
    sleep 0.1
done
if [ -z "$address" ]; then
    echo "The gateway did not start:" >&2
    cat "$folder/log" >&2
    exit 1
fi
# A proxy of the environment is no way to this machine.
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
