"""The vocabulary: every fact's name, its type, and what it means.

Look-alike versions are different types on purpose. The driver release, the CUDA that the
driver supports, the toolkit on disk, the CUDA that TensorFlow was built with and the
libraries that the loader will find are five different facts.

The rows are named tuples: frozen as well, and a tenth of a dataclass's cost at start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from envcheck.model import Key, not_applicable
from envcheck.versions import ComputeCapability, CudaRelease, DriverRelease

T = TypeVar("T")


class Distribution(NamedTuple):
    """An installed distribution (a dist-info or egg-info folder). ``missing`` counts the files
    of its RECORD, headers apart, that are not on the disk; None where it was not compared."""

    name: str
    version: str | None
    location: str
    path: str
    metadata: str = "ok"
    installer: str | None = None
    requires: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    files: int | None = None
    missing: int | None = None
    missing_examples: tuple[str, ...] = ()
    altered: int | None = None
    """Files that are there with another size than RECORD says."""
    altered_examples: tuple[str, ...] = ()


class Resolution(NamedTuple):
    """What ``import name`` would load: kind is package, module, namespace, missing or error."""

    kind: str
    file: str = ""
    folder: str = ""
    version: str | None = None
    error: str = ""


class PathEntry(NamedTuple):
    path: str
    origin: str
    via: str = ""


class Shadow(NamedTuple):
    module: str
    file: str


class CodeScan(NamedTuple):
    """``findings``: how many of each code, without those that are only information."""

    files: int
    stopped: bool
    findings: Mapping[str, int]


class Command(NamedTuple):
    """A program on PATH and the interpreter that it runs (a pip script's first line names it)."""

    name: str
    path: str
    python: str


class Pointer(NamedTuple):
    """A file that names an interpreter: a Jupyter kernel, an editor's settings, a script of the
    target. kind: kernel, vscode, pycharm or script. ``python`` is a path, or with ``version``
    only a name (PyCharm)."""

    kind: str
    name: str
    file: str
    python: str
    exists: bool = True
    version: str = ""


class GpuProcess(NamedTuple):
    """A program that NVML sees on a GPU. ``name`` and ``user`` are None where no process of
    this number is visible here: it is dead, or in another container."""

    pid: int
    mib: int | None = None
    name: str | None = None
    user: str | None = None


class GpuDevice(NamedTuple):
    """One GPU as NVML names it. ``memory_mib`` is its total, ``used_mib`` without what the
    driver keeps for itself. ``error`` and ``code`` are NVML's where it does not answer for this
    one. None: the card or its driver does not tell this."""

    index: int  # type: ignore[assignment]  # NVML's word, and a method of tuples
    name: str | None = None
    compute_capability: ComputeCapability | None = None
    memory_mib: int | None = None
    error: str = ""
    code: int | None = None
    uuid: str | None = None
    bus_id: str | None = None
    used_mib: int | None = None
    processes: tuple[GpuProcess, ...] | None = None
    compute_mode: int | None = None
    """nvmlComputeMode_t: 0 default, 1 exclusive thread, 2 prohibited, 3 exclusive process."""
    persistence: bool | None = None
    throttle: int | None = None
    """nvmlClocksEventReasons, a mask of bits."""
    ecc_uncorrected: int | None = None
    """Since the driver was loaded."""
    remap_pending: bool | None = None
    remap_failed: bool | None = None
    pages_pending: bool | None = None
    """Whether memory pages wait for a restart to be retired (before Ampere)."""
    recovery_action: int | None = None
    """nvmlDeviceGpuRecoveryAction_t: 0 none, 1 reset, 2 reboot, 3 drain, 4 drain and reset."""
    mig: bool | None = None
    mig_instances: tuple[str, ...] | None = None
    """The UUIDs of its MIG devices."""
    fabric_state: int | None = None
    """nvmlGpuFabricState_t: 0 has none, 1 not started, 2 in progress, 3 completed."""
    fabric_status: int | None = None
    pcie_width: int | None = None
    pcie_width_max: int | None = None
    pcie_generation: int | None = None
    pcie_generation_max: int | None = None

    @property
    def title(self) -> str:
        return self.name or f"GPU {self.index}"

    @property
    def number(self) -> str:
        """As a finding's subject names it."""
        return f"GPU {self.index}"


class NvmlAnswer(NamedTuple):
    """status: ok, not-found (no library), error (``code`` and ``text`` from NVML; without a
    code, dlerror's text), hung or crashed (``text`` says how and in which ``step``)."""

    status: str
    code: int | None = None
    text: str = ""
    step: str = ""


class CudaAnswer(NamedTuple):
    """cuInit of libcuda in the target's environment. status: ok, error, hung, crashed, or
    unloadable (``name`` is dlerror's text). ``devices`` is how many GPUs it then counts."""

    status: str
    code: int | None = None
    name: str = ""
    devices: int | None = None


class DeviceFile(NamedTuple):
    """A file that the driver is reached through. state: ok, missing, forbidden (EACCES),
    refused (EPERM: the container's device rules), error."""

    path: str
    state: str
    error: str = ""


class KernelMessage(NamedTuple):
    """A line of the kernel's log. kind: xid (with ``code``, ``bus_id``), key-rejected, other."""

    kind: str
    text: str
    code: int | None = None
    bus_id: str | None = None


class BuiltModule(NamedTuple):
    """nvidia.ko, or nvidia-current.ko, below /lib/modules."""

    kernel: str
    path: str


class Place(NamedTuple):
    """Where a shared library was found. via: LD_PRELOAD, RPATH, LD_LIBRARY_PATH, RUNPATH,
    ld.so.cache, default or PATH; where the loader does not look: wheel, toolkit, environment.
    ``component`` is the wheel's folder below ``nvidia/``.

    status: empty where the loader takes it, or would without the ones before it; passed (over:
    of another class or machine), broken (the loader stops there) or unreached; ``detail`` says
    why. ``missing`` are the needed libraries and symbol versions that are nowhere."""

    path: str
    via: str
    component: str = ""
    version: str | None = None
    status: str = ""
    detail: str = ""
    missing: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.path} ({self.version})" if self.version else self.path


