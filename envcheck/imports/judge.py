"""The uses of one file -> what is wrong with them, and the edits that mend it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile

from envcheck.imports import codes, legacy, public, settings, successors
from envcheck.imports.problem import Flavour, Judged, Problem
from envcheck.imports.stack import (
    LAZY,
    PROJECTS,
    SPLIT,
    Found,
    How,
    Resolver,
    Stack,
    fails,
    fits,
    history,
)
from envcheck.imports.successors import OTHERS
from envcheck.imports.uses import Event, Use, Uses

TRUE = ("1", "True", "true")


def judge(uses: Uses, resolver: Resolver, owner: str = "", is_in_package: bool = False) -> Judged:
    """``owner`` is the package that the file itself belongs to: it may use its own inside."""
    if is_legacy(uses) and not resolver.stack.legacy:
        resolver = Resolver(replace(resolver.stack, legacy=True))
    court = _Court(uses, resolver, owner)
    found = tuple(court.problems())
    as_legacy = None
    if not owner:
        as_legacy = legacy.of(uses, found, resolver.stack, lambda *as_if: _Court(*as_if).problems())
    if as_legacy and is_in_package:
        found, as_legacy = tuple(legacy.explained(found, as_legacy)), None
    elif as_legacy:
        found = tuple(legacy.mended(found, as_legacy))
    problems = [*found, *_set_too_late(uses.events, resolver.stack)]
    problems.sort(key=lambda item: (item.place.line, item.place.column, item.code.code))
    ways = tuple(flavours(uses, owner))
    return Judged(tuple(problems), ways, tuple(sorted(court.unknown)), as_legacy)


def is_legacy(uses: Uses) -> bool:
    """Whether the file asks for tf-keras."""
    return any(
        event.what == "set" and event.name == "TF_USE_LEGACY_KERAS" and event.value in TRUE
        for event in uses.events
    )


class _Court:
    def __init__(self, uses: Uses, resolver: Resolver, owner: str = "") -> None:
        self.uses, self.resolver, self.owner = uses.uses, resolver, owner
        self.unknown: set[str] = set()
        # Which attributes of an imported module the file takes, by the module's path.
        self.members: dict[str, set[str]] = defaultdict(set)
        for use in self.uses:
            if use.kind != "chain":
                continue
            for path in use.paths:
                parts = path.split(".")
                if len(parts) > use.base:
                    base = len(parts) - use.base
                    self.members[".".join(parts[:base])].add(parts[base])
        found = [(use, self.look(use)) for use in self.uses]
        self.failed = {
            guard
            for use, seen in found
            if seen.answer in ("missing", "not-installed")
            for guard in use.guards
        }

    def look(self, use: Use) -> Found:
        """The answer for a use; where several names are possible, the best of them."""
        if use.kind == "import":
            return self.resolver.module(use.paths[0])
        if use.kind == "from":
            if use.name == "*":
                return self.resolver.module(use.paths[0])
            return self.resolver.member(use.paths[0], use.name)
        answers = []
        for path in use.paths:
            parts = path.split(".")
            base = ".".join(parts[: len(parts) - use.base])
            if self.resolver.chain(base).answer not in ("module", "name"):
                continue  # the import itself has been judged
            answers.append(self.resolver.chain(path))
        if not answers:
            return Found("unknown", "")
        return next((one for one in answers if one.answer != "missing"), answers[0])

    def problems(self) -> Iterator[Problem]:
        for use in self.uses:
            found = self.look(use)
            if found.answer == "unknown" and self.resolver.unjudged(found.root):
                self.unknown.add(found.root)
            if use.guards or not set(use.fallbacks) <= self.failed:
                continue
            problem = self.problem(use, found)
            if problem is None:
                continue
            if problem.new.startswith("tensorflow.") and not problem.spelled:
                problem = replace(problem, text=self.reach(use, problem.new))
            yield problem

    def reach(self, use: Use, new: str) -> str:
        """A path below TensorFlow by a name that the file has for it above this use, else in
        full."""
        for other in self.uses:
            if other.place.line >= use.place.line or other.kind == "chain" or legacy.is_open(other):
                continue
            path = f"{other.paths[0]}.{other.name}" if other.kind == "from" else other.paths[0]
            name = other.alias or other.name
            if not name:
                path = name = path.split(".")[0]
            is_global = other.statement is not None and other.statement.column == 0
            if is_global and new.startswith(path + "."):
                return name + new[len(path) :]
        return new

    def problem(self, use: Use, found: Found) -> Problem | None:
        written = f"{use.paths[0]}.{use.name}" if use.kind == "from" else use.paths[0]
        if self.foreign(use, written) and (found.answer != "missing" or fails(self.resolver.stack)):
            return self.foreign_keras(use, written)
        if found.answer == "missing":
            return self.missing(use, found, written)
        if found.answer == "not-installed":
            other = OTHERS.get(found.root)
            package = other.project if other else PROJECTS[found.root]
            params = {"path": found.missing or written, "package": package}
            return Problem(codes.NOT_INSTALLED, use.place, params, use=use)
        return self.private(use, found, written)

    def missing(self, use: Use, found: Found, written: str) -> Problem:
        place = use.place
        path, title = found.missing, self.resolver.stack.title(found.root)
        new = self.new(use, written)
        if use.kind == "import" and not use.alias and not use.literal:
            new = self.nearest(written)
        if public.under(path, ("tensorflow.contrib",)):
            params = {"path": written, "stack": title, "addon": successors.addon(written)}
            also: tuple[tuple[Use, str], ...] = ()
            if not new and (use.kind == "from" or use.alias):
                new, also = self.spread(use, written)
            advice = "" if new else public.advice(written)
            return Problem(
                codes.CONTRIB, place, params, "", None, "certain", use, new, advice, also
            )
        is_module = use.kind == "import" or (use.kind == "from" and path != written)
        how: How = "chain" if use.kind == "chain" else "member"
        if use.kind == "import" or use.name == "*":
            how, written = "module", use.paths[0]
        since = history(written, how)
        params = {"path": path, "stack": title, "new": new, "history": since}
        code = codes.NO_MODULE if is_module else codes.NO_NAME
        if path.startswith("tensorflow.") and not since and new.startswith("tensorflow."):
            code = codes.TF1_NAME
        why = "" if since or code is codes.TF1_NAME else codes.NEVER
        advice = public.advice(path) or public.advice(written)
        mended, home = self.import_of(use) if use.kind == "chain" else (None, "")
        if mended:
            use, new = mended, home
        return Problem(code, place, params, why, use=use, new=new, advice=advice)

    def spread(self, use: Use, module: str) -> tuple[str, tuple[tuple[Use, str], ...]]:
        """The module above all places to which the members of this one went, and each of the
        file's chains below its name there."""
        targets = {}
        for name in self.members.get(module, ()):
            targets[name] = public.replacement(self.resolver, f"{module}.{name}") or ""
        homes = [target.split(".")[:-1] for target in targets.values()]
        same = takewhile(lambda parts: len(set(parts)) == 1, zip(*homes, strict=False))
        home = ".".join(parts[0] for parts in same)
        if home.count(".") < 1 or self.resolver.module(home).answer != "module":
            return "", ()
        also = []
        for chain in self.uses:
            base, rest = chain.paths[0][: len(module)], chain.paths[0][len(module) + 1 :].split(".")
            if chain.kind == "chain" and base == module and chain.base == len(rest):
                below = [targets[rest[0]][len(home) + 1 :], *rest[1:]]
                also.append((chain, ".".join([chain.alias, *below])))
        return home, tuple(also)

    def import_of(self, use: Use) -> tuple[Use | None, str]:
        """The import that gives this chain its first name, and a module to import in its place:
        one that has everything which the file takes of it."""
        if len(use.paths) > 1:
            return None, ""
        base = ".".join(use.paths[0].split(".")[: -use.base])
        for other in self.uses:
            path = f"{other.paths[0]}.{other.name}" if other.kind == "from" else other.paths[0]
            bound = other.alias or other.name
            if other.kind == "chain" or other.literal or (path, bound) != (base, use.alias):
                continue
            members = frozenset(self.members[base])
            home = public.module_replacement(self.resolver, base, members)
            if home and home != base:
                return other, home
        return None, ""

    def private(self, use: Use, found: Found, written: str) -> Problem | None:
        if self.owner or not found.root or not public.is_private(written, found):
            return None
        if use.kind == "chain":
            base = ".".join(written.split(".")[: -use.base])
            if public.is_private(base, self.resolver.chain(base)):
                return None  # its import has been named
        root = use.paths[0].split(".")[0]
        old = public.under(written, (public.OLD_COPY,))
        return Problem(
            codes.OLD_COPY if old else codes.PRIVATE,
            use.place,
            {"path": written, "stack": self.resolver.stack.title(root)},
            use=use,
            new=self.new(use, written),
            advice=public.advice(written),
        )

    def new(self, use: Use, written: str) -> str:
        """The path to write in place of ``written``; empty where there is not just one."""
        if use.literal or use.name == "*" or len(use.paths) > 1:
            return ""
        members = frozenset(self.members.get(written, ()))
        if use.kind == "chain":
            home = "" if not members else public.module_replacement(self.resolver, written, members)
            return home or self.new_chain(written)
        if use.kind == "from" and not members:
            direct = public.replacement(self.resolver, written)
            if direct or not public.was_module(written):
                return direct or successors.whole(written)
        if use.kind == "import" and not use.alias:
            return ""
        return public.module_replacement(self.resolver, written, members) or ""

    def nearest(self, module: str) -> str:
        """`import a.b.c` binds only `a`: what is above and is there binds the same. What the file
        takes of it is judged where it does."""
        while "." in module:
            module = module.rpartition(".")[0]
            if self.resolver.module(module).answer == "module":
                return module
        return ""

    def new_chain(self, written: str) -> str:
        whole = public.replacement(self.resolver, written)
        if whole:
            return whole
        # The part that is missing has a new place, and what follows cannot be looked up there.
        missing = self.resolver.chain(written).missing
        short = public.replacement(self.resolver, missing) if missing else None
        new = f"{short}{written[len(missing) :]}"
        return new if short and self.resolver.chain(new).answer != "missing" else ""

    def foreign(self, use: Use, written: str) -> bool:
        stack = self.resolver.stack
        return (
            use.kind != "chain" and public.under(written, ("tensorflow.keras",)) and not fits(stack)
        )

    def foreign_keras(self, use: Use, written: str) -> Problem:
        stack = self.resolver.stack
        keras = ".".join(map(str, stack.keras or ()))
        params = {"path": written, "stack": stack.title("tensorflow"), "keras": keras}
        if fails(stack):
            return Problem(codes.FOREIGN_KERAS, use.place, params, use=use)
        why = codes.FOREIGN_LOADS
        return Problem(codes.FOREIGN_KERAS, use.place, params, why, "warning", "likely", use)


