"""Whether reports of people stay mended: the short tests of every kind, and scripts that recreate single reports.

    python -m benchmarks.reports [--cases FOLDER] [--only WORD] [--tests-only]

The tests are those in `tests/reports`. FOLDER holds a folder of scripts for each room; each script runs in a process of
its own, from the project's root, with a temporary folder of its own. Beside a verdict stands what was said last:

- PASS: all checks hold (`report_checks.py`), or all tests of the file pass;
- FAIL: a check or a test fails, or the script ends in an error, is killed or comes to no end;
- RAN: the script ran to its end, and there is no check for what it printed;
- COULD NOT RUN: the script needs a module or a name that is not there.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.report_checks import CHECKS

ROOT = Path(__file__).parents[1]
CASES = ROOT.parent / "shared" / "cases"
"""Where scripts lie if no folder is named."""

SECONDS = 900
HELPERS = re.compile(r"(lib|kept|.*_helpers)$")
MISSING = re.compile(r"^(ModuleNotFoundError|ImportError|AttributeError): .*", re.MULTILINE)

FRESH_FOLDERS = """
import itertools, runpy, sys
from pathlib import Path
script = Path(sys.argv[1])
sys.path[0] = str(script.parent)
try:
    import lib
    one, count = lib.cli, itertools.count(1)
except (ImportError, AttributeError):
    pass
else:
    def cli(path, name, *more, out=None, **options):
        return one(path, name, *more, out=out or lib.OUT / f"{name}-{next(count)}", **options)
    lib.cli = cli
runpy.run_path(str(script), run_name="__main__")
"""
"""Runs a script. Every call of the command line gets a folder of its own, since nothing is ever written over."""


@dataclass(frozen=True)
class Outcome:
    """What came of one script, or of one file of tests."""

    name: str
    verdict: str
    note: str = ""


def run_tests(only: str) -> Iterator[Outcome]:
    """An outcome for each file in `tests/reports`."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "tests/reports", f"--junitxml={report}"]
        subprocess.run(
            [*command, *(["-k", only.replace("/", " and ")] if only else [])],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        cases = ElementTree.parse(report).iter("testcase")
        passed: Counter[str] = Counter()
        failed: dict[str, list[str]] = {}
        for case in cases:
            name = case.get("classname", "").removeprefix("tests.reports.").replace(".", "/")
            if case.find("failure") is None and case.find("error") is None:
                passed[name] += case.find("skipped") is None
            else:
                failed.setdefault(name, []).append(case.get("name", ""))
    for name in sorted({*passed, *failed}):
        wrong = failed.get(name, [])
        yield Outcome(name, "FAIL" if wrong else "PASS", ", ".join(wrong) or f"{passed[name]} tests")


def run_scripts(cases: Path, only: str) -> Iterator[Outcome]:
    """An outcome for each script in the folders inside `cases`."""
    for script in sorted(cases.glob("*/*.py")):
        name = f"{script.parent.name}/{script.stem}"
        if not HELPERS.match(script.stem) and only in name:
            yield run_script(script, name)


def run_script(script: Path, name: str) -> Outcome:
    """Run one script and judge what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TMPDIR": folder, "PYTHONPATH": str(ROOT), "FOURFOLD_OFFLINE": "1"}
        command = [sys.executable, "-c", FRESH_FOLDERS, str(script.resolve())]
        try:
            ended = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return Outcome(name, "FAIL", f"no end after {SECONDS} s")
    return judge(name, ended.returncode, ended.stdout, ended.stderr)


def judge(name: str, code: int, output: str, errors: str) -> Outcome:
    """The verdict on a script.

    Args:
        name: its folder and name, as in `CHECKS`.
        code: its exit code, negative where a signal ended it.
        output: its standard output.
        errors: its standard error.

    >>> judge("songs/r_surround", 0, "m4a rc -11\\nopus rc 0", "")
    Outcome(name='songs/r_surround', verdict='FAIL', note='not so: 7.1 AAC is split')
    >>> judge("x/y", 1, "", "Traceback\\nModuleNotFoundError: No module named 'old'").verdict
    'COULD NOT RUN'
    """
    if code:
        last = (errors.strip().splitlines() or [f"exit code {code}"])[-1][:120]
        missing = MISSING.search(last) is not None
        return Outcome(name, "COULD NOT RUN" if missing else "FAIL", f"signal {-code}" if code < 0 else last)
    checks = CHECKS.get(name, ())
    if wrong := [check.what for check in checks if not check.holds(output)]:
        return Outcome(name, "FAIL", f"not so: {', '.join(wrong)}")
    return Outcome(name, "PASS" if checks else "RAN", "" if checks else "its output is to be read")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, default=CASES, help="folder of scripts, in a folder for each room")
    parser.add_argument("--only", default="", help="names that hold this word")
    parser.add_argument("--tests-only", action="store_true", help="run no scripts")
    given = parser.parse_args()
    verdicts: Counter[str] = Counter()
    outcomes = [run_tests(given.only)]
    if not given.tests_only and given.cases.is_dir():
        outcomes.append(run_scripts(given.cases, given.only))
    for outcome in (outcome for each in outcomes for outcome in each):
        verdicts[outcome.verdict] += 1
        print(f"{outcome.verdict:14} {outcome.name:48} {outcome.note}".rstrip(), flush=True)  # noqa: T201
    print(", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))  # noqa: T201
    sys.exit(1 if verdicts["FAIL"] else 0)


if __name__ == "__main__":
    main()
