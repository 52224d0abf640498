"""cuDNN: with TensorFlow (R2, R6), with CUDA (R7), with the GPU (R9)."""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.judge.cuda import file_of, same_cuda
from envcheck.judge.model import About, Case, Reason
from envcheck.judge.packages import unknown_release
from envcheck.matrix import CudnnCode, CudnnSupport, Matrix, PlatformBuild
from envcheck.matrix.specs import lower_bound
from envcheck.versions import ComputeCapability, CudaRelease, CudnnRelease


def judge_cudnn(case: Case) -> Iterator[Reason]:
    cudnn, wheel = case.cudnn, case.wheel
    if cudnn is None:
        return
    if case.stack.tensorflow is not None and case.build is None:
        yield unknown_release(case, "cudnn", "R6")
    if wheel is not None and wheel.is_cuda and wheel.cudnn_major is not None:
        yield from _with_tensorflow(case, wheel, cudnn)
    if cudnn.says_minor and case.cuda is not None:
        yield from _with_cuda(case, case.cuda, cudnn)
    if cudnn.says_minor and case.capability is not None:
        yield from _with_gpu(case, cudnn, case.capability)


# --- with TensorFlow


def compiled_cudnn(case: Case, wheel: PlatformBuild) -> tuple[CudnnRelease, str] | None:
    """What the wheel was compiled against, else what the table or the pin says, with the source."""
    if wheel.cudnn_compiled is not None:
        return wheel.cudnn_compiled, "cudnn-compiled"
    row = case.matrix.tested(str(case.stack.tensorflow), case.system)
    if row is not None and row.cudnn is not None and row.cudnn.says_minor:
        return row.cudnn, row.sources[0]
    pins = case.build.and_cuda if case.build else {}
    pin = next(
        (lower_bound(s) for name, s in pins.items() if name.startswith("nvidia-cudnn")), None
    )
    return (CudnnRelease.parse(pin), "wheel") if pin else None


def _with_tensorflow(case: Case, wheel: PlatformBuild, cudnn: CudnnRelease) -> Iterator[Reason]:
    assert wheel.cudnn_major is not None
    compiled, source = compiled_cudnn(case, wheel) or (None, "wheel")
    floor = f"{compiled.major}.{compiled.minor}" if compiled else str(wheel.cudnn_major)
    numbers = {"cudnn": str(cudnn), "compiled": str(compiled or wheel.cudnn_major)}
    about = About("cudnn", f">={floor},<{wheel.cudnn_major + 1}", numbers)
    rule = case.matrix.rule("R6")
    if cudnn.major != wheel.cudnn_major:
        opened = wheel.sonames.get("cudnn", f"cuDNN {wheel.cudnn_major}")
        there = file_of("cudnn", str(cudnn.major), wheel.platform)
        text = f"{case.name} opens {opened}; cuDNN {cudnn} is {there}."
        yield about.say("R2", "broken", text, case.matrix.rule("R2").sources, file=opened)
        text = f"cuDNN must have the major {wheel.cudnn_major} that {case.name} was compiled with; "
        yield about.say("R6", "broken", f"{text}this is {cudnn}.", rule.sources)
    elif compiled is None or not cudnn.says_minor:
        text = f"cuDNN {cudnn} has the right major; whether its minor is high enough for "
        yield about.say("R6", "unverified", f"{text}{case.name} is not known.", ("wheel",))
    elif cudnn.minor < compiled.minor:
        text = f"{case.name} was compiled with cuDNN {compiled} and refuses an older minor; "
        yield about.say("R6", "broken", f"{text}this is {cudnn}.", (source, *rule.sources))
    else:
        yield _fitting(case, cudnn, compiled, source, about)


def _fitting(
    case: Case, cudnn: CudnnRelease, compiled: CudnnRelease, source: str, about: About
) -> Reason:
    row = case.matrix.tested(str(case.stack.tensorflow), case.system)
    if case.cudnn_pinned:
        text = f"cuDNN {cudnn} is what {case.name}[and-cuda] pins."
        return about.say("R6", "tested", text, ("wheel",))
    if row is not None and row.cudnn is not None and _same(row.cudnn, cudnn):
        text = f"cuDNN {cudnn} is the official table's row for {row.package} {row.version} "
        text += f"({row.os})."
        return about.say("R6", "tested", text, (*row.sources, source), table=str(row.cudnn))
    text = f"cuDNN {cudnn} has the major, and at least the minor, of {compiled}, which "
    text += f"{case.name} was compiled with."
    return about.say("R6", "compatible", text, (source, *case.matrix.rule("R6").sources))


def _same(table: CudnnRelease, cudnn: CudnnRelease) -> bool:
    return table.major == cudnn.major and (not table.says_minor or table.minor == cudnn.minor)


# --- with CUDA


