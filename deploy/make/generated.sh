#!/bin/sh
# Says whether the generated code under proto/ is what the .proto files give; shows the difference where it isn't.
set -eu
cd "$(dirname "$0")/../.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
deploy/make/generate.sh "$fresh"
if ! diff -ru -x '*.proto' -x __pycache__ -x '*.egg-info' -x build -x py.typed proto/recapito "$fresh/recapito"; then
    echo "The generated code is not up to date: make proto" >&2
    exit 1
fi
