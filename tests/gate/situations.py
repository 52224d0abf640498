"""The situations of a gate: what the machine is like, what is demanded, how it is called.

One more is one more entry here and `python -m tests.gate.table`. ``files`` are written into the
folder that envcheck runs in, so that a policy or a lock file is a file like any other. In ``call``
``{machine}`` is the recorded machine, with the edits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from envcheck.model import Fact, unknown

GPU = "linux-rtx4090-tf220-wheels"
CPU = "linux-none-tf221"
BROKEN = "linux-none-tf215-keras3"
HUNG = unknown("nvidia-smi and NVML did not answer within 10 s")
WARNING = {"target.leftovers": ["/home/user/coffee/venv/lib/python3.12/site-packages/~ensorflow"]}
MIXED = "linux-none-tf29-mixed"
NO_KERAS3 = "code = 'KER201'\nreason = 'the course pins it'\n"


class Situation(NamedTuple):
    machine: str = GPU
    edits: Mapping[str, Any] = {}
    policy: str = ""
    call: str = "replay {machine}"
    fake: str = ""
    """A fake driver that is asked for real, in place of the machine's."""
    files: Mapping[str, str] = {}
    locked: bool = False
    """Whether the machine was locked before the edits."""


def ignore(entry: str, expires: str = "2999-12-31") -> str:
    return f"[[ignore]]\n{entry}expires = {expires}\n"


def ignored(*codes: str) -> str:
    return "".join(ignore(NO_KERAS3.replace("KER201", code)) for code in codes)


def driver_does_not_answer() -> Mapping[str, Fact]:
    names = ("driver.release", "gpu.devices")
    return dict.fromkeys(names, HUNG)


SITUATIONS: Mapping[str, Situation] = {
    "all is well": Situation(),
    "all is well, no GPU expected": Situation(CPU, call="replay {machine} --expect cpu"),
    "a warning": Situation(edits=WARNING),
    "a warning, and `--fail-on warning`": Situation(
        edits=WARNING, call="replay {machine} --fail-on warning"
    ),
    "a warning, and the policy fails on it": Situation(
        edits=WARNING, policy="fail-on = 'warning'\n"
    ),
    "a warning that the policy makes an error": Situation(
        edits=WARNING, policy="[severity]\nTFX106 = 'error'\n"
    ),
    "an error": Situation(BROKEN, policy="expect = 'cpu'\n"),
    "an error that the policy makes a warning": Situation(
        BROKEN, policy="expect = 'cpu'\n[severity]\nKER201 = 'warning'\n"
    ),
    "an error, and something unknown": Situation(
        BROKEN, edits={"numpy.version": HUNG}, policy="expect = 'cpu'\n"
    ),
    "something unknown": Situation(edits=driver_does_not_answer()),
    "nothing is known": Situation("", call="replay {machine} --expect cpu"),
    "an ignored error": Situation(BROKEN, policy=f"expect = 'cpu'\n{ignore(NO_KERAS3)}"),
    "an ignored error, and what followed from it": Situation(
        MIXED, policy=f"expect = 'cpu'\n{ignored('TFX301', 'TFX302', 'KER201')}"
    ),
    "all of it ignored": Situation(
        MIXED, policy=f"expect = 'cpu'\n{ignored('TFX301', 'TFX302', 'KER201', 'SMK101')}"
    ),
    "an expired ignore": Situation(
        BROKEN, policy=f"expect = 'cpu'\n{ignore(NO_KERAS3, '2020-02-29')}"
    ),
    "an ignore that nothing meets": Situation(policy=ignore(NO_KERAS3)),
    "no GPU, no policy": Situation(CPU),
    "no GPU, the policy expects none": Situation(CPU, policy="expect = 'cpu'\n"),
    "no GPU, the policy requires one": Situation(CPU, policy="require.gpus = 1\n"),
    "no GPU, the policy requires one, `--expect cpu`": Situation(
        CPU, policy="require.gpus = 1\n", call="replay {machine} --expect cpu"
    ),
    "a requirement is met": Situation(
        policy="[require]\ngpu = 'RTX 4090'\ntensorflow = '~=2.20.0'\ncuda = '==12.5'\n"
    ),
    "a requirement is not met": Situation(policy="[require]\ndriver = '>=9000'\n"),
    "a requirement is not known": Situation(
        edits=driver_does_not_answer(), policy="[require]\ndriver = '>=535'\n"
    ),
    "the driver hangs (a real child)": Situation(fake="init_hangs"),
    "the environment's Python hangs (a real child)": Situation(
        call="check --python ./python --timeout 1 --no-smoke",
        files={"python": "#!/bin/sh\nexec sleep 600\n"},
    ),
    "a broken policy": Situation(policy="expect = 'gpu'\nfail-on = 'warn'\n"),
    "an unknown code": Situation(policy="[severity]\nKER20 = 'info'\n"),
    "a contradiction in the policy": Situation(policy="expect = 'cpu'\nrequire.gpus = 1\n"),
    "no such policy": Situation(call="replay {machine} --policy gpu.toml"),
    "an output that cannot be written": Situation(call="replay {machine} --output no/report.html"),
    "as in the lock": Situation(locked=True, call="replay {machine} --locked"),
    "another driver than in the lock": Situation(
        edits={"driver.release": "575.57.08"}, locked=True, call="replay {machine} --locked"
    ),
    "what is locked is not known": Situation(
        edits=driver_does_not_answer(), locked=True, call="replay {machine} --locked"
    ),
    "there is no lock": Situation(call="replay {machine} --locked"),
}
