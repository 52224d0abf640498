"""`envcheck scan` beside `ruff check --select TID251` on a TensorFlow environment's site-packages.

    python benchmarks/scan.py [RUNS] [FOLDER]

Ruff bans the modules whose import envcheck judges, with its cache off and nothing excluded. The
commands take turns, so that both meet the same load; the ratio is the median of the turns'.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import lab  # noqa: E402

BANNED = (
    *("tensorflow.python", "tensorflow.compiler", "tensorflow.contrib", "tensorflow.Session"),
    *("keras.src", "keras.engine", "keras.layers.recurrent", "keras.layers.convolutional"),
    *("keras.utils.np_utils", "keras.wrappers.scikit_learn", "keras.optimizers.Adam"),
)
CONFIG = """\
exclude = []
respect-gitignore = false
[lint]
select = ["TID251"]
[lint.flake8-tidy-imports.banned-api]
"""


def commands(folder: Path, config: Path) -> dict[str, list[str]]:
    config.write_text(CONFIG + "".join(f'"{name}".msg = "moved"\n' for name in BANNED))
    programs = Path(sys.executable).parent
    run = "import sys; from envcheck.commands.scan import scan; "
    run += "scan.main(standalone_mode=False)"
    return {
        "ruff check --select TID251": [
            *(str(programs / "ruff"), "check", "--quiet", "--no-cache", "--config", str(config)),
            str(folder),
        ],
        "envcheck scan": [
            *(sys.executable, "-c", run, "--tensorflow", "2.15", "--format", "json"),
            str(folder),
        ],
    }


def measure(argv: list[str]) -> tuple[float, float, float]:
    """Wall seconds, processor seconds of all its processes, peak MiB of the largest."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd=ROOT)
    _, _, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, usage.ru_maxrss / 1024


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    if len(sys.argv) > 2:
        folder = Path(sys.argv[2])
    else:
        folder = next(lab.python_of("tf215").parent.parent.glob("lib/python3*/site-packages"))
    with tempfile.TemporaryDirectory() as temporary:
        table = commands(folder, Path(temporary) / "ruff.toml")
        results: dict[str, list[tuple[float, float, float]]] = {name: [] for name in table}
        for turn in range(runs + 1):
            for name, argv in table.items():
                taken = measure(argv)
                if turn:  # the first warms the disk's cache
                    results[name].append(taken)
    count = sum(1 for _ in folder.rglob("*.py"))
    print(f"{runs} runs, {count} Python files, {os.cpu_count()} cores")
    print(f"{'command':28} {'median s':>9} {'min s':>7} {'cpu s':>7} {'MiB':>6}")
    for name, rows in results.items():
        wall = [row[0] for row in rows]
        cpu, peak = statistics.median(row[1] for row in rows), max(row[2] for row in rows)
        print(f"{name:28} {statistics.median(wall):9.2f} {min(wall):7.2f} {cpu:7.2f} {peak:6.0f}")
    pairs = zip(*results.values(), strict=True)
    ratio = statistics.median(ours[0] / theirs[0] for theirs, ours in pairs)
    print(f"envcheck scan takes {ratio:.2f} of ruff's time")


if __name__ == "__main__":
    main()
