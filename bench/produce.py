# SPDX-License-Identifier: Apache-2.0
"""Producing: 100 B values, 1,000 keys, 6 partitions, idempotent, acks=all, linger 5 ms, no compression, at most
20,000 in flight (raw_default: librdkafka's own limits). Right when every record was acknowledged and the topic's
end offsets add up to what was sent."""
import functools

import harness
import toolchains
from harness import Arm, Ratio

RAW = functools.partial(toolchains.cpp, "raw_produce")
CORVID = functools.partial(toolchains.cpp, "corvid_producer")


def before(context, arm):
    topic = context.fresh(f"produce-{arm.name.replace('#', '-')}")
    context.broker.admin("create", topic, 6)
    context.state["topic"] = topic
    context.state["warm_up"] = warm_up = 30_000 if context.options.quick else 200_000
    return ["--bootstrap", context.broker.bootstrap, "--topic", topic, "--messages", str(context.messages),
            "--warm-up", str(warm_up), "--size", "100", "--keys", "1000", "--in-flight", "20000"]


def after(context, arm, result):
    topic, expected = context.state["topic"], context.messages + context.state["warm_up"]
    held = int(context.broker.admin("end-offsets", topic))
    context.broker.admin("delete", topic)
    return "" if held == expected else f"the topic holds {held} records of {expected}"


BENCH = harness.Bench(
    name="produce",
    arms=[
        Arm("raw", RAW, counts_mallocs=True),
        Arm("raw_default", RAW, note="librdkafka's own queue limits"),
        Arm("corvid_post", CORVID, counts_mallocs=True),
        Arm("corvid_callback", CORVID, counts_mallocs=True),
        Arm("corvid_awaitable", CORVID, counts_mallocs=True, note="5,000 coroutines"),
        Arm("corvid_awaitable_all", CORVID, note="20,000 coroutines"),
        Arm("rust_future", toolchains.rust, note="brings a newer librdkafka of its own"),
        Arm("franz_go", toolchains.go, ["--mode", "produce"]),
        Arm("java", toolchains.java, ["--mode", "produce"], note="warm-up is short: the JIT is in the figure"),
    ],
    ratios=[
        Ratio("corvid_post", "raw", 1.05),
        Ratio("corvid_awaitable", "raw", 1.25),
        Ratio("corvid_awaitable", "raw_default", 1.0),
        Ratio("corvid_awaitable", "rust_future", 0.5),
        Ratio("corvid_awaitable_all", "raw", None),
        Ratio("corvid_awaitable_all", "rust_future", None),
    ],
    malloc_pairs=(("corvid_post", "raw"), ("corvid_callback", "raw"), ("corvid_awaitable", "raw")),
    noise="raw",
    before=before,
    after=after,
)
