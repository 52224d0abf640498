"""Lines that frighten and mean nothing."""

from __future__ import annotations

from envcheck.explain.model import Signature


def _noise(name: str, note: str, *says: str) -> Signature:
    return Signature(name, "noise", says, note=note)


SIGNATURES = (
    _noise(
        "factory-registered",
        "Two parts of TensorFlow register the same plugin; the second one is left out. The GPU is "
        "not affected.",
        "Unable to register cuDNN factory",
        "Unable to register cuFFT factory",
        "Unable to register cuBLAS factory",
        "computation placer already registered",
        "factory for plugin cuDNN when one has already been registered",
    ),
    _noise(
        "absl-before-init",
        "Log lines that come before logging is set up go to stderr. That is all.",
        "All log messages before absl::InitializeLog() is called are written to STDERR",
    ),
    _noise(
        "tensorrt-missing",
        "TensorRT is an optional accelerator for inference; TensorFlow trains without it.",
        "Could not find TensorRT",
        "Could not load dynamic library 'libnvinfer",
        "Cannot dlopen some TensorRT libraries",
        "libnvinfer_plugin",
        "Unable to find TensorRT",
    ),
    _noise(
        "numa-node",
        "The kernel does not say to which memory bank the GPU is nearest; TensorFlow takes bank 0.",
        "successful NUMA node read from SysFS had negative value",
        "could not open file to read NUMA node",
        "Your kernel may have been built without NUMA support",
        "Your kernel may not have been built with NUMA support",
    ),
    _noise(
        "cpu-instructions",
        "It names the CPU instructions that are in use or could be; the GPU is not concerned.",
        "This TensorFlow binary is optimized",
        "Your CPU supports instructions that this TensorFlow binary was not compiled to use",
        "oneDNN custom operations are on",
        "The TensorFlow library wasn't compiled to use",
        "To enable them in other operations, rebuild TensorFlow",
        "To enable the following instructions",
    ),
    _noise(
        "tensorfloat-32",
        "Matrices are multiplied in TensorFloat-32 on this GPU, which is faster.",
        "TensorFloat-32 will be used",
    ),
    _noise(
        "end-of-sequence",
        "The data set has been read to its end, as every epoch does.",
        "OUT_OF_RANGE: End of sequence",
        "Local rendezvous is aborting with status: OUT_OF_RANGE",
        "Local rendezvous recv item cancelled",
    ),
    _noise(
        "mlir-reproducer",
        "An option for TensorFlow's developers is off.",
        "disabling MLIR crash reproducer",
        "None of the MLIR Optimization Passes are enabled",
        "MLIR V1 optimization pass is not enabled",
    ),
    _noise(
        "absl-runtime-version",
        "tensorflow-metadata tries a newer protobuf first; as a log line it needs nothing.",
        "ERROR:absl:cannot import name 'runtime_version'",
    ),
    _noise(
        "cupti",
        "Only TensorFlow's profiler needs CUPTI.",
        "Could not load dynamic library 'libcupti",
        "CUPTI_ERROR_",
        "cupti64_",
        "function cupti_interface_->",
    ),
    _noise(
        "xla-service",
        "It lists what XLA, TensorFlow's compiler, found; that is information.",
        "this does not guarantee that XLA will be used",
        "Not creating XLA devices, tf_xla_enable_xla_devices not set",
        "Compiled cluster using XLA!",
        "XLA service 0x",
        "StreamExecutor device (",
    ),
    _noise(
        "gpu-growth",
        "It says how much GPU memory TensorFlow takes.",
        "Overriding orig_value setting because the TF_FORCE_GPU_ALLOW_GROWTH",
    ),
    _noise(
        "layout-failed",
        "An optimization of the graph was skipped; the result is the same.",
        "layout failed: INVALID_ARGUMENT",
        "model_pruner failed",
        "remapper failed:",
        "loop_optimizer failed",
    ),
    _noise(
        "gpu-peer",
        "The GPUs cannot read each other's memory directly; data goes through the computer's.",
        "peer access is not supported",
        "Device interconnect StreamExecutor with strength",
    ),
    _noise(
        "delay-kernel",
        "TensorFlow could not measure a kernel exactly and goes on.",
        "Delay kernel timed out: measured time has sub-optimal accuracy",
    ),
    _noise(
        "tf-deprecated",
        "A warning about an API that will go away; the program works.",
        "is deprecated. Please use",
        "is deprecated in Keras optimizer",
        "`learning_rate` is now deprecated",
        "DeprecationWarning:",
        "FutureWarning:",
        "UserWarning: Do not pass an `input_shape`",
        "UserWarning: `build()` was called on layer",
        "You are saving your model as an HDF5 file",
    ),
    _noise(
        "empty-cpu-list",
        "The program told TensorFlow to use no GPU.",
        "Cannot set memory growth on device when virtual devices configured",
    ),
    _noise(
        "ended-with-warnings",
        "The input of `fit` ended before all steps were made; the data set is shorter than asked.",
        "Your input ran out of data; interrupting training",
    ),
    _noise(
        "retracing",
        "A function is compiled again and again, which is slow and correct.",
        "triggered tf.function retracing",
    ),
    _noise(
        "gpu-plugin-initialised",
        "Several GPUs or plugins announce themselves.",
        "PluggableDevice",
        "Metal device set to",
    ),
)
