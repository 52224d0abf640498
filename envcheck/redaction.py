"""What names a person, a host or a network, and what is secret, replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from envcheck.model import Facts, Report

T = TypeVar("T")

SECRETS = (
    (re.compile(r"(?<=://)[^\s/@'\"]+@"), "***@"),
    (
        re.compile(r"\b(?:gh[opsur]|github_pat|glpat|hf|xox[abp]|pypi|sk|nvapi)[_-][\w-]{16,}"),
        "***",
    ),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), "***"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), "***"),
    (
        re.compile(r"(?i)(\b[\w.-]*(?:token|secret|passw(?:or)?d|api_?key)\w*[=:] *)[^\s,;'\"]+"),
        r"\1***",
    ),
)
"""Credentials in addresses, the tokens of well-known services, and what is called so."""

MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
HARDWARE = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}(?![\w:])")
IPV6 = re.compile(r"(?<![\w:.])(?=[\w:]*\d)(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:.])")
IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)")
VERSION_BEFORE = re.compile(
    r"(?i)(?:[=<>~!]=|[<>-]|"
    r"\b(?:cu\w+|nvidia[\w-]*|driver|keras|tensorflow|version|release)[ =]v?)$"
)
"""What stands in front of four numbers that are a version, as those of cuDNN and cuBLAS are."""
HOME = "/home/user"
OF_NOBODY = ("127.", "0.0.0.0", "255.")


class Redaction:
    """Replaces the home folder, the user's and the host's name, and secrets, in JSON text."""

    def __init__(self, home: str, host: str) -> None:
        user = re.split(r"[\\/]", home.rstrip("\\/"))[-1]
        # In a document that is itself quoted in JSON, backslashes are doubled once or twice.
        spellings = {home.replace("\\", "\\" * times) for times in (1, 2, 4)}
        longest = sorted(map(re.escape, spellings), key=len, reverse=True)
        self._home = re.compile(rf"({'|'.join(longest)})(?![\w.-])") if len(home) > 1 else None
        self._user = re.compile(rf"(/home/|/Users/|\\\\Users\\\\){re.escape(user)}\b")
        self._host = re.compile(rf"\b{re.escape(host)}\b") if len(host) > 2 else None

    def text(self, text: str) -> str:
        if self._home:
            text = self._home.sub(HOME, text)
        text = self._user.sub(r"\1user", text)
        for pattern, instead in SECRETS:
            text = pattern.sub(instead, text)
        return self._host.sub("host", text) if self._host else text


class Public(Redaction):
    """For what is shown to strangers: whoever the folders belong to, and addresses, too.
    ``versions`` are four numbers with dots that are no address."""

    def __init__(self, home: str, host: str, versions: frozenset[str]) -> None:
        super().__init__(home, host)
        self._versions = versions

    def text(self, text: str) -> str:
        text = super().text(text)
        text = re.sub(r"((?:/home|/Users|[A-Za-z]:[\\/]Users)[\\/])[^\\/\s'\":]+", r"\1user", text)
        text = MAIL.sub("mail address", text)
        text = HARDWARE.sub("hardware address", text)
        text = IPV6.sub(_ipv6, text)
        return IPV4.sub(self._ipv4, text)

    def _ipv4(self, found: re.Match[str]) -> str:
        text = found[0]
        harmless = (
            text in self._versions
            or text.startswith(OF_NOBODY)
            or VERSION_BEFORE.search(found.string[max(0, found.start() - 40) : found.start()])
            or any(int(number) > 255 for number in text.split("."))
        )
        return text if harmless else "address"


def _ipv6(found: re.Match[str]) -> str:
    import ipaddress

    try:
        address = ipaddress.IPv6Address(found[0])
    except ValueError:
        return found[0]
    return found[0] if address.is_loopback else "address"


def redacted(report: Report, home: str, host: str) -> Report:
    """The report as it may be shown to anybody."""
    versions = frozenset(text for text in _texts(report.facts) if IPV4.fullmatch(text))
    return _replaced(report, Public(home, host, versions))


def _texts(facts: Facts) -> Iterator[str]:
    """Every text that is a value of its own."""
    pending: list[Any] = [fact.value for fact in facts.values()]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            pending += value.values()
        elif isinstance(value, (list, tuple)):
            pending += value


def _replaced(value: T, redaction: Redaction) -> T:
    """The same value with every text in it redacted; the names of facts and fields stay."""
    return _walk(value, redaction)  # type: ignore[no-any-return]


def _walk(value: Any, redaction: Redaction) -> Any:
    if isinstance(value, str):
        return redaction.text(value)
    if isinstance(value, Facts):
        return Facts({name: _walk(fact, redaction) for name, fact in value.items()})
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if field.name not in KEPT]
        return replace(value, **{name: _walk(getattr(value, name), redaction) for name in names})
    if isinstance(value, Mapping):
        return {name: _walk(item, redaction) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_walk(item, redaction) for item in value)
    return value


KEPT = ("envcheck_version", "matrix_version", "code", "slug", "state", "title", "rows")
"""Fields of our own words."""
