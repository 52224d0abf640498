"""The driver: missing, too old, mixed, refused by the kernel, not reaching a container."""

from __future__ import annotations

from envcheck.explain.model import Means, Signature

_NO_KERNEL_DRIVER = (
    Means("DRV908", 0.93, ("wsl", "libcuda-opened")),
    Means("harmless-cpu", 0.9, ("!gpu-here", "training", "!container-error")),
    Means("DRV101", 0.85),
    Means("harmless-jax", 0.96, ("jax-trainer",)),
)

SIGNATURES = (
    Signature(
        "no-driver-file",
        "degraded",
        (
            "/proc/driver/nvidia/version does not exist",
            "kernel driver does not appear to be running on this host",
            "/proc/driver/nvidia/version: No such file",
        ),
        (),
        _NO_KERNEL_DRIVER,
    ),
    Signature(
        "libcuda-missing",
        "degraded",
        (
            "Could not load dynamic library 'libcuda.so.1'",
            "Could not load dynamic library 'nvcuda.dll'",
            "libcuda.so.1: cannot open shared object file",
            "Could not find libcuda.so",
            "libcuda reported version is: Invalid argument",
            "libcuda reported version is: NOT_FOUND",
            "failed to find libcuda.so on this system",
        ),
        (),
        (
            Means("DRV101-wsl", 0.9, ("wsl",)),
            Means(
                "harmless-cpu",
                0.9,
                (
                    "!gpu-here",
                    "training",
                ),
            ),
            Means("DRV101", 0.8),
        ),
    ),
    Signature(
        "cuinit-303",
        "degraded",
        (
            "failed call to cuInit: UNKNOWN ERROR (303)",
            "failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: UNKNOWN ERROR "
            "(303)",
        ),
        (),
        (
            Means(
                "harmless-cpu",
                0.85,
                (
                    "!gpu-here",
                    "training",
                ),
            ),
            Means("DRV101", 0.7),
        ),
    ),
    Signature(
        "cuinit-no-device",
        "degraded",
        ("CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"),
        (),
        (
            Means("GPU102", 0.9, ("driver-runs", "!dso-mismatch")),
            Means("DRV102", 0.9, ("dso-mismatch",)),
            Means("GPU101", 0.6, ("!driver-runs", "!no-driver-file", "!training")),
            Means("harmless-cpu", 0.8, ("!gpu-here", "training", "!driver-runs")),
        ),
    ),
    Signature(
        "driver-runs",
        "context",
        ("kernel reported version is:", "kernel version seems to match DSO:"),
        (r"(?:kernel reported version is|seems to match DSO): (?P<module>\d{3}\.[\d.]{1,12})",),
        facts={"module": "driver.kernel_module"},
    ),
    Signature(
        "libcuda-version",
        "context",
        ("libcuda reported version is:",),
        (r"libcuda reported version is: (?P<library>\d{3}\.[\d.]{1,12})",),
        facts={"library": "driver.library"},
    ),
    Signature(
        "cuinit-unknown",
        "error",
        ("CUDA_ERROR_UNKNOWN", "CUDA unknown error", "cuInit: CUDA_ERROR_SYSTEM_NOT_FOUND"),
        (),
        (
            Means("DRV908", 0.9, ("wsl", "no-driver-file")),
            Means("DRV101", 0.95, ("no-driver-file",)),
            Means("DRV905", 0.8, ("!no-driver-file",)),
        ),
    ),
    Signature(
        "dso-mismatch",
        "error",
        ("does not match DSO version",),
        (
            r"kernel version (?P<module>[\d.]{1,16}) does not match DSO version "
            r"(?P<library>[\d.]{1,16})",
        ),
        (Means("DRV102", 0.97),),
        facts={"module": "driver.kernel_module", "library": "driver.library"},
    ),
    Signature(
        "nvml-mismatch",
        "error",
        (
            "Driver/library version mismatch",
            "driver/library version mismatch",
            "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
            "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
            "unsupported display driver / cuda driver combination",
        ),
        (),
        (Means("DRV102", 0.97),),
    ),
    Signature(
        "nvml-library-version",
        "context",
        ("NVML library version:",),
        (r"NVML library version: (?P<library>\d{3}\.[\d.]{1,12})",),
        facts={"library": "driver.library"},
    ),
    Signature(
        "api-mismatch",
        "error",
        ("API mismatch: the client has the version", "NVRM: API mismatch"),
        (r"client has the version (?P<library>\d{3}\.[\d.]{1,12})",),
        (Means("DRV102", 0.97),),
        facts={"library": "driver.library"},
    ),
    Signature(
        "api-mismatch-module",
        "context",
        ("NVRM: this kernel module has the version", "kernel module has the version"),
        (r"kernel module has the version (?P<module>\d{3}\.[\d.]{1,12})",),
        facts={"module": "driver.kernel_module"},
    ),
    Signature(
        "key-rejected",
        "error",
        (
            "Key was rejected by service",
            "Required key not available",
            "module verification failed: signature and/or required key missing",
            "Loading of unsigned module is rejected",
            "Loading of module with unavailable key is rejected",
        ),
        (),
        (Means("DRV901", 0.96),),
    ),
    Signature(
        "locked-down",
        "context",
        (
            "Kernel is locked down",
            "Lockdown: modprobe",
            "SecureBoot enabled",
            "Secure boot enabled",
        ),
        means=(Means("DRV901", 0.9, ("nvidia-smi-failed",)),),
    ),
    Signature(
        "nouveau",
        "error",
        (
            "Nouveau kernel driver is currently in use",
            "nouveau kernel module is currently loaded",
            "The distribution-provided pre-install script failed",
        ),
        (),
        (Means("DRV902", 0.95),),
    ),
    Signature(
        "nouveau-in-use",
        "error",
        ("Kernel driver in use: nouveau",),
        (),
        (Means("DRV902", 0.93),),
    ),
    Signature(
        "module-not-found",
        "error",
        (
            "modprobe: FATAL: Module nvidia",
            "could not insert 'nvidia': No such device",
            "could not insert 'nvidia': Exec format error",
            "could not insert 'nvidia': Unknown symbol",
            "could not insert 'nvidia': Invalid argument",
            "Your kernel headers for kernel",
            "kernel headers for this kernel does not seem to be installed",
            "Unable to find the kernel source tree",
            "Bad return status for module build",
            "dkms.conf",
            "version magic",
        ),
        (
            r"modprobe: FATAL: Module nvidia\S{0,20} not found(?: in directory "
            r"(?P<modules>\S{1,100}))?",
            r"could not insert 'nvidia': (?:Exec format error|Unknown symbol|Invalid argument)",
            r"kernel headers for kernel (?P<kernel>\S{1,60}) cannot be found",
            r"kernel headers for this kernel",
            r"kernel source tree",
            r"Bad return status for module build",
            r"nvidia.{0,80}dkms\.conf",
            r"nvidia.{0,40}version magic",
        ),
        (Means("DRV903", 0.93),),
    ),
    Signature(
        "module-no-device",
        "error",
        (
            "could not insert 'nvidia': No such device",
            "NVRM: No NVIDIA GPU found",
            "NVRM: No NVIDIA graphics adapter found",
        ),
        (),
        (Means("GPU101", 0.85),),
    ),
    Signature(
        "nvrm-legacy-gpu",
        "error",
        (
            "NVRM: The NVIDIA probe routine was not called",
            "is supported through the NVIDIA",
            "not supported by open nvidia.ko",
            "not supported by the NVIDIA driver",
        ),
        (
            r"GPU .{0,80}supported through the NVIDIA (?P<legacy>[\w.]{1,12})",
            r"not supported by open",
            r"not supported by the NVIDIA driver|probe routine was not called",
        ),
        (Means("DRV912", 0.8),),
    ),
    Signature(
        "nvidia-smi-failed",
        "error",
        ("NVIDIA-SMI has failed because it couldn't communicate",),
        (),
        (
            Means(
                "DRV101-smi",
                0.9,
                ("!key-rejected", "!nouveau", "!module-not-found", "!locked-down"),
            ),
            Means("DRV903", 0.5),
        ),
    ),
    Signature(
        "nvidia-smi-no-devices",
        "error",
        ("No devices were found",),
        (r"^No devices were found$",),
        (Means("DRV911", 0.5, ("xid",)), Means("GPU101", 0.8)),
    ),
    Signature(
        "nvidia-smi-not-found",
        "error",
        (
            "nvidia-smi: command not found",
            "nvidia-smi: not found",
            "'nvidia-smi' is not recognized",
            "executable file not found in $PATH: nvidia-smi",
            '"nvidia-smi": executable file not found',
        ),
        (),
        (
            Means("DRV904", 0.8, ("container-error",)),
            Means("DRV101", 0.8),
        ),
    ),
    Signature(
        "xid",
        "error",
        ("NVRM: Xid", "has fallen off the bus", "GPU is lost"),
        (r"NVRM: Xid \(.{1,40}\): (?P<xid>\d{1,3})", r"fallen off the bus|GPU is lost"),
        (Means("DRV911", 0.9),),
    ),
    Signature(
        "nvidia-smi-banner",
        "context",
        ("Driver Version:", "KMD Version:"),
        (
            r"Driver Version: (?P<driver>\d{3}\.[\d.]{1,12}).{1,40}CUDA(?: UMD)? Version: "
            r"(?P<cuda>\d{1,2}\.\d{1,2})",
            r"Driver Version: (?P<driver>\d{3}\.[\d.]{1,12})",
        ),
        facts={"driver": "driver.release", "cuda": "driver.cuda_supported"},
    ),
    Signature(
        "driver-insufficient",
        "error",
        (
            "CUDA driver version is insufficient for CUDA runtime version",
            "CUDA_ERROR_INSUFFICIENT_DRIVER",
            "The NVIDIA driver on your system is too old",
            "cudaErrorInsufficientDriver",
        ),
        (),
        (Means("DRV103", 0.92),),
    ),
    Signature(
        "ptx-too-new",
        "error",
        (
            "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
            "the provided PTX was compiled with an unsupported toolchain",
            "cudaErrorUnsupportedPtxVersion",
        ),
        (),
        (Means("DRV103-ptx", 0.95),),
    ),
    Signature(
        "ptx-version",
        "error",
        ("Unsupported .version",),
        (r"Unsupported \.version (?P<ptx>\d\.\d); current version is '(?P<ptx_known>\d\.\d)'",),
        (Means("DRV103-ptx", 0.95),),
    ),
    Signature(
        "container-requirement",
        "error",
        ("unsatisfied condition:",),
        (
            r"unsatisfied condition: cuda ?>= ?(?P<cuda_wanted>\d{1,2}\.\d{1,2})",
            r"unsatisfied condition: (?P<condition>[\w =]{1,40})",
        ),
        (Means("DRV103-container", 0.95),),
    ),
    Signature(
        "container-wants-cuda",
        "context",
        ("--require=cuda",),
        (r"--require=cuda ?>= ?(?P<cuda_wanted>\d{1,2}\.\d{1,2})",),
    ),
    Signature(
        "driver-older-than-ptxas",
        "noise",
        ("XLA is disabling parallel compilation",),
        (r"driver's CUDA version is (?P<cuda>\d{1,2}\.\d{1,2})",),
        facts={"cuda": "driver.cuda_supported"},
        note="The driver is older than ptxas; compiling is slower, and all else works.",
    ),
    Signature(
        "forward-compat",
        "error",
        (
            "forward compatibility was attempted on non supported HW",
            "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
        ),
        (),
        (Means("DRV906", 0.92),),
    ),
    Signature(
        "system-not-ready",
        "error",
        ("CUDA_ERROR_SYSTEM_NOT_READY", "system not yet initialized"),
        (),
        (Means("DRV907", 0.95),),
    ),
    Signature(
        "no-container-toolkit",
        "error",
        (
            "could not select device driver",
            "unknown or invalid runtime name: nvidia",
            "Unknown runtime specified nvidia",
            "nvidia-container-runtime: executable file not found",
            "unresolvable CDI devices nvidia.com/gpu",
            'exec: "nvidia-container-runtime-hook"',
        ),
        (r"could not select device driver.{0,40}(?:gpu|nvidia)|runtime|CDI",),
        (Means("DRV904", 0.97),),
    ),
    Signature(
        "container-no-nvml",
        "error",
        (
            "load library failed: libnvidia-ml.so.1",
            "libnvidia-ml.so.1: cannot open shared object file",
        ),
        (),
        (
            Means("DRV909", 0.95, ("container-error",)),
            Means("DRV909", 0.8),
        ),
    ),
    Signature(
        "container-error",
        "context",
        ("nvidia-container-cli:", "OCI runtime create failed", "Error response from daemon"),
    ),
    Signature(
        "container-no-driver",
        "error",
        (
            "nvidia-container-cli: initialization error: nvml error: driver not loaded",
            "initialization error: driver error: failed to process request",
            "initialization error: cuda error",
        ),
        (),
        (Means("DRV101", 0.85),),
    ),
    Signature(
        "nvidia-docker-note",
        "degraded",
        (
            "The NVIDIA Driver was not detected",
            "NVIDIA Driver was not detected.  GPU functionality",
        ),
        (),
        (Means("DRV101-container", 0.92),),
    ),
    Signature(
        "wsl-libcuda",
        "context",
        ("/usr/lib/wsl", "microsoft-standard-WSL2", "/mnt/wslg"),
    ),
    Signature(
        "tf-gpu-list-empty",
        "degraded",
        ("Num GPUs Available:", "Num GPUs:", "GPU is NOT AVAILABLE"),
        (r"Num GPUs(?: Available)?: {0,3}0\b|GPU is NOT AVAILABLE",),
        (Means("LIB101-unnamed", 0.35, ("!gpu-created", "!no-driver-file")),),
    ),
)
