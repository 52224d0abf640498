"""The operating system, the process, the program itself."""

from __future__ import annotations

from envcheck.explain.causes._words import CHECK, GPU_LIST, IMPORT
from envcheck.explain.model import Cause
from envcheck.remedies import manual

CAUSES = (
    Cause(
        "SYS101",
        "platform-without-gpu",
        "TensorFlow from 2.11 on has no GPU support on native Windows: use WSL2",
        "The Windows wheels are CPU builds by design. Nothing is broken.",
        fixes=lambda ground: (
            manual(
                "use-wsl2",
                "Install WSL2 and TensorFlow inside of it (the Windows driver is enough), or stay "
                "with TensorFlow "
                "2.10 and Python 3.10 on Windows:",
                ("wsl.exe", "--install"),
                ("python", "-m", "pip", "install", "tensorflow[and-cuda]"),
            ),
        ),
        check=GPU_LIST,
        excluded=("CUDA and cuDNN on Windows are not used by it at all.",),
    ),
    Cause(
        "SYS102",
        "glibc-too-old",
        "The system's C library (glibc) is older than the program needs: {glibc} is missing",
        "A wheel is compiled for a minimum of glibc, which belongs to the operating system and "
        "cannot be updated alone.",
        lambda ground: {"glibc": ground.first("glibc", "a version of it")},
        lambda ground: (
            manual(
                "other-system",
                "Run it in a container or on a newer system, or install an older release of the "
                "package that asks for it:",
                ("ldd", "--version"),
            ),
        ),
        IMPORT,
        ("CUDA and the driver are not the reason.",),
    ),
    Cause(
        "SYS102",
        "glibc-too-old",
        "glibc is too old for TensorBoard's fast loader ({glibc} is missing); TensorBoard goes on "
        "without it",
        "Nothing has to be done: TensorBoard reads the files with its own slower loader.",
        lambda ground: {"glibc": ground.first("glibc", "a version of it")},
        lambda ground: (
            manual("slow-loader", "To silence it:", ("tensorboard", "--load_fast=false")),
        ),
        name="SYS102-tensorboard",
    ),
    Cause(
        "SYS901",
        "libstdcxx-too-old",
        "The loaded C++ library (libstdc++) is older than the program needs: {glibcxx} is missing",
        "Mostly the system's libstdc++ is found before the newer one of the environment.",
        lambda ground: {"glibcxx": ground.first("glibcxx", "a version of it")},
        lambda ground: (
            manual(
                "conda-libstdcxx",
                "In a conda environment install its own and name its lib folder in "
                "LD_LIBRARY_PATH; else use a newer "
                "system or a container:",
                ("conda", "install", "-c", "conda-forge", "libstdcxx-ng"),
            ),
        ),
        IMPORT,
        ("CUDA and the driver are not the reason.",),
    ),
    Cause(
        "SYS902",
        "thread-limit-reached",
        "The process or thread limit is reached: no new thread can be started",
        "TensorFlow starts a thread per core; the limit of the user or container (ulimit -u, "
        "pids) is lower.",
        fixes=lambda ground: (
            manual(
                "raise-limit",
                "Raise the limit of processes (ulimit -u; in Docker --pids-limit), or run less at "
                "the same time:",
                ("ulimit", "-u", "4096"),
                ("export", "OMP_NUM_THREADS=4"),
            ),
        ),
        check=("ulimit", "-u"),
        excluded=("The GPU and the driver are not the reason.",),
    ),
    Cause(
        "SYS903",
        "disk-full",
        "The disk (or the user's quota) is full",
        "A file could not be written: pip needs space in its temporary and cache folders, too.",
        fixes=lambda ground: (
            manual(
                "free-disk",
                "Free space; pip's cache is often large:",
                ("df", "-h"),
                ("python", "-m", "pip", "cache", "purge"),
            ),
        ),
        check=("df", "-h"),
    ),
    Cause(
        "SYS905",
        "process-killed",
        "The process was killed from outside, mostly because the computer's memory was full",
        "The kernel's out-of-memory killer (or the limit of a container or job) ends a process "
        "without a traceback.",
        fixes=lambda ground: (
            manual(
                "less-memory",
                "Look whether it was the memory, then load less data at once or give the "
                "container or job more memory:",
                ("sudo", "dmesg", "-T"),
                ("free", "-h"),
            ),
        ),
        check=("free", "-h"),
        excluded=("It is not the GPU's memory: that gives an error message.",),
    ),
    Cause(
        "SYS906",
        "too-many-open-files",
        "Too many files are open",
        "The limit of open files (ulimit -n) is reached.",
        fixes=lambda ground: (manual("raise-limit", "Raise it:", ("ulimit", "-n", "4096")),),
        check=("ulimit", "-n"),
    ),
    Cause(
        "SMK908",
        "segmentation-fault",
        "The process crashed inside of compiled code (segmentation fault)",
        "There is no message from where it crashed. Often two libraries do not fit: two CUDA or "
        "cuDNN copies, "
        "an extension of another TensorFlow, or packages that bring the same C++ library.",
        fixes=lambda ground: (
            manual(
                "trace-crash",
                "Let Python print where it was, and look at the environment:",
                ("python", "-X", "faulthandler", "PROGRAM.py"),
                CHECK,
            ),
        ),
        check=IMPORT,
    ),
    Cause(
        "SMK901",
        "error-of-the-program",
        "The program itself fails: {error}",
        "It is an error of the program or its data, not an environment problem.{where}",
        lambda ground: {
            "error": ground.first("error", "see the last line"),
            "where": f" It was raised at {ground.first('frame')}." if ground.first("frame") else "",
        },
        lambda ground: (
            manual("read-traceback", "Look at the line of your own code that the traceback names."),
        ),
        excluded=("The lines of TensorFlow above it are not the reason.",),
        verdict="not-environment",
    ),
    Cause(
        "SMK910",
        "bad-data-for-the-network",
        "cuDNN was given data that it cannot take ({status}): mostly an empty batch or a wrong "
        "shape",
        "It is not an environment problem: the network's input has no elements or not the shape "
        "that a layer wants.",
        lambda ground: {"status": ground.first("cudnn_status", "CUDNN_STATUS_BAD_PARAM")},
        lambda ground: (
            manual(
                "look-at-data",
                "Print the shapes of what goes into fit or predict; look for empty images, "
                "labels, filters.",
            ),
        ),
        excluded=("cuDNN is installed and answers.",),
        verdict="not-environment",
    ),
    Cause(
        "SMK303",
        "unknown-xla-flag",
        "{variable} has what this TensorFlow does not know: {flags}",
        "XLA ends the process at a flag of another release, or one that is misspelt.",
        lambda ground: {
            "variable": ground.first("xla_variable", "XLA_FLAGS"),
            "flags": ground.first("xla_flags", "a flag"),
        },
        lambda ground: (
            manual(
                "unset-flags",
                "Take {flags} out of {variable}, where it is set (the shell's start file, the "
                "container), or try without it:",
                ("unset", ground.first("xla_variable", "XLA_FLAGS")),
                variable=ground.first("xla_variable", "XLA_FLAGS"),
                flags=ground.first("xla_flags", "the flag"),
            ),
        ),
        excluded=("CUDA, cuDNN and the driver are not the reason.",),
    ),
    Cause(
        "SMK909",
        "nothing-to-mend",
        "Harmless: on a machine without a GPU the program runs on the CPU",
        "The messages are warnings: TensorFlow looked for an NVIDIA GPU, found none and goes on "
        "on the CPU. Nothing fails.",
        fixes=lambda ground: (
            manual(
                "expect-gpu",
                "Nothing has to be done. If a GPU was expected here, its driver or its libraries "
                "are missing (nvidia-smi tells "
                "which), or it was not given to the process (docker run --gpus all, a GPU node); "
                "look with:",
                ("envcheck",),
            ),
        ),
        verdict="harmless",
        name="harmless-cpu",
    ),
    Cause(
        "SMK909",
        "nothing-to-mend",
        "Harmless: this program trains with JAX, and its TensorFlow need not see the GPU",
        "TensorFlow only loads the data here; that it skips the GPU does no harm.",
        verdict="harmless",
        name="harmless-jax",
    ),
    Cause(
        "SMK909",
        "nothing-to-mend",
        "Harmless: these lines need nothing",
        "{why}",
        lambda ground: {"why": ground.first("why", "No line of this log names an error.")},
        verdict="harmless",
        name="harmless",
    ),
)
