"""What to do about a rung that broke: one sentence each, for the line below the verdict."""

from __future__ import annotations

import re
from typing import Any, Dict

REPORT = (
    "run `envcheck --python {python}`: it names what does not fit, and the command that mends it"
)
NOT_INSTALLED = "install TensorFlow there, or name another environment with --python"
GPU_LIBRARY = "{library}, as this TensorFlow loads it, does not work on this machine: " + REPORT

ADVICE = {
    "start": "this interpreter cannot run a program: try `{python} -c pass`",
    "driver": "repair the NVIDIA driver first (a reboot after an update, or a new installation): "
    "`nvidia-smi` has to list the GPU",
    "context": "see in `nvidia-smi` whether another program holds the GPU or its memory, and "
    "whether the compute mode is Default",
    "xla": "XLA could not compile: it needs libdevice.10.bc and ptxas of TensorFlow's CUDA "
    "release (XLA_FLAGS=--xla_gpu_cuda_data_dir=...); training goes on without it",
    "nccl": "try NCCL_P2P_DISABLE=1, and NCCL_DEBUG=INFO for its own account of what failed",
    "mirrored": "try NCCL_P2P_DISABLE=1, and NCCL_DEBUG=INFO for its own account of what failed",
}
UNKNOWN_FLAG = re.compile(r"Unknown flags? in (\w+_FLAGS): (--\S+(?: --\S+)*)")
"""Of XLA's parse_flags_from_env.cc, TensorFlow 2.4 to 2.21."""
TAKE_OUT = "take %s out of the environment variable %s: this TensorFlow does not know it"
WRONG_NUMBERS = (
    "this machine computes wrong numbers: do not trust its results; look for ECC and Xid errors "
    "(`nvidia-smi -q -d ECC`, `dmesg`), take back overclocking, try another version of {library}"
)
WRONG_DEVICE = (
    "TensorFlow has no kernel for this on the GPU and falls back silently: check the build, and "
    "calls of set_soft_device_placement"
)
MEMORY = "free memory of the GPU: `nvidia-smi` lists the processes that hold it"
MEMORY_SIGNS = ("out of memory", "OUT_OF_MEMORY", "ResourceExhausted", "MemoryAllocation")
WAITS = "look in the log below for what it waits for, or give it longer with --rung-timeout"


def is_out_of_memory(result: Dict[str, Any]) -> bool:
    error = result.get("error") or {}
    words = [error.get("type", ""), result["detail"], *result.get("log", ())]
    return any(sign in text for sign in MEMORY_SIGNS for text in words)


def advice(result: Dict[str, Any], document: Dict[str, Any]) -> str:
    kind = (result.get("error") or {}).get("type")
    unknown = UNKNOWN_FLAG.search("\n".join(result.get("log", ())))
    if unknown:
        return TAKE_OUT % (unknown.group(2), unknown.group(1))
    if result["name"] == "import" and result["detail"] == "No module named 'tensorflow'":
        text = NOT_INSTALLED
    elif document.get("gpu_memory") and is_out_of_memory(result):
        text = MEMORY
    elif kind in ("WrongNumbers", "WrongDevice"):
        text = WRONG_NUMBERS if kind == "WrongNumbers" else WRONG_DEVICE
    elif kind == "Hung":
        text = WAITS
    else:
        own = GPU_LIBRARY if result["library"].startswith("cu") else REPORT
        text = ADVICE.get(result["name"], own)
    python = (document.get("target") or {}).get("python", "python")
    return text.format(library=result["library"], python=python)
