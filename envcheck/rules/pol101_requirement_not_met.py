"""What the policy requires of this machine is not here."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck import facts as F
from envcheck.compatibility import pins
from envcheck.demands import PLANNED, answer, plan, wording
from envcheck.devices import update_driver
from envcheck.matrix import Matrix
from envcheck.matrix.specs import intersect, lower_bound
from envcheck.model import Evidence, Facts, Fix, Match, Place, Unjudged
from envcheck.policy import LAYER_OF
from envcheck.remedies import install, manual
from envcheck.requirements import has_room
from envcheck.rules import Rule, fires, silent


def judge(facts: Facts, matrix: Matrix) -> Iterator[Match | Unjudged]:
    del matrix
    demands = facts.value(F.POLICY_REQUIRE) or ()
    for demand in demands:
        if demand.left_out:
            continue
        found, layer = answer(demand, demands, facts), LAYER_OF[demand.key]
        wanted, where = wording(demand, demands), f"{demand.file}:{demand.line}"
        if found.met is None:
            yield Unjudged(f"the policy requires {wanted}: {found.found}", layer, found.fact.name)
        if found.met is not False:
            continue
        said = f"{demand.key} {' or '.join(demand.wanted)}"
        asked = Evidence(F.POLICY_REQUIRE.name, said, where)
        yield Match(
            subject=demand.key,
            params={"wanted": wanted, "found": found.found, "where": where},
            layer=layer,
            evidence=(asked, found.evidence) if found.evidence else (asked,),
            fixes=tuple(_fixes(demand, demands, facts)),
            place=Place(demand.file, demand.line, 1),
        )


def _fixes(demand: F.Demand, demands: tuple[F.Demand, ...], facts: Facts) -> Iterator[Fix]:
    wanted = demand.wanted[0]
    if demand.key == "driver":
        yield _driver(wanted, facts)
    elif demand.key in PLANNED:
        # In place only where TensorFlow's own pin leaves room for it.
        pin = pins(facts).get("keras", "")
        both = intersect(pin, wanted) or wanted
        if demand.key == "keras" and pin and has_room(both) and "==" not in both:
            yield install(facts, f"keras{both}")
        yield plan(demands)
    else:
        note = "Use a machine or a job that has it, or ask for less in {where}."
        yield manual("other-machine", note, where=f"{demand.file}:{demand.line}")


def _driver(wanted: str, facts: Facts) -> Fix:
    least = lower_bound(wanted)
    if least and wanted == f">={least}":
        return update_driver(facts, least)
    note = "Install an NVIDIA driver {wanted} (https://www.nvidia.com/drivers), then reboot."
    return manual("install-driver", note, root=True, wanted=wanted)


def required(**wanted: str) -> list[dict[str, object]]:
    """Rows as a policy's file gives them."""
    return [
        {"key": key.replace("_", "-"), "wanted": [text], "file": "envcheck.toml", "line": line}
        for line, (key, text) in enumerate(wanted.items(), 2)
    ]


LEFT_OUT = [{**row, "left_out": "no GPU is expected"} for row in required(gpus="9")]
TWO = required(gpus="2", gpu="RTX 3080", compute_capability=">=8.0", driver=">=535")
ALL = required(
    gpus="1",
    gpu="RTX 3080",
    compute_capability=">=8.0",
    driver=">=510,<600",
    cuda="~=11.2",
    cudnn=">=8.4.0,<8.5",
    python="==3.9.*",
    tensorflow="==2.9.1",
    keras="==2.9.*",
)
RULE = Rule(
    code="POL101",
    slug="requirement-not-met",
    layer="policy",
    severity="error",
    title="The policy requires {wanted}, and there is {found}",
    why="It is required in {where}.",
    needs=(F.POLICY_REQUIRE,),
    judge=judge,
    cases=(
        fires(
            "linux-rtx3080-tf29-cuda116",
            "gpus",
            "gpu",
            "compute-capability",
            "driver",
            policy__require=TWO,
        ),
        fires("linux-rtx3080-tf29-cuda116", "cuda", policy__require=required(cuda=">=11.7")),
        fires("linux-rtx3080-tf29-cuda116", "cudnn", policy__require=required(cudnn="<=8.3")),
        fires("linux-none-tf221", "cuda", "gpu", policy__require=required(cuda=">=12", gpu="H100")),
        fires("linux-none-tf221", "keras", policy__require=required(keras="<3")),
        silent("linux-rtx3080-tf29-cuda116", policy__require=ALL),
        silent("linux-none-tf221", policy__require=LEFT_OUT),
        silent("linux-none-tf221"),
    ),
)
