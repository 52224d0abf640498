"""`envcheck explain` beside `grep -E` with the same alternatives, on a large training log.

    python benchmarks/explain.py [MEGABYTES] [FILE]

One run each, on the same file: seconds of processor time, megabytes per second, and the largest
memory. grep gets what errors and harmless lines are known by; what only tells of the run (`loss:`)
stands in every line. The file is made of progress lines, TensorFlow's log lines and a few errors.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from envcheck.explain import reader, signatures  # noqa: E402

CREATED = (
    "2024-06-04 13:19:49.973985: I tensorflow/core/common_runtime/gpu/gpu_device.cc:1928] Created "
    "device /job:localhost/replica:0/task:0/device:GPU:0 with 22000 MB memory\n"
)
LAST = (
    "tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor\n"
)


def write(path: Path, megabytes: int) -> None:
    chance = random.Random(1)
    lines = [CREATED]
    for number in range(20_000):
        numbers = (number, chance.randrange(9999), chance.randrange(9999))
        lines.append("{}/1563 [==>..] - ETA: 2:13 - loss: 0.{} - accuracy: 0.{}\n".format(*numbers))
        lines.append(f"INFO:root:step {number} took {chance.random():.3f} s, {chance.random()}\n")
        lines.append(f"DEBUG reading part-{number:05d} of {chance.choice('abcdef')}.tfrecord\n")
    block = "".join(lines).encode()
    with path.open("wb") as stream:
        for _ in range(megabytes * 1_000_000 // len(block)):
            stream.write(block)
        stream.write(LAST.encode())


def measured(command: list[str]) -> tuple[float, int]:
    """Seconds of processor time and megabytes of memory of one child."""
    pid = os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[
            (
                os.POSIX_SPAWN_OPEN,
                1,
                os.path.join(tempfile.gettempdir(), "envcheck-bench.out"),
                os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                0o600,
            )
        ],
    )
    _, status, usage = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        raise SystemExit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def main(megabytes: int, file: str | None) -> int:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(file) if file else Path(folder) / "train.log"
        if not file:
            write(log, megabytes)
        patterns = Path(folder) / "patterns"
        telling = [one for one in signatures.discover() if one.kind != "context"]
        texts = reader.minimal(text for one in telling for text in one.says)
        special = str.maketrans({char: "\\" + char for char in "\\.[]{}()*+?^$|"})
        patterns.write_text("\n".join(text.translate(special) for text in texts), encoding="utf-8")
        size = log.stat().st_size / 1e6
        grep = subprocess.run(["which", "grep"], capture_output=True, text=True).stdout.strip()
        rows = {
            "grep -cE": measured([grep, "-cE", "-f", str(patterns), str(log)]),
            "envcheck explain": measured(
                [sys.executable, "-m", "envcheck", "explain", "--elsewhere", str(log)]
            ),
        }
        for name, (seconds, memory) in rows.items():
            print(f"{name:18} {seconds:7.2f} s  {size / seconds:7.0f} MB/s  {memory:5} MB")
        ratio = rows["grep -cE"][0] / rows["envcheck explain"][0]
        print(f"envcheck explain runs at {ratio:.2f} of grep's speed on {size:.0f} MB")
    return 0


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(
        main(int(arguments[0]) if arguments else 1000, arguments[1] if arguments[1:] else None)
    )
