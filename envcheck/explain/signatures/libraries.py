"""The loader: CUDA libraries that are missing, unreadable or mixed."""

from __future__ import annotations

from envcheck.explain.model import Means, Signature

_GPU_LIBRARY = (
    r"(?P<soname>lib(?:cudart|cublas|cublasLt|cufft|curand|cusolver|cusparse|cudnn|cupti|nvJitLink"
    r"|nccl|cudnn_[a-z_]{1,30})\.so(?:\.\d{1,3}){0,4}"
    r"|(?:cudart|cublas|cublasLt|cufft|curand|cusolver|cusparse|cudnn|cudnn_[a-z_]{1,30})"
    r"(?:32|64)_\d{1,4}\.dll)"
)
_MISSING = (
    Means("LIB908", 0.95, ("built-for-no-index-release",)),
    Means("LIB101-cusolver", 0.95, ("only-cusolver",)),
    Means("LIB101-path", 0.9, ("one-missing", "ld-library-path", "!only-cusolver")),
    Means("LIB101", 0.85),
    Means(
        "harmless-cpu",
        0.88,
        ("!gpu-here", "cudart-ignorable", "!named-besides-cudart", "!dlopen-skipped"),
    ),
    Means("harmless-jax", 0.96, ("jax-trainer",)),
)

