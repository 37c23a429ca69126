# SPDX-License-Identifier: Apache-2.0
"""Key-ordered handlers over a filled topic of 8 partitions, 100 B values. Arms are named SUBJECT_WORK and, where it is
not 256 in flight over 1,000 uniform keys, with suffixes: _4096 in flight, _100k keys, _zipf (exponent 1.0).

  SUBJECT  corvid_key, parallel_consumer_key (Confluent's, KEY), spring (record listener, 8 threads), raw (librdkafka,
           one thread a partition, blocks), bare (the bound: the same on corvid's timers and coroutines without Kafka
           and without corvid's engine, see bare.cpp)
  WORK     0us · 100us 1ms 10ms, a wait, asynchronous where the subject can · cpu100us of CPU

Rates count from the first record's work to the end of the last one's. Each subject gets as many records as it does in a
few seconds. Right when every key's records came one at a time as 0, 1, 2 … to the last, and the group's committed
offsets add up to the records. With cpu100us clients may use both cores and the fetching is over before the span begins;
all else is tied to core 1, the broker to core 0. Java's arms run in processes that stay, warmed for 30 s."""
import functools
import itertools
import os
import re
import subprocess
import time

import harness
import toolchains
from harness import Arm, Floor, Ratio

PARTITIONS = 8
CPU_THREADS = 2
WORKS = ("0us", "100us", "1ms", "10ms", "cpu100us")
SHAPES = ["".join(parts) for parts in itertools.product(("", "_4096"), ("", "_100k"), ("", "_zipf"))]
PROGRAMS = {"corvid_key": functools.partial(toolchains.cpp, "keyorder_corvid"),
            "bare": functools.partial(toolchains.cpp, "keyorder_bare"),
            "raw": functools.partial(toolchains.cpp, "keyorder_raw"),
            "parallel_consumer_key": toolchains.key_peers,
            "spring": toolchains.key_peers}
ASYNCHRONOUS = {"corvid_key", "bare"}
BLOCKING = {"raw", "spring"}  # one record a partition at a time
JAVA = {"parallel_consumer_key", "spring"}

# What a run takes where --messages does not say: some seconds, and so long that the first one, in which librdkafka
# reads ahead at full speed, is no large part of it.
MESSAGES = {"0us": 3_000_000, "100us": 1_000_000, "1ms": 2_000_000, "10ms": 75_000, "cpu100us": 40_000}
MESSAGES_BLOCKING = {"0us": 1_000_000, "100us": 100_000, "1ms": 20_000, "10ms": 2_000, "cpu100us": 40_000}
MESSAGES_PARALLEL_CONSUMER = {"0us": 100_000, "100us": 100_000, "1ms": 100_000, "10ms": 40_000, "cpu100us": 40_000}
MESSAGES_OF_SHAPE = {"1ms_4096": 4_000_000, "10ms_4096": 250_000, "1ms_4096_100k": 3_000_000,
                     "10ms_4096_100k": 1_000_000}
MESSAGES_ZIPF = {"100us": 100_000, "1ms": 20_000, "10ms": 2_000}  # the first key alone is a tenth

# Beside the five subjects in the five works of the first shape. Each other name runs when it is asked for.
DEFAULT_OTHERS = ("corvid_key_0us_100k corvid_key_0us_zipf "
                  "corvid_key_1ms_4096 bare_1ms_4096 corvid_key_10ms_4096 bare_10ms_4096 "
                  "corvid_key_1ms_4096_100k bare_1ms_4096_100k corvid_key_10ms_4096_100k bare_10ms_4096_100k "
                  "corvid_key_1ms_100k bare_1ms_100k parallel_consumer_key_1ms_100k "
                  "corvid_key_1ms_zipf bare_1ms_zipf parallel_consumer_key_1ms_zipf "
                  "corvid_key_1ms_100k_zipf bare_1ms_100k_zipf").split()
QUICK = {f"{subject}_{work}" for work in ("0us", "1ms", "cpu100us") for subject in ("corvid_key", "bare", "raw")} | {
    "parallel_consumer_key_0us", "spring_0us"}
NAME = re.compile(f"({'|'.join(PROGRAMS)})_({'|'.join(WORKS)})(_4096)?(_100k)?(_zipf)?$")


def parts_of(name):
    subject, work, wide, many, zipf = NAME.match(name.split("#")[0]).groups()
    return subject, work, (wide or "") + (many or "") + (zipf or "")


