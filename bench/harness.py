# SPDX-License-Identifier: Apache-2.0
"""What every bench shares: arms in their own processes, interleaved rounds, table, ratios and JSON.

A bench is a file bench/NAME.py (or bench/NAME/bench.py) that sets BENCH to a Bench. Each arm's process
prints one JSON line with at least "correct" and the bench's merit; the merit is what ratios compare.
"""
import dataclasses
import json
import os
import platform
import subprocess
import time
import typing

import cluster
import stats
import toolchains


@dataclasses.dataclass
class Arm:
    name: str
    program: typing.Callable[[], list]  # the command's first words; raises toolchains.Missing
    words: list = dataclasses.field(default_factory=list)
    counts_mallocs: bool = False
    note: str = ""


@dataclasses.dataclass
class Ratio:
    """arm's merit over base's; reached when at most (at_least: when not below) the target."""
    arm: str
    base: str
    target: float
    at_least: bool = False

    def reached(self, value):
        return value >= self.target if self.at_least else value <= self.target


@dataclasses.dataclass
class Bench:
    name: str
    arms: list
    ratios: list
    merit: str = "cpu_s_per_million"
    columns: tuple = ("msgs_per_s", "cpu_s_per_million", "broker_cpu_s_per_million", "peak_rss_mb")
    uses_kafka: bool = True
    messages: int = 2_000_000
    quick_messages: int = 300_000
    malloc_pairs: tuple = ()  # (arm, base): arm may make at most malloc_slack mallocs a message more
    malloc_slack: float = 0.01
    noise: str = ""  # the arm that runs twice a round: the spread of A/A
    prepare: typing.Callable = lambda context: None
    before: typing.Callable = lambda context, arm: []  # words for this run
    after: typing.Callable = lambda context, arm, result: ""  # why the run is void, if it is


class Context:
    """One bench run: its options, its broker and a number that makes names unique."""

    def __init__(self, bench, options, broker):
        self.bench, self.options, self.broker = bench, options, broker
        self.messages = options.messages or (bench.quick_messages if options.quick else bench.messages)
        self.number = 0
        self.state = {}

    def fresh(self, stem):
        self.number += 1
        return f"{stem}-{os.getpid()}-{self.number}"


def run_once(context, arm, command, preload=None):
    """One process of one arm: its JSON line, with the broker's CPU time and the driver's own checks added."""
    bench, broker = context.bench, context.broker
    environment = {**os.environ, "LD_PRELOAD": str(preload)} if preload else None
    words = cluster.pinned(1) + command + ["--arm", arm.name.split("#")[0]] + arm.words + bench.before(context, arm)
    broker_before = broker.cpu_seconds() if broker else None
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
                              stdin=subprocess.DEVNULL, timeout=300)
        result = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"arm": arm.name, "correct": False, "why": "did not end within 300 s"}
    except (IndexError, ValueError):
        return {"arm": arm.name, "correct": False, "why": f"exit {done.returncode}: {done.stderr.strip()[-300:]}"}
    if broker_before is not None and result.get("messages"):
        used = broker.cpu_seconds() - broker_before
        result["broker_cpu_s_per_million"] = round(used / result["messages"] * 1e6, 4)
    why = bench.after(context, arm, result) if result["correct"] else ""
    if why:
        result.update(correct=False, why=why)
    return {**result, "arm": arm.name}


def commands_of(bench, wanted):
    """name -> (arm, command), and name -> why for those that cannot run."""
    commands, skipped = {}, {}
    for arm in bench.arms:
        if wanted and arm.name not in wanted:
            continue
        try:
            commands[arm.name] = (arm, arm.program())
        except toolchains.Missing as why:
            skipped[arm.name] = str(why)
            print(f"skipped: {arm.name} ({why})", flush=True)
    if bench.noise in commands:
        arm, command = commands[bench.noise]
        commands[f"{bench.noise}#2"] = (dataclasses.replace(arm, name=f"{bench.noise}#2"), command)
    return commands, skipped


def rounds(context, commands, count, budget):
    """count rounds after one warm-up, A B … B A …; stops early only when the budget (seconds) is spent."""
    results = {name: [] for name in commands}
    began = time.monotonic()
    for number in range(count + 1):
        order = list(commands) if number % 2 == 0 else list(reversed(commands))
        round_began = time.monotonic()
        for name in order:
            result = run_once(context, *commands[name])
            if not result["correct"]:
                print(f"void: {name}: {result['why']}", flush=True)
            if number > 0 or count == 0:
                results[name].append(result)
        spent, last = time.monotonic() - began, time.monotonic() - round_began
        print(f"round {number or 'of warm-up'}{f' of {count}' if number else ''}: {last:.1f} s", flush=True)
        if budget and number > 0 and spent + last > budget:
            break
    return results


def count_mallocs(context, commands):
    """A pass of its own under the interposer, never timed."""
    counts = {}
    for name, (arm, command) in commands.items():
        if arm.counts_mallocs and "#" not in name:
            result = run_once(context, arm, command, preload=toolchains.malloc_counter())
            if result["correct"] and "mallocs_per_message" in result:
                counts[name] = result["mallocs_per_message"]
    return counts


