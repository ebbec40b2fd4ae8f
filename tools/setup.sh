#!/usr/bin/env bash
# Installs what the build needs beside Go, git and make. Groups:
#
#   test      what the tests run: gcc for the race detector, Redis, grpcurl, the Python and Node clients
#   generate  buf
#   lint      buf, golangci-lint, shellcheck
#   bench     what the benchmarks run: Redis, benchstat
#
# Without arguments: all of them. What is there is left alone, so that a second run is fast and needs no network.
# Tools go into a folder per version, shared by all clones of this user, and are linked into bin/.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/versions
. tools/versions
buf_version=$(sed -n 's/.*"@bufbuild.*": "\(.*\)".*/\1/p' tools/package.json)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/credbroker-tools"

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# have_deb PACKAGE...: all of them are installed.
have_deb() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || return 1
  done
}

# need_deb PACKAGE...: installs those that are missing.
need_deb() {
  local package missing=() sudo=()
  for package in "$@"; do
    have_deb "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "this is not Debian: install what these packages hold, and run again: ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "neither root nor sudo: ask for these Debian packages, and run again: ${missing[*]}"
    sudo=(sudo)
  fi
  say "apt-get install ${missing[*]}"
  "${sudo[@]}" apt-get -o DPkg::Lock::Timeout=120 update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# link NAME FILE: makes bin/NAME the pinned tool.
link() {
  mkdir -p bin
  [ "$(readlink "bin/$1" || true)" = "$2" ] || ln -sfn "$2" "bin/$1"
}

# go_tool NAME VERSION PACKAGE
go_tool() {
  local dir="$cache/$1@$2" tmp
  if [ ! -x "$dir/$1" ]; then
    say "go install $3@$2 (the first time this can take minutes)"
    mkdir -p "$cache"
    tmp=$(mktemp -d "$cache/tmp.XXXXXX")
    # Moved into place whole, so that neither an interrupted nor a concurrent run leaves half a tool.
    (cd "$tmp" && GOFLAGS='' GOBIN="$tmp" nice go install "$3@$2") || { rm -rf "$tmp"; die "$1 was not installed"; }
    mkdir -p "$dir"
    mv -f "$tmp/$1" "$dir/$1"
    rm -rf "$tmp"
  fi
  link "$1" "$dir/$1"
}

# npm_ci FOLDER: what its lock file names. Install scripts do not run.
npm_ci() {
  say "npm ci in $1"
  npm ci --prefix "$1" --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error >/dev/null
}

need_node() {
  { command -v node && command -v npm; } >/dev/null || need_deb nodejs npm
}

need_node_client() {
  local dir=examples/clients/node
  cmp -s "$dir/package-lock.json" "$dir/node_modules/.installed.json" && return
  need_node
  npm_ci "$dir"
  cp "$dir/package-lock.json" "$dir/node_modules/.installed.json"
}

need_compiler() {
  command -v "${CC:-gcc}" >/dev/null || need_deb gcc libc6-dev
}

# The tests start servers of their own, on free ports; one that runs as a service is left alone.
need_redis() {
  { command -v redis-server && command -v redis-cli; } >/dev/null || need_deb redis-server
}

# buf is a program inside an npm package where there is one for this platform; compiling it takes minutes.
need_buf() {
  local dir="$cache/buf@$buf_version" tmp
  if [ "$(uname -sm)" != 'Linux x86_64' ]; then
    go_tool buf "v$buf_version" github.com/bufbuild/buf/cmd/buf
    return
  fi
  if [ ! -x "$dir/buf" ]; then
    need_node
    mkdir -p "$cache"
    tmp=$(mktemp -d "$cache/tmp.XXXXXX")
    cp tools/package.json tools/package-lock.json tools/.npmrc "$tmp/"
    npm_ci "$tmp"
    mkdir -p "$dir"
    mv -f "$tmp/node_modules/@bufbuild/buf-linux-x64/bin/buf" "$dir/buf"
    rm -rf "$tmp"
  fi
  link buf "$dir/buf"
}

[ $# -gt 0 ] || set -- test generate lint bench
command -v go >/dev/null || die "go is not on the PATH; go.mod says which version this needs"
for group in "$@"; do
  case "$group" in
    test)
      need_compiler
      need_redis
      need_deb python3-grpcio python3-protobuf libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
      need_node_client
      go_tool grpcurl "$GRPCURL" github.com/fullstorydev/grpcurl/cmd/grpcurl
      ;;
    generate) need_buf ;;
    lint)
      need_deb shellcheck
      need_buf
      go_tool golangci-lint "$GOLANGCI_LINT" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
      ;;
    bench)
      need_redis
      go_tool benchstat "$BENCHSTAT" golang.org/x/perf/cmd/benchstat
      ;;
    *) die "unknown group $group; there are: test, generate, lint, bench" ;;
  esac
done
