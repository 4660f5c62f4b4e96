#!/bin/sh
# Generates the Python code of every .proto file into the folder given.
set -eu
cd "$(dirname "$0")/../.."
out=$(cd "$1" && pwd)
PATH="$PWD/.venv/bin:$PATH"
export PATH
# shellcheck disable=SC2046  # our file names have no spaces
.venv/bin/python -m grpc_tools.protoc -I proto "--python_out=$out" "--grpc_python_out=$out" "--mypy_out=quiet:$out" "--mypy_grpc_out=quiet:$out" \
    $(cd proto && find recapito -name '*.proto' | sort)
