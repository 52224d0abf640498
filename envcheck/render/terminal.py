"""View -> text for a terminal or a log."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from envcheck.model import StackLayer
from envcheck.render.i18n import Translator
from envcheck.render.view import Commands, FindingView, FixView, View

UNICODE_MARKS = {
    "ok": "✓",
    "error": "✗",
    "warning": "!",
    "info": "i",
    "unknown": "?",
    "skipped": "-",
    "not-applicable": "-",
    "continue": "↳",
}
ASCII_MARKS = {**UNICODE_MARKS, "ok": "+", "error": "x", "continue": ">"}
COLOURS = {"error": 31, "warning": 33, "ok": 32, "unknown": 35, "info": 36}
STATUS_MARKS = {"pass": "ok", "warn": "warning", "fail": "error", "inconclusive": "unknown"}
STATUS_WORDS = {
    "pass": "PASS",
    "warn": "WARN",
    "fail": "FAIL",
    "inconclusive": "INCONCLUSIVE",
}
NAMES = {
    "gpu": "GPU",
    "cuda": "CUDA",
    "cudnn": "cuDNN",
    "python": "Python",
    "tensorflow": "TensorFlow",
    "keras": "Keras",
    "smoke": "coffee",
}
"""Layers whose name is not written as in the report's JSON."""
NAME_WIDTH = 11


class Style(NamedTuple):
    """``width`` in columns; ``verbosity`` -1 (one line), 0, or 1 (all evidence)."""

    width: int = 80
    colour: bool = False
    ascii: bool = False
    verbosity: int = 0

    @property
    def marks(self) -> Mapping[str, str]:
        return ASCII_MARKS if self.ascii else UNICODE_MARKS

    def paint(self, text: str, kind: str) -> str:
        code = COLOURS.get(kind)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code and text else text

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.colour and text else text


def render(view: View, style: Style, translate: Translator, commands: Commands) -> str:
    page = _Page(view, style, translate, commands)
    lines = [page.verdict()] if style.verbosity < 0 else page.lines()
    text = "\n".join(lines) + "\n"
    return text.encode("ascii", "backslashreplace").decode() if style.ascii else text


def findings(view: View, style: Style, translate: Translator, commands: Commands) -> str:
    """The findings alone."""
    page = _Page(view, style, translate, commands)
    return "\n".join(line for finding in view.findings for line in page.finding(finding)) + "\n"


