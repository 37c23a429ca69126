# SPDX-License-Identifier: Apache-2.0
"""Consuming a filled topic from earliest in a group that commits every second: 100 B values, and JSON flights for
the typed arms; 1,000 keys, 6 partitions. Right when each key's records came as 0, 1, 2 … to the last, and the
group's committed offsets add up to the records."""
import functools
import subprocess

import harness
import toolchains
from harness import Arm, Ratio

RAW = functools.partial(toolchains.cpp, "raw_consume")
CORVID = functools.partial(toolchains.cpp, "corvid_consumer")
TYPED = {"raw_batch_simdjson", "corvid_json"}


def fill(context, form):
    topic = context.fresh(f"consume-{form}")
    context.broker.admin("create", topic, 6)
    subprocess.run(
        toolchains.cpp("raw_produce") + ["--arm", "raw", "--bootstrap", context.broker.bootstrap, "--topic", topic,
                                         "--messages", str(context.messages), "--warm-up", "0", "--format", form],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return topic


def prepare(context):
    context.state["topics"] = {form: fill(context, form) for form in ("bytes", "json")}


def topic_of(context, arm):
    return context.state["topics"]["json" if arm.name in TYPED else "bytes"]


def before(context, arm):
    context.state["group"] = group = context.fresh(arm.name.replace("#", "-"))
    return ["--bootstrap", context.broker.bootstrap, "--topic", topic_of(context, arm), "--group", group,
            "--messages", str(context.messages), "--size", "100", "--keys", "1000"]


def after(context, arm, result):
    held = int(context.broker.admin("committed", topic_of(context, arm), context.state["group"]))
    return "" if held == context.messages else f"the group committed {held} of {context.messages}"


BENCH = harness.Bench(
    name="consume",
    arms=[
        Arm("raw_poll", RAW, counts_mallocs=True),
        Arm("raw_batch", RAW, counts_mallocs=True),
        Arm("raw_batch_simdjson", RAW, counts_mallocs=True, note="typed, by hand"),
        Arm("corvid_bytes", CORVID, counts_mallocs=True),
        Arm("corvid_json", CORVID, counts_mallocs=True, note="typed"),
        Arm("rust_stream", toolchains.rust, note="brings a newer librdkafka of its own"),
        Arm("franz_go", toolchains.go, ["--mode", "consume"]),
        Arm("java", toolchains.java, ["--mode", "consume"], note="after one full pass as warm-up"),
    ],
    ratios=[
        Ratio("corvid_bytes", "raw_batch", 1.1),
        Ratio("corvid_bytes", "rust_stream", 0.6),
        Ratio("corvid_json", "raw_batch_simdjson", 1.2),
    ],
    messages=3_000_000,
    quick_messages=500_000,
    malloc_pairs=(("corvid_bytes", "raw_batch"), ("corvid_json", "raw_batch_simdjson")),
    noise="raw_batch",
    prepare=prepare,
    before=before,
    after=after,
)
