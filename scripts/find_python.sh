#!/usr/bin/env bash
# Print the command of a Python that can run this project: $PYTHON if given, else the newest of 3.13, 3.12, 3.11 found.
# A name on the PATH is not enough (version managers leave names that do not run), so each is asked.
set -euo pipefail

fits='import sys; sys.exit(sys.version_info < (3, 11))'
found=""
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    if "$candidate" -c "$fits" 2>/dev/null; then
        found=$candidate
        break
    fi
done
if [ -z "$found" ]; then
    echo "This project needs Python 3.11 or newer, and ${PYTHON:-no Python on the PATH} is not. Install one, or give PYTHON=/path/to/python." >&2
    exit 1
fi
if ! "$found" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "$found has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 1
fi
echo "$found"
