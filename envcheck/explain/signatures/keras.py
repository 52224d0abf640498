"""Keras: two of them, one of another generation, models of another version."""

from __future__ import annotations

from envcheck.explain.model import Means, Signature

_TWO_KERASES = (Means("KER201", 0.9, ("!nothing-fails",)), Means("KER201", 0.5))
_KERAS_2_CODE = (
    Means("KER902", 0.97, ("addons",)),
    Means("KER901", 0.9),
)

SIGNATURES = (
    Signature(
        "keras-registered-twice",
        "fatal",
        (
            "metrics with the same name",
            "metric with the same name already exists",
            "Duplicate registrations for type",
            "AlreadyExistsError: Another metric",
        ),
        (),
        _TWO_KERASES,
    ),
    Signature(
        "keras-newer-than-tensorflow",
        "fatal",
        (
            "cannot import name 'get_config' from 'tensorflow.python.eager.context'",
            "cannot import name 'dtensor' from 'tensorflow.compat.v2.experimental'",
            "cannot import name 'dtensor_api' from 'tensorflow",
            "cannot import name 'to_categorical' from 'keras.utils'",
            "populate_dict_with_module_objects",
            "cannot import name 'Adam' from 'keras.optimizers'",
            "cannot import name 'LayerNormalization' from 'tensorflow.python.keras",
            "cannot import name 'tf_utils' from 'keras.utils'",
            "module 'tensorflow.compat.v2.__internal__' has no attribute",
            "module 'tensorflow.compat.v2' has no attribute '__internal__'",
            "module 'tensorflow._api.v2.compat.v2.__internal__' has no attribute",
            "module 'keras.utils.generic_utils' has no attribute",
            "No module named 'keras.api._v2'",
            "cannot import name '_distribution_strategy_scope'",
            "No module named 'keras.src.saving.serialization_lib'",
            "No module named 'keras.saving.legacy'",
            "Keras requires TensorFlow 2.2 or higher",
            "cannot import name 'type_spec_registry' from 'tensorflow.python.framework'",
            "cannot import name 'is_tensor_or_tensor_list'",
        ),
        (),
        (Means("KER201", 0.92), Means("PYE302", 0.6, ("user-site",))),
    ),
    Signature(
        "keras-lazy-without-keras",
        "fatal",
        (
            "module 'tensorflow' has no attribute 'keras'",
            "module 'keras' has no attribute '__internal__'",
            "cannot import name 'keras' from 'tensorflow'",
            "No module named 'tensorflow.keras'",
            "module 'tensorflow._api.v2.compat.v2' has no attribute 'keras'",
        ),
        (),
        (
            Means("IMP102", 0.9, ("not-a-package",)),
            Means("TFX102", 0.85, ("unknown-location",)),
            Means("KER302", 0.6, ("legacy-switch",)),
            Means("KER201", 0.55),
        ),
    ),
    Signature(
        "keras-missing",
        "fatal",
        ("No module named 'keras'", "No module named keras"),
        (r"No module named '?keras'?$",),
        (Means("KER301", 0.85),),
    ),
    Signature(
        "keras-2-code",
        "fatal",
        (
            "Keras is Keras 3, but this is not yet supported",
            "A KerasTensor cannot be used as input to a TensorFlow function",
            "A KerasTensor is symbolic",
            "No module named 'keras.src.engine'",
            "cannot import name 'data_utils' from 'keras.utils'",
            "No module named 'keras.preprocessing.text'",
            "cannot import name 'AbstractRNNCell'",
            "is only available with TensorFlow backend",
            "Please install the backwards-compatible tf-keras package",
            "`tf.keras.layers.experimental`",
            "No module named 'keras.wrappers'",
            "Argument `decay` is no longer supported",
            "unexpected keyword argument 'decay'",
            "Layer 'lstm' expected",
            "unexpected keyword argument 'lr'",
            "Argument(s) not recognized: {'lr'",
            "Argument(s) not recognized:",
            "The filepath provided must end in `.keras`",
            "Only input tensors may be passed as positional arguments",
            "`keras.optimizers.legacy` is not supported in Keras 3",
            "when using `save_weights_only=True` in `ModelCheckpoint`",
            "The filename must end in `.weights.h5`",
            "please use `keras.ops`",
        ),
        (),
        _KERAS_2_CODE,
    ),
    Signature(
        "keras-3-attribute",
        "fatal",
        ("module 'keras._tf_keras.keras", "module 'keras.api", "module 'keras.src"),
        (
            r"module '(?P<module>keras\.(?:_tf_keras\.keras|api|src)[\w.]{0,80})' has no "
            r"attribute '(?P<name>\w{1,80})'",
        ),
        _KERAS_2_CODE,
    ),
    Signature(
        "keras-3-import",
        "fatal",
        ("cannot import name", "No module named 'keras._tf_keras", "No module named 'tf_keras"),
        (
            r"cannot import name '(?P<name>\w{1,80})' from "
            r"'(?P<module>keras\.(?:_tf_keras\.keras|api|src)[\w.]{0,80})'",
            r"No module named '(?P<module>keras\._tf_keras[\w.]{0,80})'",
        ),
        _KERAS_2_CODE,
    ),
    Signature(
        "tf-keras-missing",
        "fatal",
        (
            "No module named 'tf_keras'",
            "requires `tf_keras` package",
            "tf_keras package to be installed",
        ),
        (),
        (Means("KER302", 0.95),),
    ),
    Signature(
        "legacy-switch",
        "context",
        ("TF_USE_LEGACY_KERAS",),
    ),
    Signature(
        "addons",
        "context",
        ("tensorflow_addons", "tfa."),
        (r"(?P<third>tensorflow_addons)",),
    ),
    Signature(
        "addons-end-of-life",
        "noise",
        (
            "TensorFlow Addons (TFA) has ended development",
            "Tensorflow Addons supports using Python ops for all Tensorflow versions",
        ),
        note="tensorflow-addons says that it is no longer maintained.",
    ),
    Signature(
        "model-of-another-keras",
        "fatal",
        (
            "Unrecognized keyword arguments: ['batch_shape'",
            "Unrecognized keyword arguments passed to",
            "File format not supported: filepath=",
            "Unknown layer: 'Functional'",
            "Unknown layer: Functional",
            "No module named 'keras.src.models.functional'",
            "No module named 'keras.src.preprocessing'",
            "Could not deserialize class 'Functional'",
            "Could not locate class 'Functional'",
            "is not a registered class",
            "Error when deserializing class",
            "Unknown object: ",
            "Error unpickling",
            "bad marshal data (unknown type code)",
            "'str' object has no attribute 'decode'",
            "unexpected keyword argument 'batch_shape'",
            "DTypePolicy",
            "unexpected keyword argument 'quantization_config'",
            "Keras 3 only supports V3 `.keras` files",
        ),
        (
            r"Unrecognized keyword arguments(?: passed to \w{1,60})?: "
            r"(?:\['batch_shape'|\{.{0,20}(?:batch_shape|batch_input_shape|input_shape"
            r"|time_major))",
            r"File format not supported|Keras 3 only supports V3",
            r"Unknown layer: '?Functional",
            r"keras\.src\.(?:models\.functional|preprocessing)",
            r"Could not (?:deserialize|locate) class '?\w",
            r"Error when deserializing class",
            r"bad marshal data",
            r"Unknown (?:object|dtype policy): ?'?\w{0,40}",
            r"'str' object has no attribute 'decode'",
            r"unexpected keyword argument '(?:batch_shape|quantization_config)'",
        ),
        (Means("KER903", 0.93),),
    ),
    Signature(
        "probability-version",
        "fatal",
        ("This version of TensorFlow Probability requires TensorFlow", "_NAME_TO_TYPE_SPEC"),
        (r"requires TensorFlow version >= ?(?P<tfp_wants>\d\.\d{1,2})", r"_NAME_TO_TYPE_SPEC"),
        (Means("TFX305-tfp", 0.95),),
    ),
    Signature(
        "probability-needs-tf-keras",
        "fatal",
        (
            "cannot import name 'deserialize_keras_object' from partially initialized module "
            "'keras",
            "`tf_keras` is required by TensorFlow Probability",
            "tensorflow_probability",
        ),
        (
            r"partially initialized module 'keras",
            r"(?P<tfp>tensorflow_probability).{0,80}tf[_-]keras",
        ),
        (Means("TFX305-tfp", 0.85),),
    ),
)
