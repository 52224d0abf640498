"""The policy: what a project demands of its machines, from a file and the command line.

Facts carry it to the rules; nothing but this module looks for the file. Without one a check pays
a look into each folder upwards and no import.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import click

from envcheck.model import GPU_LAYERS, EnvcheckError, Fact, Facts, Layer, known, not_applicable

if TYPE_CHECKING:
    from envcheck.policy.load import Policy

C = TypeVar("C", bound=Callable[..., Any])

OWN, SHARED = "envcheck.toml", "pyproject.toml"
COMMAND_LINE, DEFAULT = "command line", "default"
SETTINGS = ("expect", "fail-on", "smoke", "timeout", "smoke-timeout")
"""Keys of the file that are options of a check, too."""
SETTLED = ("quick", "policy_file", "no_policy", *(name.replace("-", "_") for name in SETTINGS))
LAYER_OF: Mapping[str, Layer] = {
    "gpus": "gpu",
    "gpu": "gpu",
    "compute-capability": "gpu",
    "driver": "driver",
    "cuda": "cuda",
    "cudnn": "cudnn",
    "python": "python",
    "tensorflow": "tensorflow",
    "keras": "keras",
}
"""The keys of `require`, and the layer that each is about."""
OF_GPU = tuple(key for key, layer in LAYER_OF.items() if layer in GPU_LAYERS)


def governed(command: C) -> C:
    """With the policy's options. The command is given ``settled`` for them and for all options
    that the policy can say."""

    @functools.wraps(command)
    def settling(**given: Any) -> Any:
        settled = resolve(click.get_current_context())
        return command(
            settled=settled, **{name: given[name] for name in given if name not in SETTLED}
        )

    file = click.option(
        "--policy",
        "policy_file",
        metavar="FILE",
        help="The policy. Default: envcheck.toml, or pyproject.toml with [tool.envcheck], in this "
        "folder or the nearest one above it.",
    )
    none = click.option("--no-policy", is_flag=True, help="Use no policy.")
    return file(none(cast(C, settling)))


class Value(NamedTuple):
    """A setting and where it is from: the command line, a file's line, or the default."""

    value: Any
    origin: str


class Resolved(NamedTuple):
    """``values`` by their names in the file, those only that the command has."""

    values: Mapping[str, Value]
    policy: Policy | None

    def setting(self, name: str) -> Any:
        return self.values[name].value

    def added(self, facts: Facts) -> Facts:
        """With the policy. One that a recorded machine brings along is not the reader's."""
        own = {name: facts[name] for name in facts if not name.startswith("policy.")}
        return Facts({**own, **self.facts()})

    def facts(self) -> dict[str, Fact]:
        """The policy as facts; none where there is no policy."""
        if self.policy is None:
            return {}
        from datetime import date

        left_out = ""
        if "expect" in self.values and self.setting("expect") == "cpu":
            left_out = f"no GPU is expected ({_said(self.values['expect'])})"
        demands = [
            {**row._asdict(), "left_out": left_out if row.key in OF_GPU else ""}
            for row in self.policy.require
        ]
        ignores = [row._asdict() for row in self.policy.ignores]
        severity = {code: value for code, (value, _) in self.policy.severity.items()}
        file = self.policy.file
        return {
            "policy.file": known(file, file),
            "policy.today": known(date.today().isoformat(), "clock"),
            "policy.require": _known_or(demands, file, "the policy requires nothing"),
            "policy.ignores": _known_or(ignores, file, "the policy ignores nothing"),
            "policy.severity": _known_or(severity, file, "the policy changes no severity"),
        }


def _said(value: Value) -> str:
    return "--expect cpu" if value.origin == COMMAND_LINE else value.origin


def _known_or(value: Any, file: str, reason: str) -> Fact:
    return known(value, file) if value else not_applicable(reason)


def resolve(context: click.Context) -> Resolved:
    """What holds for this command: the command line over the file over the defaults. Raises
    EnvcheckError (2) for a policy that is none, and UsageError."""
    given = context.params
    if given["no_policy"] and given["policy_file"]:
        raise click.UsageError("--policy and --no-policy exclude each other.")
    policy = None if given["no_policy"] else read(given["policy_file"])
    names = [name for name in SETTINGS if _parameter(name) in given]
    return Resolved({name: _value(name, context, policy) for name in names}, policy)


def _parameter(name: str) -> str:
    return name.replace("-", "_")


def _typed(context: click.Context, name: str) -> bool:
    source = context.get_parameter_source(_parameter(name))
    return source is not None and source.name != "DEFAULT"


def _value(name: str, context: click.Context, policy: Policy | None) -> Value:
    given = context.params[_parameter(name)]
    if name == "smoke":
        typed, given = _typed_smoke(context)
    else:
        typed = _typed(context, name)
    if typed:
        return Value(given, COMMAND_LINE)
    if policy is not None and name in policy.settings:
        value, line = policy.settings[name]
        return Value(value, f"{policy.file}:{line}")
    return Value(given, DEFAULT)


def _typed_smoke(context: click.Context) -> tuple[bool, str]:
    """Of --smoke, --no-smoke and --quick: whether one was typed, and what it means."""
    smoke, quick = context.params["smoke"], context.params["quick"]
    typed = _typed(context, "smoke")
    if quick and typed:
        other = "--smoke" if smoke else "--no-smoke"
        raise click.UsageError(f"--quick and {other} exclude each other.")
    return typed or quick, "quick" if quick else "full" if smoke else "off"


def read(named: str | None) -> Policy | None:
    """The policy that was named, else the nearest; None where there is none."""
    from envcheck.probes.source import current_folder

    if named == "":  # --policy "$VARIABLE", which nobody has set
        raise EnvcheckError("--policy: the path is empty.", 2)
    here = current_folder()
    path = named or find(here)
    if path is None:
        return None
    from envcheck.policy import load

    return load.load(path, named or os.path.relpath(path, here))


def find(folder: str) -> str | None:
    """The nearest policy from this folder upwards; in one folder envcheck.toml wins."""
    here = folder
    while True:
        own, shared = os.path.join(folder, OWN), os.path.join(folder, SHARED)
        # A link to nothing is a policy that nobody could read; it must not look like none.
        if os.path.isfile(own) or os.path.islink(own):
            return own
        if os.path.isfile(shared) or os.path.islink(shared):
            shown = os.path.relpath(shared, here)
            if _mentions_us(shared, shown):
                from envcheck.policy import load

                if load.has_table(shared, shown):
                    return shared
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _mentions_us(path: str, shown: str) -> bool:
    """Reading is cheaper than a parser's import. Raises EnvcheckError (2): a policy that nobody
    could read must not look like none."""
    try:
        with open(path, "rb") as stream:
            return b"envcheck" in stream.read()
    except OSError as error:
        said = f"{shown}: it cannot be read ({error.strerror}), and may hold the policy."
        raise EnvcheckError(f"{said} Name one with --policy, or use --no-policy.", 2) from error