class Library(NamedTuple):
    """One library that is opened by name, and every place that has it, in the loader's order."""

    name: str
    soname: str
    found: tuple[Place, ...] = ()

    @property
    def winner(self) -> Place | None:
        """The file that the loader takes, be it broken or not."""
        return next((place for place in self.found if place.status in ("", "broken")), None)

    @property
    def losers(self) -> tuple[Place, ...]:
        """What the loader would take if the winner were not there."""
        return tuple(place for place in self.found if place.status == "")[1:]


class Opener(NamedTuple):
    """The file of TensorFlow whose dlopen opens the CUDA libraries, and its search paths."""

    path: str
    rpath: str = ""
    runpath: str = ""


class Opened(NamedTuple):
    """What came of opening a library in a child. status: ok, error (``detail`` is dlerror's
    text), crashed or silent. ``version`` is what the library says of itself."""

    soname: str
    path: str
    status: str
    detail: str = ""
    version: str | None = None


class Toolkit(NamedTuple):
    """A CUDA toolkit. ``path`` has its links resolved, ``source`` is the file that names the
    version, ``found`` are the ways that lead to it: CUDA_HOME, a link, nvcc on PATH, …"""

    path: str
    version: CudaRelease
    source: str
    found: tuple[str, ...] = ()
    libdevice: bool = False
    """Whether it has nvvm/libdevice/libdevice.10.bc."""


class CudnnCopy(NamedTuple):
    """One folder with cuDNN in it: a toolkit, /usr, a wheel, a conda environment. ``libraries``
    are the versions that the library files' names carry, ``header`` the one in ``header_file``,
    ``package`` the wheel or conda package that says it brought them."""

    path: str
    via: str
    libraries: tuple[str, ...] = ()
    header: str | None = None
    header_file: str = ""
    package: str = ""

    @property
    def version(self) -> str | None:
        """The library's, as far as its name says more than the major; else the header's."""
        full = [version for version in self.libraries if "." in version]
        packaged = self.package.partition(" ")[2] or None
        return full[-1] if full else self.header or packaged or next(iter(self.libraries), None)


