#!/bin/sh
# Runs a script with a Python that has numpy: that of the path, the system's, then the folder of peers of this build. 77 without one.
# SPDX-License-Identifier: Apache-2.0 Usage: run.sh REPOSITORY SCRIPT ARGUMENTS...
root=$1
shift
for python in python3 /usr/bin/python3 /usr/local/bin/python3 "$root/build/peers-venv/bin/python3"; do
    # The sanitizers that a test preloads are not for this question.
    if env -u LD_PRELOAD "$python" -c 'import numpy' >/dev/null 2>&1; then
        exec "$python" "$@"
    fi
done
echo "skipped: no Python with numpy (Debian: python3-numpy)"
exit 77
