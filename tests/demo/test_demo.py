# SPDX-License-Identifier: Apache-2.0
"""The demo as a user runs it: its summary against a recount of flights.csv that shares no code with it."""
import contextlib
import csv
import functools
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLIGHTS = os.environ["CORVID_FLIGHTS"]


@functools.lru_cache(maxsize=None)
def data():
    return subprocess.run([ROOT / "scripts" / "flights_data"], check=True, capture_output=True, text=True).stdout.strip()


@functools.lru_cache(maxsize=None)
def recount(rows):
    """What --summary must hold of the first rows, seconds and duplicates aside; and how many were published twice."""
    carriers, cancelled, without, count = {}, 0, 0, 0
    with open(pathlib.Path(data()) / "flights.csv", newline="") as file:
        lines = csv.reader(file)
        dep_time, arr_delay, carrier, tailnum = map(next(lines).index, ("dep_time", "arr_delay", "carrier", "tailnum"))
        for count, row in enumerate(lines, 1):
            is_cancelled = row[dep_time] == "NA"
            cancelled += is_cancelled
            without += row[tailnum] == "NA"
            one = carriers.setdefault(row[carrier], {"flights": 0, "cancelled": 0, "arrival_delay_minutes": 0})
            one["flights"] += 1
            one["cancelled"] += is_cancelled
            if row[arr_delay] != "NA":
                one["arrival_delay_minutes"] += int(row[arr_delay])
            if count == rows:
                break
    return {"flights": count, "cancelled": cancelled, "without_tail_number": without, "carriers": carriers,
            "dead_lettered": without, "retried": 0, "order_violations": 0, "outbox_published": cancelled}, (count - without) // 100


def run(*arguments):
    return subprocess.run([FLIGHTS, *arguments], capture_output=True, text=True, timeout=240)


class demo_case(unittest.TestCase):
    def check(self, rows, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "summary.json"
            done = run("--data", data(), "--summary", str(file), *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            summary = json.loads(file.read_text())
        expected, published_twice = recount(rows)
        self.assertGreater(summary.pop("seconds"), 0)
        skipped = summary.pop("duplicates_skipped")
        self.assertGreaterEqual(skipped, published_twice)
        self.assertIn(f"\n{published_twice:,} were published twice and {skipped - published_twice:,} came again after a member died",
                      done.stdout)
        self.assertEqual(summary, expected)
        self.assertIn("a member of flights.punctuality is dead", done.stderr)
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
        self.assertIn("3,342 were published twice", table)
        self.assertIn("8,255 cancellations left through the outbox", table)

    def test_one_instance_and_more_instances_than_partitions_count_alike(self):
        self.check(20_000, "--rows", "20000", "--instances", "1")
        self.check(20_000, "--rows", "20000", "--instances", "16")


    def test_the_table_in_a_database_that_was_given_is_the_file_s_run_by_run(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "flights.db"
            for _ in range(2):
                self.check(20_000, "--rows", "20000", "--database", f"sqlite:{file}")
            with contextlib.closing(sqlite3.connect(file)) as database:
                runs = database.execute("select count(*), sum(flights), sum(cancelled) from flight_punctuality group by run").fetchall()
        expected, _ = recount(20_000)
        self.assertEqual(runs, [(len(expected["carriers"]), 20_000, expected["cancelled"])] * 2)

    def test_an_effect_that_is_there_twice_is_found_and_told(self):
        """A trigger counts each flight of one carrier twice, as a worker would that has no mark."""
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "flights.db"
            address = f"sqlite:{file}"
            self.check(1_000, "--rows", "1000", "--database", address)
            with contextlib.closing(sqlite3.connect(file)) as database:
                database.execute("create trigger twice after insert on flight_punctuality when new.carrier = 'HA' begin "
                                 "update flight_punctuality set flights = flights + 1 where run = new.run and carrier = 'HA'; end")
                database.commit()
            done = run("--data", data(), "--rows", "1000", "--database", address)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stderr, r"the figures are not those of the file: carrier HA has \d+ flights, .*; the file has \d+ flights")


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
        self.refused(2, "--database takes postgresql://… or sqlite:FILE, not 'mysql'", "--database", "mysql://me:secret@host/db")
        self.refused(2, "--data is missing")

    def test_a_broker_that_does_not_answer_is_an_error_within_seconds(self):
        started = time.monotonic()
        self.refused(1, "the broker at kafka://127.0.0.1:1 does not answer", "--broker", "kafka://127.0.0.1:1", "--data", data())
        self.assertLess(time.monotonic() - started, 15)

    def test_a_database_that_does_not_answer_is_an_error_within_seconds(self):
        started = time.monotonic()
        self.refused(1, "cannot make the table: ", "--database", "postgresql://nobody@127.0.0.1:1/none", "--data", data())
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
        for option in "--broker", "--database", "--instances", "--rows", "--summary", "--data":
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

    def test_no_process_of_it_is_left(self):
        """The member that dies is a process of its own; Ctrl-C ends it with the demo."""
        broker = os.environ["CORVID_TEST_KAFKA"]
        running = subprocess.Popen([FLIGHTS, "--data", data(), "--broker", broker], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   text=True)
        said = running.stderr.readline()
        children = pathlib.Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
        self.assertIn("now 336,776 flights", said)
        self.assertEqual(running.returncode, 130)
        self.assertEqual(len(children), 1)
        self.assertFalse(pathlib.Path(f"/proc/{children[0]}").exists())


class on_postgres(demo_case):
    """Twice in the same database: what the first run left there does not count in the second."""

    def test_each_run_counts_its_own_flights(self):
        database = os.environ["CORVID_TEST_POSTGRES"]
        self.check(336_776, "--database", database)
        self.check(20_000, "--rows", "20000", "--database", database)


class on_kafka_and_postgres(demo_case):
    def test_a_member_that_is_killed_with_signal_9_leaves_no_flight_uncounted_or_counted_twice(self):
        self.check(336_776, "--broker", os.environ["CORVID_TEST_KAFKA"], "--database", os.environ["CORVID_TEST_POSTGRES"])