class XlaRoot(NamedTuple):
    """A folder in which XLA looks for CUDA, where it has one of the two that XLA needs there:
    nvvm/libdevice/libdevice.10.bc and bin/ptxas. via: XLA_FLAGS, cuda_sdk_lib, build (the folder
    of the machine that built TensorFlow), system, wheel, tensorflow, prefix, cwd."""

    path: str
    via: str
    libdevice: bool = False
    ptxas: bool = False


class SmokeRung(NamedTuple):
    name: str
    status: str
    device: str = ""
    detail: str = ""
    error_type: str = ""
    error_message: str = ""
    traceback: str = ""
    library: str = ""
    """What a broken rung points at: cuDNN, NVIDIA driver, …"""
    log: str = ""
    """The end of what was written to stderr while it ran."""


class LostWay(NamedTuple):
    """A faster way to train that did not work, so that a slower one was taken."""

    way: str
    error: str


class GpuMemory(NamedTuple):
    """One card (``gpu`` is NVML's index) during the test. ``processes`` are "PID 1234 (300
    MiB)", the test itself left out, the largest first."""

    gpu: int
    total_mib: int
    free_mib: int
    processes: tuple[str, ...] = ()


class Speed(NamedTuple):
    """Seconds of one large matrix product on both devices."""

    gpu: float
    cpu: float


class SmokeResult(NamedTuple):
    """How the coffee network's child ended. ended: finished, signal, timeout, flood, silent
    (exit without a document), garbled (the document cannot be read), not-started. ``rung`` is the
    one that it was in."""

    ended: str
    rung: str = ""
    describe: str = ""
    stderr_tail: str = ""
    ok: bool = False
    device: str = ""
    decisions: tuple[int, ...] = ()
    correct: int | None = None
    total: int | None = None
    training_seconds: float | None = None
    losses: tuple[float, ...] = ()
    rungs: tuple[SmokeRung, ...] = ()
    way: str = ""
    lost_ways: tuple[LostWay, ...] = ()
    gpu_memory: tuple[GpuMemory, ...] = ()
    product_seconds: Speed | None = None
    parameters: tuple[float, ...] = ()
    """Of the trained network: W1 row by row (6 numbers), b1 (3), W2 (3), b2 (1), then the mean (2)
    and the deviation (2) of the normalisation; empty where the child does not tell them."""

    @property
    def place(self) -> str:
        """Where the training ran: "CPU:0", "GPU:0"."""
        return self.device.rsplit("device:", 1)[-1]

    @property
    def learned(self) -> bool:
        """Whether training and its result were right, whatever else broke."""
        return any(rung.name == "decide" and rung.status == "passed" for rung in self.rungs)

    def failed(self, *names: str, error: tuple[str, ...] = ()) -> tuple[SmokeRung, ...]:
        """The broken rungs; with ``names`` those only, with ``error`` those of these kinds."""
        return tuple(
            rung
            for rung in self.rungs
            if rung.status == "failed"
            and (not names or rung.name in names)
            and (not error or rung.error_type in error)
        )

    def failed_rung(self) -> SmokeRung | None:
        return next(iter(self.failed()), None)


class Demand(NamedTuple):
    """One entry of the policy's `require`. ``wanted`` is a range of versions, a least number, or
    patterns of names; ``left_out`` says why it is not demanded here."""

    key: str
    wanted: tuple[str, ...]
    file: str
    line: int
    left_out: str = ""


class Ignore(NamedTuple):
    """One entry of the policy's `ignore`. ``expires`` is its last day, as 2027-01-31."""

    code: str
    reason: str
    expires: str
    file: str
    line: int
    subject: str | None = None


def _text(value: Any) -> str:
    return str(value)


def _flag(value: Any) -> bool:
    return bool(value)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value)


def _mapping(value: Any) -> Mapping[str, str]:
    return {str(name): str(item) for name, item in value.items()}


