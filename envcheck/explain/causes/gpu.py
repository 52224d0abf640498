"""The GPU's architecture, its memory, and several GPUs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envcheck.explain.causes._words import GPU_LIST, SMI, tensorflow
from envcheck.explain.model import Cause, Ground
from envcheck.model import Fix
from envcheck.remedies import manual

LIBRARIES_ARE_FINE = "The libraries are installed; installing TensorFlow again changes nothing."
FIT = ("nvidia-smi", "--query-gpu=memory.used,memory.total", "--format=csv")


def _gpu(ground: Ground) -> Mapping[str, str]:
    capability = ground.first("capability")
    sm = ground.first("sm").removeprefix("sm_").rstrip("a")
    if not capability and sm:
        capability = f"{sm[:-1]}.{sm[-1]}"
    version = tensorflow(ground)
    return {
        "capability": capability or "of its generation",
        "gpu": ground.first("gpu").strip() or "this GPU",
        "tensorflow": f"TensorFlow {version}" if version else "this TensorFlow",
        "minimum": ground.first("minimum") or "that it was built for",
    }


def _newer(ground: Ground) -> Iterable[Fix]:
    yield manual(
        "newer-tensorflow",
        "Use a TensorFlow with code for it: for compute capability 10 and 12 (Blackwell) that is "
        "2.21 "
        "or later, tf-nightly, or NVIDIA's container:",
        ("python", "-m", "pip", "install", "--upgrade", "tensorflow[and-cuda]"),
    )
    yield manual(
        "ask-the-matrix",
        "Ask which TensorFlow has code for your card:",
        ("envcheck", "matrix", "show", "gpu", "NAME_OF_THE_CARD"),
    )


def _memory_fixes(ground: Ground) -> Iterable[Fix]:
    yield manual(
        "who-holds-memory",
        "Look who holds the GPU's memory, and end what is left over (also other notebooks):",
        ("nvidia-smi",),
    )
    yield manual(
        "smaller-batch",
        "Take a smaller batch (or smaller inputs). Data and models of earlier steps keep memory: "
        "run "
        "the steps in processes of their own.",
    )
    yield manual(
        "memory-growth",
        "Let TensorFlow take memory as it needs it (tf.config.experimental.set_memory_growth) "
        "instead "
        "of all at once:",
        ("export", "TF_FORCE_GPU_ALLOW_GROWTH=true"),
    )


def _oom(ground: Ground) -> Mapping[str, str]:
    shape = ground.first("shape")
    return {"asked": f" for a tensor of shape [{shape}]" if shape else ""}


CAUSES = (
    Cause(
        "GPU201",
        "gpu-not-supported",
        "{tensorflow} has no code that runs on {gpu} (compute capability {capability})",
        "The GPU is newer than the build of the program: it has neither machine code for compute "
        "capability {capability} nor PTX that the driver may compile for it.",
        _gpu,
        _newer,
        GPU_LIST,
        ("The driver and cuDNN are not the reason.",),
        name="GPU201-new",
    ),
    Cause(
        "GPU201",
        "gpu-not-supported",
        "{tensorflow} has no machine code for {gpu} (compute capability {capability}) and "
        "compiles it at the start",
        "The kernels are compiled from PTX when they are first used: that takes from seconds to "
        "half "
        "an hour once, and then training runs normally. Releases 2.16 to 2.20 usually stop here "
        "with "
        "CUDA_ERROR_INVALID_PTX instead.",
        _gpu,
        lambda ground: (
            manual(
                "wait-or-cache",
                "Wait for the first steps. A larger cache keeps the compiled kernels for the next "
                "run:",
                ("export", "CUDA_CACHE_MAXSIZE=4294967296"),
            ),
            *_newer(ground),
        ),
        GPU_LIST,
        ("No error has happened yet: it is a warning.",),
        name="GPU201-jit",
    ),
    Cause(
        "GPU201",
        "gpu-not-supported",
        "The GPU (compute capability {capability}) is too old for {tensorflow}, which wants "
        "{minimum}",
        "TensorFlow ignores the card: its code begins at compute capability {minimum}.",
        _gpu,
        lambda ground: (
            manual(
                "older-tensorflow",
                "Ask which TensorFlow still has code for your card, or train on the CPU:",
                ("envcheck", "matrix", "show", "gpu", "NAME_OF_THE_CARD"),
            ),
        ),
        GPU_LIST,
        ("Driver and libraries are not the reason: the card was found.",),
        name="GPU201-old",
    ),
    Cause(
        "GPU902",
        "amd-gpu-not-supported",
        "This ROCm build of TensorFlow has no code for the AMD GPU {gfx}",
        "TensorFlow for AMD ignores cards that are not on its list of architectures.",
        lambda ground: {"gfx": ground.first("gfx", "in this machine")},
        lambda ground: (
            manual(
                "rocm-build",
                "Use a card that ROCm supports, or a ROCm build of TensorFlow that was compiled "
                "for "
                "{gfx}; a card that is nearly the same may run with HSA_OVERRIDE_GFX_VERSION.",
                gfx=ground.first("gfx", "this card"),
            ),
        ),
        ("rocminfo",),
        ("CUDA and NVIDIA drivers have no part in it.",),
    ),
    Cause(
        "GPU903",
        "gpu-not-supported-by-pytorch",
        "The installed PyTorch has no code for {gpu} ({sm})",
        "PyTorch's wheel was compiled for other GPU generations; {sm} is not among them.",
        lambda ground: {
            "gpu": ground.first("gpu", "this GPU").strip(),
            "sm": ground.first("sm", "its generation"),
        },
        lambda ground: (
            manual(
                "newer-torch",
                "Install a PyTorch that was built with CUDA 12.8 or later (for sm_100 and sm_120):",
                (
                    "python",
                    "-m",
                    "pip",
                    "install",
                    "--upgrade",
                    "torch",
                    "--index-url",
                    "https://download.pytorch.org/whl/cu128",
                ),
            ),
        ),
        ("python", "-c", "import torch; print(torch.cuda.get_arch_list())"),
        ("The driver is not the reason.",),
    ),
    Cause(
        "GPU904",
        "gpu-with-few-multiprocessors",
        "TensorFlow leaves out a GPU that is much smaller than the others",
        "It wants at least {count} multiprocessors; smaller cards would slow the rest down.",
        lambda ground: {"count": ground.first("minimum_count", "8")},
        lambda ground: (
            manual(
                "lower-the-limit",
                "If it shall be used all the same:",
                ("export", "TF_MIN_GPU_MULTIPROCESSOR_COUNT=1"),
            ),
        ),
        GPU_LIST,
    ),
    Cause(
        "SMK902",
        "gpu-memory-exhausted",
        "The GPU's memory is full",
        "The program asked for more GPU memory{asked} than is free: batch, inputs or model are "
        "too large "
        "for the card, or another process (or an earlier step of this one) holds it.",
        _oom,
        _memory_fixes,
        FIT,
        (LIBRARIES_ARE_FINE, "The driver is not the reason."),
    ),
    Cause(
        "SMK903",
        "gpu-handle-needs-memory",
        "cuDNN or cuBLAS could not start on the GPU: mostly because its memory is taken",
        "The libraries are found. To start they need some GPU memory; TensorFlow has reserved "
        "nearly "
        "all of it, or another process holds the card. Where memory is free, the versions or the "
        "GPU's generation are the next to look at.",
        fixes=_memory_fixes,
        check=FIT,
        excluded=("No library is missing.", LIBRARIES_ARE_FINE),
    ),
    Cause(
        "SMK903",
        "gpu-handle-needs-memory",
        "JAX preallocated nearly all GPU memory, so cuBLAS or cuDNN could not start",
        "XLA reserves most of the card's memory at the start; the library's handle needs some of "
        "it.",
        fixes=lambda ground: (
            manual(
                "no-preallocation",
                "Turn the preallocation off (or lower XLA_PYTHON_CLIENT_MEM_FRACTION), and free "
                "the "
                "card of other processes:",
                ("export", "XLA_PYTHON_CLIENT_PREALLOCATE=false"),
            ),
        ),
        check=FIT,
        excluded=("No library is missing.",),
        name="SMK903-jax",
    ),
    Cause(
        "SMK902",
        "gpu-memory-exhausted",
        "Another process holds a part of the GPU's memory; the run goes on with less",
        "TensorFlow tried ever smaller reservations until one fitted. The run goes on; it may end "
        "later for lack of memory.",
        fixes=_memory_fixes,
        check=FIT,
        name="GPU-memory-series",
    ),
    Cause(
        "SMK904",
        "nccl-cannot-connect",
        "NCCL cannot connect the GPUs: it takes the wrong network interface, or one is blocked",
        "A system call of NCCL failed while the processes were connecting to each other. On a "
        "cluster "
        "it mostly chose an interface that does not lead to the other nodes (docker0, a management "
        "network).",
        fixes=lambda ground: (
            manual(
                "nccl-interface",
                "Name the interface of the fast network (ip addr lists them: ib0, hsn0, eth0), "
                "and let "
                "NCCL say what it does:",
                ("export", "NCCL_SOCKET_IFNAME=hsn0"),
                ("export", "NCCL_DEBUG=INFO"),
            ),
        ),
        check=("ip", "-brief", "addr"),
        excluded=("The memory of the GPUs is not the reason.",),
    ),
    Cause(
        "SMK905",
        "shared-memory-too-small",
        "NCCL has too little shared memory (/dev/shm) in this container",
        "The processes exchange data through /dev/shm, of which Docker gives 64 MB.",
        fixes=lambda ground: (
            manual(
                "shm-size",
                "Start the container with more shared memory (--shm-size, or --ipc=host):",
                ("docker", "run", "--gpus", "all", "--shm-size=8g", "IMAGE"),
            ),
        ),
        check=("df", "-h", "/dev/shm"),
        excluded=("The disk is not full, and the GPUs' memory is not the reason.",),
    ),
    Cause(
        "SMK906",
        "gpu-kernel-failed",
        "A kernel on the GPU read or wrote memory that is not its own",
        "Mostly an error of the program or of a library's kernel (an index out of range in an "
        "embedding, for one); rarely a card that is overclocked or faulty.",
        fixes=lambda ground: (
            manual(
                "locate-kernel",
                "Run it so that the failing operation is named, and once on the CPU, which checks "
                "indices:",
                ("export", "CUDA_LAUNCH_BLOCKING=1"),
                ("export", "CUDA_VISIBLE_DEVICES=-1"),
            ),
        ),
        check=SMI,
        verdict="environment",
    ),
    Cause(
        "SYS904",
        "memory-exhausted",
        "The computer's memory is full",
        "The program asked for more memory than the computer (or its container) has{asked}.",
        _oom,
        lambda ground: (
            manual(
                "smaller-batch",
                "Take a smaller batch, load the data in pieces (tf.data), or give the container "
                "or job "
                "more memory.",
                ("free", "-h"),
            ),
        ),
        ("free", "-h"),
        ("The GPU's memory is not the reason.",),
    ),
)
