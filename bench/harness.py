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
import resident
import stats
import toolchains


@dataclasses.dataclass
class Arm:
    name: str
    program: typing.Callable[[], list]  # the command's first words; raises toolchains.Missing
    words: list = dataclasses.field(default_factory=list)
    counts_mallocs: bool = False
    note: str = ""
    core: int | None = 1  # that it is tied to; None: all
    stays: bool = False  # one process for all runs, see resident.py
    by_default: bool = True  # else only where asked for by name
    in_quick: bool = True


@dataclasses.dataclass
class Ratio:
    """arm's merit over base's, or over the smallest of several; reached when at most (at_least: when not below) the
    target."""
    arm: str
    base: str | tuple
    target: float
    at_least: bool = False

    def reached(self, value):
        return value >= self.target if self.at_least else value <= self.target

    @property
    def bases(self):
        return (self.base,) if isinstance(self.base, str) else self.base

    def __str__(self):
        return f"{self.arm}/{self.base if isinstance(self.base, str) else 'min(' + ','.join(self.base) + ')'}"


@dataclasses.dataclass
class Floor:
    """The median of arm's merit is at least so much."""
    arm: str
    target: float


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
    floors: tuple = ()
    rounds: int = 9
    budget: float | None = None  # seconds after which no round is begun
    limit: float = 300.0  # seconds that one run of an arm may take
    warm_up: typing.Callable = lambda context, arm, process: None  # of an arm that stays, once
    derive: typing.Callable = lambda results: None  # adds figures to the runs, once all are done
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
        self._residents = {}

    def resident(self, arm, command):
        """The process of an arm that stays, warm; arms with the same command and first words share it."""
        of = (*command, *arm.words)
        if of not in self._residents:
            began = time.monotonic()
            self._residents[of] = process = resident.Resident(list(of))
            process.pin(cluster.core_of(arm.core))
            self.bench.warm_up(self, arm, process)
            print(f"warm-up for {arm.name} and its like: {time.monotonic() - began:.1f} s", flush=True)
        return self._residents[of]

    def ask_resident(self, arm, command, words):
        process = self.resident(arm, command)
        process.pin(cluster.core_of(arm.core))
        try:
            return process.ask(words, timeout=self.bench.limit)
        except (OSError, ValueError, subprocess.TimeoutExpired):  # what it says next would answer this
            self._residents.pop((*command, *arm.words)).close()
            raise

    def close(self):
        for process in self._residents.values():
            process.close()

    def fresh(self, stem):
        self.number += 1
        return f"{stem}-{os.getpid()}-{self.number}"


def ask(context, arm, command, words, preload):
    """What one run of one arm answers; a process of its own unless the arm stays."""
    if arm.stays:
        return context.ask_resident(arm, command, words)
    environment = {**os.environ, "LD_PRELOAD": str(preload)} if preload else None
    done = subprocess.run(cluster.pinned(arm.core) + command + arm.words + words, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=environment, stdin=subprocess.DEVNULL, timeout=context.bench.limit)
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise ValueError(f"exit {done.returncode}: {done.stderr.strip()[-300:]}") from None


def run_once(context, arm, command, preload=None):
    """One run of one arm: its JSON line, with the broker's CPU time and the driver's own checks added."""
    bench, broker = context.bench, context.broker
    words = ["--arm", arm.name.split("#")[0]] + bench.before(context, arm)
    broker_before = broker.cpu_seconds() if broker else None
    try:
        result = ask(context, arm, command, words, preload)
    except subprocess.TimeoutExpired:
        return {"arm": arm.name, "correct": False, "why": f"did not end within {bench.limit:.0f} s"}
    except (ValueError, OSError) as why:
        return {"arm": arm.name, "correct": False, "why": str(why)}
    if broker_before is not None and result.get("messages"):
        used = broker.cpu_seconds() - broker_before
        result["broker_cpu_s_per_million"] = round(used / result["messages"] * 1e6, 4)
    why = bench.after(context, arm, result) if result["correct"] else ""
    if why:
        result.update(correct=False, why=why)
    return {**result, "arm": arm.name}


