"""Python, the system, glibc, and the packages beside TensorFlow: R1, R13 to R16."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.judge.model import About, Case, Reason, Verdict
from envcheck.matrix.model import Row
from envcheck.matrix.specs import admits, intersect, parse_version, python_range

_INDEX = ("index",)


def judge_packages(case: Case) -> Iterator[Reason]:
    if case.stack.tensorflow is None:
        return
    yield from _python(case)
    yield from _system(case)
    yield from _glibc(case)
    yield from _keras(case)
    yield from _tf_keras(case)
    if case.stack.numpy is not None:
        yield _beside(case, "numpy", "R14", case.stack.numpy)
    if case.stack.protobuf is not None:
        yield _beside(case, "protobuf", "R15", case.stack.protobuf)


def neighbours_text(case: Case) -> str:
    """`the matrix of 2026-11-06 does not know it, only 2.21.0 before it`."""
    assert case.stack.tensorflow is not None
    try:
        below, above = case.matrix.neighbours(case.package, case.stack.tensorflow)
    except ValueError:
        return f"{case.stack.tensorflow!r} is no version number"
    near = ((below, "before it"), (above, "after it"))
    known = [f"{version} {word}" for version, word in near if version is not None]
    if not known:
        return f"the matrix of {case.matrix.date} knows no release of {case.package}"
    return f"the matrix of {case.matrix.date} does not know it, only " + " and ".join(known)


def unknown_release(case: Case, subject: str, rule: str) -> Reason:
    """For what hangs on a release that the matrix does not have."""
    about = About(subject, None, {"tensorflow": str(case.stack.tensorflow)})
    return about.say(rule, "unverified", f"{case.name}: {neighbours_text(case)}.", _INDEX)


def _python(case: Case) -> Iterator[Reason]:
    python = case.stack.python
    if python is None:
        return
    if case.asked is None:
        yield unknown_release(case, "python", "R1")
        return
    minor = ".".join(python.split(".")[:2])
    wheel = case.asked.platforms.get(case.platform)
    have = python_range(wheel.pythons) if wheel else ""
    numbers = {"python": python, "wheels": have, "platform": case.platform}
    about = About("python", have or None, numbers)
    if wheel is None:
        yield about.say("R1", "unsupported", _no_wheel(case), _INDEX)
    elif minor in wheel.pythons:
        text = f"{case.name} has a wheel for Python {minor} ({case.platform})."
        yield about.say("R1", "tested", text, _INDEX)
    else:
        text = f"{case.name} has no wheel for Python {minor}, only for {have}"
        yield about.say("R1", "unsupported", f"{text}{_releases_for(case, minor)}.", _INDEX)


def _no_wheel(case: Case) -> str:
    assert case.asked is not None
    if case.asked.sdist_only:
        return f"{case.name} is a placeholder without wheels: install tensorflow instead."
    have = ", ".join(case.asked.platforms)
    return f"{case.name} has no wheel for {case.platform}, only for {have}."


def _releases_for(case: Case, python: str) -> str:
    """`; releases with one: 2.12.0 to 2.21.0`."""
    fitting = [
        parse_version(row["version"])
        for row in case.matrix.sections["tensorflow"].values()
        if row.get("package") == case.package
        and row["kind"] == "release"
        and python in row["platforms"].get(case.platform, {}).get("pythons", ())
    ]
    finals = [version for version in fitting if not version.is_prerelease] or fitting
    if not finals:
        return "; no release has one"
    return f"; releases with one: {min(finals)} to {max(finals)}"


# --- the system


def _system(case: Case) -> Iterator[Reason]:
    """Where this release has wheels at all, and whether they can use a GPU."""
    stack = case.stack
    if stack.os == "macos" and case.wants_gpu:
        text = "No TensorFlow wheel for macOS has used CUDA since 1.1."
        about = About("os", None, {"os": "macos"})
        yield about.say("R16", "unsupported", text, case.matrix.rule("R16").sources)
        return
    given = stack.os is not None or stack.arch is not None
    if case.asked is None:
        if given:
            yield unknown_release(case, "os", "R16")
        return
    about = About("os", None, {"platform": case.platform})
    if case.wheel is None:
        if given or case.asked.sdist_only:
            yield about.say("R1", "unsupported", _no_wheel(case), _INDEX)
    elif case.wants_gpu and not case.wheel.is_cuda:
        yield _no_gpu_build(case)
    elif given:
        what = "CUDA" if case.wheel.is_cuda else "CPU-only"
        text = f"{case.name} has {what} wheels for {case.platform}."
        yield about.say("R16", "tested", text, ("wheel",))


def _no_gpu_build(case: Case) -> Reason:
    """A CPU wheel, because of the system (R16) or of the package (R2)."""
    assert case.wheel is not None
    numbers = {"platform": case.platform, "kind": case.wheel.kind}
    rule = case.matrix.rule("R16")
    sources = (*rule.sources, "wheel")
    if case.package == "tensorflow-cpu":
        text = f"{case.name} is the CPU-only package."
        about = About("libraries", None, numbers)
        return about.say("R2", "unsupported", text, ("wheel",))
    if case.platform.startswith("windows"):
        text = f"{case.name} cannot use a GPU on native Windows: the last release that can is "
        text += f"{rule.data['last_windows_gpu']}. WSL2 counts as Linux."
        return About("os", "<2.11", numbers).say("R16", "unsupported", text, sources)
    if case.platform != "linux_x86_64":
        text = f"{case.name} has no CUDA build for {case.platform}."
        return About("os", None, numbers).say("R16", "unsupported", text, sources)
    other = case.matrix.build_of("tensorflow-gpu", case.stack.tensorflow or "")
    hint = "tensorflow-gpu" if other and other.is_cuda else "tensorflow"
    text = f"{case.name} is a CPU-only build: it opens no CUDA library; "
    text += f"{hint} {case.stack.tensorflow} is the one with CUDA."
    return About("libraries", None, numbers).say("R2", "unsupported", text, ("wheel",))


def _glibc(case: Case) -> Iterator[Reason]:
    glibc, wheel = case.stack.glibc, case.wheel
    if glibc is None or wheel is None or wheel.glibc is None:
        return
    needed = wheel.glibc_needed or wheel.glibc
    have, highest = parse_version(glibc), max(wheel.glibc, needed, key=parse_version)
    numbers = {"glibc": glibc, "tag": wheel.glibc, "symbols": needed}
    about = About("glibc", f">={highest}", numbers)
    if have < parse_version(wheel.glibc):
        text = f"{case.name} is a {wheel.tag} wheel: pip installs it from glibc {wheel.glibc} on, "
        yield about.say("R1", "unsupported", f"{text}this is {glibc}.", _INDEX)
    elif have < parse_version(needed):
        text = f"{case.name} installs on glibc {glibc} by its tag ({wheel.tag}) and then needs "
        yield about.say("R1", "broken", f"{text}GLIBC_{needed}.", ("elf",))
    else:
        yield about.say("R1", "tested", f"glibc {glibc} is at least {highest}.", _INDEX)


# --- what stands beside TensorFlow


def _pin(case: Case, name: str) -> str | None:
    """What the release requires; of an unknown one, what its own METADATA says."""
    if case.build is not None:
        return case.build.requirement(name, case.stack.python, case.platform)
    return case.stack.pins.get(name)


def _beside(case: Case, subject: str, rule: str, version: str) -> Reason:
    """A package beside TensorFlow: its requirement, and what was seen to import."""
    pin = _pin(case, subject)
    if case.build is None and pin is None:
        return unknown_release(case, subject, rule)
    row = case.matrix.table_row(rule, case.build.version) if case.build else None
    works = str(row["works"]) if row else None
    verdict, text = _beside_verdict(case.name, f"{subject} {version}", version, pin, row)
    if verdict == "unsupported" and row is not None and _imports(row, version):
        text += " It imports all the same, as measured."
    numbers = {subject: version, "requires": pin or "", "imports": works or ""}
    sources = ("wheel", *(case.matrix.rule(rule).sources if row else ()))
    about = About(subject, intersect(pin, works), numbers)
    return about.say(rule, verdict, text, tuple(dict.fromkeys(sources)))


def _imports(row: Row, version: str) -> bool:
    return admits(row["works"], version) or any(
        version == prefix or version.startswith(prefix + ".") for prefix in row.get("imports", ())
    )


def _beside_verdict(
    name: str, what: str, version: str, pin: str | None, row: Row | None
) -> tuple[Verdict, str]:
    works = row["works"] if row else None
    fails = row.get("fails") if row else None
    admitted = pin is not None and admits(pin, version)
    if fails and admits(fails, version):
        hole = f", though it asks for {pin} and so lets it in" if admitted else ""
        return "broken", f"{name} does not work with {what}{hole}."
    if pin and not admitted:
        return "unsupported", f"{name} asks for {pin}; this is {what}."
    if works and not admits(works, version):
        return "unverified", f"{what} is outside what was tried with {name} ({works})."
    if pin:
        return "tested", f"{what} is what {name} asks for ({pin})."
    if works:
        return "compatible", f"{name} works with {works}; this is {what}."
    return "unverified", f"{name} says nothing of {what}."


def _keras(case: Case) -> Iterator[Reason]:
    version, python = case.stack.keras, case.stack.python
    if version is None:
        return
    sources = case.matrix.rule("R13").sources
    if case.build is not None and parse_version(case.build.version).release < (2, 6):
        text = f"{case.name} brings its own tf.keras and does not use the separate package keras "
        about = About("keras", None, {"keras": version})
        yield about.say("R13", "unverified", f"{text}{version}.", sources)
        return
    yield _beside(case, "keras", "R13", version)
    release = case.matrix.keras_release("keras", version)
    needed = release.requires_python if release else None
    if needed and python and not admits(needed, python):
        about = About("keras", None, {"keras": version, "python": python})
        text = f"keras {version} needs Python {needed}; this is {python}."
        yield about.say("R13", "unsupported", text, sources)


def _tf_keras(case: Case) -> Iterator[Reason]:
    """Each tf-keras requires the TensorFlow of its own minor; no TensorFlow requires tf-keras."""
    version, tensorflow = case.stack.tf_keras, case.stack.tensorflow
    if version is None or tensorflow is None:
        return
    try:
        major, minor = parse_version(tensorflow).release[:2]
    except ValueError:
        yield unknown_release(case, "tf-keras", "R13")
        return
    wanted = f">={major}.{minor},<{major}.{minor + 1}"
    release = case.matrix.keras_release("tf-keras", version)
    required = (release.requires or {}).get("tensorflow") if release else None
    numbers = {"tf-keras": version, "tensorflow": tensorflow, "requires": required or ""}
    about = About("tf-keras", wanted, numbers)
    if release is None or required is None:
        text = f"The matrix of {case.matrix.date} does not know tf-keras {version}"
        text += "; by its number it goes with this TensorFlow." if admits(wanted, version) else "."
        yield about.say("R13", "unverified", text, _INDEX)
    elif admits(required, tensorflow):
        text = f"tf-keras {version} asks for tensorflow {required}."
        yield about.say("R13", "tested", text, release.sources)
    else:
        text = f"tf-keras {version} asks for tensorflow {required}; this is {tensorflow}."
        yield about.say("R13", "unsupported", text, release.sources)
