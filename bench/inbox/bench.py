# SPDX-License-Identifier: Apache-2.0
"""Effects exactly once into PostgreSQL, fsync on: each event inserts one row; one event in ten comes twice (by offset:
none, that mark does not guard against them). Right when every event has its row once. guard_…: begin, mark, effect,
commit, on 1 and 16 connections; hand_unnest: batches of 500 in one statement. writer_…: corvid's transaction writers,
fed with recorded effects, without Kafka."""
import functools

import harness
import servers
import toolchains
from harness import Arm, Ratio

PROGRAM = functools.partial(toolchains.cpp, "inbox_arm")


def prepare(context):
    context.state["server"] = servers.Postgres("--set", "max_wal_size=8GB")


def before(context, arm):
    server = context.state["server"]
    context.state["cpu"] = server.cpu_seconds()
    slow = {"guard_single": 20, "guard_16": 10}.get(arm.name.split("#")[0], 1)
    return ["--url", server.url, "--messages", str(context.messages // slow)]


def after(context, arm, result):
    used = context.state["server"].cpu_seconds() - context.state["cpu"]
    result["server_cpu_s_per_million"] = round(used / result["messages"] * 1e6, 3)
    return ""


BENCH = harness.Bench(
    name="inbox",
    arms=[
        Arm("guard_single", PROGRAM, note="1 connection"),
        Arm("guard_16", PROGRAM, note="16 connections"),
        Arm("hand_unnest", PROGRAM, note="batches of 500"),
        Arm("writer_event_id_record", PROGRAM),
        Arm("writer_event_id_batch", PROGRAM),
        Arm("writer_offset_record", PROGRAM),
        Arm("writer_offset_batch", PROGRAM),
    ],
    ratios=[  # how many times as many events a second
        Ratio("writer_event_id_record", "guard_single", 20, at_least=True),
        Ratio("writer_event_id_batch", "guard_single", 40, at_least=True),
        Ratio("writer_event_id_batch", "hand_unnest", 0.9, at_least=True),
        Ratio("writer_offset_record", "writer_event_id_record", 1.8, at_least=True),
        Ratio("writer_offset_batch", "writer_event_id_batch", 1.8, at_least=True),
        Ratio("guard_16", "guard_single", None),
    ],
    merit="msgs_per_s",
    columns=("msgs_per_s", "cpu_s_per_million", "server_cpu_s_per_million", "wal_bytes_per_message"),
    uses_kafka=False,
    messages=400_000,
    quick_messages=100_000,
    noise="hand_unnest",
    prepare=prepare,
    before=before,
    after=after,
)
