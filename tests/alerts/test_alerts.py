# SPDX-License-Identifier: Apache-2.0
"""The alert rules are what Prometheus can read, ask for metrics and labels that corvid has, and lead to a playbook. Where
promtool is (Debian's package prometheus) it reads them too, and runs them over series of its own."""
import copy
import pathlib
import re
import subprocess
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "alerts" / "corvid.rules.yml"
PROMTOOL = subprocess.run([ROOT / "scripts" / "promtool"], stdout=subprocess.PIPE, text=True).stdout.strip()
WORDS = {"sum", "max", "by", "rate"}  # of PromQL, as far as the rules use it
DURATION = re.compile(r"(\d+[smhd])+")


def known_metrics():
    """Name: its labels, as the reference lists them."""
    rows = re.findall(r"^\| `(\w+)` \| \w+ \| ([\w ]*) \|", (ROOT / "docs/reference/metrics.md").read_text(), re.M)
    return {name: set(labels.split()) | {"service"} for name, labels in rows}


def anchors(document):
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
            for title in re.findall(r"^#+ (.*)$", (ROOT / document).read_text(), re.M)}


def faults_of(rule, metrics):
    name, expression = rule.get("alert", "?"), rule.get("expr", "")
    for key in "alert", "expr", "for", "labels", "annotations":
        if not rule.get(key):
            yield f"{name}: has no {key}"
    if not DURATION.fullmatch(str(rule.get("for", ""))):
        yield f"{name}: `for` is no duration"
    bare = re.sub(r"\[\w+\]", "", expression)
    used = [word for word in re.findall(r"[a-z_]\w*", re.sub(r"\bby\s*\([^)]*\)", "by", bare)) if word not in WORDS]
    for metric in used:
        if metric not in metrics:
            yield f"{name}: there is no metric {metric}"
    if not used:
        yield f"{name}: asks for no metric"
    kept = {label for by in re.findall(r"\bby\s*\(([^)]*)\)", bare) for label in re.findall(r"\w+", by)}
    for metric in used:
        for label in kept - metrics.get(metric, kept):
            yield f"{name}: {metric} has no label {label}"
    for text in rule.get("annotations", {}).values():
        for label in set(re.findall(r"\$labels\.(\w+)", text)) - kept:
            yield f"{name}: tells of the label {label}, which the expression does not keep"
    document, _, anchor = rule.get("annotations", {}).get("playbook", "").partition("#")
    if not (ROOT / document).is_file() or anchor not in anchors(document):
        yield f"{name}: {document}#{anchor} leads nowhere"


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


class alerts(unittest.TestCase):
    def test_each_rule_asks_for_what_corvid_exports_and_leads_to_a_playbook(self):
        self.assertEqual([fault for rule in rules() for fault in faults_of(rule, known_metrics())], [])

    def test_they_are_those_that_were_asked_for(self):
        told = {rule["alert"]: (rule["expr"], rule["for"]) for rule in rules()}
        self.assertEqual(set(told), {"HighDuplicateRate", "ProcessedEventsTableGrowth"})
        expression, time = told["HighDuplicateRate"]
        self.assertRegex(expression, r"rate\(kafka_events_duplicates_total\[5m\]\).* > 100$")
        self.assertEqual(time, "5m")
        expression, time = told["ProcessedEventsTableGrowth"]
        self.assertRegex(expression, r"processed_events_table_size.* > 10000000$")
        self.assertEqual(time, "1h")

    def test_a_seeded_fault_is_found(self):
        def with_fault(change):
            rule = copy.deepcopy(rules()[0])
            change(rule)
            return " ".join(faults_of(rule, known_metrics()))

        self.assertIn("there is no metric kafka_events_duplicate_total",
                      with_fault(lambda r: r.update(expr=r["expr"].replace("duplicates", "duplicate"))))
        self.assertIn("has no label topic", with_fault(lambda r: r.update(expr=r["expr"].replace("group", "topic"))))
        self.assertIn("`for` is no duration", with_fault(lambda r: r.update({"for": "soon"})))
        self.assertIn("tells of the label topic", with_fault(lambda r: r["annotations"].update(summary="{{ $labels.topic }}")))
        self.assertIn("leads nowhere", with_fault(lambda r: r["annotations"].update(playbook="docs/playbooks/database.md#x")))

    if PROMTOOL:
        def test_promtool_reads_them_and_they_fire_when_they_should(self):
            for command in ["check", "rules", RULES], ["test", "rules", ROOT / "tests" / "alerts" / "rules_test.yml"]:
                done = subprocess.run([PROMTOOL, *command], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