def _tupled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(item) if isinstance(item, list) else item for name, item in row.items()}


def _one(cls: Callable[..., T]) -> Callable[[Any], T]:
    return lambda value: cls(**_tupled(value))


def _rows(cls: Callable[..., T]) -> Callable[[Any], tuple[T, ...]]:
    return lambda value: tuple(cls(**_tupled(row)) for row in value)


def _devices(value: Any) -> tuple[GpuDevice, ...]:
    rows = []
    for row in value:
        capability = row.get("compute_capability")
        parsed = ComputeCapability.parse(capability) if capability else None
        held = row.get("processes")
        processes = None if held is None else tuple(GpuProcess(**one) for one in held)
        more = {"compute_capability": parsed, "processes": processes}
        rows.append(GpuDevice(**{**_tupled(row), **more}))
    return tuple(rows)


def _libraries(value: Any) -> tuple[Library, ...]:
    return tuple(
        Library(
            row["name"], row["soname"], tuple(Place(**_tupled(place)) for place in row["found"])
        )
        for row in value
    )


def _toolkits(value: Any) -> tuple[Toolkit, ...]:
    return tuple(
        Toolkit(**{**_tupled(row), "version": CudaRelease.parse(row["version"])}) for row in value
    )


def _smoke(value: Any) -> SmokeResult:
    speed = value.get("product_seconds")
    nested = {
        "rungs": _rows(SmokeRung)(value.get("rungs", ())),
        "lost_ways": _rows(LostWay)(value.get("lost_ways", ())),
        "gpu_memory": _rows(GpuMemory)(value.get("gpu_memory", ())),
        "product_seconds": Speed(**speed) if speed else None,
    }
    return SmokeResult(**{**_tupled(value), **nested})


SYSTEM_OS = Key("system.os", _text)
"""linux, wsl2, wsl1, windows or macos."""
SYSTEM_ARCH = Key("system.arch", _text)
"""Machine architecture as uname prints it: x86_64, aarch64, arm64, AMD64."""
SYSTEM_DISTRIBUTION = Key("system.distribution", _text)
SYSTEM_KERNEL = Key("system.kernel", _text)
SYSTEM_CONTAINER = Key("system.container", _text)
"""docker, podman, kubernetes, lxc, apptainer or what calls itself so; absent outside."""
SYSTEM_SHM = Key("system.shm_mib", int)
"""The size that /dev/shm was given, in a container; absent: it was given none."""
SECURE_BOOT = Key("system.secure_boot", _flag)

GPU_HARDWARE = Key("gpu.hardware", _texts)
"""PCI addresses of NVIDIA display controllers, or /dev/dxg; absent: none in this machine."""
GPU_DEVICES = Key("gpu.devices", _devices)
GPU_VISIBLE_DEVICES = Key("gpu.visible_devices", _text)
"""CUDA_VISIBLE_DEVICES as the target inherits it."""
GPU_CONTAINER_DEVICES = Key("gpu.container_devices", _text)
"""NVIDIA_VISIBLE_DEVICES: which GPUs the NVIDIA Container Toolkit was asked to bring in."""
GPU_CONTAINER_CAPABILITIES = Key("gpu.container_capabilities", _text)
"""NVIDIA_DRIVER_CAPABILITIES: which of the driver's libraries it was asked to bring in."""
GPU_BOUND = Key("gpu.bound", _mapping)
"""PCI address to the kernel driver that holds the card."""

DRIVER_RELEASE = Key("driver.release", DriverRelease.parse)
"""The driver that works, as NVML says; else the kernel module's."""
DRIVER_KERNEL_MODULE = Key("driver.kernel_module", DriverRelease.parse)
"""The NVIDIA kernel module that is loaded."""
DRIVER_LIBRARY = Key("driver.library", DriverRelease.parse)
"""The release of the user-mode driver library (libcuda / libnvidia-ml) on the disk."""
DRIVER_CUDA = Key("driver.cuda_supported", CudaRelease.parse)
"""The newest CUDA that the driver supports: what nvidia-smi prints as "CUDA Version"."""
DRIVER_NVML = Key("driver.nvml", _one(NvmlAnswer))
DRIVER_LIBCUDA = Key("driver.libcuda", _text)
"""The file that the loader takes for libcuda.so.1; absent: none."""
DRIVER_CUDA_INIT = Key("driver.cuda_init", _one(CudaAnswer))
DRIVER_FILES = Key("driver.device_files", _rows(DeviceFile))

