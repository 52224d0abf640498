"""A flag in XLA_FLAGS or TF_XLA_FLAGS that this TensorFlow does not know ends the process."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.matrix import Matrix
from envcheck.model import Facts, Fix, Match
from envcheck.remedies import manual
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match]:
    del matrix
    result = facts.value(F.SMOKE)
    if result is None:
        return
    from coffee_smoke.advice import UNKNOWN_FLAG

    logs = (*(rung.log for rung in result.failed()), result.stderr_tail)
    said = {found[1]: found for log in logs if (found := UNKNOWN_FLAG.search(log))}
    for variable, found in said.items():
        yield Match(
            subject=variable,
            params={"variable": variable, "flags": found[2]},
            evidence=(facts.evidence(F.SMOKE, found[0], "stderr of the child"),),
            fixes=(_without(facts, variable, found[2].split()),),
        )


def _without(facts: Facts, variable: str, flags: list[str]) -> Fix:
    note = "Take {flags} out of {variable}, where it is set (the shell's start file, the container)"
    named = " ".join(flags)
    if facts.value(F.SYSTEM_OS) == "windows":
        return manual("unset-flags", f"{note}.", variable=variable, flags=named)
    value = (facts.value(F.TARGET_VARIABLES) or {}).get(variable, "")
    rest = " ".join(word for word in value.split() if word not in flags)
    step = ("export", f"{variable}={rest}") if rest else ("unset", variable)
    return manual(
        "unset-flags", f"{note}, and in this shell:", step, variable=variable, flags=named
    )


RULE = Rule(
    code="SMK303",
    slug="unknown-xla-flag",
    layer="smoke",
    severity="error",
    title="{variable} has what this TensorFlow does not know: {flags}",
    why="It is read when TensorFlow lists its devices or first compiles (jit_compile=True), and a "
    "flag of another release, or one that is misspelt, ends the process there.",
    needs=(F.SMOKE, F.TARGET_VARIABLES),
    judge=judge,
    explains=("SMK102", "SMK204"),
    signs=("Unknown flag", "Died:"),
    cases=(
        fires(
            "linux-none-tf221",
            "TF_XLA_FLAGS",
            smoke__result={
                "ended": "silent",
                "rung": "import",
                "stderr_tail": "F parse_flags_from_env.cc:227] Unknown flags in TF_XLA_FLAGS: --a "
                "--b=2 \nPerhaps you meant to specify these on the XLA_FLAGS envvar?",
            },
        ),
        silent("linux-none-tf221", target__variables={"XLA_FLAGS": "--xla_cpu_use_xnnpack=true"}),
        silent("linux-none-tf221"),
    ),
)
