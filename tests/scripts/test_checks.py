# SPDX-License-Identifier: Apache-2.0
"""Each check script on a small tree: green as it is, red with one fault seeded."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
LAYERS = """# SPDX-License-Identifier: Apache-2.0
base:  |  |
model: base | describe |
lanes: model |  |
kafka: model |  | rdkafka
[third parties]
describe boost/describe
rdkafka  librdkafka/
[scheduler seam]
random base/random\\.cpp
"""


class tree(unittest.TestCase):
    """A throw-away tree and what a script says of it."""

    script = ""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="corvid-check-"))
        self.addCleanup(shutil.rmtree, self.root)

    def put(self, path, text, licence=True):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((LICENCE if licence and file.suffix in (".hpp", ".cpp") else "") + text)

    def run_script(self):
        return subprocess.run([str(ROOT / "scripts" / self.script), "--root", str(self.root)],
                              capture_output=True, text=True)

    def green(self):
        done = self.run_script()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def red(self, *words):
        done = self.run_script()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stdout)


class spdx(tree):
    script = "check_spdx"

    def test_a_source_without_its_licence_line_is_found(self):
        self.put("src/corvid/base/x.hpp", "#pragma once\n")
        self.put("tool", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n", licence=False)
        self.green()
        self.put("src/corvid/base/y.cpp", "int x;\n", licence=False)
        self.red("src/corvid/base/y.cpp:1")

    def test_a_script_is_known_by_its_first_line(self):
        self.put("tool", "#!/bin/sh\necho\n", licence=False)
        self.red("tool:1")


class format(tree):
    script = "check_format"

    def test_code_that_the_formatter_would_change_is_found(self):
        shutil.copy(ROOT / ".clang-format", self.root)
        self.put("src/corvid/base/x.cpp", "int f(int* a) { return *a; }\n")
        self.green()
        self.put("src/corvid/base/x.cpp", "int f(int *a){return *a;}\n")
        self.red("x.cpp: ")


class layers(tree):
    script = "check_layers"

    def setUp(self):
        super().setUp()
        (self.root / "layers.txt").write_text(LAYERS)
        self.put("src/corvid/model/x.hpp", "#include <corvid/base/y.hpp>\n#include <boost/describe.hpp>\n#include <vector>\n")
        self.put("src/corvid/kafka/x.cpp", "#include <corvid/base/y.hpp>\n#include <librdkafka/rdkafka.h>\n#include <poll.h>\n")
        self.put("src/corvid/base/random.cpp", "auto seed = std::random_device{}(); // not steady_clock::now\n")
        self.put("src/corvid/kafka/x_test.cpp", "#include <gtest/gtest.h>\n#include <corvid/lanes/z.hpp>\nstd::thread t;\n")

    def seeded(self, path, line, *words):
        self.green()
        self.put(path, line + "\n")
        self.red(f"{path}:2", *words)

    def test_only_an_enlist_header_names_the_users_handle(self):
        self.put("src/corvid/kafka/enlist.hpp", "struct pg_conn;\n")
        self.seeded("src/corvid/kafka/y.hpp", "struct pg_conn;", "no C type")

    def test_an_include_that_climbs(self):
        self.seeded("src/corvid/base/y.hpp", "#include <corvid/model/x.hpp>", "base may not use model")

    def test_an_include_of_a_neighbour_not_listed(self):
        self.seeded("src/corvid/kafka/y.cpp", "#include <corvid/lanes/z.hpp>", "kafka may not use lanes")

    def test_an_include_of_another_folders_detail(self):
        self.seeded("src/corvid/model/y.cpp", "#include <corvid/base/detail/z.hpp>", "own business")

    def test_an_include_in_quotes(self):
        self.seeded("src/corvid/base/y.cpp", '#include "y.hpp"', "are written <corvid/")

    def test_a_third_party_in_an_installed_header(self):
        self.seeded("src/corvid/kafka/y.hpp", "#include <librdkafka/rdkafka.h>", "installed headers")

    def test_a_third_party_in_an_installed_detail_header(self):
        self.put("src/corvid/kafka/detail/y.hpp", "#include <librdkafka/rdkafka.h>\n")
        self.seeded("src/corvid/kafka/z.cpp", "#include <boost/describe.hpp>", "not for this folder")
        self.put("src/corvid/kafka/CMakeLists.txt", "corvid_module(kafka\n  HEADERS detail/y.hpp\n  USES model)\n")
        self.red("src/corvid/kafka/detail/y.hpp:2")

    def test_a_third_party_that_nobody_named(self):
        self.seeded("src/corvid/base/y.cpp", "#include <fmt/core.h>", "no such third party")

    def test_a_c_type_in_an_installed_header(self):
        self.seeded("src/corvid/kafka/y.hpp", "rd_kafka_t* client();", "no C type")

    def test_time_sleep_randomness_and_threads_outside_the_seam(self):
        self.green()
        for line in ("auto t = std::chrono::steady_clock::now();", "std::this_thread::sleep_for(1ms);",
                     "std::random_device d;", "std::jthread t{f};", "boost::asio::steady_timer t{c};"):
            with self.subTest(line):
                self.put("src/corvid/base/y.cpp", line + "\n")
                self.red("scheduler seam")

    def test_a_module_that_stands_above_what_it_uses(self):
        (self.root / "layers.txt").write_text("model: base |  |\n" + LAYERS)
        self.assertEqual(self.run_script().returncode, 1)


class sizes(tree):
    script = "check_sizes"

    def test_a_long_header_and_a_long_source(self):
        self.put("src/corvid/base/x.hpp", "int a;\n" * 249)
        self.put("src/corvid/base/x.cpp", "int a;\n" * 399)
        self.green()
        self.put("src/corvid/base/x.hpp", "int a;\n" * 250)
        self.red("x.hpp:1: 251 lines")
        self.put("src/corvid/base/y.cpp", "int a;\n" * 400)
        self.red("y.cpp:1: 401 lines")

    def long_function(self, head):
        body = '    call("}", \'{\'); // }\n' * 43
        self.put("src/corvid/base/x.cpp", "namespace corvid {\n" + head + " {\n" + body + "}\n}\n")
        self.green()
        self.put("src/corvid/base/x.cpp", "namespace corvid {\n" + head + " {\n" + body * 2 + "}\n}\n")
        self.red("x.cpp:3: a function of 88 lines")

    def test_a_long_function(self):
        self.long_function("result<int> parser::run(int a) const noexcept")

    def test_a_long_test(self):
        self.long_function("TEST(parser, reads)")

    def test_a_class_is_no_function(self):
        self.put("src/corvid/base/x.hpp", "class [[nodiscard(\"x\")]] a : b<decltype(c())> {\n" + "    int f() { return 1; }\n" * 60 + "};\n")
        self.green()

    def test_a_full_folder(self):
        for number in range(15):
            self.put(f"src/corvid/base/x{number}.cpp", "")
            self.put(f"src/corvid/base/x{number}_test.cpp", "")
        self.green()
        self.put("src/corvid/base/y.hpp", "")
        self.red("16 units")


class docs(tree):
    script = "check_docs"

    def setUp(self):
        super().setUp()
        self.put("src/corvid/base/x_test.cpp", "TEST(order, is_kept) {}\n")
        self.put("examples/01.cpp", "int main() {\n    // [run]\n    run();\n    // [run]\n}\n")
        self.doc("`src/corvid/base/x_test.cpp`, [it](src)", "`order.is_kept`", "run();")

    def doc(self, path, test, code):
        (self.root / "A.md").write_text(
            f"{path}\n\n| # | test |\n|---|---|\n| 1 | {test} |\n\n<!-- quote: examples/01.cpp#run -->\n```cpp\n{code}\n```\n")

    def test_a_guarantee_without_its_test(self):
        self.green()
        self.doc("", "`order.is_lost`", "run();")
        self.red("A.md:5", "order.is_lost")
        self.doc("", "", "run();")
        self.red("A.md:5: the row names no test")

    def test_a_path_and_a_link_that_lead_nowhere(self):
        self.doc("`src/corvid/base/gone.cpp`", "`order.is_kept`", "run();")
        self.red("A.md:1", "gone.cpp")
        self.doc("[it](gone.md)", "`order.is_kept`", "run();")
        self.red("A.md:1", "gone.md")

    def test_a_quote_that_differs_from_the_code_is_found_and_mended(self):
        self.doc("", "`order.is_kept`", "walk();")
        self.red("A.md:7", "differs")
        subprocess.run([str(ROOT / "scripts/check_docs"), "--fix", "--root", str(self.root)], check=True, capture_output=True)
        self.green()
        self.assertIn("run();", (self.root / "A.md").read_text())


class tidy(tree):
    script = "check_tidy"

    def test_a_name_against_the_rules_is_found(self):
        shutil.copy(ROOT / ".clang-tidy", self.root)
        self.put("src/x.cpp", "int camel_case();\nint camel_case() { return 1; }\n")
        (self.root / "build/dev").mkdir(parents=True)
        (self.root / "build/dev/compile_commands.json").write_text(json.dumps([
            {"directory": str(self.root), "file": str(self.root / "src/x.cpp"), "command": "g++ -std=c++23 -c src/x.cpp"}]))
        subprocess.run(["git", "init", "-q", str(self.root)], check=True)
        self.green()
        self.put("src/x.cpp", "int camelCase();\nint camelCase() { return 1; }\n")
        self.red("src/x.cpp", "camelCase")


class what_failed(unittest.TestCase):
    def told(self, *tests):
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
            for number, (name, output, end) in enumerate(tests, 1):
                log.write(f"{number}/9 Testing: {name}\n{number}/9 Test: {name}\nOutput:\n-----\n{output}<end of output>\n"
                          f"Test time =   1.00 sec\n-----\n{end}\n\n")
            log.flush()
            return subprocess.run([ROOT / "scripts/what_failed", log.name], check=True, capture_output=True, text=True).stdout

    def test_only_what_failed_is_told_and_what_a_program_was_at_when_it_ended(self):
        good = "[ RUN      ] a.good\nit is fine\n[       OK ] a.good (0 ms)\n"
        bad = "[ RUN      ] a.bad\nx.cpp:7: Failure\n[  FAILED  ] a.bad (0 ms)\n"
        cut = "[ RUN      ] a.cut\nit was at this\n"
        text = self.told(("first", good, "Test Passed."), ("second", good + bad + good, "Test Failed."),
                         ("third", good + cut, "Test Failed."), ("fourth", "no such file\n", "Test Failed."))
        for part in "== second", "x.cpp:7: Failure", "== third", "it was at this", "== fourth", "no such file":
            self.assertIn(part, text)
        for part in "first", "it is fine":
            self.assertNotIn(part, text)


if __name__ == "__main__":
    unittest.main()
