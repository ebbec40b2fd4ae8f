#!/usr/bin/env bash
# Every check that reads the code without running it. All of them run; the exit code says whether one failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
failed=()

# step NAME COMMAND...
step() {
  printf '%s\n' "- $1"
  "${@:2}" || failed+=("$1")
}

unformatted() {
  local files
  files=$(git ls-files -co --exclude-standard -- '*.go' ':!gen' | while read -r f; do [ ! -f "$f" ] || echo "$f"; done | xargs -r gofmt -l) || return
  [ -z "$files" ] || {
    printf 'run gofmt -w on:\n%s\n' "$files"
    return 1
  }
}

step gofmt unformatted
step 'go vet' go vet ./...
step 'go mod tidy' go mod tidy -diff
step golangci-lint bin/golangci-lint run
step 'buf lint' bin/buf lint
step 'buf format' bin/buf format --path proto/credbroker --diff --exit-code
step 'buf breaking' tools/breaking.sh
step 'generated code' tools/generate.sh --check
step shellcheck shellcheck -x .ci/run tools/*.sh examples/*.sh

[ ${#failed[@]} -eq 0 ] || {
  printf 'lint: failed: %s\n' "$(IFS=,; echo "${failed[*]}")" >&2
  exit 1
}
