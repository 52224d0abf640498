"""envcheck.toml and [tool.envcheck] -> Policy. What is wrong is said with its line.

``schemas/policy.schema.json`` says the same for editors; a test holds the two together.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple, NoReturn

from envcheck.facts import Demand, Ignore
from envcheck.model import EnvcheckError, Severity
from envcheck.policy import LAYER_OF, OF_GPU, SHARED
from envcheck.policy.lines import Path, lines_of

TABLE: Path = ("tool", "envcheck")
DAY = 86400
LARGEST = 1 << 24
"""Bytes. A device file has no end."""
DIGITS = "[0-9]{1,20}"
"""Python itself reads a number of at most 4,300."""
NUMBER = rf"{DIGITS}(\.{DIGITS})*"
PRE = rf"((a|b|rc){DIGITS})?(\.post{DIGITS})?(\.dev{DIGITS})?"
CLAUSE = (
    rf"((==|!=) *({NUMBER}\.\*|{NUMBER}{PRE})|~= *{DIGITS}(\.{DIGITS})+{PRE}"
    rf"|(<=|>=|<|>) *{NUMBER}{PRE})"
)
RANGE = rf"^ *{CLAUSE}( *, *{CLAUSE})* *$"
"""Ranges of PEP 440, but for ``===``, epochs and local versions, which nothing here has."""
SHORT = (
    rf"((==|!=) *{DIGITS}\.\*|(==|!=|<=|>=|<|>) *{DIGITS}(\.{DIGITS})?"
    rf"|~= *{DIGITS}\.{DIGITS})"
)
SHORT_RANGE = rf"^ *{SHORT}( *, *{SHORT})* *$"
"""Of versions that are known by their major and minor number only."""
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
CODE = r"^[A-Z]{3}[0-9]{3}$"
OF_THE_POLICY = ("POL102", "POL103")
"""About ignores themselves: what they say ends by changing the entry, not by another one."""


class Policy(NamedTuple):
    """``file`` as it is shown; ``settings`` and ``severity`` are values with their lines."""

    file: str
    settings: Mapping[str, tuple[Any, int]]
    require: tuple[Demand, ...]
    severity: Mapping[str, tuple[Severity, int]]
    ignores: tuple[Ignore, ...]


class Kind(NamedTuple):
    """What a value may be: a test, and its words."""

    fits: Callable[[Any], bool]
    allowed: str


def _choice(*names: str) -> Kind:
    listed = ", ".join(f'"{name}"' for name in names)
    return Kind(lambda value: isinstance(value, str) and value in names, f"one of {listed}")


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.search(pattern, value) is not None


def _is_date(value: Any) -> bool:
    if not _matches(DATE)(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_names(value: Any) -> bool:
    rows = value if isinstance(value, list) else [value]
    return bool(rows) and all(map(_matches(r"\S"), rows))


SEVERITY = _choice("error", "warning", "info")
SECONDS = Kind(
    lambda value: _is_number(value) and 0.1 <= value <= DAY, f"seconds from 0.1 to {DAY}"
)
COUNT = Kind(
    lambda value: _is_number(value) and value == int(value) and value >= 1, "a whole number from 1"
)
TEXT = Kind(_matches(r"\S"), "a text that is not empty")
NAMES = Kind(_is_names, 'a text such as "H100" or "*RTX 30?0", or a list of them')
VERSIONS = Kind(
    _matches(RANGE), 'a range of versions such as ">=2.16,<2.20", "~=2.15.0" or "==3.11.*"'
)
SHORT_VERSIONS = Kind(
    _matches(SHORT_RANGE),
    'a range of versions with one or two numbers each, such as ">=11.8" or "==12.*"',
)
EXPIRES = Kind(_is_date, "a date such as 2027-01-31")
TABLES = Kind(lambda value: isinstance(value, dict), "a table")
LIST_OF_TABLES = Kind(
    lambda value: isinstance(value, list) and all(isinstance(row, dict) for row in value),
    "a list of tables, each under [[ignore]]",
)
TOP: Mapping[str, Kind] = {
    "expect": _choice("gpu", "cpu"),
    "fail-on": SEVERITY,
    "smoke": _choice("off", "quick", "full"),
    "timeout": SECONDS,
    "smoke-timeout": SECONDS,
    "require": TABLES,
    "severity": TABLES,
    "ignore": LIST_OF_TABLES,
}
REQUIRE: Mapping[str, Kind] = {
    **dict.fromkeys(LAYER_OF, VERSIONS),
    "gpus": COUNT,
    "gpu": NAMES,
    "compute-capability": SHORT_VERSIONS,
    "cuda": SHORT_VERSIONS,
}
IGNORE: Mapping[str, Kind] = {"code": TEXT, "subject": TEXT, "reason": TEXT, "expires": EXPIRES}
OPTIONAL = ("subject",)


def has_table(path: str, shown: str) -> bool:
    """Whether a pyproject.toml has our table. Raises EnvcheckError (2) where that cannot be
    said, because it is no TOML."""
    return _table(_parsed(path, shown)[1], TABLE) is not None


def load(path: str, shown: str) -> Policy:
    """Raises EnvcheckError (2) with file, line, and what is allowed."""
    text, document = _parsed(path, shown)
    base = TABLE if path.replace("\\", "/").rsplit("/", 1)[-1] == SHARED else ()
    table = _table(document, base)
    if table is None:
        raise EnvcheckError(f"{shown}: there is no [tool.envcheck] in it.", 2)
    lines = lines_of(text)
    if not isinstance(table, dict):
        raise EnvcheckError(f"{shown}:{lines[base]}: tool.envcheck must be a table.", 2)
    problems = sorted((lines.get(base + place, 1), said) for place, said in _problems(table))
    if problems:
        line, said = problems[0]
        raise EnvcheckError(f"{shown}:{line}: {said}", 2)

    def line_of(*place: str | int) -> int:
        return lines[base + place]

    return Policy(
        shown,
        {name: (table[name], line_of(name)) for name in TOP if _is_setting(table, name)},
        tuple(
            Demand(key, _wanted(table["require"][key]), shown, line_of("require", key))
            for key in LAYER_OF
            if key in table.get("require", {})
        ),
        {
            code: (value, line_of("severity", code))
            for code, value in table.get("severity", {}).items()
        },
        tuple(
            Ignore(**row, file=shown, line=line_of("ignore", number))
            for number, row in enumerate(table.get("ignore", ()))
        ),
    )


def _is_setting(table: Mapping[str, Any], name: str) -> bool:
    return name in table and TOP[name] not in (TABLES, LIST_OF_TABLES)


def _wanted(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(value)
    return (str(int(value)) if _is_number(value) else value.strip(),)


def _parsed(path: str, shown: str) -> tuple[str, dict[str, Any]]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        with open(path, "rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise EnvcheckError(f"{shown}: it cannot be read ({error.strerror}).", 2) from error
    if len(data) > LARGEST:
        raise EnvcheckError(f"{shown}: it is larger than a policy can be.", 2)
    try:
        text = data.decode("utf-8-sig")
        return text, _plain(tomllib.loads(text))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise EnvcheckError(f"{shown}:{line}: this is not UTF-8.", 2) from error
    except tomllib.TOMLDecodeError as error:
        _refuse_syntax(shown, text, str(error))
    except RecursionError as error:
        raise EnvcheckError(f"{shown}:1: this is nested too deeply.", 2) from error
    except ValueError as error:  # Python's own limit of digits, too, which has no place
        raise EnvcheckError(f"{shown}:1: a whole number in it is too large.", 2) from error


def _refuse_syntax(shown: str, text: str, said: str) -> NoReturn:
    place = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)", said)
    line = place[1] if place and place[1] else str(text.count("\n") + 1)
    said = said.replace(place[0], "") if place else said
    raise EnvcheckError(f"{shown}:{line}: this is not TOML: {said}.", 2)


def _plain(value: Any) -> Any:
    """Dates as the text that JSON would have for them."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, int) and value.bit_length() > 64:
        raise ValueError  # TOML's are of 64 bits
    return value.isoformat() if hasattr(value, "isoformat") else value


