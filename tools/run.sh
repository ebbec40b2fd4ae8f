#!/usr/bin/env bash
# Starts the broker that make run has built, on the configuration that is given, and says how to call it once it serves.
# Ends with the broker: Ctrl-C stops both, and the exit code is the broker's.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/versions
. tools/versions
config=$1
address=127.0.0.1:7420
broker=$$ # exec below keeps it

# Waits for the broker in the background and prints once. Gives up when the broker is gone.
announce() {
  local grpcurl
  while :; do
    sleep 0.2
    kill -0 "$broker" 2>/dev/null || return 0
    ! bin/credbroker status --address "$address" >/dev/null 2>&1 || break
  done
  kill -0 "$broker" 2>/dev/null || return 0 # what answered was another broker
  if [ -x bin/grpcurl ]; then
    grpcurl=bin/grpcurl # that terminal does not have bin/ on its PATH
  elif command -v grpcurl >/dev/null; then
    grpcurl=grpcurl
  else
    grpcurl="go run github.com/fullstorydev/grpcurl/cmd/grpcurl@$GRPCURL"
  fi
  cat <<TEXT

The broker serves $config on $address; Ctrl-C stops it. In another terminal:

  bin/credbroker pick --provider claude --model claude-sonnet-4-5 --session demo

or, as a gateway does:

  $grpcurl -plaintext -d '{"provider": "claude", "model": "claude-sonnet-4-5", "session_id": "demo"}' $address credbroker.v1.CredentialBroker/PickCredential

TEXT
}

(announce &)
exec bin/credbroker serve --config "$config"
