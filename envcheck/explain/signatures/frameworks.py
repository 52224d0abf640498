"""PyTorch and JAX beside TensorFlow, and packages of another Python's time."""

from __future__ import annotations

from envcheck.explain.model import Means, Signature

SIGNATURES = (
    Signature(
        "torch-no-driver",
        "fatal",
        ("Found no NVIDIA driver on your system", "No CUDA GPUs are available"),
        (),
        (Means("GPU102", 0.9, ("driver-runs",)), Means("DRV101", 0.85)),
    ),
    Signature(
        "torch-cpu-build",
        "fatal",
        ("Torch not compiled with CUDA enabled",),
        (),
        (Means("TFX906", 0.95),),
    ),
    Signature(
        "jax-cpu-build",
        "degraded",
        ("a CUDA-enabled jaxlib is not installed",),
        (),
        (Means("TFX907", 0.95),),
    ),
    Signature(
        "jaxlib-version",
        "fatal",
        ("and incompatible with jax version", "requires jaxlib version", "jaxlib is version"),
        (),
        (Means("TFX908", 0.95),),
    ),
    Signature(
        "module-left-python",
        "fatal",
        (
            "No module named 'distutils",
            "No module named 'imp'",
            "module 'collections' has no attribute",
            "cannot import name 'Iterable' from 'collections'",
            "module 'pkgutil' has no attribute 'ImpImporter'",
            "No module named 'pkg_resources'",
            "module 'inspect' has no attribute 'getargspec'",
        ),
        (),
        (Means("PYE904", 0.95),),
    ),
    Signature(
        "name-not-in-package",
        "fatal",
        ("cannot import name",),
        (
            r"cannot import name '(?P<lost_name>\w{1,80})' from "
            r"'(?P<lost_package>(?!tensorflow|keras|tf_keras|"
            r"google|collections|tensorflow_probability)[A-Za-z_]\w{1,60})[\w.]{0,80}'",
        ),
        (Means("IMP906", 0.75),),
    ),
    Signature(
        "devices-busy",
        "error",
        (
            "all CUDA-capable devices are busy or unavailable",
            "CUDA_ERROR_DEVICE_UNAVAILABLE",
            "cudaErrorDevicesUnavailable",
        ),
        (),
        (Means("GPU905", 0.9),),
    ),
    Signature(
        "launch-configuration",
        "fatal",
        ("invalid configuration argument",),
        (),
        (Means("SMK910", 0.75),),
    ),
    Signature(
        "unknown-xla-flag",
        "fatal",
        ("Unknown flag in", "Unknown flags in"),
        (r"in (?P<xla_variable>(?:TF_)?XLA_FLAGS): (?P<xla_flags>--(?:\S| --){1,300})",),
        (Means("SMK303", 0.97),),
    ),
    Signature(
        "nvml-unknown-error",
        "error",
        ("Failed to initialize NVML: Unknown Error",),
        (),
        (Means("DRV913", 0.9),),
    ),
    Signature(
        "nvml-permissions",
        "error",
        ("Failed to initialize NVML: Insufficient Permissions", "NVML_ERROR_NO_PERMISSION"),
        (),
        (Means("DRV914", 0.92),),
    ),
    Signature(
        "container-cgroup",
        "error",
        (
            "unable to find any existing device filters attached to the cgroup",
            "cgroup subsystem devices not found",
        ),
        (),
        (Means("DRV915", 0.95),),
    ),
    Signature(
        "container-wsl",
        "error",
        ("WSL environment detected but no adapters were found",),
        (),
        (Means("DRV101-wsl", 0.93),),
    ),
    Signature(
        "adapter-init-failed",
        "error",
        ("RmInitAdapter failed", "rm_init_adapter failed"),
        (),
        (Means("DRV911", 0.85),),
    ),
    Signature(
        "dll-by-name",
        "fatal",
        ("Could not find 'cu", "Could not find the DLL(s)"),
        (
            r"Could not find '(?P<soname>(?:cudart|cudnn|cublas)64_\d{1,4}\.dll)'",
            r"DLL\(s\) '(?P<dll_name>[\w.]{3,60})'",
        ),
        (
            Means("LIB101", 0.9, ("named-a-cuda-library",)),
            Means("TFX903", 0.88, ("!named-a-cuda-library",)),
        ),
    ),
    Signature(
        "symbolic-to-numpy",
        "fatal",
        ("Cannot convert a symbolic Tensor",),
        (r"to a numpy array",),
        (Means("TFX301-symbolic", 0.9),),
    ),
    Signature(
        "protobuf-damaged",
        "fatal",
        (
            "from 'google.protobuf.pyext'",
            "cannot import name 'descriptor' from 'google.protobuf'",
            "cannot import name 'symbol_database' from 'google.protobuf'",
            "No module named 'google.protobuf'",
        ),
        (),
        (Means("TFX302-damaged", 0.9),),
    ),
)
