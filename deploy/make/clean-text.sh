#!/bin/sh
# No committed file carries a registry's address or a path of somebody's machine.
set -eu
cd "$(dirname "$0")/../.."
pattern='files\.pythonhosted\.org|https?://pypi\.|https?://[^ ]*/simple\b|registry\.npmjs|--index-url|(^|[^A-Za-z0-9_.-])/(home|Users|root)/[A-Za-z0-9_.-]+/'
if git grep -nIE --untracked "$pattern" -- . ':!deploy/make/clean-text.sh' ':!requirements/compile'; then
    echo "These lines carry a registry's address or a machine's path." >&2
    exit 1
fi
