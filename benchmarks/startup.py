"""How fast envcheck answers, as ratios measured in one run on one machine.

    .venv-dev/bin/python benchmarks/startup.py [RUNS]

Each command is a whole process, run in turn with the others (A B C A B C ...), so that a
machine that gets slower slows all of them. Printed are the median wall times, the median of
the ratios run by run against `python -c pass`, and the peak memory. The environment is
TensorFlow 2.15.1 (CPU) with a Keras 3 forced in; env-doctor and pipdeptree are installed into
one of their own.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import lab  # noqa: E402

RIVALS = lab.Recipe("3.11", ("env-doctor", "pipdeptree"))


def rivals_beside_tensorflow() -> Path:
    """env-doctor looks at the environment that it is installed in, so it gets one of its own
    with the same packages."""
    lab.RECIPES["bench-rivals"] = lab.Recipe(
        "3.11", ("tensorflow-cpu==2.15.1", *RIVALS.packages), (("install", "keras==3.15.1"),)
    )
    return lab.python_of("bench-rivals").parent


def commands() -> dict[str, list[str]]:
    bin_folder = Path(sys.executable).parent
    target = lab.python_of("tf215-keras3")
    rivals = rivals_beside_tensorflow()
    check = ["check", "--no-smoke", "--expect", "cpu", "--python", str(target)]
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "envcheck --version": [str(bin_folder / "envcheck"), "--version"],
        "envcheck check --no-smoke": [str(bin_folder / "envcheck"), *check],
        "pipdeptree --python": [str(rivals / "pipdeptree"), "--python", str(target)],
        "import tensorflow": [str(target), "-c", "import tensorflow"],
        "env-doctor check --ci": [str(rivals / "env-doctor"), "check", "--ci"],
    }


def measure(argv: list[str]) -> tuple[float, float]:
    """Wall seconds of one run and the peak memory in MiB of its largest process."""
    # With bytecode caches, as users have them.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    process = subprocess.Popen(
        argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", env=env
    )
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return time.perf_counter() - began, peak(usage)


def peak(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    table = commands()
    seconds: dict[str, list[float]] = {name: [] for name in table}
    memory = dict.fromkeys(table, 0.0)
    for argv in table.values():  # one run each to warm the disk's cache
        measure(argv)
    for _ in range(runs):
        for name, argv in table.items():
            took, used = measure(argv)
            seconds[name].append(took)
            memory[name] = max(memory[name], used)
    base = seconds["python -c pass"]
    print(f"{runs} runs, Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    print(f"{'command':28} {'median ms':>10} {'min ms':>8} {'x pass':>8} {'MiB':>6}")
    for name, values in seconds.items():
        ratio = statistics.median(value / one for value, one in zip(values, base, strict=True))
        print(
            f"{name:28} {statistics.median(values) * 1000:10.0f} {min(values) * 1000:8.0f}"
            f" {ratio:8.1f} {memory[name]:6.0f}"
        )
    ours, theirs = seconds["envcheck check --no-smoke"], seconds["env-doctor check --ci"]
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    print(f"envcheck check takes {ratio:.3f} of env-doctor's time")


if __name__ == "__main__":
    main()
