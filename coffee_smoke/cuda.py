"""The driver and the CUDA runtime by ctypes: what they say before any framework is asked.

These rungs run in a process of their own. A library that is loaded here would be found by its
soname when TensorFlow looks for it, and hide that TensorFlow alone would not have found it.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from typing import Any, List, NamedTuple, Optional, Tuple, Union

from coffee_smoke import nvml
from coffee_smoke.checks import WrongNumbers
from coffee_smoke.ladder import Climb, Note, Skipped, Wrong

NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE
COPIED = 1 << 20  # bytes that go to each GPU and back
COPY_TO_DEVICE, COPY_TO_HOST = 1, 2  # cudaMemcpyKind
DEVICE_FILES = ("/dev/nvidiactl", "/dev/dxg")  # Linux, WSL2
DRIVER = "nvcuda.dll" if os.name == "nt" else "libcuda.so.1"
MIB = 1 << 20

Outcome = Union[Note, Skipped]


def open_driver() -> Any:
    return ctypes.CDLL(DRIVER)


def is_absent(error: OSError) -> bool:
    """Whether the loader found no such file, as opposed to one that it could not load."""
    text = str(error)
    return os.name == "nt" or (DRIVER in text.split(":")[0] and "No such file" in text)


def call(library: Any, function: str, *arguments: Any) -> None:
    code = getattr(library, function)(*arguments)
    if code:
        raise Wrong("%s answers %s" % (function, error_of(library, code)))


def error_of(library: Any, code: int) -> str:
    """`CUDA_ERROR_NO_DEVICE (100): no CUDA-capable device is detected`."""
    said = []
    for function in ("cuGetErrorName", "cuGetErrorString"):
        text = ctypes.c_char_p()
        getattr(library, function)(code, ctypes.byref(text))
        said.append((text.value or b"").decode("ascii", "replace"))
    return "%s (%d): %s" % (said[0] or "an error", code, said[1] or "unknown to this driver")


def driver(climb: Climb) -> Outcome:
    """libcuda opens and cuInit answers."""
    must = climb.options.device == "gpu"
    if climb.options.device == "cpu":
        return Skipped("the CPU was asked for")
    try:
        library = open_driver()
    except OSError as error:
        present = [path for path in DEVICE_FILES if os.path.exists(path)]
        if is_absent(error) and not present and not must:
            return Skipped("there is no NVIDIA driver here (%s)" % DRIVER)
        seen = " although %s is here" % present[0] if present else ""
        raise Wrong("%s cannot be opened%s: %s" % (DRIVER, seen, error)) from None
    code = library.cuInit(0)
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if code == NO_DEVICE and hidden in ("", "-1") and not must:
        return Skipped("CUDA_VISIBLE_DEVICES=%s hides every GPU" % hidden)
    if code:
        raise Wrong("cuInit answers " + error_of(library, code))
    names = [gpu_name(library, number) for number in range(gpu_count(library))]
    version = ctypes.c_int()
    call(library, "cuDriverGetVersion", ctypes.byref(version))
    climb.document["driver"] = {"cuda_supported": release(version.value), "gpus": names}
    return Note(
        "supports CUDA up to %s; %d GPU: %s"
        % (release(version.value), len(names), ", ".join(names))
    )


def release(number: int) -> str:
    """12020 -> "12.2"."""
    return "%d.%d" % (number // 1000, number % 1000 // 10)


def gpu_count(library: Any) -> int:
    count = ctypes.c_int()
    call(library, "cuDeviceGetCount", ctypes.byref(count))
    return count.value


def gpu_name(library: Any, number: int) -> str:
    name = ctypes.create_string_buffer(256)
    call(library, "cuDeviceGetName", name, 256, number)
    return name.value.decode("utf-8", "replace")


def context(climb: Climb) -> Outcome:
    """Each GPU takes a context, a MiB and gives it back unchanged."""
    # Taken first: a context that fails for want of memory is explained by who holds it.
    climb.document["gpu_memory"] = nvml.sample()
    library = open_driver()
    call(library, "cuInit", 0)
    free = [copy_there_and_back(library, number) for number in range(gpu_count(library))]
    said = ["GPU %d has %d of %d MiB free" % (n, f, t) for n, (f, t) in enumerate(free)]
    return Note("1 MiB came back unchanged; " + ", ".join(said))


def copy_there_and_back(library: Any, number: int) -> Tuple[int, int]:
    """(free, total) MiB of this GPU."""
    handle, where = ctypes.c_void_p(), ctypes.c_uint64()
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    call(library, "cuDevicePrimaryCtxRetain", ctypes.byref(handle), number)
    try:
        call(library, "cuCtxSetCurrent", handle)
        call(library, "cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        call(library, "cuMemAlloc_v2", ctypes.byref(where), ctypes.c_size_t(COPIED))
        sent, came = pattern(number), ctypes.create_string_buffer(COPIED)
        call(library, "cuMemcpyHtoD_v2", where, sent, ctypes.c_size_t(COPIED))
        call(library, "cuMemcpyDtoH_v2", came, where, ctypes.c_size_t(COPIED))
        call(library, "cuMemFree_v2", where)
        if came.raw != sent:
            raise WrongNumbers("GPU %d gives back other bytes than it was given" % number)
    finally:
        library.cuDevicePrimaryCtxRelease_v2(number)
    return free.value // MIB, total.value // MIB


def pattern(number: int) -> bytes:
    return bytes((i * 7 + number) % 251 for i in range(4096)) * (COPIED // 4096)


class Build(NamedTuple):
    """What TensorFlow's own build_info.py says, read as text and not imported."""

    folder: str
    cuda: Optional[str]