def _table(document: Any, place: Path) -> Any:
    for name in place:
        document = document.get(name) if isinstance(document, dict) else None
    return document


Problem = tuple[Path, str]


def _problems(table: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _of_table(table, TOP, ())
    require: Any = table.get("require")
    severity: Any = table.get("severity")
    ignores: Any = table.get("ignore")
    if TABLES.fits(require):
        yield from _of_table(require, REQUIRE, ("require",))
        yield from _of_ranges(require)
        for key in OF_GPU if table.get("expect") == "cpu" else ():
            if key in require:
                said = (
                    'expect = "cpu" says that there is no GPU to require it of; drop one of them.'
                )
                yield ("require", key), f"require.{key}: {said}"
    if TABLES.fits(severity):
        for code, value in severity.items():
            yield from _of_code(code, ("severity", code))
            if not SEVERITY.fits(value):
                yield ("severity", code), _wrong(code, value, SEVERITY)
    for number, row in enumerate(ignores if LIST_OF_TABLES.fits(ignores) else ()):
        yield from _of_ignore(row, ("ignore", number))


def _of_table(table: Mapping[str, Any], kinds: Mapping[str, Kind], base: Path) -> Iterator[Problem]:
    for name, value in table.items():
        if name not in kinds:
            yield (*base, name), _unknown(name, kinds)
        elif not kinds[name].fits(value):
            yield (*base, name), _wrong(name, value, kinds[name])


def _of_ranges(require: Mapping[str, Any]) -> Iterator[Problem]:
    from envcheck.matrix.specs import is_impossible

    for name, value in require.items():
        ranged = REQUIRE.get(name) in (VERSIONS, SHORT_VERSIONS) and REQUIRE[name].fits(value)
        if ranged and "," in value and is_impossible(value):
            yield ("require", name), f'{name} = "{value}": no version can be in this range.'


def _of_ignore(row: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    yield from _of_table(row, IGNORE, place)
    for name in IGNORE:
        if name not in row and name not in OPTIONAL:
            yield place, f"an ignore needs {name}, {IGNORE[name].allowed}."
    code = row.get("code")
    if TEXT.fits(code):
        yield from _of_code(code, (*place, "code"))
        if code in OF_THE_POLICY:
            yield (*place, "code"), f"{code} is about ignores: change or remove the entry instead."


def _of_code(code: Any, place: Path) -> Iterator[Problem]:
    from envcheck.policy.codes import known_codes

    codes = known_codes()
    if code in codes:
        return
    near = _near(str(code).upper(), codes)
    yield place, f"{code}: there is no such code{near} `envcheck explain --list` names all."


def _unknown(name: str, kinds: Mapping[str, Kind]) -> str:
    near = _near(name.lower().replace("_", "-"), kinds)
    return f"{name}: there is no such key{near} Allowed are {', '.join(kinds)}."


def _near(name: str, names: Any) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name[:100], names, 1)
    return f"; did you mean {found[0]}?" if found else "."


def _wrong(name: str, value: Any, kind: Kind) -> str:
    return f"{name} = {_shown(value)[:80]}: allowed is {kind.allowed}."


def _shown(value: Any) -> str:
    """As TOML has it; of a table the braces only."""
    if isinstance(value, dict):
        return "{...}"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
