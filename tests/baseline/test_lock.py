"""The lock file: what is in it, what is drift, and what then is to be done."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from envcheck import facts as vocabulary
from envcheck import machines
from envcheck.baseline.decisions import DECISIONS
from envcheck.baseline.drift import snapshot
from envcheck.baseline.lockfile import problem_of
from envcheck.baseline.reduce import Ask
from envcheck.model import Facts, Key, unknown
from tests import lab as laboratory
from tests.conftest import MACHINES, ROOT, Run, report_of

SCHEMA = json.loads((ROOT / "envcheck/schemas/lock.schema.json").read_text(encoding="utf-8"))
WHEELS, SYSTEM, CPU = "linux-rtx4090-tf220-wheels", "linux-rtx3080-tf29-cuda116", "linux-none-tf221"
HEALTHY = {WHEELS: "gpu", SYSTEM: "gpu", CPU: "cpu", "windows-rtx3060-tf211": "cpu"}
LOCK = "envcheck.lock.json"


def write_machine(folder: Path, facts: Facts) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "facts.json").write_text(machines.dump(facts), encoding="utf-8")
    return str(folder)


# --- what is locked


def test_every_fact_is_decided_about(envcheck: Run, lab: Callable[[str], Path]) -> None:
    """Whoever adds a fact says whether it is locked, compared or left out, and why."""
    names = {key.name for key in vars(vocabulary).values() if isinstance(key, Key)}
    for path in MACHINES.glob("*/facts.json"):
        names |= set(json.loads(path.read_text(encoding="utf-8"))["facts"])
    python = str(lab("empty311"))
    names |= set(report_of(envcheck("--no-smoke", "--python", python, "--format", "json"))["facts"])
    assert names == set(DECISIONS)


def test_a_decision_says_why_or_how() -> None:
    for name, decision in DECISIONS.items():
        assert bool(decision.reduce) is (decision.kind != "left-out"), name
        assert bool(decision.reason) is (decision.kind != "locked"), name
        assert bool(decision.what) is (decision.kind != "left-out"), name
        if decision.follows:
            assert DECISIONS[decision.follows].kind != "left-out", name


@pytest.mark.parametrize(("name", "expect"), HEALTHY.items())
def test_a_lock_is_of_its_schema_and_its_machine_has_not_drifted(
    envcheck: Run, tmp_path: Path, name: str, expect: str
) -> None:
    machine = str(MACHINES / name)
    done = envcheck("lock", machine, "--expect", expect)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads((tmp_path / LOCK).read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA)
    again = " --expect cpu" if expect == "cpu" else ""
    count = len(document["facts"])
    assert done.stdout == (
        f"Locked {count} facts in {LOCK}. Commit it; then: envcheck --locked{again}\n"
    )
    done = envcheck("replay", machine, "--locked", "--expect", expect, "-q")
    assert (done.returncode, done.stdout) == (0, "✓ PASS: everything fits together\n")


def test_what_a_lock_holds(machine: Callable[..., Facts]) -> None:
    values = snapshot(machine(WHEELS), Ask()).values
    assert values["gpu.devices"] == ["1 x NVIDIA GeForce RTX 4090 (compute capability 8.9, 24 GiB)"]
    assert values["driver.release"] == "580.65.06"
    assert values["target.python"] == "3.12"
    assert values["system.distribution"] == "Ubuntu 22.04 LTS"
    assert values["tensorflow.cuda_build"] == "yes"
    assert values["tf_keras.version"] is None
    libraries, packages = values["loader.libraries"], values["target.installed"]
    assert isinstance(libraries, dict) and isinstance(packages, dict)
    assert libraries["libcudnn.so.9"] == "9.3.0.75 in wheel cudnn, by RUNPATH"
    assert packages["nvidia-cudnn-cu12"] == "9.3.0.75"
    libraries = snapshot(machine(SYSTEM), Ask()).values["loader.libraries"]
    assert isinstance(libraries, dict)
    assert libraries["libcudnn.so.8"] == "8.4.0 in /usr/local/cuda-11.6/lib64, by LD_LIBRARY_PATH"


def test_nothing_of_a_gpu_is_locked_where_none_is_expected(machine: Callable[..., Facts]) -> None:
    values = snapshot(machine(WHEELS), Ask("cpu")).values
    layers = {DECISIONS[name].layer for name in values}
    assert layers == {"python", "tensorflow", "keras"}
    assert values["target.installed"] == {"tensorboard": "2.20.0", "tensorflow": "2.20.0"}


@pytest.mark.parametrize("name", sorted(path.name for path in MACHINES.iterdir()))
def test_a_lock_names_nobody_and_no_place_of_his(machine: Callable[..., Facts], name: str) -> None:
    text = json.dumps(snapshot(machine(name), Ask()).values)
    for pattern in ("/home", "/root", r"Users", "GPU-", r"coffee", "venv"):
        assert not re.search(pattern, text), pattern


def test_what_changes_by_the_hour_is_no_drift(machine: Callable[..., Facts]) -> None:
    facts = machine(WHEELS)
    card = dict(facts["gpu.devices"].value[0])
    card |= {"uuid": "GPU-other", "bus_id": "00000000:41:00.0", "index": 3, "used_mib": 20000}
    card |= {"throttle": 4, "pcie_generation": 4, "processes": [{"pid": 7, "mib": 300}]}
    later = machine(
        WHEELS,
        {
            "gpu.devices": [{**card, "memory_mib": 24540}],
            "system.kernel": "5.15.0-99-generic",
            "system.distribution": "Ubuntu 22.04.4 LTS",
            "target.python": "3.12.11",
            "target.prefix": "/elsewhere/venv",
            "target.cwd": "/elsewhere",
            "gpu.visible_devices": "3",
            "smoke.result": {"ended": "finished", "ok": True, "training_seconds": 99.0},
            "target.installed": {**facts["target.installed"].value, "certifi": "2027.1.1"},
        },
    )
    assert snapshot(later, Ask()) == snapshot(facts, Ask())


# --- drift


@pytest.fixture
def locked(
    envcheck: Run, machine: Callable[..., Facts], tmp_path: Path
) -> Callable[..., tuple[int, Any, str]]:
    """Lock a machine, change it, check it: exit code, JSON report, and the text's lines."""

    def check(
        name: str, edits: Mapping[str, Any], expect: str = "gpu", force: bool = False
    ) -> tuple[int, Any, list[str]]:
        words = ["--force"] if force else []
        done = envcheck("lock", str(MACHINES / name), "--expect", expect, *words)
        assert done.returncode == 0, done.stderr
        folder = write_machine(tmp_path / "machine", machine(name, edits))
        args = ("replay", folder, "--locked", "--expect", expect)
        done = envcheck(*args, "--format", "json")
        text = envcheck(*args)
        assert done.returncode == text.returncode
        return done.returncode, report_of(done), text.stdout.splitlines()

    return check  # type: ignore[return-value]


