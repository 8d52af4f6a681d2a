"""Whether reports of people stay mended: the short tests of every kind, and scripts that recreate single reports.

    python -m benchmarks.reports [--cases FOLDER] [--only WORD] [--tests-only] [--log FILE]

The tests are those in `tests/reports`. FOLDER holds a folder of scripts for each room; each script runs in a process of
its own, from the project's root, with a temporary folder of its own. Verdicts are printed as they come, and with --log
written down: what passed there is not run again, so that a pass that was cut off goes on. Beside a verdict stands what
was said last:

- PASS: all checks hold (`report_checks.py`), or all tests of the file pass;
- FAIL: a check or a test fails, or the script ends in an error, is killed or comes to no end;
- RAN: the script ran to its end, and there is no check for what it printed;
- COULD NOT RUN: the script needs a module or a name that is not there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.report_checks import CHECKS

ROOT = Path(__file__).parents[1]
CASES = ROOT.parent / "shared" / "cases"
"""Where scripts lie if no folder is named."""

SECONDS = 3600
HELPERS = re.compile(r"(lib|kept|.*_helpers)$")
MISSING = re.compile(r"^(ModuleNotFoundError|ImportError|AttributeError): .*", re.MULTILINE)

LOST = re.compile(r"\b(ModuleNotFoundError|ImportError)\b.*")


@dataclass(frozen=True)
class Outcome:
    """What came of one script, or of one file of tests."""

    name: str
    verdict: str
    note: str = ""


def test_files(only: str) -> Iterator[tuple[str, Callable[[], Outcome]]]:
    """Each file in `tests/reports` by its name, with what runs it."""
    for file in sorted((ROOT / "tests" / "reports").glob("*/test_*.py")):
        name = f"{file.parent.name}/{file.stem}"
        if only in name:
            yield name, partial(run_tests, file, name)


def run_tests(file: Path, name: str) -> Outcome:
    """Run the tests of one file."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", str(file), f"--junitxml={report}"]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if not report.exists():
            return Outcome(name, "FAIL", (ended.stdout.strip().splitlines() or ["no test ran"])[-1][:120])
        cases = list(ElementTree.parse(report).iter("testcase"))
    wrong = [case.get("name", "") for case in cases if {each.tag for each in case} & {"failure", "error"}]
    passed = sum(case.find("skipped") is None for case in cases)
    return Outcome(name, "FAIL" if wrong or not cases else "PASS", ", ".join(wrong) or f"{passed} tests")


def scripts(cases: Path, only: str) -> Iterator[tuple[str, Callable[[], Outcome]]]:
    """Each script in the folders inside `cases` by its name, with what runs it."""
    for script in sorted(cases.glob("*/*.py")):
        name = f"{script.parent.name}/{script.stem}"
        if not HELPERS.match(script.stem) and only in name:
            yield name, partial(run_script, script, name)


def run_script(script: Path, name: str) -> Outcome:
    """Run one script and judge what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TMPDIR": folder, "PYTHONPATH": str(ROOT), "FOURFOLD_OFFLINE": "1"}
        command = [sys.executable, "-m", "benchmarks.report_runner", str(script.resolve())]
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
    if lost := LOST.search(output):  # a script that catches what it meets has seen nothing
        return Outcome(name, "COULD NOT RUN", lost[0][:120])
    checks = CHECKS.get(name, ())
    if wrong := [check.what for check in checks if not check.holds(output)]:
        return Outcome(name, "FAIL", f"not so: {', '.join(wrong)}")
    return Outcome(name, "PASS" if checks else "RAN", "" if checks else "its output is to be read")


def known_outcomes(log: Path | None) -> dict[str, Outcome]:
    """What an earlier pass wrote down, by name, without what failed there or could not run."""
    if log is None or not log.exists():
        return {}
    outcomes = [Outcome(**json.loads(line)) for line in log.read_text().splitlines()]
    return {each.name: each for each in outcomes if each.verdict in ("PASS", "RAN")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, default=CASES, help="folder of scripts, in a folder for each room")
    parser.add_argument("--only", default="", help="names that hold this word")
    parser.add_argument("--tests-only", action="store_true", help="run no scripts")
    parser.add_argument("--log", type=Path, help="file to write verdicts to, and to go on from")
    given = parser.parse_args()
    verdicts: Counter[str] = Counter()
    known = known_outcomes(given.log)
    jobs = test_files(given.only)
    if not given.tests_only and given.cases.is_dir():
        jobs = chain(jobs, scripts(given.cases, given.only))
    for name, run in jobs:
        outcome = known.get(name) or run()
        if given.log is not None and name not in known:
            with given.log.open("a") as log:
                log.write(json.dumps(asdict(outcome)) + "\n")
        verdicts[outcome.verdict] += 1
        print(f"{outcome.verdict:14} {outcome.name:48} {outcome.note}".rstrip(), flush=True)  # noqa: T201
    print(", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))  # noqa: T201
    sys.exit(1 if verdicts["FAIL"] else 0)


if __name__ == "__main__":
    main()