def messages_of(context, name):
    subject, work, shape = parts_of(name)
    if context.options.messages:
        return context.options.messages
    table = (MESSAGES_BLOCKING if subject in BLOCKING else
             MESSAGES_PARALLEL_CONSUMER if subject in JAVA else MESSAGES)
    count = MESSAGES_OF_SHAPE.get(work + shape, table[work]) if subject in ASYNCHRONOUS else table[work]
    if "zipf" in shape:
        count = min(count, MESSAGES_ZIPF.get(work, count))
    return max(count // 5, 1000) if context.options.quick else count


def keys_of(shape):
    return 100_000 if "_100k" in shape else 1_000


def content_of(context, name):
    """The words that say what is in its topic."""
    shape = parts_of(name)[2]
    return ["--messages", str(messages_of(context, name)), "--keys", str(keys_of(shape)),
            "--spread", "zipf" if "_zipf" in shape else "uniform", "--size", "100"]


def topic_of(context, name):
    """Made and filled when it is first asked for; arms with the same records share it."""
    topics, content = context.state.setdefault("topics", {}), content_of(context, name)
    if tuple(content) not in topics:
        topic = topics[tuple(content)] = context.fresh("keyorder")
        context.broker.admin("create", topic, PARTITIONS)
        subprocess.run(toolchains.cpp("keyorder_fill") + ["--bootstrap", context.broker.bootstrap, "--topic", topic]
                       + content, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return topics[tuple(content)]


def before(context, arm):
    work, shape = parts_of(arm.name)[1:]
    context.state["group"] = group = context.fresh(arm.name.replace("#", "-"))
    return ["--bootstrap", context.broker.bootstrap, "--topic", topic_of(context, arm.name), "--group", group,
            "--work", work, "--concurrency", "4096" if "_4096" in shape else "256",
            "--threads", str(threads_of(work))] + content_of(context, arm.name)


def threads_of(work):
    """That handlers have: as many as the cores that the arm is tied to."""
    return min(CPU_THREADS, os.cpu_count() or 1) if work == "cpu100us" else 1


def after(context, arm, result):
    if parts_of(arm.name)[0] == "bare":
        return ""
    wanted = messages_of(context, arm.name)
    held = int(context.broker.admin("committed", topic_of(context, arm.name), context.state["group"]))
    return "" if held == wanted else f"the group committed {held} of {wanted}"


def warm_up(context, arm, process):
    """30 s or 2 M records of no work."""
    name = f"{parts_of(arm.name)[0]}_0us"
    seconds, taken, began = 3 if context.options.quick else 30, 0, time.monotonic()
    while taken < 2_000_000 and time.monotonic() - began < seconds:
        words = before(context, Arm(name, list))
        taken += process.ask(["--arm", name] + words, timeout=150)["messages"]


def percent_of_bound(results):
    for name, runs in results.items():
        subject, work, shape = parts_of(name)
        for run, bound in zip(runs, results.get(f"bare_{work}{shape}", [])):
            if run["correct"] and bound["correct"] and work != "0us":
                run["percent_of_bare"] = round(100 * run["msgs_per_s"] / bound["msgs_per_s"], 2)


def make_arm(subject, work, shape):
    name = f"{subject}_{work}{shape}"
    return Arm(name, PROGRAMS[subject], [subject] if subject in JAVA else [], stays=subject in JAVA,
               core=None if work == "cpu100us" else 1, by_default=not shape or name in DEFAULT_OTHERS,
               in_quick=name in QUICK)


BENCH = harness.Bench(
    name="keyorder",
    arms=[make_arm(subject, work, shape) for shape in SHAPES for work in WORKS for subject in PROGRAMS
          if "_4096" not in shape or subject not in BLOCKING],
    ratios=[
        Ratio("corvid_key_0us", "parallel_consumer_key_0us", 20, at_least=True),
        Ratio("corvid_key_1ms", "bare_1ms", 0.95, at_least=True),
        Ratio("corvid_key_10ms", "bare_10ms", 0.95, at_least=True),
        Ratio("corvid_key_10ms_4096", "bare_10ms_4096", 0.95, at_least=True),
        Ratio("corvid_key_10ms_4096_100k", "bare_10ms_4096_100k", 0.95, at_least=True),
        Ratio("corvid_key_1ms_4096", ("bare_1ms_4096", "corvid_key_0us"), 0.8, at_least=True),
        Ratio("corvid_key_1ms_4096_100k", ("bare_1ms_4096_100k", "corvid_key_0us_100k"), 0.8, at_least=True),
        Ratio("corvid_key_cpu100us", "bare_cpu100us", 0.93, at_least=True),
    ],
    floors=(Floor("corvid_key_0us", 1_000_000),),
    merit="msgs_per_s",
    columns=("msgs_per_s", "percent_of_bare", "cpu_s_per_million", "broker_cpu_s_per_million", "peak_rss_mb"),
    noise="bare_1ms",
    rounds=5,
    budget=1200.0,
    before=before,
    after=after,
    warm_up=warm_up,
    derive=percent_of_bound,
)
