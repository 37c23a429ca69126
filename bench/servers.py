# SPDX-License-Identifier: Apache-2.0
"""Databases of a bench: started through the scripts on core 0, ended when the bench ends."""
import atexit
import os
import pathlib
import subprocess
import tempfile

import cluster
import toolchains

TICKS = os.sysconf("SC_CLK_TCK")


class Postgres:
    """A real PostgreSQL; `options` are those of scripts/postgres start."""

    def __init__(self, *options):
        self.directory = tempfile.mkdtemp(prefix="corvid-bench-postgres-")
        atexit.register(self.stop)
        done = subprocess.run(cluster.pinned(0) + self.command("start", *options),
                              stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"bench: no PostgreSQL (scripts/postgres start ended with {done.returncode})")
        self.url = done.stdout.strip()
        self.pid = int(pathlib.Path(self.directory, "data", "postmaster.pid").read_text().split()[0])

    def command(self, verb, *words):
        return [str(toolchains.ROOT / "scripts" / "postgres"), verb, "--dir", self.directory, *words]

    def stop(self):
        subprocess.run(self.command("stop", "--purge"), stderr=subprocess.DEVNULL)

    def cpu_seconds(self):
        """Of the postmaster, its children that ended, and those that run."""
        ticks = 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(stat.parent.name) == self.pid:
                ticks += sum(map(int, fields[11:15]))
            elif int(fields[1]) == self.pid:
                ticks += sum(map(int, fields[11:13]))
        return ticks / TICKS

    def sql(self, text):
        subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", self.url, "-c", text], check=True, timeout=60,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