class _Page:
    def __init__(self, view: View, style: Style, translate: Translator, commands: Commands) -> None:
        self.view, self.style, self.translate, self.commands = view, style, translate, commands
        self.printed: set[FixView] = set()
        """The fixes of findings above: what several have in common is printed once."""

    def lines(self) -> Iterator[str]:
        yield self.verdict()
        yield from self.first(self.translate("First:"), indent="  ")
        yield ""
        if self.view.target:
            yield from self.wrap(self.view.target, "  ")
            yield ""
        for layer in self.view.layers:
            yield from self.layer(layer)
        for finding in self.view.findings:
            yield ""
            yield from self.finding(finding)
        yield from self.unknown()
        yield from self.ignored()
        if self.view.findings or self.view.unknown or self.view.ignored:
            yield ""
            yield self.view.counts
        yield from self.first(self.translate("Do this first:"))

    def verdict(self) -> str:
        kind = STATUS_MARKS[self.view.status]
        word = self.translate(STATUS_WORDS[self.view.status])
        mark = self.style.paint(f"{self.style.marks[kind]} {word}", kind)
        return f"{mark}: {self.style.bold(self.view.headline)}"

    def first(self, label: str, indent: str = "") -> Iterator[str]:
        fix = self.view.first
        if fix is None:
            return
        if fix.note or fix.caution:
            caution = f" ({fix.caution})" if fix.caution else ""
            yield from self.wrap(f"{label}{caution} {fix.note}".rstrip(), indent, indent + "  ")
            label = ""
        yield from self.commands_of(fix, label, indent)

    def commands_of(self, fix: FixView, label: str, indent: str) -> Iterator[str]:
        """One command beside its label; several below it, so that they paste as a block."""
        if label and len(fix.commands) == 1:
            yield from self.command(fix.commands[0], f"{indent}{label} ")
            return
        if label and fix.commands:
            yield f"{indent}{label}"
        for argv in fix.commands:
            yield from self.command(argv, f"{indent}  ")

    def layer(self, layer: StackLayer) -> Iterator[str]:
        mark = self.style.paint(self.style.marks[layer.status], layer.status)
        name = self.translate(NAMES.get(layer.layer, layer.layer))
        name += " " * (NAME_WIDTH - width_of(name))
        text = layer.version or layer.note or ""
        if layer.status == "unknown" and layer.note and layer.version:
            text = f"{layer.version}; {layer.note}"
        room = self.style.width - NAME_WIDTH - 5
        if layer.where and len(text) + 2 + len(layer.where) <= room:
            text = f"{text}  {layer.where}" if text else layer.where
            where = ""
        else:
            where = layer.where
        indent = " " * (NAME_WIDTH + 5)
        wrapped = list(self.wrap(text, indent)) or [""]
        yield f"  {mark} {name} {wrapped[0].lstrip()}".rstrip()
        yield from wrapped[1:]
        if where:
            yield from self.wrap(where, indent)

    def finding(self, finding: FindingView) -> Iterator[str]:
        mark = self.style.marks[finding.severity]
        head = f"{mark} {finding.code} "
        title = list(self.wrap(finding.title, " " * len(head)))
        yield self.style.paint(head, finding.severity) + self.style.bold(title[0].lstrip())
        yield from (self.style.bold(line) for line in title[1:])
        yield from self.wrap(finding.why, "  ")
        yield from self.evidence(finding)
        for number, fix in enumerate(finding.fixes):
            yield from self.fix(fix, "or" if number else "fix")
        for child in finding.children:
            yield from self.child(child)

    def child(self, child: FindingView) -> Iterator[str]:
        mark = self.style.marks["continue"]
        text = self.translate("{mark} follows from it: {code} {title}").format(
            mark=mark, code=child.code, title=child.title
        )
        yield from self.wrap(text, "  ", "    ")
        if self.style.verbosity > 0:
            yield from self.wrap(child.why, "    ")
            yield from self.evidence(child, "    ")

    def evidence(self, finding: FindingView, indent: str = "  ") -> Iterator[str]:
        label = self.translate("seen") + ":"
        for what, where in finding.evidence:
            if self.style.verbosity <= 0 and len(what) > 300:
                what = f"{what[:80]} ... {what[-200:]}"
            place = f" ({self.commands.shorten(where)})" if where else ""
            yield from self.wrap(f"{what}{place}", f"{indent}{label} ", indent + "  ")
            label = " " * len(label)
        if self.style.verbosity > 0:
            if finding.rows:
                rows = ", ".join(finding.rows)
                yield from self.wrap(f"{self.translate('source')}: {rows}", indent, indent + "  ")
            yield from self.wrap(
                f"{self.translate('confidence')}: {self.translate(finding.confidence)}", indent
            )

    def fix(self, fix: FixView, word: str) -> Iterator[str]:
        label = self.translate(word)
        if fix in self.printed:
            yield f"  {label}: {self.translate('as above')}"
            return
        self.printed.add(fix)
        caution = f" ({fix.caution})" if fix.caution else ""
        if fix.note or caution:
            yield from self.wrap(f"{label}{caution}: {fix.note}".rstrip(), "  ", "    ")
        yield from self.commands_of(fix, "" if fix.note or caution else f"{label}:", "  ")

    def command(self, argv: tuple[str, ...], lead: str) -> Iterator[str]:
        """A command that can be pasted as it stands, continued as the shell continues lines."""
        words = self.commands.words(argv)
        line, rest = lead + words[0], words[1:]
        join = " `" if self.commands.windows else " \\"
        for word in rest:
            if len(line) + 1 + len(word) > self.style.width - 2 and line.strip():
                yield line + join
                line = " " * (len(lead) - len(lead.lstrip()) + 4) + word
            else:
                line = f"{line} {word}"
        yield line

    def unknown(self) -> Iterator[str]:
        if not self.view.unknown:
            return
        yield ""
        yield self.translate("Could not be judged:")
        each = self.style.verbosity > 0
        for text in self.view.unknown if each else self.view.unknown_groups:
            yield from self.wrap(f"{self.style.marks['unknown']} {text}", "  ", "    ")

    def ignored(self) -> Iterator[str]:
        if self.view.ignored:
            yield ""
            yield self.translate("Ignored by the policy:")
        for item in self.view.ignored:
            yield from self.wrap(f"{self.style.marks['skipped']} {item.line}", "  ", "    ")

    def wrap(self, text: str, indent: str, rest: str | None = None) -> Iterator[str]:
        rest = indent if rest is None else rest
        if not text.isascii():
            yield from wrap_wide(text, self.style.width, indent, rest)
            return
        yield from textwrap.wrap(
            text,
            self.style.width,
            initial_indent=indent,
            subsequent_indent=rest,
            break_on_hyphens=False,
            break_long_words=False,
        )


def width_of(text: str) -> int:
    """Columns on a terminal, where East Asian characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def wrap_wide(text: str, width: int, indent: str, rest: str) -> Iterator[str]:
    """As textwrap does, but by columns, and with breaks between East Asian characters."""
    line, empty = indent, True
    for piece in re.findall(r"[\u2e80-\uffef]|\s|[^\s\u2e80-\uffef]+", text):
        if not empty and width_of(line) + width_of(piece) > width:
            yield line.rstrip()
            line, empty = rest, True
        if not (empty and piece.isspace()):
            line, empty = line + piece, False
    if not empty:
        yield line.rstrip()