def summarise(bench, results, mallocs):
    """One row an arm: medians over its correct runs; an arm with a void run is not correct."""
    rows = []
    for arm in bench.arms:
        runs = results.get(arm.name)
        if not runs:
            continue
        good = [run for run in runs if run["correct"]]
        row = {"arm": arm.name, "correct": len(good) == len(runs), "rounds": len(runs)}
        for key in dict.fromkeys((*bench.columns, bench.merit)):
            figures = [run[key] for run in good if key in run]
            if figures:
                row[key] = round(stats.median(figures), 5)
        if arm.name in mallocs:
            row["mallocs_per_message"] = mallocs[arm.name]
        if good and "librdkafka" in good[0]:
            row["librdkafka"] = good[0]["librdkafka"]
        row["why"] = next((run["why"] for run in runs if not run["correct"]), "")
        row["note"] = arm.note
        rows.append(row)
    return rows


def compare(bench, results):
    """The wanted ratios over rounds in which both arms were correct."""
    ratios = {}
    wanted = list(bench.ratios)
    if f"{bench.noise}#2" in results:
        wanted.append(Ratio(f"{bench.noise}#2", bench.noise, None))
    for ratio in wanted:
        pairs = [(a, b) for a, b in zip(results.get(ratio.arm, []), results.get(ratio.base, []))
                 if a["correct"] and b["correct"]]
        found = stats.paired_ratio([a[bench.merit] for a, _ in pairs], [b[bench.merit] for _, b in pairs])
        if found and ratio.target is not None:
            found.update(target=ratio.target, at_least=ratio.at_least, reached=ratio.reached(found["ratio"]))
        ratios[f"{ratio.arm}/{ratio.base}"] = found or {"ratio": None, "target": ratio.target, "reached": None}
    return ratios


def compare_mallocs(bench, mallocs):
    extra = {}
    for arm, base in bench.malloc_pairs:
        if arm in mallocs and base in mallocs:
            more = mallocs[arm] - mallocs[base]
            extra[f"{arm}-{base}"] = {"difference": round(more, 5), "target": bench.malloc_slack,
                                      "reached": more <= bench.malloc_slack}
    return extra


def show(bench, rows, ratios, mallocs, skipped):
    head = ["arm", *bench.columns, "mallocs/msg", "librdkafka", "correct", ""]
    body = [[row["arm"], *(figure(row.get(key)) for key in bench.columns), figure(row.get("mallocs_per_message")),
             row.get("librdkafka", "-"), "yes" if row["correct"] else "NO", row["why"] or row["note"]] for row in rows]
    print("\n" + stats.table(head, body))
    for name, why in skipped.items():
        print(f"skipped: {name} ({why})")
    lines = []
    for name, found in ratios.items():
        if found["ratio"] is None:
            lines.append([name, "-", "-", target_text(found), "not measured"])
        else:
            lines.append([name, f"{found['ratio']:.3f}", f"{found['ci95'][0]:.3f} to {found['ci95'][1]:.3f}",
                          target_text(found), "noise floor (the same arm twice)" if "#" in name else verdict(found)])
    print(f"\n{stats.table([f'{bench.merit} of', 'ratio', '95 % interval', 'target', ''], lines)}")
    for name, found in mallocs.items():
        print(f"mallocs a message, {name}: {found['difference']:+.4f} "
              f"(target at most {found['target']}: {'reached' if found['reached'] else 'NOT reached'})")


def figure(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"


def target_text(found):
    if found.get("target") is None:
        return "-"
    return f"{'>=' if found.get('at_least') else '<='} {found['target']}"


def verdict(found):
    if found.get("target") is None:
        return ""
    low, high = found["ci95"]
    unsure = low <= found["target"] <= high
    return ("reached" if found["reached"] else "NOT reached") + (" (the interval holds the target)" if unsure else "")


def run_bench(bench, options):
    commands, skipped = commands_of(bench, options.arms)
    if not commands:
        raise SystemExit(f"bench {bench.name}: no arm can run")
    count = options.rounds if options.rounds is not None else (2 if options.quick else 9)
    broker = cluster.Cluster(options.bootstrap) if bench.uses_kafka else None
    began = time.monotonic()
    if broker:
        broker.__enter__()
    try:
        context = Context(bench, options, broker)
        bench.prepare(context)
        mallocs = count_mallocs(context, commands)
        left = 50 - (time.monotonic() - began) if options.quick else None
        results = rounds(context, commands, count, left)
    finally:
        if broker:
            broker.__exit__()
    rows, ratios = summarise(bench, results, mallocs), compare(bench, results)
    extra = compare_mallocs(bench, mallocs)
    show(bench, rows, ratios, extra, skipped)
    if options.json:
        write_json(bench, options, context, (rows, ratios, extra, skipped, results))
    return 0 if all(row["correct"] for row in rows) else 1


def write_json(bench, options, context, parts):
    rows, ratios, extra, skipped, results = parts
    report = {"bench": bench.name, "arms": rows, "ratios": ratios, "mallocs": extra, "skipped": skipped,
              "merit": bench.merit, "messages": context.messages, "quick": options.quick,
              "machine": {"cores": os.cpu_count(), "system": platform.platform()}, "runs": results}
    with open(options.json, "w") as text:
        json.dump(report, text, indent=1)
        text.write("\n")
