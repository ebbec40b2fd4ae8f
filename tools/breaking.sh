#!/usr/bin/env bash
# Compares proto/ with the newest version of it on main that differs. On a branch, or with uncommitted changes, that is
# main; on main itself it is the version before the last change, so that the check means something there too.
set -euo pipefail
cd "$(dirname "$0")/.."
contract=proto/credbroker

main=HEAD
for name in main origin/main; do
  ! git rev-parse -q --verify "$name" >/dev/null || main=$name
done
for commit in $(git rev-list "$main" -- $contract); do
  git cat-file -e "$commit:$contract" 2>/dev/null || continue
  if ! git diff --quiet "$commit" -- $contract; then
    old=$(mktemp -d)
    trap 'rm -rf "$old"' EXIT
    git archive "$commit" buf.yaml proto | tar -x -C "$old"
    # Renamed on purpose, before the first release.
    sed -i -e 's/^  string family = 7;$/  string model_family = 7;/' -e 's/^  string person = 14;$/  string operator_action = 14;/' \
      "$old/$contract/v1/broker.proto"
    echo "against $(git log -1 --format='%h of %as' "$commit")"
    bin/buf breaking --against "$old"
    exit
  fi
done
echo 'no earlier version to compare with'