def drifts(report: Any) -> list[dict[str, Any]]:
    return [row for row in report["findings"] if row["code"] == "POL201"]


def seen(finding: Mapping[str, Any]) -> dict[str, str]:
    return {row["fact"]: row["value"] for row in finding["evidence"]}


Locked = Callable[..., tuple[int, Any, list[str]]]


def test_a_package_is_put_back_by_one_command(locked: Locked) -> None:
    edits = {"numpy.version": "2.3.1", "protobuf.version": "6.31.1"}
    code, report, text = locked(WHEELS, edits)
    assert code == 1
    assert [row["title"] for row in report["findings"]] == [
        "numpy: 2.3.1 here, 2.2.6 in the lock",
        "protobuf: 6.31.1 here, 6.33.0 in the lock",
    ]
    assert seen(report["findings"][0]) == {"numpy.version": "2.3.1; locked: 2.2.6"}
    assert text[:2] == [
        "✗ FAIL: numpy: 2.3.1 here, 2.2.6 in the lock",
        "  First: venv/bin/python -m pip install numpy==2.2.6 protobuf==6.33.0",
    ]


def test_the_locked_version_says_more_than_tensorflows_range(locked: Locked) -> None:
    """Keras drifted out of what TensorFlow admits: two findings, one word in the command."""
    code, report, text = locked(WHEELS, {"keras.version": "2.15.0"})
    assert code == 1
    assert [row["code"] for row in report["findings"]] == ["KER201", "POL201"]
    assert text[1] == "  First: venv/bin/python -m pip install keras==3.12.0"


