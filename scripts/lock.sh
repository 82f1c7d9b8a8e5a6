#!/usr/bin/env bash
# Pin every dependency with its hashes into requirements/{run,dev,browser}.txt; run it after changing pyproject.toml.
# One resolution (browser.txt, which holds everything) constrains the smaller two, so that all three agree.
# Usage: scripts/lock.sh [--upgrade]      Needs uv, which is among the development requirements (`make setup`).
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"

compile() {
    local name=$1
    shift
    uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-emit-index-url --no-emit-find-links --no-annotate --extra build "$@" --output-file "requirements/$name.txt"
    echo "requirements/$name.txt: $(grep -c '^[a-z]' "requirements/$name.txt") packages"
}

compile browser --extra dev --extra browser "$@"
compile dev --extra dev --constraint requirements/browser.txt
compile run --constraint requirements/browser.txt