def flavours(uses: Uses, owner: str) -> Iterator[Flavour]:
    """Each way to reach Keras, at its first use that is no fallback."""
    seen: set[str] = set()
    for use in uses.uses:
        if use.guards or use.fallbacks:
            continue
        path = f"{use.paths[0]}.{use.name}" if use.kind == "from" else use.paths[0]
        name = flavour_of(path)
        if name and name not in seen and name.split(".")[0] != owner:
            seen.add(name)
            yield Flavour(name, use.place.line, use.place.column)


def flavour_of(path: str) -> str:
    for name in ("tensorflow.python.keras", "tensorflow.keras", "tf_keras", "keras"):
        if public.under(path, (name,)):
            return name
    return ""


def identity(stack: Stack, flavour: str) -> str:
    """Which code a way to reach Keras leads to: two alike lead to the same classes."""
    tensorflow = stack.tensorflow
    if not tensorflow:
        return flavour
    if tensorflow < SPLIT:
        return "tf_keras" if flavour == "tf_keras" else "tensorflow"
    if flavour == "tensorflow.keras":
        return "tf_keras" if stack.legacy and tensorflow >= LAZY else "keras"
    return flavour


def _set_too_late(events: tuple[Event, ...], stack: Stack) -> Iterator[Problem]:
    for late in settings.late(events, stack):
        name, reader = late.event.name, late.reader
        params = {
            "path": name,
            "name": name,
            "package": reader.name,
            "reader": reader.value,
            "reader_line": str(reader.place.line),
        }
        why = codes.LEGACY_TOO_LATE if name == "TF_USE_LEGACY_KERAS" else ""
        yield Problem(late.code, late.event.place, params, why, confidence=late.confidence)