KERNEL_MODULES = Key("kernel.modules", _texts)
"""Those of nvidia, nvidia_uvm, nouveau, nova_core that are loaded. This fact and the next three
are looked up only where a card of NVIDIA is there and its driver does not answer."""
KERNEL_BUILT = Key("kernel.nvidia_built", _rows(BuiltModule))
"""The kernels that have an NVIDIA module to load."""
KERNEL_DKMS = Key("kernel.dkms", _texts)
"""The lines of `dkms status` about NVIDIA."""
KERNEL_LOG = Key("kernel.log", _rows(KernelMessage))
"""What it says of NVIDIA since the start; asked where the driver or a GPU shows an error."""

CUDA_TOOLKITS = Key("cuda.toolkits", _toolkits)
"""CUDA toolkits of the machine and of the target. TensorFlow may use none of them."""
CUDNN_COPIES = Key("cudnn.copies", _rows(CudnnCopy))
"""Every cuDNN of the machine and of the target, whether a loader would find it or not."""
XLA_ROOTS = Key("cuda.xla_roots", _rows(XlaRoot))
"""Where XLA finds its compiler's parts, in the order in which it looks; [] : nowhere."""
LIBRARIES = Key("loader.libraries", _libraries)
"""The CUDA libraries that this TensorFlow opens, and what the loader finds for it."""
DRIVER_LIBRARIES = Key("loader.driver_libraries", _libraries)
"""The driver's libraries that TensorFlow opens: libcuda and NVML."""
CUDNN_PARTS = Key("loader.cudnn_parts", _libraries)
"""The libraries that cuDNN opens in turn: libcudnn_ops, libcudnn_cnn, …"""
OPENER = Key("loader.opener", _one(Opener))
OPENED = Key("loader.opened", _rows(Opened))
"""The CUDA libraries opened in a child of the target, as a check of what was predicted."""

CUDNN_INSTALLED = Key("cudnn.installed", _rows(Place))
"""Every cuDNN that the loader's folders or the target's wheels hold, of any version."""
LD_LIBRARY_PATH = Key("loader.ld_library_path", _text)

TARGET_EXECUTABLE = Key("target.executable", _text)
TARGET_CHOSEN = Key("target.chosen", _text)
"""Why this interpreter is the target."""
BY_ITSELF = "the interpreter that called envcheck.check()"
TARGET_PYTHON = Key("target.python", _text)
"""The target's Python version, three numbers."""
TARGET_PREFIX = Key("target.prefix", _text)
TARGET_KIND = Key("target.kind", _text)
"""venv, uv, conda, pyenv or system."""
TARGET_BITS = Key("target.bits", int)
TARGET_MANAGED = Key("target.externally_managed", _flag)
"""Whether the distribution owns this Python and pip may not install into it (PEP 668)."""
TARGET_GLIBC = Key("target.glibc", _text)
"""The C library that the target runs on; absent with musl."""
TARGET_PATH = Key("target.path", _rows(PathEntry))
TARGET_CWD = Key("target.cwd", _text)
TARGET_HAS_PIP = Key("target.has_pip", _flag)
TARGET_DISTRIBUTIONS = Key("target.distributions", _rows(Distribution))

TARGET_IMPLEMENTATION = Key("target.implementation", _text)
TARGET_MACHINE = Key("target.machine", _text)
"""The architecture that the target runs as; under Rosetta not the machine's own."""
TARGET_INSTALLED = Key("target.installed", _mapping)
"""Name to version of every distribution on sys.path, the first copy's; empty: not known."""
TARGET_LEFTOVERS = Key("target.leftovers", _texts)
"""Folders that an interrupted pip renamed to begin with ~ and left behind."""
TARGET_VARIABLES = Key("target.variables", _mapping)
"""Environment variables of the target that decide which code is loaded."""

