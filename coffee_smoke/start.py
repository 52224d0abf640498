"""TensorFlow is imported and says which devices it has."""

from __future__ import annotations

from typing import Any, Dict, Union

from coffee_smoke import network
from coffee_smoke.ladder import Climb, Note, Skipped, Wrong


def import_tensorflow(climb: Climb) -> Note:
    import tensorflow

    climb.tf = tensorflow
    found: Dict[str, Any] = {
        "version": str(tensorflow.__version__),
        "file": str(tensorflow.__file__),
        "keras_version": None,
        "keras_file": None,
        "keras_flavour": None,
        "keras_backend": None,
        "cuda_build": None,
    }
    climb.document["tensorflow"] = found
    climb.keras = network.keras_of(tensorflow)
    # ~/.keras/keras.json may say otherwise: half precision does not learn this network.
    tensorflow.keras.backend.set_floatx("float32")
    tensorflow.keras.backend.set_image_data_format("channels_last")
    found["keras_version"], found["keras_file"] = climb.keras.version, climb.keras.file
    found["keras_flavour"], found["keras_backend"] = climb.keras.flavour, climb.keras.backend
    build = tensorflow.sysconfig.get_build_info()
    found["cuda_build"] = {
        "is_cuda_build": bool(build.get("is_cuda_build", False)),
        "cuda_version": build.get("cuda_version"),
        "cudnn_version": build.get("cudnn_version"),
    }
    return Note(
        "TensorFlow %s with Keras %s (%s)"
        % (found["version"], climb.keras.version, climb.keras.flavour)
    )


def list_devices(climb: Climb) -> Note:
    config = climb.tf.config
    gpus = config.list_physical_devices("GPU")
    for device in config.list_physical_devices("CPU") + gpus:
        details = config.experimental.get_device_details(device) if device in gpus else {}
        capability = details.get("compute_capability")
        climb.document["devices"].append(
            {
                "name": device.name,
                "type": device.device_type,
                "details": {
                    "device_name": details.get("device_name"),
                    "compute_capability": "%d.%d" % tuple(capability) if capability else None,
                },
            }
        )
    wanted = climb.options.device
    if wanted == "gpu" and not gpus:
        raise Wrong("a GPU was asked for and TensorFlow lists none")
    if wanted == "cpu" and gpus:
        # Not just unused: a GPU that hangs at its first use must not be touched at all.
        config.set_visible_devices([], "GPU")
    elif gpus:
        for gpu in gpus:
            config.experimental.set_memory_growth(gpu, True)
        climb.gpus = tuple("/GPU:%d" % number for number in range(len(gpus)))
    climb.device = "/GPU:0" if climb.gpus else "/CPU:0"
    return Note("%d GPU; training goes to %s" % (len(gpus), climb.device[1:]))


def gpu_is_listed(climb: Climb) -> Union[Note, Skipped]:
    """The driver's GPUs have to be TensorFlow's too. Its log, kept with `devices`, says why not."""
    if climb.gpus:
        return Note("TensorFlow lists %d GPU" % len(climb.gpus), climb.device[1:])
    seen = climb.results.get("driver", {"status": "skipped", "detail": "the driver was not asked"})
    if climb.options.device == "cpu" or seen["status"] == "skipped":
        return Skipped(seen["detail"])
    if seen["status"] != "passed":
        raise Wrong("TensorFlow lists none, and the driver does not answer either")
    if not climb.document["tensorflow"]["cuda_build"]["is_cuda_build"]:
        raise Wrong("the driver has a GPU, and this TensorFlow is built without CUDA")
    raise Wrong("the driver has a GPU and TensorFlow lists none: its log names what it missed")
