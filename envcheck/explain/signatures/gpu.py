"""The GPU itself, cuDNN, memory, and several GPUs."""

from __future__ import annotations

from envcheck.explain.model import Means, Signature

_MEMORY = (Means("SMK902", 0.9),)
_HANDLE = (
    Means("DNN101", 0.95, ("cudnn-version",)),
    Means("GPU201-new", 0.9, ("capability-newer",)),
    Means("SMK903-jax", 0.9, ("jax",)),
    Means("SMK903", 0.85),
)

SIGNATURES = (
    Signature(
        "cudnn-version",
        "fatal",
        ("Loaded runtime CuDNN library",),
        (
            r"Loaded runtime CuDNN library: (?P<cudnn_loaded>[\d.]{1,12}) but source was compiled "
            r"with: (?P<cudnn_compiled>[\d.]{1,12})",
            r"Loaded runtime CuDNN library: (?P<cudnn_loaded>\d{4,6}) \(compatibility version "
            r"\d{1,6}\) but source was compiled with (?P<cudnn_compiled>\d{4,6})",
        ),
        (Means("DNN101", 0.97),),
    ),
    Signature(
        "cudnn-loaded",
        "context",
        ("Loaded cuDNN version",),
        (r"Loaded cuDNN version (?P<cudnn_in_use>\d{4,6})",),
    ),
    Signature(
        "convolution-algorithm",
        "fatal",
        (
            "Failed to get convolution algorithm",
            "Could not create cudnn handle",
            "could not create cudnn handle",
            "No algorithm worked!",
            "DNN library is not found",
            "DNN library initialization failed",
            "Could not create cudnnHandle",
        ),
        (),
        _HANDLE,
    ),
    Signature(
        "cudnn-bad-data",
        "fatal",
        ("CUDNN_STATUS_BAD_PARAM", "feeding an empty images/labels"),
        (r"(?P<cudnn_status>CUDNN_STATUS_BAD_PARAM)|empty images/labels",),
        (Means("SMK910", 0.93),),
    ),
    Signature(
        "cublas-handle",
        "fatal",
        (
            "CUBLAS_STATUS_NOT_INITIALIZED",
            "CUBLAS_STATUS_ALLOC_FAILED",
            "Failure to initialize cublas",
            "Blas GEMM launch failed",
            "Blas xGEMM launch failed",
            "Blas xGEMV launch failed",
            "Blas SGEMM launch failed",
            "Attempting to perform BLAS operation using StreamExecutor without BLAS support",
            "No BLAS support for stream",
        ),
        (),
        _HANDLE,
    ),
    Signature(
        "cudnn-not-supported",
        "error",
        ("CUDNN_STATUS_ARCH_MISMATCH",),
        (),
        (Means("GPU201-new", 0.6), Means("GPU201-old", 0.55)),
    ),
    Signature(
        "capability-newer",
        "error",
        ("TensorFlow was not built with CUDA kernel binaries compatible with compute capability",),
        (r"compute capability (?P<capability>\d{1,2}\.\d[af]?)",),
        (
            Means("GPU201-new", 0.95, ("invalid-ptx",)),
            Means("GPU201-jit", 0.9, ("!invalid-ptx",)),
        ),
    ),
    Signature(
        "invalid-ptx",
        "fatal",
        ("CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"),
        (),
        (Means("GPU201-new", 0.9),),
    ),
    Signature(
        "invalid-handle",
        "fatal",
        ("CUDA_ERROR_INVALID_HANDLE", "CUDA_ERROR_INVALID_IMAGE", "CUDA_ERROR_INVALID_SOURCE"),
        (),
        (Means("GPU201-new", 0.8),),
    ),
    Signature(
        "no-kernel-image",
        "fatal",
        (
            "no kernel image is available for execution on the device",
            "CUDA_ERROR_NO_BINARY_FOR_GPU",
            "device kernel image is invalid",
        ),
        (),
        (Means("GPU201-new", 0.7), Means("GPU201-old", 0.4)),
    ),
    Signature(
        "torch-capability",
        "error",
        ("is not compatible with the current PyTorch installation",),
        (r"(?P<gpu>[\w ()-]{3,60}) with CUDA capability (?P<sm>sm_\d{2,3})",),
        (Means("GPU903", 0.95),),
    ),
    Signature(
        "ptxas-arch-unknown",
        "fatal",
        (
            "is not defined for option 'gpu-name'",
            "Unknown CUDA Compute Capability",
            "Unsupported gpu architecture",
            "unsupported GPU architecture",
        ),
        (r"(?P<sm>sm_\d{2,3}a?)", r"[Uu]n"),
        (Means("GPU201-new", 0.85),),
    ),
    Signature(
        "capability-too-low",
        "degraded",
        ("The minimum required Cuda capability is", "Cuda compute capability"),
        (
            r"Ignoring visible gpu device.{0,200}compute capability:? "
            r"(?P<capability>\d{1,2}\.\d).{0,80}minimum required (?:Cuda )?capability is "
            r"(?P<minimum>\d{1,2}\.\d)",
            r"Cuda compute capability (?P<capability>\d{1,2}\.\d)\. The minimum required Cuda "
            r"capability is (?P<minimum>\d{1,2}\.\d)",
        ),
        (Means("GPU201-old", 0.95),),
    ),
    Signature(
        "multiprocessors-too-few",
        "degraded",
        ("The minimum required count is",),
        (
            r"Ignoring visible gpu device.{0,300}minimum required count is "
            r"(?P<minimum_count>\d{1,3})",
        ),
        (Means("GPU904", 0.95),),
    ),
    Signature(
        "amd-version",
        "degraded",
        ("with AMDGPU version",),
        (r"with AMDGPU version : (?P<gfx>gfx\w{3,5})",),
        (Means("GPU902", 0.95),),
    ),
    Signature(
        "oom-tensor",
        "fatal",
        (
            "OOM when allocating tensor",
            "ResourceExhaustedError",
            "ResourceExhausted:",
            "failed to allocate memory [Op:",
            "Out of memory while trying to allocate",
            "Dst tensor is not initialized",
            "OOM while allocating",
            "RESOURCE_EXHAUSTED: Out of memory",
            "RESOURCE_EXHAUSTED: Failed to allocate",
        ),
        (
            r"allocating tensor with shape ?\[(?P<shape>[\d,]{1,80})\].{0,300}by allocator "
            r"(?P<allocator>\w{2,30})",
            r"OOM|Resource|RESOURCE|failed to allocate|Out of memory|Dst tensor",
        ),
        (Means("SYS904", 0.96, ("oom-on-cpu",)), *_MEMORY),
    ),
    Signature(
        "oom-cpu-allocator",
        "context",
        ("by allocator cpu", "by allocator mklcpu", "on CPU", "device:CPU:0 by allocator"),
        (r"by allocator (?:mkl)?cpu",),
    ),
    Signature(
        "oom-summary",
        "error",
        ("Current allocation summary follows", "OOM when allocating"),
        (r"Allocator \(GPU|allocation summary",),
        (Means("SMK902", 0.85),),
    ),
    Signature(
        "oom-cuda",
        "error",
        ("CUDA_ERROR_OUT_OF_MEMORY", "CUDA out of memory", "cudaErrorMemoryAllocation"),
        (),
        (
            Means(
                "GPU-memory-series",
                0.9,
                ("created-after-allocation-failure", "training", "!oom-tensor"),
            ),
            Means("SMK902", 0.88),
        ),
    ),
    Signature(
        "oom-hint",
        "noise",
        ("The caller indicates that this is not a failure",),
        note="cuDNN asked for a larger workspace than was free and took a smaller algorithm; "
        "training goes on. A smaller batch silences it.",
    ),
    Signature(
        "cpu-allocation-large",
        "noise",
        ("exceeds 10% of free system memory", "exceeds 10% of system memory"),
        note="A large tensor was put into the computer's memory; it fitted.",
    ),
    Signature(
        "cuda-launch-failed",
        "fatal",
        (
            "CUDA_ERROR_ILLEGAL_ADDRESS",
            "CUDA_ERROR_LAUNCH_FAILED",
            "an illegal memory access was encountered",
            "CUDA_ERROR_MISALIGNED_ADDRESS",
        ),
        (),
        (Means("DRV911", 0.9, ("xid",)), Means("SMK906", 0.7)),
    ),
    Signature(
        "nccl-system-error",
        "fatal",
        ("unhandled system error", "ncclSystemError"),
        (),
        (
            Means("SMK905", 0.95, ("shm-full",)),
            Means("SMK904", 0.85),
        ),
    ),
    Signature(
        "nccl-shm",
        "error",
        (
            "Error while creating shared memory segment",
            "/dev/shm/nccl",
            "could not extend shared memory",
            "unable to write to file </torch",
            "bus error. This might be caused by insufficient shared memory",
        ),
        (),
        (Means("SMK905", 0.95),),
    ),
    Signature(
        "nccl-interface",
        "error",
        (
            "NCCL WARN Bootstrap : no socket interface found",
            "NCCL WARN Connect to",
            "socketStartConnect: Connect to",
            "NCCL WARN Call to connect",
            "NCCL WARN NET/Socket",
        ),
        (),
        (Means("SMK904", 0.92),),
    ),
    Signature(
        "nccl-other",
        "fatal",
        (
            "NCCL error in:",
            "ncclInternalError",
            "ncclUnhandledCudaError",
            "unhandled cuda error, NCCL",
        ),
        (),
        (Means("SMK904", 0.6),),
    ),
    Signature(
        "gpu-created",
        "context",
        ("Created TensorFlow device (/", "Created device /job:", "Created device /device:GPU"),
        (
            r"Created (?:TensorFlow )?device \(?\S{0,60}GPU:\d.{0,80}?name: (?P<gpu>[\w "
            r"()-]{3,60}), pci.{0,40}compute capability: (?P<capability_in_use>\d{1,2}\.\d)",
            r"Created (?:TensorFlow )?device \(?\S{0,60}GPU:\d",
        ),
    ),
    Signature(
        "gpu-found",
        "context",
        ("Found device ", "coreClock:"),
        (
            r"name: (?P<gpu>[\w ()-]{3,60}) (?:computeCapability|major)",
            r"coreClock: (?P<clock>[\d.]{1,8})GHz",
        ),
    ),
)
