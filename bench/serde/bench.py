# SPDX-License-Identifier: Apache-2.0
"""JSON to and from structs, one core, no Kafka: a flat flight of 12 members (225 B, some absent, one a time) and a
nested booking (400 B). 1024 different messages; reads go into an object that is used again. Right when every one of
them reads as, or is written as, what it was made from. simdjson is on-demand by hand with corvid's own checks."""
import functools
import subprocess

import harness
import toolchains
from harness import Arm, Ratio


def program(library):
    command = toolchains.cpp("serde_arm")
    built = subprocess.run([*command, "--libraries"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    if library not in built:
        raise toolchains.Missing(f"{library} is not installed")
    return command


def arms():
    for job in ("read_flight", "read_booking", "write_flight", "write_booking"):
        for library in ("corvid", "simdjson", "boost", "nlohmann"):
            if library != "simdjson" or job.startswith("read"):
                yield Arm(f"{library}_{job}", functools.partial(program, library), counts_mallocs=True)


BENCH = harness.Bench(
    name="serde",
    arms=list(arms()),
    ratios=[  # how many times as fast as the other corvid is
        Ratio("simdjson_read_flight", "corvid_read_flight", 0.8, at_least=True),
        Ratio("simdjson_read_booking", "corvid_read_booking", 0.8, at_least=True),
        Ratio("boost_read_flight", "corvid_read_flight", 1.0, at_least=True),
        Ratio("boost_read_booking", "corvid_read_booking", 1.0, at_least=True),
        Ratio("nlohmann_read_flight", "corvid_read_flight", 1.0, at_least=True),
        Ratio("boost_write_flight", "corvid_write_flight", 1.0, at_least=True),
        Ratio("boost_write_booking", "corvid_write_booking", 1.0, at_least=True),
        Ratio("nlohmann_write_flight", "corvid_write_flight", 1.0, at_least=True),
    ],
    merit="ns_per_message",
    columns=("ns_per_message", "msgs_per_s", "bytes_per_message"),
    uses_kafka=False,
    messages=1_000_000,
    quick_messages=200_000,
    noise="simdjson_read_flight",
    before=lambda context, arm: ["--messages", str(context.messages)],
)