def _with_cuda(case: Case, cuda: CudaRelease, cudnn: CudnnRelease) -> Iterator[Reason]:
    below, above = support_rows(case.matrix.cudnn_support, cudnn)
    near = [rows for rows in (below, above) if rows]
    listed = [_lists(rows, cuda) for rows in near]
    sources = tuple(dict.fromkeys(s for rows in near for row in rows for s in row.sources))
    about = About("cudnn", None, {"cudnn": str(cudnn), "cuda": str(cuda)})
    minor, tested = f"{cuda.major}.{cuda.minor}", _both_tested(case)
    if not near:
        text = f"No support matrix near cuDNN {cudnn} is known."
        yield about.say("R7", "unverified", text, case.matrix.rule("R7").sources)
    elif not _may_go(cuda, [*below, *above]) or _no_build(case, cuda, cudnn):
        line = str(cuda.major) if cuda.major >= 11 else minor
        text = f"There is no cuDNN {cudnn} for CUDA {line}: {_lists_text(near)}."
        yield about.say("R7", "unsupported", text, sources)
    elif all(listed):
        spans = " and that of ".join(_span(rows) for rows in near)
        text = f"cuDNN {cudnn} goes with CUDA {minor} by the support matrix of {spans}."
        yield about.say("R7", "tested" if tested else "compatible", text, sources)
    elif _stops_before(cuda, below or above):
        text = f"cuDNN {cudnn} is for CUDA {cuda.major}, and minor version compatibility covers "
        text += f"{minor}, which is newer than its support matrix."
        yield about.say("R7", "tested" if tested else "compatible", text, sources)
    elif not tested:  # where TensorFlow's own table has the pair, it speaks for it
        text = f"cuDNN {cudnn} is not known to have been tried with CUDA {minor}: "
        yield about.say("R7", "unverified", f"{text}{_lists_text(near)}.", sources)


def support_rows(
    rows: tuple[CudnnSupport, ...], cudnn: CudnnRelease
) -> tuple[list[CudnnSupport], list[CudnnSupport]]:
    """The rows of this very release, or those of its two documented neighbours.

    A version without its patch ("9.10") takes every row of that minor.
    """
    plain = _without_build(cudnn)
    own = [row for row in rows if row.first <= plain <= row.last]
    if not own and str(cudnn).count(".") == 1:
        own = [row for row in rows if cudnn.line in (row.first.line, row.last.line)]
    if own:
        return own, []
    lower = max((row.last for row in rows if row.last < plain), default=None)
    upper = min((row.first for row in rows if row.first > plain), default=None)
    return ([row for row in rows if row.last == lower], [row for row in rows if row.first == upper])


def _without_build(cudnn: CudnnRelease) -> CudnnRelease:
    """8.9.4 of 8.9.4.25."""
    return CudnnRelease.parse(f"{cudnn.major}.{cudnn.minor}.{cudnn.patch}")


def _lists(rows: list[CudnnSupport], cuda: CudaRelease) -> bool:
    return any(_in_range(text, cuda) for row in rows for text in row.cuda)


def _in_range(text: str, cuda: CudaRelease) -> bool:
    """ "11.6", "12.0-12.2" or "12.0-12.x"."""
    first, _, last = text.partition("-")
    low = CudaRelease.parse(first)
    if low.major != cuda.major:
        return False
    if not last:
        return low.minor == cuda.minor
    top = last.split(".")[1]
    return low.minor <= cuda.minor and (top == "x" or cuda.minor <= int(top))


def _span(rows: list[CudnnSupport]) -> str:
    first, last = rows[0].first, rows[-1].last
    return str(first) if first == last else f"{first} to {last}"


def _listed_minors(rows: list[CudnnSupport], major: int) -> list[int]:
    """The highest minor of every entry for this CUDA major; 99 where the entry is open."""
    ends = [text.split("-")[-1].split(".") for row in rows for text in row.cuda]
    return [99 if minor == "x" else int(minor) for number, minor in ends if int(number) == major]


def _may_go(cuda: CudaRelease, rows: list[CudnnSupport]) -> bool:
    """From CUDA 11 on a build is for a whole major, before that for one minor."""
    return bool(_listed_minors(rows, cuda.major)) if cuda.major >= 11 else _lists(rows, cuda)


def _no_build(case: Case, cuda: CudaRelease, cudnn: CudnnRelease) -> bool:
    """True where this cuDNN was never published for that CUDA major."""
    limits = case.matrix.rule("R7").data.get("published", {}).get(str(cuda.major), {})
    first, last = limits.get("first"), limits.get("last")
    if first and cudnn.line < CudnnRelease.parse(first).line:
        return True
    return bool(last) and _without_build(cudnn) > CudnnRelease.parse(last)


def _stops_before(cuda: CudaRelease, rows: list[CudnnSupport]) -> bool:
    minors = _listed_minors(rows, cuda.major)
    return cuda.major >= 11 and bool(minors) and cuda.minor > max(minors)


