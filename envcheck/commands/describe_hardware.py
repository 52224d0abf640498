"""`envcheck matrix show` on CUDA, cuDNN, drivers and GPUs: pure functions of the matrix."""

from __future__ import annotations

from typing import Any

from envcheck.commands.answer import Answer
from envcheck.judge.cudnn import cudnn_drop, first_cudnn, support_rows
from envcheck.judge.driver import architecture_of
from envcheck.judge.kernels import first_release_for
from envcheck.judge.model import Stack
from envcheck.matrix import Matrix, MatrixError
from envcheck.matrix.specs import parse_version
from envcheck.versions import ComputeCapability, CudaRelease, CudnnRelease, DriverRelease


def _parsed(kind: Any, text: str) -> Any:
    try:
        return kind.parse(text)
    except ValueError as error:
        raise MatrixError(str(error) + ".", 2) from error


def cuda(matrix: Matrix, text: str) -> Answer:
    release: CudaRelease = _parsed(CudaRelease, text)
    series = matrix.cuda_series(release)
    if series is None or not release.says_minor:
        known = ", ".join(str(s.series) for s in matrix.all_cuda_series)
        raise MatrixError(f"The matrix does not know CUDA {text}; it has {known}.", 2)
    minimum = {os: matrix.min_driver(release, os) for os in ("linux", "windows", "wsl2")}
    facts = [("least driver", ", ".join(f"{os} {d}" for os, d in minimum.items() if d))]
    updates = [u for u in matrix.cuda_updates if u.release.line == release.line and u.driver]
    facts += [
        (f"own driver {u.release}", ", ".join(f"{os} {d}" for os, d in u.driver.items()))
        for u in updates
    ]
    facts.append(("files", ", ".join(f"{n} {v}" for n, v in series.sonames.items())))
    if series.targets:
        facts.append(("GPUs", f"compiles for {series.targets[0]} to {max(series.targets)}"))
    if series.ptx_isa:
        facts.append(("PTX", series.ptx_isa))
    users = _tensorflow_with_cuda(matrix, release)
    facts += [("built with it", users[0]), ("runs by rule R3", users[1])]
    rows = [
        r
        for r in matrix.sections["cuda"].values()
        if r["kind"] != "major" and CudaRelease.parse(r["id"]).line == release.line
    ]
    sources = dict.fromkeys(s for row in rows for s in row["sources"])
    return Answer(
        f"CUDA {release}: driver {minimum['linux']} or newer on Linux, "
        f"TensorFlow {users[0] if users[0] != 'none' else users[1]}.",
        tuple(facts),
        tuple(rows),
        (*sources, "cuda-notes-minor"),
    )


def _tensorflow_with_cuda(matrix: Matrix, release: CudaRelease) -> tuple[str, str]:
    """Releases built with this CUDA, and others whose files it has."""
    from envcheck.judge import judge

    built: list[str] = []
    runs: list[str] = []
    for package in ("tensorflow-gpu", "tensorflow"):
        for version in matrix.releases(package):
            build = matrix.build_of(package, version)
            if build is None or build.main is None or not build.main.is_cuda:
                continue
            if str(version) in built or str(version) in runs or version.is_prerelease:
                continue
            reasons = judge(
                Stack(package=package, tensorflow=str(version), cuda=release), matrix
            ).about("cuda")
            if reasons and reasons[0].verdict == "tested":
                built.append(str(version))
            elif reasons and reasons[0].verdict == "compatible":
                runs.append(str(version))
    return _span(built), _span(runs)


def _span(versions: list[str]) -> str:
    """Runs of neighbouring minors: `2.5.0 to 2.11.1`."""
    if not versions:
        return "none"
    ordered = sorted(versions, key=parse_version)
    runs: list[list[str]] = []
    for version in ordered:
        minor = parse_version(version).release[1]
        if runs and minor - parse_version(runs[-1][-1]).release[1] in (0, 1):
            runs[-1].append(version)
        else:
            runs.append([version])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def cudnn(matrix: Matrix, text: str) -> Answer:
    release: CudnnRelease = _parsed(CudnnRelease, text)
    below, above = support_rows(matrix.cudnn_support, release)
    if not below and not above:
        raise MatrixError(f"The matrix knows nothing near cuDNN {text}.", 2)
    own = not above and below and below[0].first <= release <= below[0].last
    facts = []
    for row in (*below, *above):
        span = str(row.first) if row.first == row.last else f"{row.first} - {row.last}"
        top = f" to {row.max_cc}" if row.max_cc else " and up"
        facts.append(
            (f"matrix {span}", f"CUDA {', '.join(row.cuda)}; compute capability {row.min_cc}{top}")
        )
    compiled = [
        str(v)
        for v in matrix.releases("tensorflow")
        if (b := matrix.build_of("tensorflow", v))
        and b.cudnn_compiled
        and b.cudnn_compiled.major == release.major
        and b.cudnn_compiled.minor <= release.minor
    ]
    facts.append(("TensorFlow", _span(compiled)))
    head = "listed" if own else "not listed itself; its neighbours are"
    cuda_text = ", ".join(dict.fromkeys(c for row in below or above for c in row.cuda))
    sources = tuple(s for row in (*below, *above) for s in row.sources)
    return Answer(f"cuDNN {release}: {head} for CUDA {cuda_text}.", tuple(facts), (), sources)


