"""Run each signature against lines that are made to be hard for it."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.explain import match, signatures
from envcheck.explain.model import Signature
from envcheck.explain.reader import WINDOW

FILLERS = ("a", " ", "1", ".", "/", "a.", "0x", "1.1", "_", "'", "(", "\\", "a/", "=", ">", ", ")


def lines(signature: Signature) -> Iterator[str]:
    for says in signature.says:
        for filler in FILLERS:
            yield (says + filler * WINDOW)[:WINDOW]
            yield (says + filler) * (WINDOW // (len(says) + len(filler)))
            yield (filler * WINDOW)[: WINDOW - len(says)] + says


def main() -> None:
    for signature in signatures.discover():
        for line in lines(signature):
            for pattern in signature.patterns:
                match.compiled(pattern).search(line)
    print(f"{len(signatures.discover())} signatures")


if __name__ == "__main__":
    main()
