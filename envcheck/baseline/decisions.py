"""What becomes of each fact: locked, compared only, or left out, and why.

A test holds that every fact there is stands here exactly once: whoever adds one decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from envcheck import facts as F
from envcheck.baseline import reduce as R
from envcheck.model import Key, Layer

Kind = Literal["locked", "compared", "left-out"]


class Decision(NamedTuple):
    """``locked``: in the lock file, and compared. ``compared``: by `envcheck diff` alone,
    ``reason`` says why it is no drift. ``left-out``: never.

    ``what`` names it for people, with ``{item}`` where the fact is a mapping. ``follows`` is the
    fact whose drift explains this one's, or that says the same where this one is left out.
    """

    kind: Kind
    layer: Layer = "python"
    what: str = ""
    reduce: R.Reduce | None = None
    reason: str = ""
    follows: str = ""


def lock(
    key: Key[Any], layer: Layer, what: str, reduce: R.Reduce | None = None, follows: str = ""
) -> tuple[str, Decision]:
    return key.name, Decision("locked", layer, what, reduce or R.told(key), "", follows)


def compare(
    key: Key[Any],
    layer: Layer,
    what: str,
    reason: str,
    reduce: R.Reduce | None = None,
    follows: str = "",
) -> tuple[str, Decision]:
    return key.name, Decision("compared", layer, what, reduce or R.told(key), reason, follows)


def leave(key: Key[Any] | str, reason: str, follows: str = "") -> tuple[str, Decision]:
    name = key if isinstance(key, str) else key.name
    return name, Decision("left-out", reason=reason, follows=follows)


PLACE = "where it lies, not what it is"
JUDGED = "the check itself judges it, on every run"
JOB = "a scheduler gives each job its own"
DEMAND = "what is demanded, not what is there"
ASKED_LATE = "looked up only where the driver does not answer"
DRIVER, TENSORFLOW = F.DRIVER_RELEASE.name, F.TF_VERSION.name
SAYS = "says what another fact says"

DECISIONS: Mapping[str, Decision] = dict(
    (
        # The machine.
        lock(F.SYSTEM_OS, "python", "operating system"),
        lock(F.SYSTEM_ARCH, "python", "architecture"),
        lock(F.SYSTEM_DISTRIBUTION, "python", "distribution", R.distribution),
        lock(F.SYSTEM_CONTAINER, "python", "container"),
        lock(F.SYSTEM_SHM, "gpu", "MiB of /dev/shm"),
        # GPUs.
        lock(F.GPU_DEVICES, "gpu", "GPUs", R.gpus, F.GPU_HARDWARE.name),
        lock(F.GPU_CONTAINER_CAPABILITIES, "gpu", "NVIDIA_DRIVER_CAPABILITIES"),
        compare(F.GPU_HARDWARE, "gpu", "NVIDIA cards", "gpu.devices has those that work", R.cards),
        compare(F.GPU_VISIBLE_DEVICES, "gpu", "CUDA_VISIBLE_DEVICES", JOB),
        compare(F.GPU_CONTAINER_DEVICES, "gpu", "NVIDIA_VISIBLE_DEVICES", JOB),
        compare(F.GPU_BOUND, "gpu", "drivers of the cards", JUDGED, R.bound, DRIVER),
        # The driver.
        lock(F.DRIVER_RELEASE, "driver", "NVIDIA driver"),
        lock(F.DRIVER_CUDA, "driver", "newest CUDA of the driver", None, DRIVER),
        compare(F.DRIVER_KERNEL_MODULE, "driver", "NVIDIA kernel module", SAYS, None, DRIVER),
        compare(F.DRIVER_LIBRARY, "driver", "driver's library", SAYS, None, DRIVER),
        compare(F.DRIVER_NVML, "driver", "NVML", JUDGED, R.driver_answers, DRIVER),
        compare(F.DRIVER_CUDA_INIT, "driver", "cuInit", JUDGED, R.cuda_starts, DRIVER),
        compare(
            F.DRIVER_FILES, "driver", "device files that do not open", JUDGED,
            R.listed(F.DRIVER_FILES, R.refused_file),
        ),
        leave(F.DRIVER_LIBCUDA, PLACE, F.DRIVER_LIBRARY.name),
        compare(
            F.KERNEL_MODULES, "driver", "loaded kernel modules", ASKED_LATE,
            R.listed(F.KERNEL_MODULES, str),
        ),
        compare(
            F.KERNEL_BUILT, "driver", "kernels with an NVIDIA module", ASKED_LATE,
            R.listed(F.KERNEL_BUILT, lambda row: row.kernel),
        ),
        compare(F.KERNEL_DKMS, "driver", "DKMS", ASKED_LATE, R.listed(F.KERNEL_DKMS, str)),
        compare(F.SYSTEM_KERNEL, "driver", "kernel", "it comes with every security update"),
        compare(F.SECURE_BOOT, "driver", "Secure Boot", ASKED_LATE),
        leave(F.KERNEL_LOG, "a log: it says something else every hour"),
        # CUDA and cuDNN.
        lock(F.LIBRARIES, "cuda", "{item}", R.winners(F.LIBRARIES), TENSORFLOW),
        lock(F.XLA_ROOTS, "cuda", "XLA's CUDA folder", R.xla_root, TENSORFLOW),
        compare(F.CUDNN_PARTS, "cudnn", "{item}", JUDGED, R.winners(F.CUDNN_PARTS), TENSORFLOW),
        compare(
            F.DRIVER_LIBRARIES, "driver", "{item}", SAYS,
            R.winners(F.DRIVER_LIBRARIES), DRIVER,
        ),
        compare(
            F.CUDA_TOOLKITS, "cuda", "CUDA toolkits",
            "TensorFlow may use none of them; what it gets is in loader.libraries",
            R.listed(F.CUDA_TOOLKITS, lambda row: str(row.version)),
        ),
        compare(
            F.CUDNN_COPIES, "cudnn", "cuDNN copies",
            "TensorFlow uses one of them; which one is in loader.libraries",
            R.listed(F.CUDNN_COPIES, lambda row: f"{row.version or 'unknown'} ({row.via})"),
        ),
        compare(
            F.CUDNN_INSTALLED, "cudnn", "cuDNN in the loader's folders", SAYS,
            R.listed(F.CUDNN_INSTALLED, lambda row: f"{row.version or 'unknown'} ({row.via})"),
        ),
        compare(
            F.LD_LIBRARY_PATH, "cuda", "LD_LIBRARY_PATH",
            "what it leads to is in loader.libraries", R.folders(F.LD_LIBRARY_PATH),
        ),
        compare(
            F.OPENED, "cuda", "libraries that do not open", JUDGED,
            R.listed(F.OPENED, R.refused_library),
        ),
        leave(F.OPENER, "a file of TensorFlow, whose version says it", TENSORFLOW),
        # Python.
        lock(F.TARGET_PYTHON, "python", "Python", R.minor(F.TARGET_PYTHON)),
        lock(F.TARGET_IMPLEMENTATION, "python", "Python's implementation"),
        lock(F.TARGET_BITS, "python", "Python's bits"),
        lock(F.TARGET_MACHINE, "python", "Python's architecture", None, F.SYSTEM_ARCH.name),
        lock(F.TARGET_GLIBC, "python", "glibc", None, F.SYSTEM_DISTRIBUTION.name),
        lock(F.TARGET_INSTALLED, "tensorflow", "{item}", R.packages),
        lock(F.TARGET_VARIABLES, "keras", "{item}", R.variables),
        compare(F.TARGET_KIND, "python", "kind of environment", "how it was made, not what it is"),
        compare(F.TARGET_MANAGED, "python", "PEP 668", "about installing, not about running"),
        compare(
            F.TARGET_LEFTOVERS, "python", "leftovers of pip", JUDGED,
            lambda facts, ask: str(len(facts.value(F.TARGET_LEFTOVERS) or ())),
        ),
        leave(F.TARGET_HAS_PIP, "about installing, not about running"),
        leave(F.TARGET_EXECUTABLE, PLACE),
        leave(F.TARGET_PREFIX, PLACE),
        leave(F.TARGET_CWD, PLACE),
        leave(F.TARGET_PATH, PLACE),
        leave(F.TARGET_CHOSEN, "who asked, not what is there"),
        leave(F.TARGET_DISTRIBUTIONS, "the rest of it are paths", F.TARGET_INSTALLED.name),
        leave("target.nvidia_libraries", "what of them wins is in loader.libraries"),
        leave(F.COMMANDS, "the shell's, not the environment's"),
        leave(F.POINTERS, "the folder's that one stands in"),
        leave(F.NOTEBOOKS, "the folder's that one stands in"),
        # TensorFlow and Keras.
        lock(F.TF_PACKAGE, "tensorflow", "TensorFlow's package", None, TENSORFLOW),
        lock(F.TF_VERSION, "tensorflow", "TensorFlow"),
        lock(F.TF_CUDA_BUILD, "tensorflow", "TensorFlow with CUDA", None, TENSORFLOW),
        lock(F.TF_CUDA, "tensorflow", "CUDA of TensorFlow's build", None, TENSORFLOW),
        lock(F.TF_CUDNN, "tensorflow", "cuDNN of TensorFlow's build", None, TENSORFLOW),
        compare(F.TF_IMPORT, "tensorflow", "import tensorflow", JUDGED, R.imported(F.TF_IMPORT)),
        compare(
            F.TF_MISSING, "tensorflow", "TensorFlows with files missing", JUDGED,
            R.listed(F.TF_MISSING, R.copy_of),
        ),
        leave(F.TF_REQUIRES, "TensorFlow's version says it", TENSORFLOW),
        leave(F.TF_SONAMES, "TensorFlow's version says it", TENSORFLOW),
        leave(F.TF_TOOLKIT_PATH, "TensorFlow's version says it", TENSORFLOW),
        lock(F.KERAS_VERSION, "keras", "Keras"),
        lock(F.KERAS_BACKEND, "keras", "Keras's backend"),
        lock(F.TF_KERAS_VERSION, "keras", "tf-keras"),
        compare(F.KERAS_IMPORT, "keras", "import keras", JUDGED, R.imported(F.KERAS_IMPORT)),
        compare(
            F.KERAS_COPIES, "keras", "installed Kerases", JUDGED,
            R.listed(F.KERAS_COPIES, R.copy_of),
        ),
        compare(
            F.KERAS_MISSING, "keras", "Kerases with files missing", JUDGED,
            R.listed(F.KERAS_MISSING, R.copy_of),
        ),
        lock(F.NUMPY_VERSION, "tensorflow", "numpy"),
        lock(F.PROTOBUF_VERSION, "tensorflow", "protobuf"),
        # What runs.
        compare(
            F.SHADOWS, "imports", "files in front of standard modules", JUDGED,
            R.listed(F.SHADOWS, lambda row: row.module),
        ),
        compare(
            F.PACKAGE_SHADOWS, "imports", "files in front of packages", JUDGED,
            R.listed(F.PACKAGE_SHADOWS, lambda row: row.module),
        ),
        leave(F.CODE, "the code in the current folder, not the environment"),
        compare(F.SMOKE, "smoke", "coffee network", JUDGED, R.trained),
        leave(F.LOCK, "the lock itself"),
        leave(F.LOCK_EXPECT, "the lock itself"),
        leave(F.POLICY_FILE, DEMAND),
        leave(F.POLICY_TODAY, DEMAND),
        leave(F.POLICY_REQUIRE, DEMAND),
        leave(F.POLICY_IGNORES, DEMAND),
        leave(F.POLICY_SEVERITY, DEMAND),
        leave(F.POLICY_UNUSED, DEMAND),
    )
)  # fmt: skip