def cudnn(version: str) -> dict[str, Any]:
    facts = machines.load(MACHINES / WHEELS)
    edits: dict[str, Any] = {
        "target.installed": {**facts["target.installed"].value, "nvidia-cudnn-cu12": version}
    }
    for name in ("loader.libraries", "loader.cudnn_parts"):
        edits[name] = json.loads(json.dumps(facts[name].value))
        for row in edits[name]:
            if row["name"].startswith("cudnn"):
                row["found"][0]["version"] = version
    return edits


def test_a_wheel_and_its_library_are_one_finding(locked: Locked) -> None:
    code, report, text = locked(WHEELS, cudnn("9.10.2.21"))
    (finding,) = drifts(report)
    assert (code, finding["layer"]) == (1, "cudnn")
    assert finding["title"] == "nvidia-cudnn-cu12: 9.10.2.21 here, 9.3.0.75 in the lock"
    assert list(seen(finding)) == [
        "target.installed[nvidia-cudnn-cu12]",
        "loader.libraries[libcudnn.so.9]",
    ]
    assert text[1] == "  First: venv/bin/python -m pip install nvidia-cudnn-cu12==9.3.0.75"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "$ envcheck --locked\n" + "\n".join(text[:2]) + "\n" in readme


def test_another_tensorflow_explains_the_rest_and_one_command_mends_all(locked: Locked) -> None:
    edits = {"tensorflow.version": "2.19.1", "numpy.version": "2.1.3", "keras.version": "3.11.0"}
    _, report, _ = locked(WHEELS, edits)
    (finding,) = drifts(report)
    assert finding["title"] == "TensorFlow: 2.19.1 here, 2.20.0 in the lock"
    assert set(seen(finding)) == {"tensorflow.version", "numpy.version", "keras.version"}
    (fix,) = finding["fixes"]
    assert fix["safety"] == "safe"
    assert [step[1:] for step in fix["steps"]] == [
        [*("-m", "pip", "install"), "tensorflow==2.20.0", "keras==3.12.0", "numpy==2.2.6"]
    ]


def test_another_package_of_tensorflow_goes_first(locked: Locked) -> None:
    installed = dict(machines.load(MACHINES / CPU)["target.installed"].value)
    installed["tf-nightly"] = "2.22.0.dev20260101"
    del installed["tensorflow-cpu"]
    _, report, _ = locked(
        CPU,
        {
            "tensorflow.package": "tf-nightly",
            "tensorflow.version": "2.22.0.dev20260101",
            "target.installed": installed,
        },
        "cpu",
    )
    (finding,) = drifts(report)
    (fix,) = finding["fixes"]
    assert [step[3:] for step in fix["steps"]] == [
        ["uninstall", "--yes", "tf-nightly"],
        ["install", "tensorflow-cpu==2.21.0"],
    ]
    assert fix["safety"] == "review"