COMMANDS = Key("interpreters.commands", _rows(Command))
"""python, python3, pip and pip3, as PATH has them."""
POINTERS = Key("interpreters.pointers", _rows(Pointer))
"""Files that say which interpreter is to run, in the current folder and the target."""
NOTEBOOKS = Key("interpreters.notebooks", int)
"""How many notebooks lie in the current folder."""

TF_PACKAGE = Key("tensorflow.package", _text)
"""The distribution that provides ``import tensorflow``: tensorflow, tensorflow-cpu, …"""
TF_VERSION = Key("tensorflow.version", _text)
TF_REQUIRES = Key("tensorflow.requires", _texts)
"""Its Requires-Dist lines."""
TF_IMPORT = Key("tensorflow.import", _one(Resolution))
TF_CUDA_BUILD = Key("tensorflow.cuda_build", _flag)
TF_CUDA = Key("tensorflow.cuda_built_for", CudaRelease.parse)
TF_CUDNN = Key("tensorflow.cudnn_built_for", _text)
"""As build_info prints it, often the major version alone."""
TF_TOOLKIT_PATH = Key("tensorflow.toolkit_path", _text)
"""The CUDA folder of the machine that built it; XLA looks there first."""
TF_SONAMES = Key("tensorflow.sonames", _mapping)
"""Library name to the file name that TensorFlow opens."""
TF_MISSING = Key("tensorflow.missing_files", _rows(Distribution))
"""TensorFlow distributions whose files are not all there."""

KERAS_VERSION = Key("keras.version", _text)
"""The version that the code of the winning copy names, else its metadata's."""
KERAS_IMPORT = Key("keras.import", _one(Resolution))
KERAS_COPIES = Key("keras.copies", _rows(Distribution))
"""Every installed distribution that provides ``import keras``."""
KERAS_BACKEND = Key("keras.backend", _text)
"""The backend that KERAS_BACKEND or keras.json asks for; absent: neither says one."""
KERAS_MISSING = Key("keras.missing_files", _rows(Distribution))
"""Keras distributions whose files are not all there."""
TF_KERAS_VERSION = Key("tf_keras.version", _text)
NUMPY_VERSION = Key("numpy.version", _text)
PROTOBUF_VERSION = Key("protobuf.version", _text)

SHADOWS = Key("imports.shadows", _rows(Shadow))
"""Files of the user in front of standard modules that TensorFlow imports."""
PACKAGE_SHADOWS = Key("imports.package_shadows", _rows(Shadow))
"""Files of the user in front of packages that TensorFlow imports."""

CODE = Key("code.scan", _one(CodeScan))
"""The current folder's code as the scanner saw it; not applicable where it is no project."""

SMOKE = Key("smoke.result", _smoke)

NO_LOCK = not_applicable("no lock was asked for (--locked)")
LOCK = Key("lock.facts", dict[str, Any], NO_LOCK)
"""What a lock file holds: a fact's name to text, a list or a mapping of texts, or None for what
was not there. There only where a lock was asked for."""
LOCK_EXPECT = Key("lock.expect", _text, NO_LOCK)
"""What the locked machine is for: gpu or cpu."""

NO_POLICY = not_applicable("there is no policy")
POLICY_FILE = Key("policy.file", _text, NO_POLICY)
POLICY_TODAY = Key("policy.today", _text, NO_POLICY)
"""The day on which it is judged."""
POLICY_REQUIRE = Key("policy.require", _rows(Demand), NO_POLICY)
POLICY_IGNORES = Key("policy.ignores", _rows(Ignore), NO_POLICY)
POLICY_SEVERITY = Key("policy.severity", _mapping, NO_POLICY)
"""Code to the severity that the policy gives it."""
POLICY_UNUSED = Key("policy.unused", _rows(Ignore), NO_POLICY)
"""The ignores that met no finding, though what they name was judged; known after all else is."""