def _lists_text(near: list[list[CudnnSupport]]) -> str:
    parts = []
    for rows in near:
        cuda = ", ".join(dict.fromkeys(text for row in rows for text in row.cuda))
        parts.append(f"{rows[0].first} lists {cuda}")
    return "the matrix of " + " and that of ".join(parts)


def _both_tested(case: Case) -> bool:
    """True where TensorFlow's own table or pins name both this CUDA and this cuDNN."""
    if case.cuda_pinned and case.cudnn_pinned:
        return True
    row = case.matrix.tested(str(case.stack.tensorflow), case.system)
    if row is None or row.cuda is None or row.cudnn is None or case.wheel is None:
        return False
    if case.wheel.cuda is None or case.cuda is None or case.cudnn is None:
        return False
    return same_cuda(row.cuda, case.cuda, case.wheel.cuda) and _same(row.cudnn, case.cudnn)


# --- with the GPU


def _with_gpu(case: Case, cudnn: CudnnRelease, capability: ComputeCapability) -> Iterator[Reason]:
    sources = case.matrix.rule("R9").sources
    numbers = {"cudnn": str(cudnn), "compute capability": str(capability)}
    first = first_cudnn(case.matrix, capability)
    if first is not None and cudnn < first:
        about = About("cudnn", f">={first.major}.{first.minor}", numbers)
        text = f"cuDNN has code for compute capability {capability} from {first} on; "
        yield about.say("R9", "broken", f"{text}this is {cudnn}.", sources)
        return
    has_code = _measured_code(case, cudnn, capability)
    if has_code is False:
        last = _last_with_code(case.matrix, capability)
        about = About("cudnn", cudnn_drop(case.matrix, capability), numbers)
        text = f"cuDNN {cudnn} has no code for compute capability {capability}"
        text += f"; the last that has is {last}." if last else "."
        yield about.say("R9", "broken", text, sources)
    elif has_code is None:
        yield from _documented_capability(case, cudnn, capability, About("cudnn", None, numbers))


def first_cudnn(matrix: Matrix, capability: ComputeCapability) -> CudnnRelease | None:
    """The first cuDNN with code for this generation; None for those older than the records."""
    found = None
    for text, version in matrix.rule("R9").data["first_code"]:
        if capability.major == ComputeCapability.parse(text).major:
            found = CudnnRelease.parse(version)
    return found


def _runs(code: CudnnCode, capability: ComputeCapability) -> bool:
    return any(s.major == capability.major and s.minor <= capability.minor for s in code.sass)


def _measured_code(case: Case, cudnn: CudnnRelease, capability: ComputeCapability) -> bool | None:
    """What the measured neighbours of this cuDNN say; None where they differ or are missing."""
    major = case.cuda.major if case.cuda else None
    rows = [code for code in case.matrix.cudnn_code if major in (None, code.cuda_major)]
    rows = rows or list(case.matrix.cudnn_code)
    plain = _without_build(cudnn)
    below = [code for code in rows if _without_build(code.version) <= plain]
    above = [code for code in rows if _without_build(code.version) >= plain]
    answers = {_runs(code, capability) for code in (*below[-1:], *above[:1])}
    return answers.pop() if below and len(answers) == 1 else None


def _documented_capability(
    case: Case, cudnn: CudnnRelease, capability: ComputeCapability, about: About
) -> Iterator[Reason]:
    """Where no library was read: what the support matrices say."""
    below, above = support_rows(case.matrix.cudnn_support, cudnn)
    rows = [*below, *above]
    if not rows or any(
        row.min_cc <= capability and (row.max_cc is None or capability.major <= row.max_cc.major)
        for row in rows
    ):
        return
    low, high = min(row.min_cc for row in rows), rows[0].max_cc
    text = f"cuDNN {cudnn} supports compute capability {low} "
    text += f"to {high}; " if high else "and up; "
    yield about.say("R9", "unsupported", f"{text}this GPU has {capability}.", rows[0].sources)


def _last_with_code(matrix: Matrix, capability: ComputeCapability) -> CudnnRelease | None:
    having = [code.version for code in matrix.cudnn_code if _runs(code, capability)]
    return max(having) if having else None


def cudnn_drop(matrix: Matrix, capability: ComputeCapability) -> str | None:
    """`<9.11` for a GPU that 9.11 dropped; None for those that every later one has."""
    last = _last_with_code(matrix, capability)
    if last is None:
        return None
    later = [c.version for c in matrix.cudnn_code if c.version > last]
    later = [version for version in later if version.line != last.line]
    return f"<{min(later).major}.{min(later).minor}" if later else None


def cudnn_major_can(matrix: Matrix, major: int | None, capability: ComputeCapability) -> bool:
    """False where no cuDNN of this major has code for the GPU, or supports it by its matrix."""
    first = first_cudnn(matrix, capability)
    if major is None or (first is not None and major < first.major):
        return major is None
    tops = [row.max_cc for row in matrix.cudnn_support if row.first.major == major]
    return not tops or any(top is None or capability.major <= top.major for top in tops)
