"""All facts of one machine and one target: the probes, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from envcheck.engine import Crashed, attempt
from envcheck.model import Fact, Facts, not_applicable, unknown
from envcheck.probes import target
from envcheck.probes.source import Child, Source


class Wishes(NamedTuple):
    """What the user asked of a check. Deadlines in seconds."""

    python: str | None = None
    smoke: bool = True
    target_timeout: float = 10.0
    nvml_timeout: float = 10.0
    smoke_timeout: float = 300.0
    quick: bool = False
    """One epoch of training."""
    no_smoke: str = "--no-smoke"
    """Who left the training out, where it is."""


class Collector:
    """``start`` spawns the children; ``finish`` waits for them, so that the caller can load
    what it needs meanwhile."""

    def __init__(
        self, source: Source, wishes: Wishes, progress: Callable[[str], None] | None = None
    ) -> None:
        self._source, self._wishes, self._progress = source, wishes, progress
        self.timings: dict[str, float] = {}

    def start(self, chosen: target.Target | None = None) -> None:
        """``chosen`` is a recorded machine's target. Raises EnvcheckError where there is no target
        to look at."""
        self._target = chosen or target.choose(self._source, self._wishes.python)
        self._inside = target.spawn(self._source, self._target, self._wishes.target_timeout)
        # The slowest child first; the rest of the probes is loaded while it works.
        from envcheck.probes import driver, libraries

        self._cache = libraries.spawn(self._source)
        self._nvml = self._ask_nvml() if driver.is_loaded(self._source) else None

    def _ask_nvml(self) -> Child:
        from envcheck.probes import driver

        return driver.spawn(self._source, self._wishes.nvml_timeout)

    def finish(self, meanwhile: Callable[[Source, Facts], Fact] | None = None) -> Facts:
        """``meanwhile`` looks at the user's code while the network trains. Raises EnvcheckError
        where the target cannot be looked at."""
        from envcheck.probes import driver, interpreters, libraries, system, toolkits

        cached = libraries.parse_ldconfig(self._cache.result())
        if self._nvml is None and driver.is_installed(self._source, cached):
            self._nvml = self._ask_nvml()
        facts: dict[str, Fact] = {}

        def add(name: str, family: str, collect: Callable[[], dict[str, Fact]]) -> None:
            facts.update(self._timed(name, family, collect))

        source = self._source
        add("system", "system", lambda: system.collect(source))
        began = time.monotonic()
        given = self._wishes.python is not None
        inside = target.collect(source, self._target, self._inside, given=given)
        self.timings["target"] = time.monotonic() - began
        facts.update(inside)
        add("libraries", "loader", lambda: libraries.collect(source, inside, cached))
        confirming = self._follow_loader(facts)
        add("toolkits", "cuda", lambda: toolkits.collect(source, inside))
        add("driver", "driver", lambda: driver.collect(source, self._nvml))
        add("opened", "loader", confirming)
        add("kernel", "kernel", lambda: self._kernel(facts))
        add("interpreters", "interpreters", lambda: interpreters.collect(source, inside))
        training = self._spawn_smoke(facts)
        if meanwhile:
            so_far = Facts(facts)
            add("code", "code", lambda: {"code.scan": meanwhile(source, so_far)})
        facts["smoke.result"] = training if isinstance(training, Fact) else self._smoke(training)
        return Facts(facts)

    def _follow_loader(self, facts: dict[str, Fact]) -> Callable[[], dict[str, Fact]]:
        """What the loader will find. Where there is a driver, a child opens it for real; what is
        given back waits for that child."""
        build = facts["tensorflow.cuda_build"]
        if self._source.platform != "linux" or build.state != "known" or not build.value:
            linux = self._source.platform == "linux"
            fact = (
                facts["tensorflow.sonames"]
                if linux
                else not_applicable("the loader is followed on Linux only")
            )
            names = ("driver_libraries", "cudnn_parts", "opener", "opened")
            facts.update({f"loader.{name}": fact for name in names})
            return dict
        from envcheck.probes import loader, opened

        ldconfig = self._cache.result()
        facts.update(
            self._timed("loader", "loader", lambda: loader.collect(self._source, facts, ldconfig))
        )
        child = None
        if self._nvml is not None and "loader.libraries" in facts:
            child = opened.spawn(self._source, facts, self._wishes.nvml_timeout)
        return lambda: {"loader.opened": opened.confirmed(child, facts)}

    def _kernel(self, facts: dict[str, Fact]) -> dict[str, Fact]:
        from envcheck.probes import kernel

        return kernel.collect(self._source, facts)

    def _timed(
        self, name: str, family: str, collect: Callable[[], dict[str, Fact]]
    ) -> dict[str, Fact]:
        """Run one probe; a crash of ours leaves its facts unknown and says so."""
        began = time.monotonic()
        facts = attempt(collect)
        self.timings[name] = time.monotonic() - began
        if isinstance(facts, Crashed):
            return {f"{family}.probe": unknown(f"the {name} probe failed: {facts.summary}")}
        return facts

    def _spawn_smoke(self, facts: dict[str, Fact]) -> Child | Fact:
        """The fact where nothing is trained."""
        if not self._wishes.smoke:
            return not_applicable(f"left out by {self._wishes.no_smoke}")
        if facts["tensorflow.import"].state == "absent":
            return not_applicable("there is no TensorFlow to import")
        from envcheck.probes import smoke

        self._smoke_began = time.monotonic()
        python = facts["target.executable"].value
        wishes = self._wishes
        return smoke.spawn(self._source, python, wishes.smoke_timeout, self._progress, wishes.quick)

    def _smoke(self, child: Child) -> Fact:
        from envcheck.probes import smoke

        result = smoke.collect(child)
        self.timings["smoke"] = time.monotonic() - self._smoke_began
        return result
