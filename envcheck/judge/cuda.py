"""The CUDA libraries, and whether the loader finds them: R2, R3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envcheck.judge.model import About, Case, Reason
from envcheck.judge.packages import unknown_release
from envcheck.matrix import CudaSeries, PlatformBuild
from envcheck.versions import CudaRelease, CudnnRelease

_FIRST_WITH_RUNPATH = (2, 14)  # tensorflow wheels before it have no entry for nvidia/*/lib


def judge_cuda(case: Case) -> Iterator[Reason]:
    if case.stack.tensorflow is not None and case.build is None and case.cuda is not None:
        yield unknown_release(case, "cuda", "R2")
    if case.wheel is not None and case.wheel.is_cuda:
        yield from _found_by_itself(case, case.wheel)
        yield from _libraries(case, case.wheel)


def file_of(library: str, version: str, platform: str) -> str:
    """cudart 11.0 to libcudart.so.11.0, on Windows cudart64_110.dll."""
    if platform.startswith("windows"):
        return f"{library}64_{version.replace('.', '')}.dll"
    return f"lib{library}.so.{version}"


def _libraries(case: Case, wheel: PlatformBuild) -> Iterator[Reason]:
    cuda = case.cuda
    if cuda is None or wheel.cuda is None:
        return
    numbers = {"cuda": str(cuda), "built": str(wheel.cuda)}
    about = About("cuda", fitting_cuda(case, wheel), numbers)
    rule = case.matrix.rule("R2")
    series = case.matrix.cuda_series(cuda)
    if cuda.major != wheel.cuda.major:
        opened = wheel.sonames.get("cudart", "")
        text = f"{case.name} opens {opened}, of CUDA {wheel.cuda.major}; "
        text += f"CUDA {cuda} has other file names."
        yield about.say("R2", "broken", text, rule.sources, cudart=opened)
    elif series is None or not cuda.says_minor:
        all_series = (s.series for s in case.matrix.all_cuda_series)
        known = ", ".join(str(s) for s in all_series if s.major == cuda.major)
        text = f"CUDA {cuda} is not a release the matrix knows; "
        text += f"of CUDA {cuda.major} it has {known}."
        yield about.say("R2", "unverified", text, ("cuda-sonames",))
    elif missing := missing_files(wheel, series):
        names = ", ".join(f"{name} (CUDA {cuda} has {there})" for name, there in missing.items())
        text = f"{case.name} opens {names}; without it there is no GPU."
        yield about.say("R2", "broken", text, rule.sources, **missing)
    else:
        yield _fitting(case, wheel, cuda, about)


def missing_files(wheel: PlatformBuild, series: CudaSeries) -> Mapping[str, str]:
    """File that the wheel opens to the file that this CUDA has in its place."""
    found: dict[str, str] = {}
    for library, opened in wheel.sonames.items():
        version = series.sonames.get(library)
        if library == "cudnn":
            continue
        there = file_of(library, version, wheel.platform) if version else "none"
        if there != opened:
            found[opened] = there
    return found


def fitting_cuda(case: Case, wheel: PlatformBuild) -> str | None:
    """The CUDA releases that have every file name: ">=11.1,<12", "==11.0.*"."""
    fitting = [s.series for s in case.matrix.all_cuda_series if not missing_files(wheel, s)]
    if not fitting:
        return None
    first, last = fitting[0], fitting[-1]
    same_major = [s.series for s in case.matrix.all_cuda_series if s.series.major == last.major]
    if first == last:
        return f"=={first}.*"
    if last == same_major[-1]:
        return f">={first},<{last.major + 1}"
    return f">={first},<={last}"


def _fitting(case: Case, wheel: PlatformBuild, cuda: CudaRelease, about: About) -> Reason:
    """Every file is there; the question is who has tried it."""
    assert wheel.cuda is not None
    sources = case.matrix.rule("R2").sources
    row = case.matrix.tested(str(case.stack.tensorflow), case.system)
    if case.cuda_pinned:
        text = f"CUDA {cuda} is what {case.name}[and-cuda] pins."
        return about.say("R2", "tested", text, ("wheel",))
    if row is not None and row.cuda is not None and same_cuda(row.cuda, cuda, wheel.cuda):
        text = f"CUDA {cuda} is the official table's row for {row.package} {row.version} "
        text += f"({row.os})."
        return about.say("R2", "tested", text, (*row.sources, *sources), table=str(row.cuda))
    if cuda.line == wheel.cuda.line:
        text = f"CUDA {cuda} is what {case.name} was built with."
        return about.say("R2", "tested", text, sources)
    text = f"{case.name} was built with CUDA {wheel.cuda}; CUDA {cuda} has every file it opens, "
    text += f"and minor version compatibility covers CUDA {cuda.major}.x."
    field = _field_report(case)
    if field:
        text += " Reported in use."
    return about.say("R3", "compatible", text, (*case.matrix.rule("R3").sources, *sources, *field))


def same_cuda(table: CudaRelease, cuda: CudaRelease, built: CudaRelease) -> bool:
    """The table's older rows say "9" where 9.0 is meant, which is what it was built with."""
    stated = table if table.says_minor else built
    return stated.line == cuda.line


