"""One code, and all of them: what a finding means, without a machine or a log that has it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from envcheck.explain.model import Cause, Signature
from envcheck.explain.page import WIDTH, wrap
from envcheck.render.i18n import Translator
from envcheck.render.view import clean
from envcheck.rules import Rule

FOLLOWING, CAUSING = "May merely follow from it:", "May merely follow from:"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a log can mean by it, and what one might think and is not so."""

    title: str
    summary: str
    excluded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodePage:
    """All that is known of a code. Texts are templates as they are read: `<keras>` stands for
    what will be found. Of a rule: ``severity`` to ``facts``; empty where only a log shows it,
    and ``why`` where each finding tells its own."""

    code: str
    slug: str
    title: str
    severity: str = ""
    layer: str = ""
    about: str = ""
    why: str = ""
    facts: tuple[str, ...] = ()
    meanings: tuple[Meaning, ...] = ()
    lines: tuple[str, ...] = ()
    """Parts of the lines in a log that point to it."""
    consequences: tuple[str, ...] = ()
    """Codes of findings that may merely follow from it."""
    causes: tuple[str, ...] = ()
    """Codes of findings that it may merely follow from."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where pages are made from."""

    rules: tuple[Rule, ...]
    causes: tuple[Cause, ...]
    signatures: tuple[Signature, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        rules = {rule.code for rule in self.rules}
        return tuple(sorted(rules | {cause.code for cause in self.causes}))

    def page(self, code: str, translate: Translator) -> CodePage | None:
        """None: no such code."""
        rule = next((rule for rule in self.rules if rule.code == code), None)
        own = [cause for cause in self.causes if cause.code == code]
        if rule is None and not own:
            return None
        meanings = tuple(
            Meaning(
                template(translate(cause.title)),
                template(translate(cause.summary)),
                tuple(translate(text) for text in cause.excluded),
            )
            for cause in own
        )
        lines = self._lines({cause.key for cause in own})
        if rule is None:
            return CodePage(code, own[0].slug, meanings[0].title, meanings=meanings, lines=lines)
        return CodePage(
            code=code,
            slug=rule.slug,
            title=template(translate(rule.title)),
            severity=rule.severity,
            layer=rule.layer,
            about=rule.about,
            why="" if rule.why == "{reason}" else template(translate(rule.why)),
            facts=tuple(key.name for key in rule.needs),
            meanings=meanings,
            lines=lines,
            consequences=_others(code, [r.code for r in self.rules if _explains(rule, r.code)]),
            causes=_others(code, [r.code for r in self.rules if _explains(r, code)]),
        )

    def _lines(self, keys: set[str]) -> tuple[str, ...]:
        said = (
            text
            for signature in self.signatures
            if any(means.cause in keys for means in signature.means)
            for text in signature.says
        )
        return tuple(dict.fromkeys(clean(text) for text in said))


def _explains(rule: Rule, code: str) -> bool:
    return code.startswith(rule.explains)


def _others(code: str, codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(other for other in codes if other != code)


def text_of(page: CodePage, translate: Translator) -> str:
    """The page for a terminal."""
    lines = [f"{page.code} {page.slug}"]
    if page.severity:
        seen = translate("{severity}, layer {layer}; it looks at {facts}").format(
            severity=translate(page.severity), layer=page.layer, facts=", ".join(page.facts)
        )
        lines += [wrap(page.title, "  ", WIDTH), ""]
        lines += [wrap(text, "  ", WIDTH) for text in (page.about, page.why, seen) if text]
    for meaning in page.meanings:
        lines += ["", wrap(meaning.title, "", WIDTH), wrap(meaning.summary, "  ", WIDTH)]
        lines += [wrap(f"{translate('Not:')} {text}", "  ", WIDTH) for text in meaning.excluded]
    if page.lines:
        lines += ["", translate("Lines in a log that point to it:")]
        lines += [f"  {text}" for text in page.lines]
    related = [
        wrap(f"{translate(label)} {', '.join(codes)}", "", WIDTH)
        for label, codes in ((FOLLOWING, page.consequences), (CAUSING, page.causes))
        if codes
    ]
    lines += ["", *related] if related else []
    return "\n".join(lines) + "\n"


def listing(shelf: Shelf, translate: Translator) -> str:
    """Every code with its title; ``log`` marks those that only a log can show."""
    lines = []
    for page in (shelf.page(code, translate) for code in shelf.codes):
        assert page
        mark = "" if page.severity else "log"
        text = wrap(f"{page.code} {mark:3} {page.title}", "", WIDTH)
        lines.append(text.replace("\n  ", "\n           "))
    return "\n".join(lines) + "\n"


def template(text: str) -> str:
    """A template as it is read: `{keras}` stands for what was found. What adjoins a sentence
    without a space is a sentence that only some logs have."""
    text = re.sub(r"\{\w+\}(?=[A-Z])|(?<=[.)])\{\w+\}$", "", text)
    return re.sub(r"\{(\w+)(?:![rs])?\}", lambda match: f"<{match[1]}>", text)
