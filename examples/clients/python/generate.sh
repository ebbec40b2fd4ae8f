#!/usr/bin/env bash
# Writes the Python code of the contract into stubs/ beside this script, or into the folder that is given.
# Needs Debian's protobuf-compiler, libprotobuf-dev and protobuf-compiler-grpc, or what `pip install grpcio-tools` brings.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
proto=$here/../../../proto
out=${1:-$here/stubs}
mkdir -p "$out"

if plugin=$(command -v grpc_python_plugin) && command -v protoc >/dev/null; then
  compile=(protoc --plugin=protoc-gen-grpc_python="$plugin")
else
  compile=(python3 -m grpc_tools.protoc)
fi
"${compile[@]}" -I "$proto" -I "$proto/third_party" --python_out="$out" --grpc_python_out="$out" \
  credbroker/v1/{broker,explanation,pool}.proto google/rpc/{status,error_details}.proto
