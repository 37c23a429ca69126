# SPDX-License-Identifier: Apache-2.0
"""The real broker of a bench: started through scripts/kafka on its own core, ended when the bench ends."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import toolchains

TICKS = os.sysconf("SC_CLK_TCK")
ties = True  # servers and clients to cores of their own; else all share all


def core_of(wanted):
    """The core to tie to; None: all."""
    return wanted if ties else None


def pinned(wanted):
    """The words that tie a command to one core; none where it is not to be tied, the machine has only one or taskset
    is missing."""
    core = core_of(wanted)
    if core is None or (os.cpu_count() or 1) < 2 or not shutil.which("taskset"):
        return []
    return ["taskset", "-c", str(core)]


class Cluster:
    def __init__(self, bootstrap=None):
        self.bootstrap = bootstrap
        self._own = None
        self._pid = None

    def __enter__(self):
        if self.bootstrap:
            self.bootstrap = self.bootstrap.removeprefix("kafka://")
            return self
        self._own = tempfile.mkdtemp(prefix="corvid-bench-kafka-")
        script = str(toolchains.ROOT / "scripts" / "kafka")
        done = subprocess.run(pinned(0) + [script, "start", "--dir", self._own], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            self.__exit__()
            raise SystemExit(f"bench: no broker (scripts/kafka start ended with {done.returncode})")
        self.bootstrap = done.stdout.strip().removeprefix("kafka://")
        self._pid = int(pathlib.Path(self._own, "node-1", "pid").read_text())
        return self

    def __exit__(self, *_):
        if self._own:
            subprocess.run([str(toolchains.ROOT / "scripts" / "kafka"), "stop", "--purge", "--dir", self._own])

    def cpu_seconds(self):
        """The broker's CPU time so far; None for a broker that is not ours."""
        if not self._pid:
            return None
        fields = pathlib.Path(f"/proc/{self._pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def admin(self, *words):
        command = toolchains.cpp("kafka_admin") + [self.bootstrap, *map(str, words)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=90)
        if done.returncode != 0:
            raise RuntimeError(f"kafka_admin {' '.join(map(str, words))}: {done.stderr.strip()}")
        return done.stdout.strip()
