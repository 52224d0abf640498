"""Imports: moved, private, shadowed, half removed, of TensorFlow 1."""

from __future__ import annotations

from envcheck.explain.model import Means, Signature

_PRIVATE = (
    Means("IMP904", 0.92, ("third-party-importer",)),
    Means("IMP901", 0.88),
)

SIGNATURES = (
    Signature(
        "private-path",
        "fatal",
        (
            "No module named 'tensorflow.",
            "No module named 'keras.",
            "No module named tensorflow.",
            "No module named keras.",
            "No module named 'tensorflow_core",
            "No module named 'tensorflow_estimator",
        ),
        (
            r"No module named '?(?P<module>tensorflow\.(?:python|core|compiler"
            r"|tools)\.[\w.]{1,120})",
            r"No module named '?(?P<module>tensorflow\.keras\.[\w.]{1,120})",
            r"No module named '?(?P<module>keras\.(?!src\b|_tf_keras\b|api\b)[\w.]{1,120})",
            r"No module named '?(?P<module>tensorflow_core\.[\w.]{1,120}"
            r"|tensorflow\.examples[\w.]{0,80})",
        ),
        _PRIVATE,
    ),
    Signature(
        "private-import",
        "fatal",
        ("cannot import name",),
        (
            r"cannot import name '?(?P<name>\w{1,80})'? from "
            r"'?(?P<module>tensorflow\.(?:python|keras|core)[\w.]{0,120})",
            r"cannot import name '?(?P<name>\w{1,80})'? from "
            r"'?(?P<module>keras(?:\.(?!src\b|_tf_keras\b|api\b)[\w.]{1,120})?)'",
        ),
        (
            Means("TFX102", 0.95, ("unknown-location",)),
            Means("KER201", 0.93, ("keras-newer-than-tensorflow",)),
            Means("IMP904", 0.8, ("third-party-importer",)),
            Means("IMP903", 0.85),
        ),
    ),
    Signature(
        "keras-attribute",
        "fatal",
        (
            "module 'tensorflow.keras",
            "module 'keras.",
            "module 'tensorflow.python",
            "module 'keras' has no",
        ),
        (
            r"module '(?P<module>(?:tensorflow\.keras|tensorflow\.python|keras)(?:\.(?!src\b"
            r"|_tf_keras\b|api\b|utils\.generic_utils)[\w.]{1,80})?)' has no attribute "
            r"'(?P<name>\w{1,80})'",
        ),
        (Means("IMP102", 0.9, ("circular",)), Means("IMP903", 0.85)),
    ),
    Signature(
        "tensorflow-1-attribute",
        "fatal",
        ("module 'tensorflow' has no attribute", "module 'tensorflow._api"),
        (
            r"module 'tensorflow(?:\._api\.v\d)?' has no attribute "
            r"'(?P<tf1>Session|placeholder|ConfigProto|GPUOptions|get_default_graph|"
            r"reset_default_graph|global_variables_initializer|app|flags|logging|layers"
            r"|variable_scope|get_variable|"
            r"train|summary|set_random_seed|random_normal|truncated_normal|contrib"
            r"|InteractiveSession|mul|sub|"
            r"Graph|disable_eager_execution|enable_eager_execution|placeholder_with_default|log"
            r"|to_float|to_int32|"
            r"gfile|initialize_all_variables|name_scope|trainable_variables|matrix_inverse|assign"
            r"|sparse_placeholder|"
            r"losses|metrics|python_io|all_variables|merge_all_summaries|scalar_summary)'",
        ),
        (
            Means("IMP102", 0.8, ("tensorflow-py",)),
            Means("IMP902", 0.9),
        ),
    ),
    Signature(
        "tensorflow-attribute",
        "fatal",
        (
            "module 'tensorflow' has no attribute",
            "module 'tensorflow._api",
            "module 'tensorflow.compat",
        ),
        (
            r"module 'tensorflow[\w.]{0,60}' has no attribute "
            r"'(?P<tf_name>(?!__version__|keras\b)\w{1,80})'",
        ),
        (Means("IMP902-other", 0.6),),
    ),
    Signature(
        "contrib",
        "fatal",
        ("tensorflow.contrib",),
        (
            r"No module named '?(?P<module>tensorflow\.contrib[\w.]{0,80})",
            r"module 'tensorflow\.contrib",
        ),
        (Means("IMP902", 0.95),),
    ),
    Signature(
        "eager-placeholder",
        "fatal",
        (
            "is not compatible with eager execution",
            "is not supported when eager execution is enabled",
            "The Session graph is empty",
        ),
        (),
        (Means("IMP902", 0.9),),
    ),
    Signature(
        "not-a-package",
        "fatal",
        ("' is not a package", "is not a package"),
        (r"'?(?P<shadowed>tensorflow|keras|numpy|tf_keras)'? is not a package",),
        (Means("IMP102", 0.96),),
    ),
    Signature(
        "circular",
        "fatal",
        ("partially initialized module",),
        (
            r"partially initialized module '(?P<shadowed>tensorflow|keras|numpy|random|typing"
            r"|types|copy|code|inspect|queue|numbers|token|enum)'",
        ),
        (Means("IMP102", 0.9),),
    ),
    Signature(
        "consider-renaming",
        "fatal",
        ("(consider renaming '",),
        (r"consider renaming '(?P<file>[^']{1,300}?(?P<shadowed>\w{1,60})\.py)'",),
        (Means("IMP102", 0.97),),
    ),
    Signature(
        "tensorflow-py",
        "context",
        ("/tensorflow.py", "\\tensorflow.py", "/keras.py", "\\keras.py"),
        (r"(?P<file>[^\s\"']{0,200}[/\\](?:tensorflow|keras)\.py)",),
    ),
    Signature(
        "unknown-location",
        "fatal",
        ("(unknown location)",),
        (
            r"cannot import name '?(?P<name>\w{1,80})'? from "
            r"'?(?P<module>(?:tensorflow|keras)[\w.]{0,120})'? \(unknown location\)",
        ),
        (Means("TFX102", 0.95),),
    ),
    Signature(
        "no-version",
        "fatal",
        (
            "module 'tensorflow' has no attribute '__version__'",
            "No module named 'tensorflow.compat'",
            "No module named 'tensorflow.python'",
            "No module named 'tensorflow._api'",
            "No module named 'tensorflow.python.pywrap",
            "No module named '_pywrap_tensorflow_internal'",
        ),
        (
            r"has no attribute '__version__'|No module named "
            r"'?(?:tensorflow\.(?:compat|_api|python)'|_pywrap_tensorflow_internal"
            r"|tensorflow\.python\.pywrap)",
        ),
        (
            Means("IMP102", 0.93, ("not-a-package",)),
            Means("IMP102", 0.92, ("tensorflow-py",)),
            Means("TFX102", 0.85),
        ),
    ),
    Signature(
        "tensorflow-not-installed",
        "fatal",
        (
            "No module named 'tensorflow'",
            "No module named tensorflow",
            "No module named 'tensorflow_gpu",
        ),
        (r"No module named '?tensorflow'?$", r"No module named '?tensorflow'?[\s\"<]"),
        (Means("TFX101", 0.9),),
    ),
    Signature(
        "other-module-missing",
        "fatal",
        ("No module named",),
        (
            r"No module named '?(?P<missing_module>(?!tensorflow\b|keras\b"
            r"|tf_keras\b)[A-Za-z_]\w{0,60})",
        ),
        (Means("TFX303", 0.75),),
    ),
    Signature(
        "third-party-importer",
        "context",
        ("-packages",),
        (
            r"(?:site|dist)-packages[/\\](?P<third>(?!tensorflow[/\\]|keras[/\\]|tf_keras|numpy"
            r"|google|h5py|absl|"
            r"tensorboard|torch[/\\]|six|ipykernel|IPython|_pytest|pluggy|importlib|pkg_resources"
            r"|wrapt|flask|"
            r"werkzeug|django|gunicorn|uvicorn|click|celery|streamlit|setuptools|pip[/\\]|joblib"
            r"|ml_dtypes|scipy|"
            r"tensorflow_core|tensorflow_estimator|tensorflow_cpu|keras_preprocessing"
            r"|nvidia)[A-Za-z_]\w{1,40})[/\\]",
        ),
    ),
    Signature(
        "user-site",
        "context",
        ("-packages",),
        (
            r"(?P<user_site>[^\s\"']{0,80}/\.local/lib/python3\.\d{1,2}/site-packages)/tensorflow",
            r"(?P<user_site>[^\s\"']{0,80}/Library/Python/3\.\d{1,2}/lib/python/site-packages)/ten"
            r"sorflow",
            r"(?P<user_site>[^\s\"']{0,80}\\AppData\\Roaming\\Python\\Python3\d{1,2}\\site-package"
            r"s)\\tensorflow",
        ),
    ),
    Signature(
        "extension-abi",
        "fatal",
        ("undefined symbol: _ZN", "undefined symbol: _ZT", "undefined symbol: _ZN10tensorflow"),
        (
            r"(?P<extension>[\w.+-]{1,80}\.so)?[^;\s]{0,3}\s?:? ?undefined symbol: "
            r"(?P<symbol>_Z\w{0,30}(?:10tensorflow|6google8protobuf|3tsl|4absl|4xla)\w{0,150})",
        ),
        (Means("PYE302", 0.97, ("user-site",)), Means("TFX901", 0.9)),
    ),
    Signature(
        "extension-framework",
        "fatal",
        ("libtensorflow_framework.so", "libtensorflow_cc.so"),
        (r"(?P<framework>libtensorflow_(?:framework|cc)\.so(?:\.\d)?): cannot open",),
        (Means("TFX901", 0.95),),
    ),
    Signature(
        "metal-plugin",
        "fatal",
        ("libmetal_plugin.dylib",),
        (),
        (Means("TFX902", 0.96),),
    ),
    Signature(
        "mac-architecture",
        "fatal",
        ("incompatible architecture", "mach-o file, but is an incompatible"),
        (r"have '(?P<have>\w{3,10})', need '(?P<need>\w{3,10})'", r"incompatible architecture"),
        (Means("PYE105", 0.9),),
    ),
    Signature(
        "interrupted-install",
        "noise",
        ("Ignoring invalid distribution",),
        note="pip was interrupted once and left a folder that begins with ~; delete it.",
    ),
)