def is_wanted(arm, options):
    if options.arms:
        return arm.name in options.arms
    return arm.by_default and (arm.in_quick or not options.quick)


def commands_of(bench, options):
    """name -> (arm, command), and name -> why for those that cannot run."""
    commands, skipped = {}, {}
    for arm in bench.arms:
        if not is_wanted(arm, options):
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
        sides = [results.get(name, []) for name in (ratio.arm, *ratio.bases)]
        together = [runs for runs in zip(*sides) if all(run["correct"] for run in runs)]
        merits = [[run[bench.merit] for run in runs] for runs in together]
        found = stats.paired_ratio([of[0] for of in merits], [min(of[1:]) for of in merits])
        if found and ratio.target is not None:
            found.update(target=ratio.target, at_least=ratio.at_least, reached=ratio.reached(found["ratio"]))
        missing = {"ratio": None, "target": ratio.target, "at_least": ratio.at_least, "reached": None}
        ratios[str(ratio)] = found or missing
    return ratios


def compare_floors(bench, rows):
    floors = {}
    for floor in bench.floors:
        value = next((row.get(bench.merit) for row in rows if row["arm"] == floor.arm), None)
        floors[floor.arm] = {bench.merit: value, "target": floor.target,
                             "reached": None if value is None else value >= floor.target}
    return floors


def compare_mallocs(bench, mallocs):
    extra = {}
    for arm, base in bench.malloc_pairs:
        if arm in mallocs and base in mallocs:
            more = mallocs[arm] - mallocs[base]
            extra[f"{arm}-{base}"] = {"difference": round(more, 5), "target": bench.malloc_slack,
                                      "reached": more <= bench.malloc_slack}
    return extra


def show(bench, rows, ratios, mallocs, floors, skipped):
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
    for name, found in floors.items():
        said = {None: "not measured", True: "reached", False: "NOT reached"}[found["reached"]]
        print(f"{bench.merit} of {name}: {figure(found[bench.merit])} "
              f"(target at least {found['target']:,}: {said})")
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
    cluster.ties = not options.free
    commands, skipped = commands_of(bench, options)
    if not commands:
        raise SystemExit(f"bench {bench.name}: no arm can run")
    count = options.rounds if options.rounds is not None else (2 if options.quick else bench.rounds)
    broker = cluster.Cluster(options.bootstrap) if bench.uses_kafka else None
    began = time.monotonic()
    context = None
    if broker:
        broker.__enter__()
    try:
        context = Context(bench, options, broker)
        bench.prepare(context)
        mallocs = count_mallocs(context, commands)
        budget = 50 if options.quick else (bench.budget if options.rounds is None else None)
        left = budget - (time.monotonic() - began) if budget else None
        results = rounds(context, commands, count, left)
    finally:
        if context:
            context.close()
        if broker:
            broker.__exit__()
    bench.derive(results)
    rows, ratios = summarise(bench, results, mallocs), compare(bench, results)
    extra, floors = compare_mallocs(bench, mallocs), compare_floors(bench, rows)
    show(bench, rows, ratios, extra, floors, skipped)
    if options.json:
        write_json(bench, options, context, (rows, ratios, extra, floors, skipped, results))
    return 0 if all(row["correct"] for row in rows) else 1


def write_json(bench, options, context, parts):
    rows, ratios, extra, floors, skipped, results = parts
    report = {"bench": bench.name, "arms": rows, "ratios": ratios, "mallocs": extra, "floors": floors,
              "skipped": skipped, "merit": bench.merit, "messages": context.messages, "quick": options.quick,
              "tied_to_cores": cluster.ties,
              "machine": {"cores": os.cpu_count(), "system": platform.platform()}, "runs": results}
    with open(options.json, "w") as text:
        json.dump(report, text, indent=1)
        text.write("\n")
