# SPDX-License-Identifier: Apache-2.0
"""What the check_* scripts share: which files there are, C++ without its comments, one way to report."""
import argparse
import pathlib
import re
import subprocess
import sys

CODE = {".hpp", ".cpp", ".def"}


def arguments(text, *flags):
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    return parser.parse_args()


def files(root):
    """All files of the tree that git tracks or would add, as paths relative to root; of a tree without git, all."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "-z", "."],
                            capture_output=True, text=True)
    if listed.returncode == 0 and (root / ".git").exists():
        names = [pathlib.PurePosixPath(name) for name in listed.stdout.split("\0") if name]
    else:
        names = [pathlib.PurePosixPath(path.relative_to(root).as_posix()) for path in root.rglob("*")]
    return sorted(name for name in names if (root / name).is_file())


def code_files(root, *tops):
    return [name for name in files(root) if name.suffix in CODE and (not tops or name.parts[0] in tops)]


_TOKEN = re.compile(r'R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/', re.S)


def without_comments(text, strings=False):
    """C++ with comments (and, where asked, the contents of strings) blanked; lines stay where they are."""
    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        return '""' + "\n" * token.count("\n") if strings else token
    return _TOKEN.sub(blank, text)


def finish(name, faults, checked):
    """Prints the faults and ends the program: 1 when there is one, 2 when nothing was there to check."""
    for fault in faults:
        print(fault)
    if faults:
        print(f"{name}: {len(faults)} fault(s)")
        sys.exit(1)
    if not checked:
        print(f"{name}: nothing to check")
        sys.exit(2)
    print(f"{name}: {checked} checked")
