"""What `pip check` says beside what envcheck says, on every environment of the catalogue.

    .venv-dev/bin/python benchmarks/pip_check.py > table.md

Printed is one Markdown row per environment of tests/environments/catalogue.py: made anew where
its setting changes it, looked at by both in the same shell.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.environments.catalogue import BROKEN, HEALTHY, Environment
from tests.environments.test_environments import check, stage


def pip_check(python: Path, work: Path, env: dict[str, str]) -> str:
    """What pip prints, or the error that it ends with."""
    command = [str(python), "-m", "pip", "check"]
    completed = subprocess.run(
        command, cwd=work, env=env, capture_output=True, text=True, check=False
    )
    lines = completed.stdout.strip().splitlines() or completed.stderr.strip().splitlines()[-1:]
    if completed.returncode == 0:
        return "-"
    return "; ".join(lines)


def envcheck(report: str) -> str:
    findings = json.loads(report)["findings"]
    titles = [
        f"{row['code']} {row['severity']}: {row['title']}"
        for row in findings
        if row["caused_by"] is None
    ]
    return "; ".join(titles) or "-"


def row(item: Environment) -> tuple[str, str, str]:
    with tempfile.TemporaryDirectory() as folder:
        scene, env = stage(item, Path(folder), fresh=False)
        ours = envcheck(check(item, scene, env, "--no-smoke", "--format", "json"))
        theirs = pip_check(scene.python, scene.work, env)
        return item.name, theirs.replace(folder, "~"), ours.replace(folder, "~")


def main() -> None:
    said: Counter[str] = Counter()
    print("| environment | pip check | envcheck |\n|---|---|---|")
    for kind, items in (("healthy", HEALTHY), ("broken", BROKEN)):
        for item in items:
            name, theirs, ours = row(item)
            print(f"| {name} | {theirs[:300]} | {ours[:300]} |".replace("\n", " "), flush=True)
            said[f"{kind}, pip check spoke"] += theirs != "-"
            said[f"{kind}, envcheck spoke"] += ours != "-"
            said[f"{kind}, in all"] += 1
    print("\n".join(f"{count:3} {what}" for what, count in sorted(said.items())), file=sys.stderr)


if __name__ == "__main__":
    main()