def test_a_locked_version_that_tensorflow_refuses_is_not_installed(locked: Locked) -> None:
    """A lock that was forced on a machine where Keras did not fit."""
    edits = {"keras.version": "2.15.0"}
    _, report, _ = locked("linux-none-tf215-keras3", edits, "cpu", force=True)
    (finding,) = drifts(report)
    assert finding["title"] == "Keras: 2.15.0 here, 3.15.1 in the lock"
    (fix,) = finding["fixes"]
    assert (fix["steps"], fix["safety"]) == ([], "manual")
    assert fix["note"].startswith("The lock is not for this environment (keras 3.15.1: ")
    assert fix["note"].endswith("Change that first, or: envcheck lock --expect cpu")


def test_a_package_that_was_not_there_is_taken_away_again(locked: Locked) -> None:
    _, report, _ = locked(CPU, {"tf_keras.version": "2.21.0"}, "cpu")
    (finding,) = drifts(report)
    assert finding["title"] == "tf-keras: 2.21.0 here, none in the lock"
    assert [step[3:] for step in finding["fixes"][0]["steps"]] == [
        ["uninstall", "--yes", "tf-keras"]
    ]


def gpu(count: int) -> list[dict[str, Any]]:
    card = {"name": "NVIDIA GeForce RTX 4090", "compute_capability": "8.9", "memory_mib": 24564}
    return [{"index": number, **card} for number in range(count)]


@pytest.mark.parametrize(
    ("edits", "title", "note"),
    [
        (
            {"driver.release": "570.86.15", "driver.cuda_supported": "12.8"},
            "NVIDIA driver: 570.86.15 here, 580.65.06 in the lock",
            "Bring the NVIDIA driver 580.65.06 back. Where this one is meant: envcheck lock",
        ),
        (
            {"gpu.devices": gpu(2)},
            "GPUs: 2 x NVIDIA GeForce RTX 4090 (compute capability 8.9, 24 GiB) here, "
            "1 x NVIDIA GeForce RTX 4090 (compute capability 8.9, 24 GiB) in the lock",
            "Give this machine the GPUs of the lock back. Where these are meant: envcheck lock",
        ),
        (
            {"system.distribution": "Ubuntu 24.04.1 LTS", "target.glibc": "2.39"},
            "distribution: Ubuntu 24.04 LTS here, Ubuntu 22.04 LTS in the lock",
            "Set distribution as in the lock (Ubuntu 22.04 LTS). Where this is meant: "
            "envcheck lock",
        ),
        (
            {"keras.backend": "tensorflow"},
            "Keras's backend: tensorflow here, none in the lock",
            "Set Keras's backend as in the lock (none). Where this is meant: envcheck lock",
        ),
    ],
)
def test_what_only_a_person_can_bring_back(
    locked: Locked, edits: dict[str, Any], title: str, note: str
) -> None:
    code, report, _ = locked(WHEELS, edits)
    (finding,) = drifts(report)
    assert (code, finding["title"]) == (1, title)
    assert set(seen(finding)) == set(edits)
    assert (finding["fixes"][0]["note"], finding["fixes"][0]["steps"]) == (note, [])


def test_another_python_is_another_environment(locked: Locked) -> None:
    _, report, _ = locked(WHEELS, {"target.python": "3.11.9"})
    (finding,) = drifts(report)
    (fix,) = finding["fixes"]
    assert fix["steps"] == [
        [*("envcheck", "setup", ".venv-3.12", "--python", "3.12"), "--tensorflow", "2.20.0"]
    ]


@pytest.mark.parametrize(
    ("edits", "code", "status"),
    [
        ({}, 3, "inconclusive"),
        ({"numpy.version": "2.3.1"}, 1, "fail"),
    ],
)
def test_what_cannot_be_looked_at_is_no_pass(
    locked: Locked, edits: dict[str, Any], code: int, status: str
) -> None:
    reason = "the file cannot be read"
    ended, report, _ = locked(WHEELS, {"keras.backend": unknown(reason), **edits})
    assert (ended, report["verdict"]["status"]) == (code, status)
    about = [
        (row["reason"], row["layer"], row["facts"])
        for row in report["not_evaluated"]
        if row["code"] == "POL201"
    ]
    assert about == [(f"keras.backend is locked: {reason}", "keras", ["keras.backend"])]
    assert len(drifts(report)) == len(edits)


