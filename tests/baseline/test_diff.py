"""`envcheck diff`: what is different, and what of it explains the findings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from envcheck import machines
from envcheck.model import Facts, unknown
from tests.conftest import MACHINES, ROOT, Run

SCHEMA = json.loads((ROOT / "envcheck/schemas/diff.schema.json").read_text(encoding="utf-8"))
START = "from envcheck.cli import main; main()"
WHEELS, CPU, MIXED = "linux-rtx4090-tf220-wheels", "linux-none-tf221", "linux-none-tf29-mixed"


def document(envcheck: Run, first: object, second: object, *args: str) -> tuple[int, Any]:
    done = envcheck("diff", str(first), str(second), "--format", "json", *args)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    assert done.returncode == (0 if found["same"] else 1)
    return done.returncode, found


@pytest.fixture
def edited(machine: Callable[..., Facts], tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, folder: str, edits: Any) -> Path:
        (tmp_path / folder).mkdir()
        text = machines.dump(machine(name, edits))
        (tmp_path / folder / "facts.json").write_text(text, encoding="utf-8")
        return tmp_path / folder

    return write


def test_what_the_findings_name_stands_first(envcheck: Run) -> None:
    done = envcheck("diff", str(MACHINES / CPU), str(MACHINES / MIXED), "--expect", "cpu")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "linux-none-tf221 passes, linux-none-tf29-mixed fails: 8 of 32 facts differ.",
        "  First, in linux-none-tf29-mixed: venv/bin/python -m pip install 'numpy>=1.20,<2' "
        "'protobuf>=3.9.2,<3.20' 'keras>=2.9.0rc0,<2.10.0'",
        "",
        "  linux-none-tf221       ✓ everything fits together",
        "  linux-none-tf29-mixed  ✗ numpy 2.2.6 does not fit TensorFlow 2.9.1 (and 2",
        "                           more)",
        "",
        "                          linux-none-tf221            linux-none-tf29-mixed",
        "named by TFX301, TFX302, KER201",
        "  numpy                   2.5.5                       2.2.6",
        "  protobuf                7.36.2                      4.25.9",
        "  Keras                   3.15.1                      2.8.0",
        "also different",
        "  TensorFlow              2.21.0                      2.9.1",
        "  Python                  3.13                        3.10",
        "  installed Kerases       keras 3.15.1                keras 2.8.0",
        "  coffee network          trained on CPU:0            failed in the step import",
        "                                                      (TypeError)",
        "",
        "9 more rows: -v shows all.",
    ]
    verbose = envcheck("diff", "-v", str(MACHINES / CPU), str(MACHINES / MIXED), "--expect", "cpu")
    rows = [line.split()[0] for line in verbose.stdout.splitlines() if line.startswith("  ")]
    assert {"flatbuffers", "h5py", "tensorflow-estimator"} <= set(rows)
    assert "more: -v" not in verbose.stdout


def test_the_readme_shows_what_is_printed(envcheck: Run, tmp_path: Path) -> None:
    for file, name in (("there.json", CPU), ("here.json", MIXED)):
        envcheck("replay", str(MACHINES / name), "--expect", "cpu", "-q", "--output", file)
    printed = envcheck("diff", "there.json", "here.json").stdout.splitlines()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.partition("$ envcheck diff there.json here.json\n")[2].partition("```")[0]
    shown = [line for line in block.splitlines() if line != "..."]
    assert len(shown) >= 8
    assert [line for line in shown if line not in printed] == []


def test_the_order_and_its_reasons_as_a_document(envcheck: Run) -> None:
    _, found = document(envcheck, MACHINES / CPU, MACHINES / MIXED, "--expect", "cpu")
    assert [side["status"] for side in found["sides"]] == ["pass", "fail"]
    only = [[row["code"] for row in side["only_here"]] for side in found["sides"]]
    assert only == [[], ["TFX301", "TFX302", "KER201"]]
    first = {row["fact"]: row for row in found["differences"][:3]}
    assert {name: row["explains"] for name, row in first.items()} == {
        "numpy.version": ["TFX301"],
        "protobuf.version": ["TFX302"],
        "keras.version": ["KER201"],
    }
    (gast,) = [row for row in found["differences"] if row["item"] == "gast"]
    assert (gast["first"], gast["second"]) == ("0.7.0", "0.4.0")
    assert gast["follows"] == {"fact": "tensorflow.version", "item": None}
    likelihoods = [row["likelihood"] for row in found["differences"] if row["follows"] is None]
    assert likelihoods == sorted(likelihoods, key=["evidence", "needed", "none"].index)


def test_the_same_machine(envcheck: Run) -> None:
    done = envcheck("diff", str(MACHINES / CPU), str(MACHINES / CPU), "--expect", "cpu")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "No difference: 32 facts are the same."


def test_what_changes_by_the_hour_is_no_difference(
    envcheck: Run, machine: Callable[..., Facts], edited: Callable[..., Path]
) -> None:
    card = dict(machine(WHEELS)["gpu.devices"].value[0])
    card |= {"uuid": "GPU-other", "used_mib": 900, "throttle": 0, "pcie_generation": 4}
    later = edited(WHEELS, "later", {"gpu.devices": [card], "target.cwd": "/elsewhere"})
    code, found = document(envcheck, MACHINES / WHEELS, later)
    assert (code, found["differences"]) == (0, [])


def test_findings_that_no_compared_fact_explains(
    envcheck: Run, machine: Callable[..., Facts], edited: Callable[..., Path]
) -> None:
    """A card in need of a reset is one of the things of the hour."""
    card = {**machine(WHEELS)["gpu.devices"].value[0], "recovery_action": 1}
    sick = edited(WHEELS, "sick", {"gpu.devices": [card]})
    done = envcheck("diff", str(MACHINES / WHEELS), str(sick))
    assert done.returncode == 1
    assert (
        done.stdout.splitlines()[0]
        == f"{WHEELS} passes, sick fails: none of 59 facts differs; what"
    )
    assert "  sick                        ✗ " in done.stdout


def test_reports_machines_and_locks_in_any_mix(envcheck: Run, tmp_path: Path) -> None:
    """The same machine in three forms has no differences; another has the same ones."""
    machine, other = MACHINES / WHEELS, MACHINES / "linux-rtx3080-tf29-cuda116"
    report, lock = tmp_path / "a.json", tmp_path / "b.lock.json"
    assert envcheck("replay", str(machine), "--output", str(report), "-q").returncode == 0
    assert envcheck("lock", str(machine), "--output", str(lock)).returncode == 0
    forms = (machine, report, lock, machine / "facts.json")
    for one in forms:
        for two in forms:
            assert document(envcheck, one, two)[0] == 0, (one, two)
    full = document(envcheck, machine, other)[1]["differences"]
    assert document(envcheck, report, other)[1]["differences"] == full
    code, against = document(envcheck, lock, other)
    named = [(row["fact"], row["item"]) for row in against["differences"]]
    assert code == 1 and ("driver.release", None) in named
    assert set(named) < {(row["fact"], row["item"]) for row in full}
    assert [side["kind"] for side in against["sides"]] == ["lock", "machine"]


def test_a_machine_is_judged_as_the_report_beside_it(envcheck: Run, tmp_path: Path) -> None:
    report = tmp_path / "cpu.json"
    args = ("--expect", "cpu", "--output", str(report), "-q")
    assert envcheck("replay", str(MACHINES / CPU), *args).returncode == 0
    _, found = document(envcheck, report, MACHINES / CPU)
    assert [side["expect"] for side in found["sides"]] == ["cpu", "cpu"]
    assert found["same"] is True


def test_unknown_on_one_side_is_a_difference(envcheck: Run, edited: Callable[..., Path]) -> None:
    blind = {"keras.backend": unknown("the file cannot be read")}
    first, second = edited(CPU, "first", blind), edited(CPU, "second", blind)
    code, found = document(envcheck, MACHINES / CPU, first, "--expect", "cpu")
    (row,) = found["differences"]
    assert (code, row["fact"], row["first"]) == (1, "keras.backend", None)
    assert row["second"] == "not known (the file cannot be read)"
    code, found = document(envcheck, first, second, "--expect", "cpu")
    assert (code, found["unknown"], found["compared"]) == (0, ["keras.backend"], 31)


@pytest.mark.parametrize("first", sorted(path.name for path in MACHINES.iterdir()))
def test_every_pair_of_machines_prints_within_80_columns(envcheck: Run, first: str) -> None:
    for second in sorted(path.name for path in MACHINES.iterdir()):
        done = envcheck("diff", str(MACHINES / first), str(MACHINES / second), "-v")
        assert done.stderr == ""
        assert done.returncode == (0 if first == second else 1)
        # A command stands on one line, to be pasted.
        long = [line for line in done.stdout.splitlines() if len(line) > 80]
        assert [line for line in long if not line.startswith(("    ", "  First"))] == []


def test_hostile_text_stays_harmless(envcheck: Run, edited: Callable[..., Path]) -> None:
    bad = edited(CPU, "bad", {"numpy.version": "1\x1b[31m\n::error::" + "9" * 100_000})
    done = envcheck("diff", str(MACHINES / CPU), str(bad), "--expect", "cpu")
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert not any(line.startswith("::") for line in done.stdout.splitlines())
    assert len(done.stdout) < 20_000
    document(envcheck, MACHINES / CPU, bad, "--expect", "cpu")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "this is not JSON"),
        ("[]", "this is neither a report"),
        ('{"schema": "envcheck.plan/1"}', "this is neither a report"),
        ('{"schema": "envcheck.lock/2"}', "a newer envcheck has written it"),
        ('{"schema": "envcheck.report/1", "facts": {}}', "this report is not whole"),
        ('{"schema": "envcheck.report/1", "facts": []}', "a fact is not what a fact must be"),
        (
            '{"schema": "envcheck.report/1", "facts": {}, "findings": [],'
            ' "verdict": {"status": "fine"}, "expect": "gpu"}',
            "this report has no verdict",
        ),
        (
            '{"schema": "envcheck.report/1", "findings": [], "expect": "gpu", "facts":'
            ' {"smoke.result": {"state": "known", "value": []}}, "verdict": {"status": "pass"}}',
            "its value is not of the kind",
        ),
    ],
)
def test_what_is_none_of_them(envcheck: Run, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    done = envcheck("diff", "a.json", str(MACHINES / CPU))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("envcheck: a.json: ") and says in line


def test_what_is_not_there(envcheck: Run) -> None:
    done = envcheck("diff", "/no/such/file", str(MACHINES / CPU))
    assert done.stderr == "envcheck: /no/such/file: No such file or directory.\n"
    assert done.returncode == 2


def test_links_in_a_circle_and_a_folder_that_was_removed(envcheck: Run, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    done = envcheck("diff", "loop", str(MACHINES / CPU))
    assert done.stderr == "envcheck: loop: Too many levels of symbolic links.\n"
    assert done.returncode == 2
    for command, said in (
        (("diff", "a", "b"), "a: No such file or directory."),
        (("lock", str(MACHINES / CPU), "--expect", "cpu"), "it could not be written: No such file"),
        (
            ("replay", str(MACHINES / CPU), "--output", "a.json"),
            "a.json: No such file or directory.",
        ),
    ):
        gone = tmp_path / "gone"
        gone.mkdir()
        line = [sys.executable, "-c", f"import os; os.rmdir({str(gone)!r}); {START}", *command]
        ended = subprocess.run(line, cwd=gone, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert said in ended.stderr


def test_a_folder_that_is_no_recorded_machine(envcheck: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    said = "this is no recorded machine, which is a folder with facts.json in it (envcheck record)."
    for done, name in (
        (envcheck("diff", "folder", str(MACHINES / CPU)), "folder"),
        (envcheck("replay", "folder"), "folder"),
        (envcheck("replay", "file"), "file"),
    ):
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"envcheck: {name}: {said}\n"
    done = envcheck("replay", "nothing")
    assert done.stderr == "envcheck: nothing: No such file or directory.\n"


def test_a_byte_order_mark_of_a_report_is_no_error(envcheck: Run, tmp_path: Path) -> None:
    machine = str(MACHINES / CPU)
    envcheck("replay", machine, "--expect", "cpu", "--output", "a.json")
    report = tmp_path / "a.json"
    report.write_bytes(b"\xef\xbb\xbf" + report.read_bytes())
    done = envcheck("diff", "a.json", machine)
    assert (done.returncode, done.stderr) == (0, "")
