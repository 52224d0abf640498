"""Reading a policy: what is taken, what is refused in which line, and the published schema."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli

from envcheck.commands.policy import STARTER
from envcheck.facts import Demand, Ignore
from envcheck.imports import codes
from envcheck.matrix.specs import admits, is_impossible
from envcheck.model import EnvcheckError
from envcheck.policy import find, load
from envcheck.policy.codes import known_codes
from envcheck.policy.lines import lines_of
from envcheck.rules import discover
from tests.conftest import ROOT
from tests.policy.documents import BROKEN, GOOD, IMPOSSIBLE, NO_TOML, UNKNOWN_CODES

SCHEMA = json.loads((ROOT / "envcheck/schemas/policy.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def read(folder: Path, text: str, name: str = "envcheck.toml") -> load.Policy:
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return load.load(str(path), name)


def schema_takes(text: str) -> bool:
    document = tomli.loads(textwrap.dedent(text))
    return VALIDATOR.is_valid(json.loads(json.dumps(document, default=lambda day: day.isoformat())))


@pytest.mark.parametrize("name", GOOD)
def test_loader_and_schema_take_the_same(name: str, tmp_path: Path) -> None:
    read(tmp_path, GOOD[name])
    assert schema_takes(GOOD[name])


@pytest.mark.parametrize("name", BROKEN)
def test_loader_and_schema_refuse_the_same(name: str, tmp_path: Path) -> None:
    text, line, says = BROKEN[name]
    with pytest.raises(EnvcheckError) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(f"envcheck.toml:{line}: ")
    assert says in str(caught.value)
    assert not schema_takes(text)


@pytest.mark.parametrize("name", UNKNOWN_CODES)
def test_whether_a_code_is_there_only_the_loader_knows(name: str, tmp_path: Path) -> None:
    text, line, says = UNKNOWN_CODES[name]
    with pytest.raises(EnvcheckError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"envcheck.toml:{line}: {says}")
    assert schema_takes(text)


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_range_that_no_version_is_in(name: str, tmp_path: Path) -> None:
    key, wanted = IMPOSSIBLE[name]
    text = f"[require]\n{key} = '{wanted}'"
    with pytest.raises(EnvcheckError) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code == 2
    said = f'{key} = "{wanted}": no version can be in this range.'
    assert str(caught.value) == f"envcheck.toml:2: {said}"
    assert schema_takes(text)


@pytest.mark.parametrize("name", NO_TOML)
def test_what_is_no_toml(name: str, tmp_path: Path) -> None:
    data, line, says = NO_TOML[name]
    path = tmp_path / "envcheck.toml"
    path.write_bytes(data)
    with pytest.raises(EnvcheckError) as caught:
        load.load(str(path), "envcheck.toml")
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(f"envcheck.toml:{line}: ")
    assert says in str(caught.value)


def test_the_schema_has_the_loaders_patterns_and_keys() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    defs = SCHEMA["$defs"]
    assert defs["versions"]["pattern"] == load.RANGE
    assert defs["short_versions"]["pattern"] == load.SHORT_RANGE
    assert set(SCHEMA["properties"]) == set(load.TOP)
    assert set(SCHEMA["properties"]["require"]["properties"]) == set(load.REQUIRE)
    assert set(defs["ignore"]["properties"]) == set(load.IGNORE)


@pytest.mark.parametrize("pattern", [load.RANGE, load.SHORT_RANGE])
def test_every_range_that_is_taken_can_be_compared(pattern: str) -> None:
    operators = ("==", "!=", "~=", "<=", ">=", "<", ">", "===", "=", "")
    versions = ("2", "2.16", "2.16.1", "2.*", "2.16.*", "2.16rc0", "2.16.*rc0", "v2", "2.16+a", "")
    taken = [
        operator + version
        for operator in operators
        for version in versions
        if re.search(pattern, operator + version)
    ]
    assert ">=2.16" in taken
    assert not {"~=2", "2.16", ">=2.*", "===2.16", "=2.16", ">=", "~=2.*"} & set(taken)
    for specifier in taken:
        admits(specifier, "2.16.1")  # raises for what packaging does not take
        admits(f" {specifier} , <9", "2.16.1")


def test_no_range_that_has_a_version_is_called_impossible() -> None:
    bounds = ("1", "1.0.dev0", "1.0rc1", "1.1", "2.0.dev1")
    clauses = [operator + bound for operator in (">=", ">", "<", "<=", "==") for bound in bounds]
    clauses += ["~=1.0", "~=1.1.1", "~=2.0rc1", "==1.*", "==1.1.*", "!=1.*"]
    versions = [
        release + end
        for release in ("0", "0.9", "1", "1.0.1", "1.1", "1.1.1", "1.2", "2", "2.1", "3")
        for end in ("", ".dev0", ".dev1", "a0", "rc1", ".post1")
    ]
    ranges = [f"{first},{second}" for first in clauses for second in clauses]
    refused = [text for text in ranges if is_impossible(text)]
    assert len(refused) > 100
    assert not [text for text in refused for version in versions if admits(text, version)]


def test_what_is_read(tmp_path: Path) -> None:
    policy = read(
        tmp_path,
        """\
        fail-on = "warning"
        severity.KER201 = "info"

        [require]
        gpu = ["A100", "H100"]
        gpus = 2

        [[ignore]]
        code = "GPU309"
        reason = "the scheduler sets it"
        expires = 2027-01-31
        subject = "GPU 0"
        """,
    )
    assert policy == load.Policy(
        file="envcheck.toml",
        settings={"fail-on": ("warning", 1)},
        require=(
            Demand("gpus", ("2",), "envcheck.toml", 6),
            Demand("gpu", ("A100", "H100"), "envcheck.toml", 5),
        ),
        severity={"KER201": ("info", 2)},
        ignores=(
            Ignore("GPU309", "the scheduler sets it", "2027-01-31", "envcheck.toml", 8, "GPU 0"),
        ),
    )


def test_a_table_of_pyproject(tmp_path: Path) -> None:
    text = '[project]\nname = "a"\n\n[tool.envcheck.require]\nkeras = ">=3"\n'
    policy = read(tmp_path, text, "pyproject.toml")
    assert policy.require == (Demand("keras", (">=3",), "pyproject.toml", 5),)
    with pytest.raises(EnvcheckError, match=r"^pyproject.toml: there is no \[tool.envcheck\]"):
        read(tmp_path, '[project]\nname = "envcheck"\n', "pyproject.toml")
    with pytest.raises(EnvcheckError, match=r"^pyproject.toml:2: tool.envcheck must be a table"):
        read(tmp_path, "[tool]\nenvcheck = 3\n", "pyproject.toml")
    with pytest.raises(EnvcheckError, match=r"^pyproject.toml:3: expect = 1: allowed"):
        read(tmp_path, "[tool]\n\nenvcheck = {expect = 1}\n", "pyproject.toml")


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "envcheck.toml"
    path.write_bytes(b'\xef\xbb\xbfexpect = "cpu"\r\n')
    assert load.load(str(path), "p").settings == {"expect": ("cpu", 1)}


def test_the_nearest_wins_and_envcheck_toml_wins_in_its_folder(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.envcheck]\n")
    assert find(str(inner)) == str(tmp_path / "pyproject.toml")
    # Of other projects' files none is ours, broken or not.
    (inner / "pyproject.toml").write_text('dependencies = ["envcheck"]\n')
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.ruff\n")
    assert find(str(inner)) == str(tmp_path / "pyproject.toml")
    (tmp_path / "envcheck.toml").write_text("")
    assert find(str(inner)) == str(tmp_path / "envcheck.toml")
    (inner / "pyproject.toml").write_text("tool.envcheck.expect = 'cpu'\n")
    assert find(str(inner)) == str(inner / "pyproject.toml")
    (inner / "envcheck.toml").mkdir()
    assert find(str(inner)) == str(inner / "pyproject.toml")


def test_known_codes_are_the_rules_and_the_scans() -> None:
    of_rules = {rule.code for rule in discover()}
    assert known_codes() == of_rules | {code.code for code in codes.ALL}


def test_the_starter_is_a_policy_and_so_is_all_that_it_offers(tmp_path: Path) -> None:
    text = STARTER.format(expires="2027-01-31")
    assert read(tmp_path, text).require == ()
    offered = "\n".join(
        line.removeprefix("# ") if "=" in line or line == "# [[ignore]]" else line
        for line in text.splitlines()
    )
    policy = read(tmp_path, offered)
    assert len(policy.require) == len(load.REQUIRE)
    assert set(policy.settings) == {"expect", "fail-on", "smoke", "timeout", "smoke-timeout"}
    assert (len(policy.severity), len(policy.ignores)) == (1, 1)


def test_the_readme_shows_a_policy(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```toml\n(.*?)```", text, re.S)
    policy = read(tmp_path, shown)
    assert [row.key for row in policy.require] == ["gpus", "gpu", "driver", "cuda", "tensorflow"]
    assert [row.code for row in policy.ignores] == ["GPU309"]
    assert schema_takes(shown)


def paths(value: Any, base: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    found = set()
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, item in items:
        found.add((*base, name))
        if isinstance(item, (dict, list)):
            found |= paths(item, (*base, name))
    return found


LINES = '''\
a.b."c d".'e\\f' = 1 # = 2
"q\\"\\u00e9" = """x = 1
[not.a.table]
""\\"" """
t = { u = [1, { v = '\\' }, # ]
 "w]"], x."y" = 1979-05-27T07:32:00Z } # }
[  g . "h" ]
i=[[],[[],],{}]
j = \'\'\'
[[k]]\'\'\'
[[m.n]]
o = -1_000.5e+3
[m.n.p]
[[m.n]]
[[m.n.q]]
[[m.n.q]]
r = inf
'''


def test_every_key_has_its_line() -> None:
    found = lines_of(LINES)
    assert set(found) == paths(tomli.loads(LINES))
    assert found["a", "b", "c d", "e\\f"] == 1
    assert found['q"é',] == 2
    assert (found["t", "u", 1, "v"], found["t", "u", 2], found["t", "x", "y"]) == (5, 6, 6)
    assert (found["g", "h", "i"], found["g", "h", "j"]) == (8, 9)
    assert (found["m", "n", 0, "o"], found["m", "n", 0, "p"]) == (12, 13)
    assert (found["m", "n", 1, "q", 1], found["m", "n", 1, "q", 1, "r"]) == (16, 17)


FILES = [ROOT / "pyproject.toml", *sorted((ROOT / "tests").glob("**/*.toml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_lines_of_real_files(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert set(lines_of(text)) == paths(tomli.loads(text))


def test_python_3_10_has_a_parser() -> None:
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [line for line in project["dependencies"] if line.startswith("tomli")]
    assert wanted == ["tomli>=2.0; python_version < '3.11'"]