def test_a_locked_fact_that_this_envcheck_does_not_know(envcheck: Run, tmp_path: Path) -> None:
    machine = str(MACHINES / CPU)
    assert envcheck("lock", machine, "--expect", "cpu").returncode == 0
    document = json.loads((tmp_path / LOCK).read_text(encoding="utf-8"))
    document["facts"]["of.tomorrow"] = "1"
    (tmp_path / LOCK).write_text(json.dumps(document), encoding="utf-8")
    done = envcheck("replay", machine, "--locked", "--expect", "cpu", "--format", "json")
    assert done.returncode == 3
    assert [row["reason"] for row in report_of(done)["not_evaluated"]] == [
        "of.tomorrow is locked: a newer envcheck has locked it"
    ]


def test_a_lock_of_a_gpu_where_none_is_expected(envcheck: Run, tmp_path: Path) -> None:
    """Then its Python side counts alone; the other way round is refused."""
    machine = str(MACHINES / WHEELS)
    assert envcheck("lock", machine).returncode == 0
    done = envcheck(
        "replay", str(MACHINES / CPU), "--locked", "--expect", "cpu", "--format", "json"
    )
    named = {fact.partition("[")[0] for row in drifts(report_of(done)) for fact in seen(row)}
    assert named == {
        *("system.distribution", "system.container", "target.python", "target.glibc"),
        *("tensorflow.version", "tensorflow.package", "tensorflow.cuda_build", "keras.version"),
        *("tensorflow.cuda_built_for", "tensorflow.cudnn_built_for", "numpy.version"),
        *("protobuf.version", "target.installed", "target.implementation", "target.machine"),
    }
    assert envcheck("lock", str(MACHINES / CPU), "--expect", "cpu").returncode == 0
    done = envcheck("replay", machine, "--locked")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"envcheck: {LOCK}: this was locked without a GPU: run envcheck --locked --expect cpu, or "
        "envcheck lock where there is one.\n"
    )


# --- refusals


def test_a_machine_that_fails_is_not_locked(envcheck: Run, tmp_path: Path) -> None:
    machine = str(MACHINES / "linux-none-tf29-mixed")
    done = envcheck("lock", machine, "--expect", "cpu")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].startswith("  First: venv/bin/python -m pip install")
    assert done.stderr == (
        f"envcheck: {LOCK} was not written: this machine fails. Mend it first, or lock it as it is "
        "with --force.\n"
    )
    assert not (tmp_path / LOCK).exists()
    assert envcheck("lock", machine, "--expect", "cpu", "--force").returncode == 0
    assert (tmp_path / LOCK).exists()


def test_a_machine_that_could_not_be_judged_is_not_locked(
    envcheck: Run, machine: Callable[..., Facts], tmp_path: Path
) -> None:
    edits = {"keras.backend": unknown("the file cannot be read")}
    folder = write_machine(tmp_path / "machine", machine(CPU, edits))
    done = envcheck("lock", folder, "--expect", "cpu")
    assert done.returncode == 3
    assert "not everything could be looked at" in done.stderr
    done = envcheck("lock", folder, "--expect", "cpu", "--force", "--output", "a.lock.json")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1:] == ["Not locked: keras.backend: the file cannot be read"]
    document = json.loads((tmp_path / "a.lock.json").read_text(encoding="utf-8"))
    assert "keras.backend" not in document["facts"]


