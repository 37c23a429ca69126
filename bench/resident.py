# SPDX-License-Identifier: Apache-2.0
"""An arm's process that stays for all its runs, so that a JIT is warm: a command line in, a JSON line out."""
import json
import os
import pathlib
import select
import subprocess
import time


class Resident:
    def __init__(self, command):
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         stderr=subprocess.DEVNULL)

    def pin(self, core):
        """To that core, or (None) to all; threads to come inherit it."""
        wanted = range(os.cpu_count()) if core is None or os.cpu_count() < 2 else [core]
        for thread in pathlib.Path(f"/proc/{self._process.pid}/task").iterdir():
            try:
                os.sched_setaffinity(int(thread.name), wanted)
            except ProcessLookupError:  # it ended meanwhile
                pass

    def ask(self, words, timeout):
        """The answer to one command line; raises subprocess.TimeoutExpired, and ValueError if there is none."""
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()
        deadline = time.monotonic() + timeout
        while not select.select([self._process.stdout], [], [], 1)[0]:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(words, timeout)
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.kill()
        self._process.wait()
