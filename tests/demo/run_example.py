# SPDX-License-Identifier: Apache-2.0
"""run_example.py PROGRAM PATTERN: the program ends with 0 and prints, over its lines, what the pattern says."""
import re
import subprocess
import sys

done = subprocess.run([sys.argv[1]], capture_output=True, text=True, timeout=50)
print(done.stdout, done.stderr, sep="")
if done.returncode:
    sys.exit(f"it ended with {done.returncode}")
if not sys.argv[2] or not re.search(sys.argv[2], done.stdout, re.S):
    sys.exit(f"it did not print {sys.argv[2]!r}")