def _field_report(case: Case) -> tuple[str, ...]:
    """Sources of a known_good row for exactly this TensorFlow, CUDA and cuDNN."""
    for row in case.matrix.sections["known_good"].values():
        stack = row["stack"]
        if "cuda" not in stack or stack.get("tensorflow") != case.stack.tensorflow:
            continue
        cudnn = stack.get("cudnn")
        if CudaRelease.parse(stack["cuda"]) == case.cuda and (
            cudnn is None or CudnnRelease.parse(cudnn) == case.cudnn
        ):
            return tuple(row["sources"])
    return ()


def _found_by_itself(case: Case, wheel: PlatformBuild) -> Iterator[Reason]:
    """Whether the loader reaches the libraries: R2, by the wheel's RUNPATH."""
    stack = case.stack
    sources = (*case.matrix.rule("R2").sources, "elf", "dso-probe")
    if not wheel.platform.startswith("linux"):
        return
    if stack.cuda_from == "conda" and stack.ld_library_path is False:
        text = f"{case.name} does not search a conda environment's lib folder by itself; "
        text += "nothing says that the loader does."
        yield About("libraries").say("R2", "unverified", text, sources)
    if stack.cuda_from != "wheels":
        return
    if stack.ld_library_path:
        text = "LD_LIBRARY_PATH leads to the nvidia wheels, so the loader needs no RUNPATH."
        yield About("libraries").say("R2", "tested", text, sources)
        return
    runpath = () if wheel.runpath is None and _before_runpath(case) else wheel.runpath
    if runpath is None:
        text = f"Whether {case.name} finds the nvidia wheels by itself has not been looked at."
        yield About("libraries").say("R2", "unverified", text, sources)
    else:
        yield _by_runpath(case, wheel, runpath, sources)


def _by_runpath(
    case: Case, wheel: PlatformBuild, runpath: tuple[str, ...], sources: tuple[str, ...]
) -> Reason:
    lost = sorted(wheel.folders_needed - set(runpath))
    numbers = {"missing": ", ".join(lost), "runpath": ", ".join(runpath)}
    if not lost:
        text = f"{case.name} finds pip's CUDA libraries by its own RUNPATH."
        return About("libraries", None, numbers).say("R2", "tested", text, sources)
    where = " and ".join(f"nvidia/{name}/lib" for name in lost)
    text = f"{case.name} does not search {where}: pip's CUDA libraries are there and not found, "
    text += "so there is no GPU without LD_LIBRARY_PATH."
    about = About("libraries", "LD_LIBRARY_PATH over nvidia/*/lib", numbers)
    return about.say("R2", "broken", text, sources)


def _before_runpath(case: Case) -> bool:
    assert case.build is not None
    minor = tuple(int(part) for part in case.build.version.split(".")[:2])
    return minor < _FIRST_WITH_RUNPATH
