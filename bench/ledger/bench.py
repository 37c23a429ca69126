# SPDX-License-Identifier: Apache-2.0
"""Completing offsets in random order, one partition, no Kafka: each offset is done after a random number of others, up to
the window. A message is one offset tracked (256 at a time) and marked; every 256 the frontier is read. Right when the
frontier never moves back and ends behind the last offset and, for corvid, when nothing was allocated. The peer keeps
the unfinished offsets in a std::set. corvid's target: at most 10 ns a message, 0 mallocs."""
import functools

import harness
import toolchains
from harness import Arm, Ratio

WINDOWS = {"1k": 1_000, "24k": 24_000, "1m": 1_000_000}


def arms():
    for kind in ("corvid", "set"):
        for name, window in WINDOWS.items():
            yield Arm(f"{kind}_{name}", functools.partial(toolchains.cpp, "ledger_arm"), ["--window", str(window)],
                      counts_mallocs=True, note="target: at most 10 ns, 0 mallocs" if kind == "corvid" else "")


BENCH = harness.Bench(
    name="ledger",
    arms=list(arms()),
    ratios=[Ratio(f"set_{name}", f"corvid_{name}", 5.0, at_least=True) for name in WINDOWS],  # times as fast
    merit="ns_per_message",
    columns=("ns_per_message", "msgs_per_s"),
    uses_kafka=False,
    messages=8_000_000,
    quick_messages=3_000_000,
    noise="corvid_24k",
    before=lambda context, arm: ["--messages", str(context.messages)],
)