def tensorflow_build() -> Optional[Build]:
    for entry in sys.path:
        folder = os.path.join(entry or ".", "tensorflow")
        path = os.path.join(folder, "python", "platform", "build_info.py")
        if not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as stream:
            text = stream.read()
        found = re.search(r"""cuda_version['"]?\]?\s*[:=,]\s*['"](\d[\d.]*)['"]""", text)
        return Build(folder, found.group(1) if found else None)
    return None


def runtime_names(cuda: str) -> Tuple[str, ...]:
    """The file names of libcudart, the one that this build opens first. CUDA 11.x kept 11.0's."""
    major = int(cuda.split(".")[0])
    if os.name == "nt":
        return ("cudart64_%s.dll" % {11: "110", 12: "12"}.get(major, cuda.replace(".", "")),)
    if major == 11:
        return ("libcudart.so.11.0",)
    if major < 11:
        return ("libcudart.so." + cuda, "libcudart.so.10.1")
    return ("libcudart.so.%d" % major,)


def runtime(climb: Climb) -> Outcome:
    """The CUDA runtime of TensorFlow's release: it opens, sees the GPUs and copies."""
    build = tensorflow_build()
    if build is None:
        return Skipped("there is no TensorFlow to say which CUDA runtime it wants")
    if build.cuda is None:
        return Skipped("this TensorFlow is built without CUDA, or does not say with which")
    library, path = open_runtime(build)
    version, count = ctypes.c_int(), ctypes.c_int()
    ask(library, "cudaRuntimeGetVersion", ctypes.byref(version))
    ask(library, "cudaGetDeviceCount", ctypes.byref(count))
    where = ctypes.c_void_p()
    sent, came = pattern(0), ctypes.create_string_buffer(COPIED)
    size = ctypes.c_size_t(COPIED)
    ask(library, "cudaMalloc", ctypes.byref(where), size)
    ask(library, "cudaMemcpy", where, sent, size, COPY_TO_DEVICE)
    ask(library, "cudaMemcpy", came, where, size, COPY_TO_HOST)
    ask(library, "cudaFree", where)
    if came.raw != sent:
        raise WrongNumbers("1 MiB came back from the GPU changed")
    return Note("CUDA %s by %s, %d GPU" % (release(version.value), path, count.value))


def open_runtime(build: Build) -> Tuple[Any, str]:
    """The library and where it was found: by the loader, or in the environment's wheel."""
    names = runtime_names(build.cuda or "")
    wheel = os.path.join(os.path.dirname(build.folder), "nvidia", "cuda_runtime", "lib")
    errors: List[str] = []
    for path in names + tuple(os.path.join(wheel, name) for name in names):
        if os.path.dirname(path) and not os.path.exists(path):
            continue
        try:
            return ctypes.CDLL(path), path
        except OSError as error:
            errors.append(str(error))
    raise Wrong("; ".join(errors))


def ask(library: Any, function: str, *arguments: Any) -> None:
    code = getattr(library, function)(*arguments)
    if code:
        library.cudaGetErrorName.restype = library.cudaGetErrorString.restype = ctypes.c_char_p
        name, text = library.cudaGetErrorName(code), library.cudaGetErrorString(code)
        said = (function, name.decode("ascii", "replace"), code, text.decode("ascii", "replace"))
        raise Wrong("%s answers %s (%d): %s" % said)
