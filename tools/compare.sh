#!/usr/bin/env bash
# Compares the benchmarks of a commit with those of the working tree, in turns, so that what the machine does meanwhile
# falls on both: tools/compare.sh COMMIT [BENCH [BENCHTIME [ROUNDS]]]
# A benchmark is known by its name, whatever package it stands in. Prints what benchstat says of the seconds for each run.
set -euo pipefail
cd "$(dirname "$0")/.."
commit=$1 bench=${2:-.} benchtime=${3:-100ms} rounds=${4:-6}

tmp=$(mktemp -d)
trap 'git worktree remove --force "$tmp/before" 2>/dev/null || true; rm -rf "$tmp"' EXIT
git worktree add --quiet --detach "$tmp/before" "$commit"

# build FOLDER NAME: compiles the tests of every package that has benchmarks to $tmp/NAME.
build() {
  local package
  mkdir "$tmp/$2"
  for package in $(cd "$1" && git grep --untracked -lE '^func Benchmark' -- '*_test.go' | xargs -n1 dirname | sort -u); do
    mkdir -p "$tmp/$2/$package"
    (cd "$1" && go test -c -o "$tmp/$2/$package/bench.test" "./$package")
  done
}

# play FOLDER NAME: runs each benchmark once, where its package stands.
play() {
  local test package
  find "$tmp/$2" -name bench.test | sort | while read -r test; do
    package=$(dirname "${test#"$tmp/$2/"}")
    (cd "$1/$package" && "$test" -test.run '^$' -test.bench "$bench" -test.benchtime "$benchtime" -test.timeout 30m) >>"$tmp/$2.txt"
  done
}

build "$tmp/before" before-tests
build . after-tests
for ((i = 0; i < rounds; i++)); do
  play "$tmp/before" before-tests
  play . after-tests
done
bin/benchstat -ignore pkg,cpu,goos,goarch before="$tmp/before-tests.txt" after="$tmp/after-tests.txt"