def test_what_the_policy_demands_is_part_of_good(envcheck: Run, tmp_path: Path) -> None:
    (tmp_path / "envcheck.toml").write_text(
        'expect = "cpu"\n[require]\ntensorflow = ">=9"\n', encoding="utf-8"
    )
    done = envcheck("lock", str(MACHINES / CPU))
    assert done.returncode == 1
    assert "POL101" in done.stdout
    assert not (tmp_path / LOCK).exists()
    (tmp_path / "envcheck.toml").write_text('expect = "cpu"\n', encoding="utf-8")
    assert envcheck("lock", str(MACHINES / CPU)).returncode == 0
    assert json.loads((tmp_path / LOCK).read_text(encoding="utf-8"))["expect"] == "cpu"
    assert envcheck("replay", str(MACHINES / CPU), "--locked").returncode == 0


def test_the_policy_may_ignore_a_drift(
    envcheck: Run, machine: Callable[..., Facts], tmp_path: Path
) -> None:
    assert envcheck("lock", str(MACHINES / CPU), "--expect", "cpu").returncode == 0
    folder = write_machine(tmp_path / "machine", machine(CPU, {"numpy.version": "2.4.0"}))
    args = ("replay", folder, "--locked", "--expect", "cpu", "-q")
    assert envcheck(*args).stdout == "✗ FAIL: numpy: 2.4.0 here, 2.5.5 in the lock\n"
    (tmp_path / "envcheck.toml").write_text(
        '[[ignore]]\ncode = "POL201"\nsubject = "numpy.version"\nreason = "known"\n'
        "expires = 2999-01-01\n",
        encoding="utf-8",
    )
    assert envcheck(*args).returncode == 0


GOOD: dict[str, Any] = {
    "schema": "envcheck.lock/1",
    "envcheck_version": "0.1.0",
    "expect": "cpu",
    "facts": {"numpy.version": "2.2.6"},
}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("", "this is not JSON"),
        ("[" * 100_000, "this is not JSON"),
        ("[]", "this is not a lock file of envcheck."),
        ({**GOOD, "schema": "envcheck.facts/1"}, "this is not a lock file of envcheck."),
        ({**GOOD, "schema": 7}, "this is not a lock file of envcheck."),
        ({**GOOD, "schema": "envcheck.lock/0"}, "this is not a lock file of envcheck."),
        ({**GOOD, "expect": "tpu"}, "`expect` must be gpu or cpu."),
        ({**GOOD, "envcheck_version": None}, "`envcheck_version` must be text."),
        ({**GOOD, "facts": {}}, "`facts` must name facts."),
        ({**GOOD, "facts": []}, "`facts` must name facts."),
        (
            {**GOOD, "facts": {"a\u001b": 7}},
            "the fact 'a\\x1b' must be text, a list or a",
        ),
        ({**GOOD, "facts": {"a": [7]}}, "the fact 'a' must be text, a list or a"),
        (
            {**GOOD, "facts": {"a": "", "b": None, "c": {}}},
            "the fact 'c' must be text, a list or a mapping that is not empty, or null where there "
            "is none.",
        ),
        ({**GOOD, "facts": {"a": []}}, "the fact 'a' must be text, a list or a"),
        (
            {**GOOD, "facts": {"a": {"b": None}}},
            "the fact 'a' must be text, a list or a",
        ),
    ],
)
def test_a_lock_that_is_none(envcheck: Run, tmp_path: Path, document: Any, says: str) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    (tmp_path / LOCK).write_text(text, encoding="utf-8")
    done = envcheck("replay", str(MACHINES / CPU), "--locked", "--expect", "cpu")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"envcheck: {LOCK}: ") and says in line
    assert line.endswith("Lock anew: envcheck lock")
    if isinstance(document, dict):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, SCHEMA)


def test_a_lock_of_a_newer_envcheck_has_one_way_out(envcheck: Run, tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text(json.dumps({**GOOD, "schema": "envcheck.lock/12"}))
    done = envcheck("replay", str(MACHINES / CPU), "--locked", "--expect", "cpu")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"envcheck: {LOCK}: a newer envcheck has written it (envcheck.lock/12). Update this one: "
        "pip install --upgrade envcheck\n"
    )


