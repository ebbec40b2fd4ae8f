#!/usr/bin/env bash
# Runs every fuzz target of the module, each for the time or the number of runs that is given, such as 20s or 20000x.
set -euo pipefail
cd "$(dirname "$0")/.."

while IFS=: read -r file func; do
  target=${func#func }
  printf '\n%s in %s\n' "$target" "$(dirname "$file")"
  go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "./$(dirname "$file")"
done < <(git grep --untracked -oE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go')
