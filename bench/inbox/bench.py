# SPDX-License-Identifier: Apache-2.0
"""Effects exactly once into PostgreSQL, fsync on, from a filled topic of 4 partitions: each event inserts one row; one
event in ten comes twice. Right when every event has its row once (by offset: every record, that mark does not know what
a producer repeats). guard_…: begin, mark, effect, commit, on 1 and 16 connections; hand_unnest: batches of 500 in one
statement; these three on librdkafka's batch queue. corvid_…: a service. writer_…: corvid's transaction writers alone,
fed with recorded effects, without Kafka. Clients are tied to core 1, PostgreSQL and the broker to core 0."""
import functools
import subprocess

import harness
import servers
import toolchains
from harness import Arm, Floor, Ratio

PROGRAM = functools.partial(toolchains.cpp, "inbox_arm")


PARTITIONS = 4
SLOW = {"guard_single": 20, "guard_16": 10}  # these get so much less to do


def prepare(context):
    context.state["server"] = servers.Postgres("--set", "max_wal_size=8GB")
    context.state["topics"] = {}


def topic_of(context, messages):
    """Made and filled when it is first asked for."""
    topics = context.state["topics"]
    if messages not in topics:
        topics[messages] = topic = context.fresh("inbox")
        context.broker.admin("create", topic, PARTITIONS)
        subprocess.run(toolchains.cpp("inbox_fill") + ["--bootstrap", context.broker.bootstrap, "--topic", topic,
                                                       "--messages", str(messages)], check=True)
    return topics[messages]


def before(context, arm):
    server = context.state["server"]
    messages = context.messages // SLOW.get(arm.name.split("#")[0], 1)
    words = ["--url", server.url, "--messages", str(messages)]
    if not arm.name.startswith("writer_"):
        words += ["--bootstrap", context.broker.bootstrap, "--topic", topic_of(context, messages),
                  "--group", context.fresh("inbox-group")]
    context.state["cpu"] = server.cpu_seconds()
    return words


def after(context, arm, result):
    used = context.state["server"].cpu_seconds() - context.state["cpu"]
    result["server_cpu_s_per_million"] = round(used / result["messages"] * 1e6, 3)
    return ""


WRITERS = ("writer_event_id_record", "writer_event_id_batch", "writer_offset_record", "writer_offset_batch")

BENCH = harness.Bench(
    name="inbox",
    arms=[
        Arm("guard_single", PROGRAM, note="1 connection"),
        Arm("guard_16", PROGRAM, note="16 connections"),
        Arm("hand_unnest", PROGRAM, note="batches of 500"),
        Arm("corvid_event_id_record", PROGRAM),
        Arm("corvid_event_id_batch", PROGRAM, note="batches of 500"),
        Arm("corvid_offset_batch", PROGRAM, note="batches of 500"),
        *(Arm(name, PROGRAM, by_default=False, note="without Kafka") for name in WRITERS),
    ],
    ratios=[  # how many times as many events a second
        Ratio("corvid_event_id_record", "guard_single", 20, at_least=True),
        Ratio("corvid_event_id_batch", "guard_single", 40, at_least=True),
        Ratio("corvid_event_id_batch", "hand_unnest", 0.9, at_least=True),
        Ratio("corvid_offset_batch", "corvid_event_id_batch", 1.8, at_least=True),
        Ratio("guard_16", "guard_single", None),
    ],
    floors=(Floor("corvid_event_id_record", 80_000), Floor("corvid_event_id_batch", 150_000)),
    merit="msgs_per_s",
    columns=("msgs_per_s", "cpu_s_per_million", "server_cpu_s_per_million", "wal_bytes_per_message"),
    messages=400_000,
    quick_messages=100_000,
    noise="hand_unnest",
    prepare=prepare,
    before=before,
    after=after,
)