def test_a_byte_order_mark_is_no_error(envcheck: Run, tmp_path: Path) -> None:
    machine = tmp_path / "machine"
    machine.mkdir()
    facts = (MACHINES / CPU / "facts.json").read_bytes()
    (machine / "facts.json").write_bytes(b"\xef\xbb\xbf" + facts)
    assert envcheck("lock", str(machine), "--expect", "cpu").returncode == 0
    lock = tmp_path / LOCK
    lock.write_bytes(b"\xef\xbb\xbf" + lock.read_bytes())
    done = envcheck("replay", str(machine), "--locked", "--expect", "cpu")
    assert (done.returncode, done.stderr) == (0, "")
    done = envcheck("diff", LOCK, str(machine))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_good_document_is_one() -> None:
    jsonschema.validate(GOOD, SCHEMA)
    assert problem_of(GOOD) == ""


def test_no_lock_file(envcheck: Run) -> None:
    done = envcheck("--locked", "--no-smoke")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"envcheck: {LOCK}: there is no lock file. On a machine that is as it should be: envcheck "
        "lock\n"
    )
    done = envcheck("replay", str(MACHINES / CPU), "--lock-file", "other.json")
    assert done.stderr.endswith("envcheck lock --output other.json\n")


@pytest.mark.parametrize("output", ["/no/such/folder/a.json", "/proc", "/proc/a.json"])
def test_a_lock_that_cannot_be_written(envcheck: Run, output: str) -> None:
    done = envcheck("lock", str(MACHINES / CPU), "--expect", "cpu", "--output", output)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.match(rf"envcheck: (Invalid value for '--output': )?{output}: ", done.stderr)
    assert len(done.stderr.splitlines()) == 1


def test_what_is_no_file_is_written_to_and_not_replaced(envcheck: Run, tmp_path: Path) -> None:
    real = tmp_path / "kept" / "real.json"
    real.parent.mkdir()
    (tmp_path / LOCK).symlink_to(real)
    for _ in ("the link to nothing", "the link to a file"):
        assert envcheck("lock", str(MACHINES / CPU), "--expect", "cpu").returncode == 0
        assert (tmp_path / LOCK).readlink() == real
        jsonschema.validate(json.loads(real.read_text(encoding="utf-8")), SCHEMA)
    assert [path.name for path in real.parent.iterdir()] == ["real.json"]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        done = envcheck("lock", str(MACHINES / CPU), "--expect", "cpu", "--output", "pipe")
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(os.read(reader, 65536)) == json.loads(real.read_text(encoding="utf-8"))
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_without_a_lock_the_rule_does_not_apply(envcheck: Run) -> None:
    done = envcheck("replay", str(MACHINES / CPU), "--expect", "cpu", "--format", "json")
    report = report_of(done)
    assert [name for name in report["facts"] if name.startswith("lock.")] == []
    assert (done.returncode, report["not_evaluated"]) == (0, [])


# --- a real environment


def test_the_printed_command_brings_a_real_package_back(envcheck: Run, tmp_path: Path) -> None:
    python = laboratory.copy_of("empty311", tmp_path / "venv")
    install = ("pip", "install", "--quiet", "--python", str(python))
    laboratory.uv(*install, "numpy==1.26.4")
    args = ("--python", str(python), "--no-smoke", "--expect", "cpu")
    assert envcheck("lock", "--force", *args).returncode == 0
    laboratory.uv(*install, "numpy==2.0.2")

    def found() -> list[dict[str, Any]]:
        return drifts(report_of(envcheck("--locked", *args, "--no-scan", "--format", "json")))

    (finding,) = found()
    assert finding["title"] == "numpy: 2.0.2 here, 1.26.4 in the lock"
    (step,) = finding["fixes"][0]["steps"]
    assert step == [str(python), "-m", "pip", "install", "numpy==1.26.4"]
    laboratory.uv(*install, step[-1])
    assert found() == []
