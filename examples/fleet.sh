#!/usr/bin/env bash
# Starts Redis and three brokers on this machine, and says how to watch a cooldown travel from one to the others. Ctrl-C
# stops all of them; nothing is left behind. Needs Go and redis-server.
#
#   examples/fleet.sh [PORT]
#
# Redis listens on PORT (7430), the brokers on the three ports after it, their HTTP sides ten ports further on.
set -euo pipefail
cd "$(dirname "$0")/.."
port=${1:-7430}
brokers='1 2 3'

command -v redis-server >/dev/null || {
  echo 'fleet: no redis-server on the PATH; on Debian: apt-get install redis-server' >&2
  exit 1
}
mkdir -p bin
go build -o bin/credbroker ./cmd/credbroker
dir=$(mktemp -d)
pids=()

# Brokers first, so that they can tell Redis what they know last.
# shellcheck disable=SC2317 # the trap calls it
stop() {
  local i
  trap - EXIT
  trap '' INT TERM
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill "${pids[i]}" 2>/dev/null || true
    wait "${pids[i]}" 2>/dev/null || true
  done
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 0' INT TERM

# await WHAT PID COMMAND...: until the command succeeds, as long as the process lives.
await() {
  local tries=0
  until "${@:3}" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if ! kill -0 "$2" 2>/dev/null || [ "$tries" -ge 100 ]; then
      echo "fleet: $1 does not start:" >&2
      tail -n 5 "$dir/$1.log" >&2
      exit 1
    fi
    sleep 0.1
  done
}

redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$dir" >"$dir/redis.log" 2>&1 &
pids+=($!)
await redis "$!" bash -c "echo >/dev/tcp/127.0.0.1/$port"

for n in $brokers; do
  mkdir "$dir/$n"
  sed -E -e "/^ *grpc:/s/1:[0-9]+/1:$((port + n))/" -e "/^ *http:/s/1:[0-9]+/1:$((port + 10 + n))/" \
    -e "/^ *addresses:/s/1:[0-9]+/1:$port/" examples/fleet.yaml >"$dir/$n/credbroker.yaml"
  bin/credbroker serve --config "$dir/$n/credbroker.yaml" >"$dir/broker-$n.log" 2>&1 &
  pids+=($!)
  await "broker-$n" "$!" bin/credbroker status --address "127.0.0.1:$((port + n))"
done

cat <<TEXT
Three brokers serve on 127.0.0.1:$((port + 1)), :$((port + 2)) and :$((port + 3)), and share Redis on :$port. Ctrl-C stops them.
Their logs: $dir/broker-*.log

In a second terminal, watch the third broker:

  bin/credbroker auths list --watch --address 127.0.0.1:$((port + 3))

In a third one, tell the first broker that an account has hit its limit, as a gateway does:

  grpcurl -plaintext -d '{"auth_id": "claude-team-1", "http_status": 429, "headers": {"retry-after": "60"}}' \\
    127.0.0.1:$((port + 1)) credbroker.v1.CredentialBroker/ReportResult

Or by hand, and back:

  bin/credbroker auths disable claude-team-2 --reason "billing question" --address 127.0.0.1:$((port + 1))
  bin/credbroker auths enable claude-team-2 --address 127.0.0.1:$((port + 2))

A session that one broker has bound is where it was on another:

  bin/credbroker pick --provider claude --model claude-sonnet-4-5 --session demo --address 127.0.0.1:$((port + 1))
  bin/credbroker pick --provider claude --model claude-sonnet-4-5 --session demo --address 127.0.0.1:$((port + 2))
TEXT
wait -n "${pids[@]}" || true
echo 'fleet: one of them ended; the logs:' >&2
tail -n 5 "$dir"/*.log >&2
exit 1
