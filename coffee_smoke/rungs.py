"""The ladder: every rung in its order. A new rung is one function and one line here."""

from __future__ import annotations

from coffee_smoke import cuda, ops, roast, several, start
from coffee_smoke.ladder import Rung

TENSORFLOW = ("devices",)
CPU = "TensorFlow's CPU kernels"

RUNGS = (
    Rung("driver", (), cuda.driver, "NVIDIA driver (libcuda)", 60, apart=True),
    Rung("context", ("driver",), cuda.context, "NVIDIA driver (libcuda)", 60, apart=True),
    Rung("runtime", ("context",), cuda.runtime, "CUDA runtime (libcudart)", 60, apart=True),
    Rung("import", (), start.import_tensorflow, "TensorFlow", 180),
    Rung("devices", ("import",), start.list_devices, "TensorFlow", 180),
    Rung("gpu", TENSORFLOW, start.gpu_is_listed, "CUDA libraries as TensorFlow finds them"),
    # The first of these may compile kernels for a GPU that TensorFlow has no code for: minutes.
    Rung("matmul", TENSORFLOW, ops.matmul, "cuBLAS", 300, on_cpu=CPU),
    Rung("conv2d", TENSORFLOW, ops.conv2d, "cuDNN", on_cpu=CPU),
    Rung("lstm", TENSORFLOW, ops.lstm, "cuDNN", on_cpu=CPU),
    Rung("fft", TENSORFLOW, ops.fft, "cuFFT", on_cpu=CPU),
    Rung("solver", TENSORFLOW, ops.solver, "cuSOLVER", on_cpu=CPU),
    Rung("sparse", TENSORFLOW, ops.sparse, "cuSPARSE", on_cpu=CPU),
    Rung("random", TENSORFLOW, ops.random_numbers, "TensorFlow's random kernels", on_cpu=CPU),
    Rung("xla", TENSORFLOW, ops.xla, "XLA (libdevice, ptxas, nvlink)", on_cpu=CPU),
    Rung("mixed", TENSORFLOW, ops.mixed_precision, "cuBLAS in half precision", on_cpu=CPU),
    Rung("nccl", TENSORFLOW, several.all_reduce, "NCCL"),
    Rung("beans", TENSORFLOW, roast.normalise_beans, "Keras"),
    Rung("forward", ("beans",), roast.forward_pass, "Keras"),
    Rung("gradients", ("beans",), roast.gradients, "TensorFlow"),
    Rung("fit", ("beans",), roast.keras_fit, "Keras"),
    Rung("train", ("beans",), roast.train, "TensorFlow", 300),
    Rung("decide", ("train",), roast.decide, "TensorFlow"),
    Rung("speed", ("train",), several.speed, "TensorFlow"),
    Rung("mirrored", ("beans",), several.mirrored, "NCCL, tf.distribute"),
)
