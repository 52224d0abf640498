"""What the GPU side of a check costs: a fake machine of eight GPUs, and drivers that hang.

    .venv-dev/bin/python benchmarks/gpu.py [RUNS]

`envcheck check --no-smoke` as a whole process, with no driver, with the fake driver of eight H100
(the compiled libnvidia-ml and libcuda of the tests, loaded by the real nvidia-ml-py), and with two
that never answer, which must cost their deadline once. The commands take turns; the ratios are the
medians of the turns', against `python -c pass`.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.fakes.nvidia import compile_libraries  # noqa: E402

DEADLINE = 2.0
HANGING = ("init_hangs", "init_hangs_ignoring_sigterm", "cuda_init_hangs")


def measure(argv: list[str], env: dict[str, str]) -> float:
    # With bytecode caches, as users have them.
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run(
        argv, env={**kept, **env}, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - began


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        sys.exit("no C compiler (cc, gcc) on PATH")
    program = str(Path(sys.executable).with_name("envcheck"))
    check = [program, "check", "--no-smoke", "--python", sys.executable]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "libraries").mkdir()
        libraries = compile_libraries(compiler, folder / "libraries")
        table: dict[str, tuple[list[str], dict[str, str]]] = {
            "python -c pass": ([sys.executable, "-c", "pass"], {}),
            "check, no driver": (check, {}),
        }
        for name in ("h100x8", *HANGING):
            (folder / name).mkdir()
            timeout = ["--timeout", str(DEADLINE)] if name in HANGING else []
            env = libraries.machine(name, folder / name).env
            table[f"check, {name}"] = ([*check, *timeout], env)
        seconds: dict[str, list[float]] = {name: [] for name in table}
        for turn in range(runs + 1):
            for name, (argv, env) in table.items():
                took = measure(argv, env)
                if turn:  # the first warms the disk's cache
                    seconds[name].append(took)
    print(f"{runs} runs, Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    print(f"{'command':36} {'median ms':>10} {'min ms':>8} {'x pass':>8}")
    for name, values in seconds.items():
        pairs = zip(values, seconds["python -c pass"], strict=True)
        ratio = statistics.median(value / one for value, one in pairs)
        median = statistics.median(values) * 1000
        print(f"{name:36} {median:10.0f} {min(values) * 1000:8.0f} {ratio:8.1f}")
    for name in HANGING:
        pairs = zip(seconds[f"check, {name}"], seconds["check, no driver"], strict=True)
        more = statistics.median(one - other for one, other in pairs)
        print(f"{name} costs {more / DEADLINE:.2f} of its deadline beside a check without it")


if __name__ == "__main__":
    main()
