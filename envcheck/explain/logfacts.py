"""What a log says about its machine, as facts: the rules judge them like those of a live one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envcheck.explain.causes._words import linux_name
from envcheck.explain.match import Matched
from envcheck.model import Fact, Facts, absent, known
from envcheck.versions import ComputeCapability, CudaRelease, DriverRelease

_VERSIONED = {
    "tensorflow": "tensorflow.version",
    "tensorflow-cpu": "tensorflow.version",
    "tensorflow-gpu": "tensorflow.version",
    "keras": "keras.version",
    "numpy": "numpy.version",
    "protobuf": "protobuf.version",
    "tf-keras": "tf_keras.version",
}
_READ = {
    "driver.release": DriverRelease.parse,
    "driver.kernel_module": DriverRelease.parse,
    "driver.library": DriverRelease.parse,
    "driver.cuda_supported": CudaRelease.parse,
}


def collect(matched: Matched, tags: frozenset[str]) -> Facts:
    """Pure. What does not read as its fact's type is left out."""
    facts: dict[str, Fact] = {}
    for hit in matched.hits:
        for capture, name in hit.signature.facts.items():
            value = hit.captures.get(capture, "").strip(".")
            if value and _reads(name, value):
                facts.setdefault(name, known(value, f"line {hit.line.number} of the log"))
    for name, value, line in (*_from_conflicts(matched), *_machine(matched, tags)):
        facts.setdefault(name, known(value, f"line {line} of the log"))
    if "tensorflow.version" in facts:
        package = "tensorflow"
        facts.setdefault("tensorflow.package", known(package, facts["tensorflow.version"].source))
        facts.update(_libraries(matched))
    return Facts(facts)


def _reads(name: str, value: str) -> bool:
    read = _READ.get(name)
    if read is None:
        return True
    try:
        read(value)
    except ValueError:
        return False
    return True


def _from_conflicts(matched: Matched) -> Iterator[tuple[str, str, int]]:
    """pip's `tensorflow 2.15.1 requires keras<2.16, but you have keras 3.3.3` names two."""
    for hit in matched.hits:
        if hit.signature.name != "pip-conflict":
            continue
        for name, version in (("asker", "asker_version"), ("has", "has_version")):
            fact = _VERSIONED.get(hit.captures.get(name, ""))
            text = hit.captures.get(version, "")
            if fact and re.fullmatch(r"\d+(?:\.\d+){1,3}", text):
                yield fact, text, hit.line.number


def _machine(matched: Matched, tags: frozenset[str]) -> Iterator[tuple[str, str, int]]:
    lines = {hit.signature.name: hit.line.number for hit in reversed(matched.hits)}
    for tag, system in (("wsl", "wsl2"), ("windows-path", "windows"), ("macos-path", "macos")):
        if tag in tags:
            source = {"wsl": "wsl-libcuda" if "wsl-libcuda" in lines else "wsl-host"}.get(tag, tag)
            yield "system.os", system, lines.get(source, 1)
            break
    else:
        if any(
            ".so" in name
            for name in (*matched.names.get("soname", ()), *matched.names.get("opened", ()))
        ):
            yield "system.os", "linux", 1
    for name in ("python", "python_said"):
        for value in matched.names.get(name, ())[:1]:
            yield "target.python", value, matched.where[name, value]
    for value in matched.names.get("python_short", ())[:1]:
        yield "target.python", f"{value[0]}.{value[1:]}", matched.where["python_short", value]


def _libraries(matched: Matched) -> Mapping[str, Fact]:
    """The libraries that TensorFlow said it did not find."""
    rows = []
    source = ""
    for soname in matched.names.get("soname", ()):
        linux = linux_name(soname)
        name = linux.removeprefix("lib").split(".so")[0]
        if name in ("cudart", "cublas", "cufft", "cusolver", "cusparse", "cudnn"):
            rows.append({"name": name, "soname": soname, "found": []})
            source = source or f"line {matched.where['soname', soname]} of the log"
    if not rows:
        return {}
    return {
        "loader.libraries": known(sorted(rows, key=lambda row: str(row["name"])), source),
        "cudnn.installed": absent("the log"),
    }


def capability(matched: Matched) -> ComputeCapability | None:
    for text in matched.names.get("capability", ()):
        return ComputeCapability.parse(text.rstrip("af"))
    return None
