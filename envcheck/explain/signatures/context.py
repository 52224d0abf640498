"""Lines that tell something about the machine, the versions and the run."""

from __future__ import annotations

from envcheck.explain.model import Signature

SIGNATURES = (
    Signature(
        "python-folder",
        "context",
        ("-packages",),
        (
            r"[/\\](?:lib[/\\])?python(?P<python>[23]\.\d{1,2})[/\\](?:site|dist)-packages",
            r"\\Python(?P<python_short>3\d{1,2})(?:-32)?\\[Ll]ib\\site-packages",
        ),
    ),
    Signature(
        "python-banner",
        "context",
        ("Python 3.", "Python 2.7", "CPython 3.", "Python: 3."),
        (
            r"^C?Python:? (?P<python>[23]\.\d{1,2})(?:\.\d{1,2})?\b",
            r"\b(?:requires|using|with|for|on) C?Python:? "
            r"(?P<python_said>3\.\d{1,2})(?:\.\d{1,2})?\b",
        ),
    ),
    Signature(
        "tensorflow-version",
        "context",
        ("tensorflow", "TensorFlow", "TF version", "tf version"),
        (
            r"(?i)\btensorflow(?:[-_](?:gpu|cpu|intel|macos))?(?:==| version:? | ?version is |: | "
            r"v?)(?P<tensorflow>[12]\.\d{1,2}\.\d{1,2})\b",
            r"\btensorflow(?:[-_](?:gpu|cpu|intel|macos))?-"
            r"(?P<tensorflow>[12]\.\d{1,2}\.\d{1,2})(?:\.dist-info|-cp|-py)",
            r"(?i)\bTF version:? (?P<tensorflow>[12]\.\d{1,2}\.\d{1,2})\b",
        ),
        facts={"tensorflow": "tensorflow.version"},
    ),
    Signature(
        "keras-version",
        "context",
        ("keras", "Keras"),
        (
            r"\b[Kk]eras(?:==| version:? |: )(?P<keras>[23]\.\d{1,2}\.\d{1,2})\b",
            r"\bkeras-(?P<keras>[23]\.\d{1,2}\.\d{1,2})(?:\.dist-info|-py)",
        ),
        facts={"keras": "keras.version"},
    ),
    Signature(
        "windows-path",
        "context",
        (
            ":\\Users\\",
            ":\\Program",
            "\\site-packages\\",
            "\\AppData\\",
            "64_",
            "Microsoft Windows",
            "PS C:\\",
        ),
        (r"[A-Z]:\\", r"\\site-packages\\", r"\w64_\d{1,4}\.dll", r"Microsoft Windows"),
    ),
    Signature(
        "macos-path",
        "context",
        (
            "/Library/Frameworks/",
            "/Users/",
            ".dylib",
            "/opt/homebrew/",
            "macosx_",
            "Darwin Kernel",
            "tensorflow-macos",
            "-macos",
        ),
        (
            r"/Library/Frameworks/",
            r"(?:^|[\s\"'(=])/Users/\w",
            r"\.dylib\b",
            r"/opt/homebrew/",
            r"macosx_\d",
            r"tensorflow-macos",
        ),
    ),
    Signature(
        "colab",
        "context",
        ("/content/", "google.colab", "/usr/local/lib/python3", "colab"),
        (r"(?:^|[\s\"'(=])/content/", r"google\.colab|\bcolab\b"),
    ),
    Signature(
        "kaggle", "context", ("/kaggle/", "kaggle_", "/opt/conda/lib/python3"), (r"/kaggle/",)
    ),
    Signature(
        "wsl-host",
        "context",
        ("(DESKTOP-", "(LAPTOP-", "@DESKTOP-", "@LAPTOP-", "/mnt/c/"),
        (
            r"running on this host \((?:DESKTOP|LAPTOP)-",
            r"@(?:DESKTOP|LAPTOP)-\w{1,12}:",
            r"[\s\"'(]/mnt/c/",
        ),
    ),
    Signature(
        "jax-trainer",
        "context",
        ("MaxText", "maxtext", "Running Model:", "levanter", "t5x/", "big_vision"),
        (r"(?i)\bmaxtext\b", r"Running Model: ?\w", r"(?i)\blevanter\b|\bt5x/|\bbig_vision\b"),
    ),
    Signature(
        "jax",
        "context",
        (
            "external/org_tensorflow/",
            "jaxlib",
            "external/xla/xla",
            "jax.",
            "/jax/",
            "JAX",
            "XLA_PYTHON_CLIENT",
        ),
        (
            r"external/org_tensorflow/",
            r"\bjaxlib\b",
            r"external/xla/xla",
            r"\bjax\.\w|/jax/|\bJAX\b|XLA_PYTHON_CLIENT",
        ),
    ),
    Signature(
        "torch",
        "context",
        ("torch", "PyTorch"),
        (r"\btorch(?:\.\w|/)|PyTorch|site-packages/torch",),
    ),
    Signature(
        "jetson",
        "context",
        ("tegra", "JetPack", "Jetson", "aarch64-linux-gnu"),
        (r"(?i)tegra|jetpack|jetson",),
    ),
    Signature(
        "training",
        "context",
        ("Epoch ", "ms/step", "s/step", "/sample - loss", "loss:", "Step ", "step "),
        (
            r"^Epoch \d{1,6}/\d{1,6}",
            r"\d(?:ms|s|us)/(?:step|sample|epoch)\b",
            r"\[={1,60}>?\.{0,40}\]",
            r"(?i)\bstep[ :=]{1,3}\d{1,9}.{0,60}\bloss\b",
            r"(?i)\bepoch[ :=]{1,3}\d{1,6}.{0,60}\bloss\b",
        ),
    ),
    Signature(
        "conda",
        "context",
        ("conda",),
        (
            r"(?:ana|mini|micro)?conda3?/envs/(?P<conda_env>[\w.-]{1,60})",
            r"(?:ana|mini)conda3?[/\\]|/opt/conda/|miniforge|mambaforge",
        ),
    ),
    Signature(
        "docker",
        "context",
        ("docker", "Docker", "/.dockerenv", "nvidia-container", "containerd"),
    ),
    Signature(
        "chained",
        "context",
        ("During handling of the above exception", "The above exception was the direct cause"),
    ),
    Signature(
        "caller",
        "context",
        ("site-packages", "dist-packages"),
        (r"(?:site|dist)-packages[/\\](?P<package>\w{2,40})[/\\.]",),
    ),
)
