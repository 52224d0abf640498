"""One import statement written anew: its comments stay with the names that they stand beside."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_GAP = r"(?:\s|\\\r?\n)+"
_HEAD = re.compile(rf"from({_GAP})[\w.]+({_GAP}import)\b")
_NO_TEXT = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@dataclass(slots=True)
class _Item:
    """What is taken, with the comments above it and the one behind it."""

    above: list[str]
    behind: str = ""


def with_module(text: str, module: str) -> str | None:
    """`from a import ...` from another module, with everything else as it was."""
    head = _HEAD.match(text)
    if head is None:
        return None
    return f"from{head[1]}{module}{head[2]}{text[head.end() :]}"


def with_targets(text: str, targets: Sequence[tuple[str, str]], before: str) -> str | None:
    """Each name from where it is now: ``targets`` are (new path, local name) in the statement's
    order. ``before`` is what stands before the statement in its line. None where a comment has
    no place."""
    items, last = _items(text)
    groups: dict[str, dict[str, _Item]] = {}
    for (new, local), item in zip(targets, items, strict=True):
        home, _, name = new.rpartition(".")
        taken = name if name == local else f"{name} as {local}"
        groups.setdefault(home, {}).setdefault(taken, item)
    if "" in groups and (last or any(item.above or item.behind for item in items)):
        return None  # `import x` takes no parentheses
    joint = "\n" + before if not before.strip() else "; "
    indent = before if not before.strip() else ""
    written = [_statement(home, group, indent) for home, group in groups.items()]
    if last:
        written[-1] = _statement(*list(groups.items())[-1], indent, last)
    return joint.join(written)


def _statement(home: str, group: Mapping[str, _Item], indent: str, last: Sequence[str] = ()) -> str:
    start = f"from {home} import " if home else "import "
    if not last and not any(item.above or item.behind for item in group.values()):
        return start + ", ".join(group)
    step = indent + ("\t" if indent.startswith("\t") else "    ")
    lines = [start + "("]
    for taken, item in group.items():
        lines += [step + comment for comment in item.above]
        lines.append(f"{step}{taken}," + (f"  {item.behind}" if item.behind else ""))
    lines += [step + comment for comment in last]
    return "\n".join([*lines, indent + ")"])


def _items(text: str) -> tuple[list[_Item], list[str]]:
    """The comments of each name in order, and those below the last. A comment behind a name in
    its line is the name's, one in a line of its own the next name's."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text.replace("\r\n", "\n")).readline))
    start = next(i for i, token in enumerate(tokens) if token.string == "import") + 1
    items: list[_Item] = []
    waiting: list[str] = []
    line = 0  # of the last token that was no comment
    begins = True
    for token in tokens[start:]:
        if token.type == tokenize.COMMENT:
            if items and line == token.start[0] and not items[-1].behind:
                items[-1].behind = token.string
            else:
                waiting.append(token.string)
        elif token.type not in _NO_TEXT:
            line = token.start[0]
            if token.string == ",":
                begins = True
            elif begins and token.string not in "()":
                items.append(_Item(waiting))
                waiting, begins = [], False
    return items, waiting
