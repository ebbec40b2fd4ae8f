#!/usr/bin/env bash
# Writes gen/ from proto/. With --check: says whether gen/ is what proto/ gives, and writes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

[ "${1-}" = --check ] || exec bin/buf generate
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
bin/buf generate --output "$fresh"
diff -ru gen "$fresh/gen" || {
  echo 'gen/ is not what proto/ gives: run make generate and commit the result' >&2
  exit 1
}
