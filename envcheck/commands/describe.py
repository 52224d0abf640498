"""Answers to `envcheck matrix show`: pure functions of the matrix, no printing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from envcheck.commands import describe_hardware as hardware
from envcheck.commands.answer import Answer
from envcheck.judge.model import Stack
from envcheck.matrix import Matrix, MatrixError, PlatformBuild, TensorflowBuild
from envcheck.matrix.specs import intersect, parse_version, python_range

PACKAGES = (
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-gpu",
    "tensorflow-intel",
    "tensorflow-macos",
)
TOPICS = (*PACKAGES, "keras", "tf-keras", "cuda", "cudnn", "driver", "gpu", "rule", "source")


def answer(matrix: Matrix, topic: str, what: str | None) -> Answer:
    """Raises MatrixError where the matrix has nothing on it, saying what is near."""
    if topic in PACKAGES:
        return tensorflow(matrix, topic, what) if what else releases(matrix, topic)
    by_topic: Mapping[str, Callable[[Matrix, str], Answer]] = {
        "cuda": hardware.cuda,
        "cudnn": hardware.cudnn,
        "driver": hardware.driver,
        "gpu": hardware.gpu,
        "rule": rule,
        "source": source,
    }
    if topic in ("keras", "tf-keras"):
        return keras(matrix, topic, what) if what else keras_releases(matrix, topic)
    if topic not in by_topic:
        raise MatrixError(f"No topic {topic!r}; there are " + ", ".join(TOPICS) + ".", 2)
    if what is None:
        raise MatrixError(f"Say which: envcheck matrix show {topic} ...", 2)
    return by_topic[topic](matrix, what)


def overview(matrix: Matrix) -> Answer:
    """What is in the file."""
    facts = [(name, f"{len(rows)} rows") for name, rows in matrix.sections.items()]
    newest = matrix.releases("tensorflow")[-1]
    if matrix.overlay:
        facts.append(("overlay", str(matrix.overlay)))
    return Answer(f"Matrix {matrix.version}: newest TensorFlow known is {newest}.", tuple(facts))


def _unknown(matrix: Matrix, package: str, version: str) -> MatrixError:
    try:
        below, above = matrix.neighbours(package, version)
    except ValueError:
        return MatrixError(f"{version!r} is no version number.", 2)
    near = " and ".join(str(v) for v in (below, above) if v is not None)
    return MatrixError(
        f"The matrix {matrix.version} does not know {package} {version}; nearest: {near}. "
        "`envcheck matrix update` reads what is newer.",
        2,
    )


# --- TensorFlow


def tensorflow(matrix: Matrix, package: str, version: str) -> Answer:
    build = matrix.build_of(package, version)
    if build is None:
        raise _unknown(matrix, package, version)
    facts = [*_requirement_facts(build), *_platform_facts(matrix, build)]
    row = matrix.sections["tensorflow"][f"{package} {build.version}"]
    tested = matrix.tested(build.version, "linux")
    sources = list(build.sources)
    if tested:
        sources += tested.sources
    return Answer(_tensorflow_headline(matrix, build), tuple(facts), (row,), tuple(sources))


def _tensorflow_headline(matrix: Matrix, build: TensorflowBuild) -> str:
    name = f"{build.package} {build.version}"
    if build.sdist_only or build.main is None:
        return f"{name}: a placeholder without wheels."
    main = build.main
    pythons = f"Python {python_range(main.pythons)}"
    if not main.is_cuda:
        return f"{name}: CPU only ({main.platform}), {pythons}."
    cudnn = main.cudnn_compiled or main.cudnn_major
    return f"{name}: CUDA {main.cuda}, cuDNN {cudnn}, {pythons}."


def _requirement_facts(build: TensorflowBuild) -> Iterable[tuple[str, str]]:
    requires = build.requires
    if build.date:
        yield "released", build.date + (f", yanked: {build.yanked}" if build.yanked else "")
    if "keras" in requires:
        yield "keras", requires["keras"]
    for name, imports in (("numpy", build.numpy_imports), ("protobuf", build.protobuf_imports)):
        stated, works = requires.get(name), intersect(requires.get(name), imports)
        if stated:
            yield name, _spaced(stated if works == stated else f"{works} (it asks for {stated})")


def _spaced(specifier: str) -> str:
    """Breakable at its commas."""
    return specifier.replace(",", ", ")


def _platform_facts(matrix: Matrix, build: TensorflowBuild) -> Iterable[tuple[str, str]]:
    for platform, wheel in build.platforms.items():
        yield platform, _wheel_text(wheel)
    main = build.main
    if main is None or not main.is_cuda or main.cuda is None:
        return
    for system in ("linux", "windows"):
        row = matrix.tested(build.version, system)
        if row is not None and any(
            p.startswith(system) and w.is_cuda for p, w in build.platforms.items()
        ):
            yield (
                f"tested on {system}",
                (f"CUDA {row.cuda}, cuDNN {row.cudnn}, Python {row.python} (row {row.version})"),
            )
    yield "driver", f">={matrix.min_driver(main.cuda)} (Linux)"
    yield "GPUs", _gpu_text(main)
    yield "opens", ", ".join(main.sonames.values())
    if build.and_cuda:
        cudnn = build.and_cuda.get("nvidia-cudnn-cu12") or build.and_cuda.get("nvidia-cudnn-cu11")
        found = {
            True: "finds them by itself",
            False: "does NOT find them without LD_LIBRARY_PATH",
            None: "finding them: not looked at",
        }[main.finds_wheels]
        yield "and-cuda", f"cuDNN {cudnn}; {found}"


def _wheel_text(wheel: PlatformBuild) -> str:
    kind = {"cuda": "CUDA", "cpu": "CPU only", "stub": "empty"}.get(wheel.kind, wheel.kind)
    if wheel.kind == "stub":
        kind += ", requires " + ", ".join(f"{n}{s}" for n, s in wheel.stands_for.items())
    glibc = (
        f", glibc {max(filter(None, (wheel.glibc, wheel.glibc_needed)), key=parse_version)}"
        if wheel.glibc
        else ""
    )
    return f"Python {python_range(wheel.pythons)}, {kind}{glibc}"


def _gpu_text(wheel: PlatformBuild) -> str:
    listed = " ".join(str(c) for c in wheel.capabilities)
    targets = ", ".join(dict.fromkeys(k.ptx for k in wheel.kernels)) or " ".join(
        str(c) for c in wheel.ptx
    )
    return f"machine code for {listed}; PTX for {targets or 'none known'}"


def releases(matrix: Matrix, package: str) -> Answer:
    """One line per release, the newest first."""
    facts = []
    for version in reversed(matrix.releases(package)):
        build = matrix.build_of(package, version)
        if build is None or build.main is None:
            continue
        main = build.main
        cuda = (
            f"CUDA {main.cuda}, cuDNN {main.cudnn_compiled or main.cudnn_major}, "
            if main.is_cuda
            else "CPU, "
        )
        facts.append((str(version), f"{cuda}Python {python_range(main.pythons)}"))
    return Answer(f"{package}: {len(facts)} releases.", tuple(facts), (), ("wheel", "index"))


# --- Keras


def keras(matrix: Matrix, package: str, version: str) -> Answer:
    release = matrix.keras_release(package, version)
    if release is None:
        raise _unknown(matrix, package, version)
    facts = [("released", release.date or "")]
    if release.requires_python:
        facts.append(("python", release.requires_python))
    facts += sorted((release.requires or {}).items())
    if release.yanked:
        facts.append(("yanked", release.yanked))
    fitting = [
        str(v)
        for v in matrix.releases("tensorflow")
        if _keras_fits(matrix, package, version, str(v))
    ]
    span = f"{fitting[0]} to {fitting[-1]}" if fitting else "none that is known"
    row = matrix.sections["keras"][f"{package} {release.version}"]
    return Answer(
        f"{package} {release.version} goes with tensorflow: {span}.",
        tuple(facts),
        (row,),
        release.sources,
    )


def _keras_fits(matrix: Matrix, package: str, version: str, tensorflow_version: str) -> bool:
    from envcheck.judge import judge

    name = package.replace("-", "_")
    stack = replace(Stack(tensorflow=tensorflow_version), **{name: version})  # type: ignore[arg-type]
    return judge(stack, matrix).verdict in ("tested", "compatible")


def keras_releases(matrix: Matrix, package: str) -> Answer:
    versions = [str(v) for v in reversed(matrix.releases(package))]
    return Answer(
        f"{package}: {len(versions)} releases, newest {versions[0]}.",
        (("releases", ", ".join(versions)),),
        (),
        ("index",),
    )


# --- rules, sources


def rule(matrix: Matrix, rule_id: str) -> Answer:
    found = matrix.rule(rule_id.upper())
    return Answer(
        f"{found.id}: {found.title}.", (("rule", found.text),), (found.data,), found.sources
    )


def source(matrix: Matrix, source_id: str) -> Answer:
    row = matrix.sections["sources"].get(source_id)
    if row is None:
        raise MatrixError(f"The matrix has no source {source_id!r}.", 2)
    return Answer(
        f"{source_id}: {row['what']}.", (("where", row["where"]), ("kind", row["kind"])), (row,)
    )
