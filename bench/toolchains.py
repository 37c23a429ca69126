# SPDX-License-Identifier: Apache-2.0
"""Builds the programs of the arms, once; a part that cannot be built is a reason to skip, never an error."""
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / "build" / "release"
PEERS = ROOT / "build" / "bench-peers"
PEER_SOURCES = ROOT / "bench" / "peers"


class Missing(Exception):
    """Why an arm cannot run."""


def run_quietly(command, what, **more):
    PEERS.mkdir(parents=True, exist_ok=True)
    log = PEERS / f"{what}.log"
    with open(log, "wb") as text:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=text, stderr=subprocess.STDOUT, **more)
    if done.returncode != 0:
        raise Missing(f"{what} does not build; see {log}")


def need(program):
    found = shutil.which(program)
    if not found:
        raise Missing(f"{program} is not installed")
    return found


_done = {}


def once(build):
    """The result of build(), or the Missing it raised, remembered for all arms that ask."""
    if build not in _done:
        try:
            _done[build] = build()
        except Missing as why:
            _done[build] = why
    if isinstance(_done[build], Missing):
        raise _done[build]
    return _done[build]


def _cmake():
    need("cmake")
    if not (RELEASE / "CMakeCache.txt").exists():
        run_quietly(["cmake", "--preset", "release"], "cmake-configure", cwd=ROOT)
    # Keep going: a program that does not build leaves its own arms out, not the others'.
    try:
        run_quietly(["cmake", "--build", str(RELEASE), "--target", "corvid_benches", "--", "-k", "0"], "cmake-build")
    except Missing as why:
        print(f"bench: {why}; arms whose program is there still run", flush=True)


def cpp(name):
    """The executable of that name in build/release/bench."""
    once(_cmake)
    program = RELEASE / "bench" / name
    if not os.access(program, os.X_OK):
        raise Missing(f"{program.relative_to(ROOT)} is not built")
    return [str(program)]


def malloc_counter():
    once(_cmake)
    return RELEASE / "bench" / "libcorvid_malloc_count.so"


def _rust():
    environment = {**os.environ, "CARGO_TARGET_DIR": str(PEERS / "rust")}
    run_quietly([need("cargo"), "build", "--release", "--locked"], "rust", cwd=PEER_SOURCES / "rust", env=environment)
    return [str(PEERS / "rust" / "release" / "corvid-bench-rust")]


def rust():
    return once(_rust)


def _go():
    run_quietly([need("go"), "build", "-trimpath", "-o", str(PEERS / "franz_go"), "."], "go", cwd=PEER_SOURCES / "go")
    return [str(PEERS / "franz_go")]


def go():
    return once(_go)


def _java():
    """kafka-clients comes with the broker's jars, which Maven fetched."""
    need("javac")
    fetched = subprocess.run([str(ROOT / "scripts" / "kafka"), "fetch"], stdout=subprocess.PIPE, text=True)
    if fetched.returncode != 0:
        raise Missing("kafka-clients cannot be fetched")
    jars = f"{fetched.stdout.strip()}/*"
    run_quietly(["javac", "-cp", jars, "-d", str(PEERS / "java"), str(PEER_SOURCES / "java" / "Peer.java")], "java")
    return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{jars}:{PEERS / 'java'}", "Peer"]


def java():
    return once(_java)


def _maven(name, program):
    """bench/NAME/java with the jars that its pom.xml names, from Maven Central."""
    need("javac")
    jars, classes = PEERS / f"{name}-jars", PEERS / name
    sources = ROOT / "bench" / name / "java"
    if not jars.is_dir():
        part = jars.with_suffix(".part")
        run_quietly([need("mvn"), "-q", "-B", "-f", str(sources / "pom.xml"), "dependency:copy-dependencies",
                     "-DincludeScope=runtime", f"-DoutputDirectory={part}"], f"{name}-jars")
        part.rename(jars)
    run_quietly(["javac", "-cp", f"{jars}/*", "-d", str(classes), *map(str, sources.glob("*.java"))], f"{name}-java")
    return ["java", "-Xmx1g", "-XX:+UseSerialGC", "-cp", f"{jars}/*:{classes}", program]


def _key_peers():
    return _maven("keyorder", "Peers")


def key_peers():
    """Confluent Parallel Consumer and Spring Kafka."""
    return once(_key_peers)


def _outbox_peer():
    return _maven("outbox", "Debezium")


def outbox_peer():
    """Debezium's engine with its PostgreSQL connector."""
    return once(_outbox_peer)