SIGNATURES = (
    Signature(
        "library-missing",
        "degraded",
        ("Could not load dynamic library '", "Couldn't open CUDA library "),
        (
            rf"(?:dynamic library '|CUDA library ){_GPU_LIBRARY}'?.{{0,400}}"
            r"LD_LIBRARY_PATH: (?P<ld_library_path>\S{0,400})",
            rf"(?:dynamic library '|CUDA library ){_GPU_LIBRARY}",
        ),
        _MISSING,
    ),
    Signature(
        "library-import-error",
        "fatal",
        ("cannot open shared object file",),
        (rf"^(?:ImportError|OSError|RuntimeError): {_GPU_LIBRARY}",),
        (Means("LIB101", 0.9),),
    ),
    Signature(
        "library-dependency-missing",
        "degraded",
        ("cannot open shared object file",),
        (rf"dlerror: {_GPU_LIBRARY}: cannot open", rf"Error: {_GPU_LIBRARY}: cannot open"),
        _MISSING,
    ),
    Signature(
        "cudnn-part-missing",
        "error",
        ("Could not load library libcudnn", "Unable to load any of {libcudnn"),
        (
            r"(?P<part>libcudnn_?[a-z_]{0,30}\.so[.\d]{0,12})\. Error: (?P=part): cannot open",
            r"Unable to load any of \{(?P<part>libcudnn[a-z_]{0,30}\.so[.\d]{0,12})",
        ),
        (Means("LIB907", 0.9), Means("DNN101", 0.3)),
    ),
    Signature(
        "cudnn-wants-libcuda-link",
        "error",
        ("Error: libcuda.so: cannot open", "libcuda.so: cannot open shared object file"),
        (),
        (Means("LIB901", 0.92),),
    ),
    Signature(
        "wrong-elf-class",
        "error",
        ("wrong ELF class",),
        (r"(?P<library>[\w./+-]{1,200}): wrong ELF class: (?P<elf>ELFCLASS\d\d)",),
        (Means("LIB903", 0.95),),
    ),
    Signature(
        "not-a-library",
        "error",
        ("invalid ELF header", "file too short"),
        (r"(?P<library>[\w./+-]{1,200}): (?:invalid ELF header|file too short)",),
        (Means("LIB906", 0.95),),
    ),
    Signature(
        "cudnn-mixed",
        "error",
        ("undefined symbol", "undefined reference"),
        (
            r"(?P<library>libcudnn\w{0,40}\.so[.\d]{0,12})[^;]{0,200}undefined symbol: "
            r"(?P<symbol>\w{1,200})",
            r"undefined symbol: (?P<symbol>\w{1,200}),? version libcudnn\w{0,40}",
        ),
        (Means("LIB904", 0.9),),
    ),
    Signature(
        "cuda-library-mixed",
        "fatal",
        ("undefined symbol",),
        (
            r"(?P<library>lib(?:cublas|cublasLt|cusparse|cusolver|cufft|nvJitLink|cudart"
            r"|torch_cuda)"
            r"[\w.]{0,20})[^;]{0,200}undefined symbol: (?P<symbol>\w{1,200})",
            r"undefined symbol: (?P<symbol>\w{1,200}),? version "
            r"(?P<library>lib(?:cublas|nvJitLink|cusparse|cudart)[\w.]{0,30})",
        ),
        (Means("LIB905", 0.9),),
    ),
    Signature(
        "zlibwapi",
        "error",
        ("zlibwapi.dll",),
        (),
        (Means("LIB902", 0.96),),
    ),
    Signature(
        "windows-cudnn-126",
        "error",
        ("Error code 126", "error code 126"),
        (r"(?P<library>cudnn\w{0,40}\.dll)",),
        (Means("LIB902", 0.9),),
    ),
    Signature(
        "dlopen-skipped",
        "degraded",
        ("Cannot dlopen some GPU libraries", "Skipping registering GPU devices"),
        (),
        (
            Means("LIB101-unnamed", 0.8, ("!library-missing", "!library-dependency-missing")),
            Means("LIB101", 0.5, ("library-missing",)),
            Means("harmless-jax", 0.96, ("jax-trainer",)),
        ),
    ),
    Signature(
        "cuda-libraries-error",
        "degraded",
        ("Error loading CUDA libraries. GPU will not be used",),
        (),
        (Means("LIB101-unnamed", 0.75, ("!no-driver-file",)),),
    ),
    Signature(
        "could-not-find-cuda-drivers",
        "degraded",
        ("Could not find cuda drivers on your machine",),
        (),
        (
            Means(
                "harmless-cpu",
                0.8,
                (
                    "!gpu-here",
                    "nothing-fails",
                    "!dlopen-skipped",
                    "!library-missing",
                    "!tf-gpu-list-empty",
                    "!nvidia-smi-banner",
                    "!cuda-libraries-error",
                    "!cuinit-no-device",
                    "!cuinit-unknown",
                ),
            ),
            Means("DRV101-or-libraries", 0.7),
        ),
    ),
    Signature(
        "cudart-ignorable",
        "noise",
        ("Ignore above cudart dlerror if you do not have a GPU",),
        note="TensorFlow looked for the CUDA runtime when it was imported; without a GPU that "
        "does not matter.",
    ),
    Signature(
        "library-opened",
        "context",
        (
            "Successfully opened dynamic library",
            "Successfully opened CUDA library",
            "successfully opened CUDA library",
        ),
        (
            rf"(?:dynamic|CUDA) library (?P<opened>{_GPU_LIBRARY.replace('?P<soname>', '?:')})",
            r"(?:dynamic|CUDA) library (?P<libcuda>libcuda\.so\.1|nvcuda\.dll)",
        ),
    ),
    Signature(
        "libdevice-missing",
        "fatal",
        (
            "libdevice not found",
            "Can't find libdevice",
            "libdevice.10.bc",
            "libdevice is required by this HLO",
        ),
        (),
        (Means("CUD901", 0.95, ()),),
    ),
    Signature(
        "jit-compilation-failed",
        "fatal",
        ("JIT compilation failed",),
        (),
        (
            Means("CUD901", 0.6, ("!invalid-ptx", "!ptx-too-new")),
            Means("GPU201-new", 0.5, ("capability-newer",)),
        ),
    ),
    Signature(
        "ptxas-missing",
        "error",
        (
            "Couldn't get ptxas version",
            "ptxas not found",
            "Couldn't get ptxas/nvlink version",
            "Can't find ptxas binary",
            "No PTX compilation provider is available",
            "Couldn't invoke ptxas",
            "Failed to launch ptxas",
            "Couldn't find a suitable version of ptxas",
        ),
        (),
        (
            Means("CUD901", 0.8, ("libdevice-missing",)),
            Means("CUD901", 0.75, ("!ptxas-on-windows", "!relying-on-driver")),
        ),
    ),
    Signature(
        "ptxas-denied",
        "error",
        ("ptxas",),
        (r"ptxas.{0,200}Permission denied",),
        (Means("CUD902", 0.9),),
    ),
    Signature(
        "relying-on-driver",
        "noise",
        ("Relying on driver to perform ptx compilation",),
        note="The driver compiles the GPU code, so ptxas is not needed.",
    ),
    Signature(
        "ptxas-on-windows",
        "noise",
        ("Invoking ptxas not supported on Windows", "Invoking GPU asm compilation"),
        note="TensorFlow never uses ptxas on Windows; the driver compiles instead.",
    ),
    Signature(
        "libcuda-no-link",
        "noise",
        ("libcuda.so.1 is not a symbolic link",),
        note="ldconfig says this under WSL2 about Windows' own copy; it does no harm.",
    ),
)
