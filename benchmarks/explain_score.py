"""How many logs `envcheck explain` explains rightly.

    python benchmarks/explain_score.py [FOLDER]

FOLDER holds cases as JSON (default: the project's own, tests/explain/cases). An answer is right
where its verdict fits the case's class and the text of its first cause (title, summary, fixes)
has every word of `must_name` and none of `must_not`, upper and lower case alike.
"""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from envcheck import rules  # noqa: E402
from envcheck.explain import document, knowledge, reader, reason  # noqa: E402
from envcheck.matrix import load_matrix  # noqa: E402

OWN = ROOT / "tests" / "explain" / "cases"
FITS = {
    # Nothing to mend, or an error of the program behind frightening lines.
    "distractor": ("harmless", "not-environment"),
    # Code for another release, or a card that is full: either word is right.
    "import-path": ("environment", "not-environment"),
    "runtime": ("environment", "not-environment"),
}


def first_cause(answer: dict[str, Any]) -> str:
    """Title, summary and fixes of the first cause."""
    if not answer["causes"]:
        return ""
    cause = answer["causes"][0]
    words = [cause["title"], cause["summary"]]
    for fix in cause["fixes"]:
        words += [fix["note"] or "", *(" ".join(step) for step in fix["steps"])]
    return "\n".join(words).lower()


def faults(case: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    fitting = FITS.get(case["class"], ("environment",))
    if answer["verdict"] not in fitting:
        yield f"verdict {answer['verdict']} for the class {case['class']}"
    text = first_cause(answer)
    for word in case["must_name"]:
        if word.lower() not in text:
            yield f"does not name {word!r}"
    for word in case["must_not"]:
        if word.lower() in text:
            yield f"says {word!r}"


class Explainer:
    def __init__(self) -> None:
        self._knowledge = knowledge.load(rules.discover(), load_matrix())
        self._gates = knowledge.gates(self._knowledge)

    def __call__(self, log: str) -> dict[str, Any]:
        stream = io.BytesIO(log.encode("utf-8", "surrogatepass"))
        return document.document(reason.explain(reader.read(stream, self._gates), self._knowledge))


def main(folder: Path) -> int:
    explain = Explainer()
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for path in sorted(folder.glob("*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        answer = explain(case["log"])
        wrong = list(faults(case, answer))
        asked[case["class"]] += 1
        right[case["class"]] += not wrong
        if wrong:
            codes = ", ".join(cause["code"] for cause in answer["causes"]) or "no cause"
            print(f"{path.stem} ({codes}): {'; '.join(wrong)}")
    for name in sorted(asked):
        print(f"{name:22} {right[name]:4} of {asked[name]}")
    total = sum(asked.values())
    print(f"{'all':22} {sum(right.values()):4} of {total}")
    return 0 if total and sum(right.values()) >= 0.95 * total else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else OWN))
