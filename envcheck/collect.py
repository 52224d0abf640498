"""All facts of one machine and one target: the probes, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from envcheck.engine import Crashed, attempt
from envcheck.model import Fact, Facts, not_applicable, unknown
from envcheck.probes import target
from envcheck.probes.source import Child, Source


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked of a check. Deadlines in seconds."""

    python: str | None = None
    smoke: bool = True
    target_timeout: float = 10.0
    nvml_timeout: float = 10.0
    smoke_timeout: float = 300.0


class Collector:
    """``start`` spawns the children; ``finish`` waits for them, so that the caller can load
    what it needs meanwhile."""

    def __init__(
        self, source: Source, wishes: Wishes, progress: Callable[[str], None] | None = None
    ) -> None:
        self._source, self._wishes, self._progress = source, wishes, progress
        self.timings: dict[str, float] = {}

    def start(self) -> None:
        """Raises EnvcheckError where there is no target to look at."""
        self._target = target.choose(self._source, self._wishes.python)
        self._inside = target.spawn(self._source, self._target, self._wishes.target_timeout)
        # The slowest child first; the rest of the probes is loaded while it works.
        from envcheck.probes import driver, libraries

        self._cache = libraries.spawn(self._source)
        self._nvml = self._ask_nvml() if driver.is_loaded(self._source) else None

    def _ask_nvml(self) -> Child:
        from envcheck.probes import driver

        return driver.spawn(self._source, self._wishes.nvml_timeout)

    def finish(self) -> Facts:
        """Raises EnvcheckError where the target cannot be looked at."""
        from envcheck.probes import driver, interpreters, libraries, system

        cached = libraries.parse_ldconfig(self._cache.result())
        if self._nvml is None and driver.is_installed(self._source, cached):
            self._nvml = self._ask_nvml()
        facts = self._timed("system", "system", lambda: system.collect(self._source))
        began = time.monotonic()
        given = self._wishes.python is not None
        inside = target.collect(self._source, self._target, self._inside, given=given)
        self.timings["target"] = time.monotonic() - began
        facts.update(inside)
        facts.update(
            self._timed(
                "libraries",
                "loader",
                lambda: libraries.collect(self._source, inside, cached),
            )
        )
        facts.update(
            self._timed("driver", "driver", lambda: driver.collect(self._source, self._nvml))
        )
        facts.update(self._timed("kernel", "kernel", lambda: self._kernel(facts)))
        facts.update(
            self._timed(
                "interpreters", "interpreters", lambda: interpreters.collect(self._source, inside)
            )
        )
        facts["smoke.result"] = self._smoke(facts)
        return Facts(facts)

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

    def _smoke(self, facts: dict[str, Fact]) -> Fact:
        if not self._wishes.smoke:
            return not_applicable("left out by --no-smoke")
        if facts["tensorflow.import"].state == "absent":
            return not_applicable("there is no TensorFlow to import")
        from envcheck.probes import smoke

        python = facts["target.executable"].value
        began = time.monotonic()
        child: Child = smoke.spawn(self._source, python, self._wishes.smoke_timeout, self._progress)
        result = smoke.collect(child)
        self.timings["smoke"] = time.monotonic() - began
        return result