def driver(matrix: Matrix, text: str) -> Answer:
    """Which CUDA and which TensorFlow a driver carries."""
    release: DriverRelease = _parsed(DriverRelease, text)
    # A bare 470 names the branch: all of it counts.
    top = release if "." in text else DriverRelease.parse(f"{text.strip()}.99999")
    rule = matrix.rule("R5")
    ended = [name for name, branch in rule.data["ends"].items() if release.major > branch]
    facts: list[tuple[str, str]] = []
    # On Windows a branch spans several hundreds: only a full number says something.
    for system in ("linux", "windows") if top is release else ("linux",):
        newest = matrix.newest_cuda_of_driver(top, system)
        facts.append((f"CUDA on {system}", f"{newest or 'none'} is the newest it came with"))
    facts.append(("GPUs no longer in it", ", ".join(ended) or "none of those on record"))
    carried = [v for v, needed in _needed_drivers(matrix) if needed <= top]
    if not carried:
        headline = f"Driver {release}: too old for every TensorFlow on record."
        return Answer(headline, tuple(facts), (), rule.sources)
    best = matrix.build_of("tensorflow", carried[-1])
    refused = [(v, needed) for v, needed in _needed_drivers(matrix) if needed > top]
    if refused:
        facts.append(("why not newer", f"{refused[0][0]} needs driver {refused[0][1]}"))
    text = "a GPU newer than the wheel's machine code compiles PTX, and may need a newer driver"
    facts.append(("but", f"{text} (R10)"))
    cuda_release = best.cuda if best else None
    headline = f"Driver {release}: TensorFlow up to {carried[-1]} (CUDA {cuda_release}) on Linux."
    return Answer(headline, tuple(facts), (), matrix.rule("R3").sources)


def _needed_drivers(matrix: Matrix) -> list[tuple[str, DriverRelease]]:
    """Final releases of tensorflow with CUDA, and the driver each needs on Linux."""
    found = []
    for version in matrix.releases("tensorflow"):
        build = matrix.build_of("tensorflow", version)
        needed = matrix.min_driver(build.cuda) if build and build.cuda else None
        if needed is not None and not version.is_prerelease:
            found.append((str(version), needed))
    return found


# --- GPUs


def gpu(matrix: Matrix, name: str) -> Answer:
    """Its compute capability, and the TensorFlow releases that run on it."""
    product = matrix.gpu(name)
    if product is None:
        several = matrix.gpu_capabilities(name)
        if several:
            raise MatrixError(
                f"{name!r} can mean GPUs of compute capability "
                + " or ".join(map(str, several))
                + "; give the full name.",
                2,
            )
        raise MatrixError(f"The matrix {matrix.version} does not know the GPU {name!r}.", 2)
    capability = product.compute_capability
    facts = [("segment", product.segment), *_drivers_of(matrix, capability)]
    if product.basis:
        facts.append(("derived from", product.basis))
    good, bad = _releases_on_gpu(matrix, capability)
    facts.append(("TensorFlow", good or "none on record"))
    facts += _cudnn_of(matrix, capability)
    facts += bad
    first = first_release_for(matrix, capability, "linux_x86_64")
    since = f"TensorFlow {good}" if good else "no TensorFlow wheel on record runs on it"
    if good and first and good.startswith(first) and _is_open_ended(matrix, good):
        since = f"from TensorFlow {first} on"
    row = matrix.sections["gpus"][product.name]
    sources = (*product.sources, *matrix.rule("R8").sources, *matrix.rule("R9").sources)
    return Answer(
        f"{product.name} (compute capability {capability}, {product.architecture}): {since}.",
        tuple(facts),
        (row,),
        sources,
    )


def _cudnn_of(matrix: Matrix, capability: ComputeCapability) -> list[tuple[str, str]]:
    first, below = first_cudnn(matrix, capability), cudnn_drop(matrix, capability)
    if first:
        return [("cuDNN", f">={first}")]
    return [("cuDNN", f"{below}: later ones have no code for it")] if below else []


def _is_open_ended(matrix: Matrix, span: str) -> bool:
    newest = [v for v in matrix.releases("tensorflow") if not v.is_prerelease][-1]
    return "," not in span and span.endswith(str(newest))


def _drivers_of(matrix: Matrix, capability: ComputeCapability) -> list[tuple[str, str]]:
    rule, architecture = matrix.rule("R5"), architecture_of(capability)
    found = []
    if architecture in rule.data["starts"]:
        found.append(("driver", ">=" + rule.data["starts"][architecture]["linux"] + " (Linux)"))
    if architecture in rule.data["ends"]:
        found.append(("driver", f"up to branch {rule.data['ends'][architecture]}"))
    return found


def _releases_on_gpu(
    matrix: Matrix, capability: ComputeCapability
) -> tuple[str, list[tuple[str, str]]]:
    """The releases that run on it, and for the others the reason, grouped."""
    from envcheck.judge import judge

    good: list[str] = []
    bad: dict[str, list[str]] = {}
    for version in matrix.releases("tensorflow"):
        build = matrix.build_of("tensorflow", version)
        if build is None or not build.cuda or version.is_prerelease:
            continue
        name = f"tensorflow {version}"
        stack = Stack(tensorflow=str(version), compute_capability=capability)
        worst = judge(stack, matrix).about("gpu")[:1]
        if not worst or worst[0].verdict in ("tested", "compatible"):
            good.append(str(version))
        else:
            text = worst[0].text.replace(name, "it")
            bad.setdefault(text, []).append(str(version))
    return _span(good) if good else "", [
        (f"not {_span(versions)}", text) for text, versions in bad.items()
    ]
