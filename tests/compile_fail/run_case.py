#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles one case, which must fail, and holds its errors to what the case says in comments:

    // expect: TEXT      somewhere in what the compiler prints (may stand several times)
    // errors: N         exactly so many lines with an error (default 1)
    // only: gcc<13      compiled by that compiler alone; gcc<13 and clang are known
    // compiles          no errors at all: shows that the case beside it fails for its own reason

usage: run_case.py CASE INCLUDE_DIR COMPILER...
A compiler that is not installed is named; with CI set that is a failure.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

FLAGS = ["-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


def wishes(text, name):
    return [match.strip() for match in re.findall(rf"^// {name}: (.*)$", text, re.MULTILINE)]


def applies(compiler, only):
    if not only:
        return True
    clang = "clang" in pathlib.Path(compiler).name
    if only[0] == "clang":
        return clang
    version = subprocess.run([compiler, "-dumpversion"], capture_output=True, text=True, check=True).stdout
    return not clang and int(version.split(".")[0]) < int(only[0].removeprefix("gcc<"))


def judge(text, done, output):
    errors = re.findall(r"^.*\berror: .*$", output, re.MULTILINE)
    if re.search(r"^// compiles$", text, re.MULTILINE):
        return [] if done.returncode == 0 else ["does not compile"]
    complaints = [] if done.returncode != 0 else ["compiles, but must not"]
    wanted = int((wishes(text, "errors") or ["1"])[0])
    if len(errors) != wanted:
        complaints.append(f"{len(errors)} errors instead of {wanted}")
    plain = output.replace("‘", "'").replace("’", "'")
    return complaints + [f"nothing says: {each}" for each in wishes(text, "expect") if each not in plain]


def main(case, include, *compilers):
    text = pathlib.Path(case).read_text()
    failed = False
    for compiler in compilers:
        if not shutil.which(compiler):
            print(f"NOT RUN: {compiler} is not installed")
            failed |= bool(os.environ.get("CI"))
            continue
        if not applies(compiler, wishes(text, "only")):
            continue
        done = subprocess.run([compiler, *FLAGS, f"-I{include}", case], capture_output=True, text=True)
        complaints = judge(text, done, done.stderr)
        for complaint in complaints:
            print(f"{compiler}: {complaint}")
        if complaints:
            print(done.stderr)
        failed |= bool(complaints)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
