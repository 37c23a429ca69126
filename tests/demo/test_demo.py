# SPDX-License-Identifier: Apache-2.0
"""The demo as a user runs it: its summary against a recount of flights.csv that shares no code with it."""
import csv
import functools
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLIGHTS = os.environ["CORVID_FLIGHTS"]


@functools.lru_cache(maxsize=None)
def data():
    return subprocess.run([ROOT / "scripts" / "flights_data"], check=True, capture_output=True, text=True).stdout.strip()


def recount(rows):
    """What --summary must hold of the first rows, seconds aside."""
    carriers, cancelled, without, count = {}, 0, 0, 0
    with open(pathlib.Path(data()) / "flights.csv", newline="") as file:
        for count, row in enumerate(csv.DictReader(file), 1):
            is_cancelled = row["dep_time"] == "NA"
            cancelled += is_cancelled
            without += row["tailnum"] == "NA"
            one = carriers.setdefault(row["carrier"], {"flights": 0, "cancelled": 0, "arrival_delay_minutes": 0})
            one["flights"] += 1
            one["cancelled"] += is_cancelled
            if row["arr_delay"] != "NA":
                one["arrival_delay_minutes"] += int(row["arr_delay"])
            if count == rows:
                break
    return {"flights": count, "cancelled": cancelled, "without_tail_number": without, "carriers": carriers,
            "dead_lettered": without, "retried": 0, "order_violations": 0}


def run(*arguments):
    return subprocess.run([FLIGHTS, *arguments], capture_output=True, text=True, timeout=240)


class demo_case(unittest.TestCase):
    def check(self, rows, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "summary.json"
            done = run("--data", data(), "--summary", str(file), *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            summary = json.loads(file.read_text())
        self.assertGreater(summary.pop("seconds"), 0)
        self.assertEqual(summary, recount(rows))
        return done.stdout


class in_process(demo_case):
    def test_all_flights_are_counted_as_in_the_file_within_30_s(self):
        started = time.monotonic()
        table = self.check(336_776)
        self.assertLess(time.monotonic() - started, 30)
        self.assertIn("336,776 flights in ", table)
        self.assertRegex(table, r"UA +United Air Lines Inc\. +58,665 +686 +3\.6 min")
        self.assertRegex(table, r"p50 \d+ ms, p99 \d+ ms")
        self.assertIn("4,043 aircraft followed through 334,264 flights, 0 out of order; 2,512 without a tail number", table)

    def test_one_instance_and_more_instances_than_partitions_count_alike(self):
        self.check(20_000, "--rows", "20000", "--instances", "1")
        self.check(20_000, "--rows", "20000", "--instances", "16")


class options(unittest.TestCase):
    def refused(self, code, sentence, *arguments):
        done = run(*arguments)
        self.assertEqual(done.returncode, code)
        self.assertIn(sentence, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_wrong_options_are_refused_by_name(self):
        self.refused(2, "there is no option '--brokr'", "--brokr", "x")
        self.refused(2, "--instances takes a whole number from 1 to 64, not '0'", "--instances", "0")
        self.refused(2, "--rows takes a whole number", "--rows", "many")
        self.refused(2, "--summary needs a value", "--summary")
        self.refused(2, "--broker takes kafka://HOST:PORT, not 'localhost'", "--broker", "localhost")
        self.refused(2, "--data is missing")

    def test_a_broker_that_does_not_answer_is_an_error_within_seconds(self):
        started = time.monotonic()
        self.refused(1, "the broker at kafka://127.0.0.1:1 does not answer", "--broker", "kafka://127.0.0.1:1", "--data", data())
        self.assertLess(time.monotonic() - started, 15)

    def test_data_that_is_not_there_or_not_the_flights_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            self.refused(1, "scripts/flights_data", "--data", folder)
            pathlib.Path(folder, "flights.csv").write_text("year,month\n2013,1\n")
            self.refused(1, "flights.csv:1: has 2 fields instead of 19", "--data", folder)

    def test_a_summary_that_cannot_be_written_is_an_error_before_the_work(self):
        self.refused(1, "cannot write the summary to /nonexistent/summary.json", "--data", data(), "--rows", "100",
                     "--summary", "/nonexistent/summary.json")

    def test_help_tells_the_options(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for option in "--broker", "--instances", "--rows", "--summary", "--data":
            self.assertIn(option, done.stdout)

    def test_ctrl_c_stops_it(self):
        running = subprocess.Popen([FLIGHTS, "--data", data()], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        said = running.stderr.readline()
        running.send_signal(signal.SIGINT)
        _, rest = running.communicate(timeout=60)
        self.assertIn("now 336,776 flights", said)
        self.assertEqual(running.returncode, 130, rest)
        self.assertIn("stopped before the end", rest)


class on_kafka(demo_case):
    """Twice on the same topics: what the first run left there does not count in the second."""

    def test_each_run_counts_its_own_flights(self):
        broker = os.environ["CORVID_TEST_KAFKA"]
        self.check(336_776, "--broker", broker)
        self.check(20_000, "--rows", "20000", "--instances", "2", "--broker", broker)
