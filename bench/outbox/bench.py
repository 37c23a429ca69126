# SPDX-License-Identifier: Apache-2.0
"""Events of 200 B from PostgreSQL (fsync on) to Kafka. …_drain: an outbox of 1 M rows of 10,000 aggregates is sent by a
relay that starts now; debezium_drain: by Debezium's engine with its outbox router, from a slot made before the rows.
corvid_steady: 5,000 events a second are committed, one a transaction, beside the relay in one process, open loop;
p99_ms is from the answer to COMMIT until the broker's acknowledgement, but for the first 3 s (warm_up_max_ms).
corvid_steady_batches: ten a transaction, as a subscription with effects writes them. corvid_steady_notify: committed
through another pool, as in another process. Right when the topic has every event, each key's in order; steady: and the rate was held,
and there is no dead tuple. (On one core PostgreSQL and the broker hold it only on a quick machine: see --free.)"""
import functools
import json
import subprocess

import harness
import servers
import toolchains
from harness import Arm, Floor, Ratio

PROGRAM = functools.partial(toolchains.cpp, "outbox_arm")
PARTITIONS = 6
KEYS = 10_000
RATE = 5_000
HELD = 0.98  # of the rate, when the last answers are there
STEADY_SECONDS, STEADY_SECONDS_QUICK = 60, 10


def prepare(context):
    context.state["server"] = servers.Postgres("--set", "max_wal_size=8GB", "--set", "wal_level=logical")


def tool(context, arm, *words):
    """One line of outbox_arm."""
    done = subprocess.run(PROGRAM() + ["--arm", arm, "--url", context.state["server"].url,
                                       "--bootstrap", context.broker.bootstrap, "--keys", str(KEYS), *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
    if done.returncode != 0:
        raise ValueError(f"outbox_arm {arm}: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout)


def drop_slot(server):
    server.sql("select pg_terminate_backend(active_pid, 10000) from pg_replication_slots where active")
    server.sql("select pg_drop_replication_slot(slot_name) from pg_replication_slots")


def before(context, arm):
    name = arm.name.split("#")[0]
    server = context.state["server"]
    topic = context.state["topic"] = context.fresh("outbox")
    context.broker.admin("create", topic, PARTITIONS)
    if "steady" in name:
        seconds = STEADY_SECONDS_QUICK if context.options.quick else STEADY_SECONDS
        count = context.options.messages or RATE * seconds
        words = ["--rate", str(RATE), "--messages", str(count)]
    else:
        count = context.messages
        tool(context, "tables")
        if name == "debezium_drain":
            server.sql("drop publication if exists bench")
            drop_slot(server)
            server.sql("create publication bench for table outbox with (publish = 'insert', publish_via_partition_root)")
            server.sql("select pg_create_logical_replication_slot('bench', 'pgoutput')")
        tool(context, "fill", "--topic", topic, "--messages", str(count))
        words = ["--slot", "bench"] if name == "debezium_drain" else []
        words += ["--messages", str(count)]
    context.state["cpu"] = server.cpu_seconds()
    return ["--url", server.url, "--bootstrap", context.broker.bootstrap, "--topic", topic, "--keys", str(KEYS), *words]


def after(context, arm, result):
    name = arm.name.split("#")[0]
    server = context.state["server"]
    used = server.cpu_seconds() - context.state["cpu"]
    result["server_cpu_s_per_million"] = round(used / result["messages"] * 1e6, 3)
    if "steady" in name:
        if result["msgs_per_s"] < HELD * RATE:
            return f"only {result['msgs_per_s']} of {RATE} events a second"
        return f"{result['dead_tuples']} dead tuples in the outbox" if result["dead_tuples"] else ""
    if name != "debezium_drain":
        return ""
    drop_slot(server)
    found = tool(context, "check", "--topic", context.state["topic"], "--messages", str(result["messages"]))
    return found["why"]


BENCH = harness.Bench(
    name="outbox",
    arms=[
        Arm("corvid_drain", PROGRAM, core=None),
        Arm("corvid_steady", PROGRAM, core=None),
        Arm("corvid_steady_batches", PROGRAM, core=None, words=["--per-transaction", "10"]),
        Arm("corvid_steady_notify", PROGRAM, core=None, by_default=False),
        Arm("debezium_drain", toolchains.outbox_peer, core=None),
    ],
    ratios=[Ratio("corvid_drain", "debezium_drain", None)],
    floors=(Floor("corvid_drain", 100_000),),
    merit="msgs_per_s",
    columns=("msgs_per_s", "p99_ms", "cpu_s_per_million", "server_cpu_s_per_million", "broker_cpu_s_per_million",
             "dead_tuples", "repeated"),
    messages=1_000_000,
    quick_messages=200_000,
    noise="corvid_drain",
    rounds=5,
    budget=840.0,
    limit=900.0,  # --messages 3000000 are ten minutes of corvid_steady
    prepare=prepare,
    before=before,
    after=after,
)
