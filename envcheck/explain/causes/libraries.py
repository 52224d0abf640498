"""CUDA libraries and cuDNN: not found, of another version, unreadable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envcheck.explain.causes._words import (
    GPU_LIST,
    built_for,
    is_windows,
    linux_name,
    pip_install,
    system,
    wheels_bring_cuda,
)
from envcheck.explain.model import Cause, Ground
from envcheck.model import Fix
from envcheck.remedies import manual
from envcheck.versions import CudnnRelease

DRIVER_IS_FINE = "The driver is not the reason: these are CUDA libraries of the program's side."
ON_PATH = (
    "Name their folder for the loader, in front of what is there already, in the shell that "
    "starts the program:"
)


def _missing(ground: Ground) -> Mapping[str, str]:
    names = tuple(dict.fromkeys(ground.every("soname")))
    tensorflow, cuda, cudnn = built_for(ground)
    shown = ", ".join(names) or "the GPU libraries"
    about = f"TensorFlow {tensorflow}" if tensorflow else "This TensorFlow"
    wants = f"{about} was built for CUDA {cuda} and cuDNN {cudnn}. " if cuda else ""
    if any("cudnn" in name for name in names) and not cuda:
        wants = "The cuDNN is among them. "
    return {
        "names": shown,
        "wants": wants,
        "cuda": cuda or "of the release's own version",
        "cudnn": cudnn or "of the release's own version",
        "folders": ground.first("ld_library_path").strip(":"),
        "variable": "PATH" if is_windows(ground) else "LD_LIBRARY_PATH",
    }


def _missing_fixes(ground: Ground) -> Iterable[Fix]:
    params = _missing(ground)
    if is_windows(ground):
        yield manual(
            "install-cuda",
            "Install CUDA {cuda} and cuDNN {cudnn} for Windows, put their bin folders on PATH, and "
            "open a new console. Native Windows has GPU support up to TensorFlow 2.10.",
            cuda=params["cuda"],
            cudnn=params["cudnn"],
        )
        return
    if wheels_bring_cuda(ground):
        yield pip_install(ground, "tensorflow[and-cuda]")
        yield _library_path()
        return
    yield manual(
        "install-cuda",
        "Install CUDA {cuda} and cuDNN {cudnn} and name their lib folder in LD_LIBRARY_PATH. With "
        "conda both come as packages:",
        ("conda", "install", "-c", "conda-forge", *_conda(params)),
        cuda=params["cuda"],
        cudnn=params["cudnn"],
    )
    yield _library_path()
    yield manual(
        "newer-tensorflow",
        "Or move to a TensorFlow (2.15 or later, Python 3.9 or later) that brings its own CUDA:",
        ("python", "-m", "pip", "install", "tensorflow[and-cuda]"),
    )


def _conda(params: Mapping[str, str]) -> tuple[str, ...]:
    cuda, cudnn = params["cuda"].split(" ")[0], params["cudnn"].split(" ")[0]
    if not cuda[:1].isdigit():
        return ("cudatoolkit", "cudnn")
    return (f"cudatoolkit={cuda}", f"cudnn={cudnn}")


def _library_path() -> Fix:
    return manual(
        "set-ld-library-path",
        ON_PATH,
        ("export", "LD_LIBRARY_PATH=FOLDER_OF_THE_LIBRARIES:$LD_LIBRARY_PATH"),
    )


def _conda_path(ground: Ground) -> Iterable[Fix]:
    if is_windows(ground):
        yield from _missing_fixes(ground)
        return
    yield manual(
        "set-ld-library-path",
        "Find the file (it may lie in the conda environment's lib folder), and name its folder in "
        "LD_LIBRARY_PATH in the shell that starts the program:",
        (
            "find",
            "/",
            "-name",
            linux_name(ground.first("soname")) + "*",
            "-not",
            "-path",
            "/proc/*",
        ),
        ("export", "LD_LIBRARY_PATH=FOLDER_THAT_HAS_IT:$LD_LIBRARY_PATH"),
    )
    yield from _missing_fixes(ground)


def _unnamed_fixes(ground: Ground) -> Iterable[Fix]:
    if is_windows(ground):
        yield from _missing_fixes(ground)
        return
    yield pip_install(ground, "tensorflow[and-cuda]")
    yield manual(
        "name-the-library",
        "This TensorFlow does not say which library it misses; envcheck does:",
        ("envcheck", "check", "--no-smoke"),
    )
    yield manual(
        "set-ld-library-path",
        "If the wheels are installed and not found, name their folders "
        "(site-packages/nvidia/*/lib) "
        "in LD_LIBRARY_PATH.",
    )


def _part(ground: Ground) -> Mapping[str, str]:
    part = ground.first("part", "the cuDNN library")
    major = part.rpartition(".so.")[2].split(".")[0]
    return {"part": part, "major": major if major.isdigit() else "of the same major"}


def _part_fixes(ground: Ground) -> Iterable[Fix]:
    params = _part(ground)
    yield manual(
        "install-cudnn-major",
        "Install the whole cuDNN {major} beside the CUDA in use, and name the folder that has "
        "{part} in LD_LIBRARY_PATH.",
        part=params["part"],
        major=params["major"],
    )


def _cudnn(ground: Ground) -> Mapping[str, str]:
    loaded, compiled = ground.first("cudnn_loaded"), ground.first("cudnn_compiled")
    texts = []
    for text in (loaded, compiled):
        # 1.x prints 7102 for 7.1.2.
        texts.append(str(CudnnRelease.from_int(int(text))) if text.isdigit() else text)
    loaded, compiled = texts
    if not compiled:
        return {
            "loaded": "of the machine",
            "compiled": "another one",
            "wanted": "",
            "how": "another one",
            "tensorflow": "This TensorFlow",
        }
    has, needs = CudnnRelease.parse(loaded), CudnnRelease.parse(compiled)
    how = "newer by a major release" if has.major > needs.major else "older"
    builds = [
        version
        for version in ground.matrix.releases("tensorflow")
        if (build := ground.matrix.build_of("tensorflow", str(version)))
        and build.cudnn_compiled == needs
    ]
    minors = list(dict.fromkeys(f"{v.major}.{v.minor}" for v in builds))
    known = f"TensorFlow {minors[0]} to {minors[-1]}" if len(minors) > 1 else ""
    return {
        "loaded": loaded,
        "compiled": compiled,
        "wanted": f">={needs.major}.{needs.minor},<{needs.major + 1}",
        "how": how,
        "tensorflow": known or (f"TensorFlow {minors[0]}" if minors else "This TensorFlow"),
    }


def _cudnn_fixes(ground: Ground) -> Iterable[Fix]:
    params = _cudnn(ground)
    wanted = params["wanted"]
    if wanted and system(ground) not in ("windows", "macos"):
        for project in ("nvidia-cudnn-cu12", "nvidia-cudnn-cu11"):
            oldest = CudnnRelease.parse(params["compiled"])
            suits = project.endswith("12") == ((oldest.major, oldest.minor) >= (8, 9))
            if suits and ground.matrix.resolve(project, wanted):
                yield pip_install(ground, f"{project}{wanted}")
    yield manual(
        "other-cudnn-first",
        "Make cuDNN {wanted} the copy that the loader finds first: look for the other one in the "
        "wheels of PyTorch or CuPy, in conda, in /usr/local/cuda and in loaded modules.",
        wanted=wanted or "of the compiled major, of at least its minor,",
    )


def _compiler_fixes(ground: Ground) -> Iterable[Fix]:
    if is_windows(ground):
        yield manual(
            "install-cuda",
            "Install the CUDA Toolkit of TensorFlow's release: its nvvm folder holds libdevice.",
        )
        return
    yield manual(
        "install-nvcc",
        "Install CUDA's compiler, which brings libdevice and ptxas: with pip for CUDA 12, or with "
        "conda (cuda-nvcc):",
        ("python", "-m", "pip", "install", "nvidia-cuda-nvcc-cu12"),
    )
    yield manual(
        "xla-flags",
        "Tell XLA the folder that holds nvvm/libdevice/libdevice.10.bc and bin/ptxas, in the shell "
        "that starts the program:",
        ("export", "XLA_FLAGS=--xla_gpu_cuda_data_dir=FOLDER"),
    )


CAUSES = (
    Cause(
        "LIB101",
        "gpu-libraries-not-found",
        "The loader does not find {names}",
        "{wants}One missing CUDA library is enough for no GPU at all: TensorFlow then runs on the "
        "CPU. Either they are not "
        "installed or their folder is not on {variable}.",
        _missing,
        _missing_fixes,
        GPU_LIST,
        (DRIVER_IS_FINE, "TensorRT (libnvinfer) is optional and never the reason."),
    ),
    Cause(
        "LIB101",
        "gpu-libraries-not-found",
        "The loader does not find {names} in the folders of LD_LIBRARY_PATH",
        "{wants}LD_LIBRARY_PATH is set ({folders}), and none of its folders has {names}. One "
        "missing library is enough for no GPU at all.",
        _missing,
        _conda_path,
        GPU_LIST,
        (DRIVER_IS_FINE,),
        name="LIB101-path",
    ),
    Cause(
        "LIB101",
        "gpu-libraries-not-found",
        "Of the CUDA libraries only {names} is missing",
        "{wants}The other libraries load, so a CUDA is installed, and it is either of another "
        "minor "
        "release (cuSOLVER's file has the number 10 in CUDA 11.0 and 11 from CUDA 11.1 on) or "
        "{names} lies in a folder that is not on {variable}.",
        _missing,
        _conda_path,
        GPU_LIST,
        (DRIVER_IS_FINE,),
        name="LIB101-cusolver",
    ),
    Cause(
        "LIB908",
        "tensorflow-of-another-jetpack",
        "This TensorFlow was built for CUDA {cuda}, which {names} belongs to; no TensorFlow of "
        "the package index was",
        "It is a wheel that NVIDIA made for a Jetson board (each is for one JetPack with one "
        "CUDA), or a build of "
        "someone's own. The CUDA on this machine is another one.",
        lambda ground: {
            "cuda": linux_name(ground.first("soname")).partition(".so.")[2] or "of its own",
            "names": ground.first("soname", "the missing library"),
        },
        lambda ground: (
            manual(
                "wheel-of-jetpack",
                "Install the TensorFlow wheel that NVIDIA offers for the board's JetPack version, "
                "or upgrade JetPack to "
                "the one with this CUDA. It shows the JetPack:",
                ("cat", "/etc/nv_tegra_release"),
            ),
        ),
        GPU_LIST,
        (DRIVER_IS_FINE, "TensorRT (libnvinfer) is optional and never the reason."),
    ),
    Cause(
        "LIB101",
        "gpu-libraries-not-found",
        "TensorFlow does not find all of its CUDA libraries",
        "It opens the CUDA runtime, cuBLAS, cuFFT, cuSOLVER, cuSPARSE and cuDNN, at least one of "
        "these libraries was not found, and it does not say which one. So it runs on the CPU.",
        fixes=_unnamed_fixes,
        check=GPU_LIST,
        excluded=("TensorRT is optional and never the reason.",),
        name="LIB101-unnamed",
    ),
    Cause(
        "LIB907",
        "cudnn-part-missing",
        "The loader does not find {part}, a part of cuDNN {major}",
        "The program was built for cuDNN {major} and opens its parts when it first needs them. The "
        "environment has another cuDNN, or this one's folder is not on LD_LIBRARY_PATH.",
        _part,
        _part_fixes,
        GPU_LIST,
        (DRIVER_IS_FINE,),
    ),
    Cause(
        "LIB901",
        "libcuda-link-missing",
        "cuDNN asks for libcuda.so, and the loader only has libcuda.so.1",
        "The driver's library is there under another name or in another folder. Under WSL2 both "
        "names are in /usr/lib/wsl/lib, which is not on the loader's path.",
        fixes=lambda ground: (
            manual(
                "set-ld-library-path",
                "Under WSL2, name the folder of Windows' driver in the shell that starts the "
                "program:",
                ("export", "LD_LIBRARY_PATH=/usr/lib/wsl/lib:$LD_LIBRARY_PATH"),
            ),
            manual(
                "link-libcuda",
                "On plain Linux, give libcuda.so.1 its second name where it lies:",
                ("sudo", "ln", "-s", "libcuda.so.1", "/usr/lib/x86_64-linux-gnu/libcuda.so"),
                root=True,
            ),
        ),
        check=GPU_LIST,
        excluded=(
            "cuDNN itself is installed: it is the one that asks.",
            "No driver has to be installed inside of WSL.",
        ),
    ),
    Cause(
        "LIB902",
        "zlibwapi-missing",
        "Windows does not find zlibwapi.dll, which cuDNN 8 needs",
        "Windows' error 126 names the library that could not be loaded; what is missing is one "
        "that "
        "this library needs: zlibwapi.dll.",
        fixes=lambda ground: (
            manual(
                "install-zlibwapi",
                "Put zlibwapi.dll (64-bit, linked from NVIDIA's cuDNN install guide) into a folder "
                "on PATH, such as the bin folder of CUDA, and open a new console.",
            ),
        ),
        check=("where", "zlibwapi.dll"),
        excluded=("The cuDNN file that is named is there and whole.",),
    ),
    Cause(
        "LIB903",
        "library-of-another-word-size",
        "{library} is a {elf} file, which this process cannot load",
        "The loader finds a 32-bit library before the 64-bit one (or the other way round).",
        lambda ground: {
            "library": ground.first("library", "A library"),
            "elf": ground.first("elf", "32-bit").replace("ELFCLASS32", "32-bit (ELFCLASS32)"),
        },
        lambda ground: (
            manual(
                "remove-32-bit-folder",
                "Take the folder with the 32-bit files (often /usr/lib/i386-linux-gnu or lib32) "
                "out "
                "of LD_LIBRARY_PATH, or put the 64-bit folder before it.",
                ("ldconfig", "-p"),
            ),
        ),
        GPU_LIST,
    ),
    Cause(
        "LIB904",
        "cudnn-copies-mixed",
        "Files of two cuDNN releases are mixed: {library} misses {symbol}",
        "cuDNN is several files that must be of one release; the loader takes them from two copies "
        "(for example PyTorch's wheel and a system folder).",
        lambda ground: {
            "library": ground.first("library", "a cuDNN file"),
            "symbol": ground.first("symbol", "a symbol"),
        },
        lambda ground: (
            manual(
                "one-cudnn",
                "Leave one cuDNN on the loader's path: take the other folder out of "
                "LD_LIBRARY_PATH, "
                "or uninstall the wheel that brings the second one.",
                ("python", "-m", "pip", "list"),
            ),
        ),
        GPU_LIST,
    ),
    Cause(
        "LIB905",
        "cuda-copies-mixed",
        "Libraries of two CUDA releases are mixed: {library} misses {symbol}",
        "The program's own CUDA library was built for a neighbour of its own release, and "
        "LD_LIBRARY_PATH or the loader's cache gives it one of another.",
        lambda ground: {
            "library": ground.first("library", "a CUDA library"),
            "symbol": ground.first("symbol", "a symbol"),
        },
        lambda ground: (
            manual(
                "clear-ld-library-path",
                "Run it once without your own library folders; if that works, take the other CUDA "
                "out "
                "of LD_LIBRARY_PATH for good:",
                ("env", "-u", "LD_LIBRARY_PATH", "python", "-c", "import tensorflow"),
            ),
        ),
        GPU_LIST,
    ),
    Cause(
        "LIB906",
        "library-damaged",
        "{library} is no library: the file is damaged or empty",
        "The loader found the file and could not read it as a shared library.",
        lambda ground: {"library": ground.first("library", "A file")},
        lambda ground: (
            manual(
                "reinstall-library",
                "Install the package that brings this file again, and look whether the disk is "
                "full.",
                ("df", "-h"),
            ),
        ),
        GPU_LIST,
    ),
    Cause(
        "DNN101",
        "cudnn-wrong-version",
        "The loaded cuDNN {loaded} does not fit this TensorFlow, which was compiled with "
        "{compiled}",
        "{tensorflow} needs a cuDNN of the same major and at least the same minor release; the one "
        "that was loaded is {how}.",
        _cudnn,
        _cudnn_fixes,
        GPU_LIST,
        ("The driver is not the reason: it has no part in cuDNN.", "Memory is not the reason."),
    ),
    Cause(
        "CUD901",
        "libdevice-missing",
        "XLA does not find CUDA's compiler files (libdevice, ptxas)",
        "TensorFlow compiles a part of the program for the GPU at run time and needs "
        "libdevice.10.bc "
        "and ptxas for it; pip's CUDA libraries do not hold them, or XLA looks in another folder.",
        fixes=_compiler_fixes,
        check=("find", "/", "-name", "libdevice.10.bc", "-not", "-path", "/proc/*"),
        excluded=("The GPU was found: CUDA's libraries and the driver are in place.",),
    ),
    Cause(
        "CUD902",
        "ptxas-not-executable",
        "ptxas is there and may not be run",
        "The file lacks the permission to be executed, as after an unpacking without modes.",
        fixes=lambda ground: (
            manual("chmod-ptxas", "Make it executable:", ("chmod", "+x", "PATH_OF_PTXAS")),
        ),
        check=("ptxas", "--version"),
    ),
)
