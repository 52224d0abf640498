"""Packages: numpy, protobuf, pip and conda, the C library, DLLs, the processor."""

from __future__ import annotations

from envcheck.explain.model import Means, Signature

SIGNATURES = (
    Signature(
        "numpy-2-loaded",
        "fatal",
        (
            "A module that was compiled using NumPy 1.x cannot be run in",
            "_ARRAY_API not found",
            "numpy.core.umath failed to import",
            "numpy.core.multiarray failed to import",
            "numpy._core.umath failed to import",
            "numpy._core.multiarray failed to import",
            "compiled using NumPy 1.x",
        ),
        (
            r"cannot be run in NumPy (?P<numpy>2\.\d{1,2}\.\d{1,2})",
            r"ARRAY_API|failed to import|NumPy 1\.x",
        ),
        (Means("TFX301-old", 0.93, ("numpy-api",)), Means("TFX301", 0.95, ("!numpy-api",))),
        facts={"numpy": "numpy.version"},
    ),
    Signature(
        "numpy-handle",
        "fatal",
        ("Unable to convert function return value to a Python type!",),
        (),
        (Means("TFX301", 0.9),),
    ),
    Signature(
        "numpy-api",
        "fatal",
        (
            "module compiled against API version",
            "module was compiled against NumPy C-API version",
            "module compiled against ABI version",
        ),
        (
            r"API version (?P<api_wanted>0x[0-9a-f]{1,8}).{0,80}(?:numpy is|NumPy has C-API "
            r"version|this version of numpy is) (?P<api_found>0x[0-9a-f]{1,8})",
            r"ABI version (?P<api_wanted>0x[0-9a-f]{1,8}) but this version of numpy is "
            r"(?P<api_found>0x[0-9a-f]{1,8})",
        ),
        (Means("TFX301-old", 0.9),),
    ),
    Signature(
        "numpy-dtype-size",
        "fatal",
        ("numpy.dtype size changed", "numpy.ufunc size changed", "numpy.ndarray size changed"),
        (
            r"Expected (?P<size_wanted>\d{2,4}) from C header, got (?P<size_found>\d{2,4}) from "
            r"PyObject",
        ),
        (Means("TFX301-size", 0.92),),
    ),
    Signature(
        "numpy-alias",
        "fatal",
        ("module 'numpy' has no attribute", "was removed in the NumPy 2.0 release"),
        (
            r"module 'numpy' has no attribute '(?P<alias>object|bool|int|float|complex|str"
            r"|typeDict|long|unicode)'",
            r"`np\.(?P<alias2>\w{2,20})` was removed in the NumPy 2\.0",
        ),
        (Means("TFX301-alias", 0.92),),
    ),
    Signature(
        "protobuf-descriptors",
        "fatal",
        (
            "Descriptors cannot not be created directly",
            "Descriptors cannot be created directly",
            "Downgrade the protobuf package to 3.20",
        ),
        (),
        (Means("KER201", 0.98, ("keras-generated",)), Means("TFX302", 0.96)),
    ),
    Signature(
        "protobuf-too-new",
        "fatal",
        (
            "object has no attribute 'GetPrototype'",
            "object has no attribute 'GetMessages'",
            "unexpected keyword argument 'including_default_value_fields'",
            "has no attribute 'RegisterExtension'",
            "'label'. Did you mean",
        ),
        (),
        (Means("TFX302-new", 0.93),),
    ),
    Signature(
        "protobuf-too-old",
        "fatal",
        (
            "cannot import name 'runtime_version' from 'google.protobuf'",
            "cannot import name 'builder' from 'google.protobuf.internal'",
            "Detected incompatible Protobuf Gencode/Runtime versions",
            "Detected mismatched Protobuf Gencode/Runtime",
        ),
        (r"^(?!ERROR:absl).{0,200}(?:runtime_version|builder' from|Gencode/Runtime)",),
        (Means("TFX302-old", 0.94),),
    ),
    Signature(
        "pip-no-version",
        "fatal",
        (
            "Could not find a version that satisfies the requirement",
            "No matching distribution found for",
        ),
        (
            r"satisfies the requirement "
            r"(?P<requirement>[\w.-]{1,60}(?:\[[\w,-]{1,40}\])?[\w.=<>~!,*+ -]{0,60}?) ?\(from "
            r"versions: (?P<versions>[\w., ]{0,600})",
            r"satisfies the requirement (?P<requirement>[\w.\[\]=<>~!,*+-]{1,80})",
            r"No matching distribution found for (?P<requirement>[\w.\[\]=<>~!,*+-]{1,80})",
        ),
        (
            Means("PYE901", 0.95, ("network-error",)),
            Means("TFX107", 0.9, ("gpu-stub",)),
            Means("PYE102", 0.85),
        ),
    ),
    Signature(
        "uv-no-version",
        "fatal",
        (
            "No solution found when resolving dependencies",
            "has no wheels with a matching Python",
            "because there are no versions of",
            "ResolutionImpossible",
            "LibMambaUnsatisfiableError",
            "UnsatisfiableError",
            "PackagesNotFoundError",
            "has no wheels with a matching",
            "is not a supported wheel on this platform",
            "Cannot install",
        ),
        (
            r"not a supported wheel on this platform",
            r"has no wheels with a matching",
            r"No solution found|ResolutionImpossible|UnsatisfiableError|PackagesNotFound|no "
            r"versions of",
            r"Cannot install (?P<cannot>[\w.=<>, -]{1,120}) because",
        ),
        (
            Means("PYE102", 0.85, ("wheel-tag",)),
            Means("PYE902", 0.7),
        ),
    ),
    Signature(
        "wheel-tag",
        "context",
        (
            "matching Python",
            "is not a supported wheel on this platform",
            "Requires-Python",
            "requires a different Python",
            "Python>=",
            "Python ABI tag",
        ),
    ),
    Signature(
        "network-error",
        "context",
        (
            "Temporary failure in name resolution",
            "Failed to establish a new connection",
            "NewConnectionError",
            "Connection to pypi.org timed out",
            "SSLError",
            "ReadTimeoutError",
            "Cannot connect to proxy",
            "CERTIFICATE_VERIFY_FAILED",
            "Network is unreachable",
            "getaddrinfo failed",
        ),
    ),
    Signature(
        "gpu-stub",
        "fatal",
        (
            'The "tensorflow-gpu" package has been removed',
            "package has been removed!",
            "tensorflow-gpu` package has been removed",
        ),
        (r"tensorflow-gpu",),
        (Means("TFX107", 0.97),),
    ),
    Signature(
        "pip-conflict",
        "error",
        ("but you have", "which is incompatible", "but you'll have"),
        (
            r"(?P<asker>[\w.-]{1,60}) (?P<asker_version>[\w.+!-]{1,30}) (?:requires|has "
            r"requirement) (?P<wants>[\w.-]{1,60}[^;]{0,80}?)(?:; [^,]{1,80})?, but you(?:'ll)? "
            r"have (?P<has>[\w.-]{1,60}) (?P<has_version>[\w.+!-]{1,30})",
        ),
        (Means("TFX304", 0.8),),
    ),
    Signature(
        "pip-requires-missing",
        "error",
        ("which is not installed",),
        (
            r"(?P<asker>[\w.-]{1,60}) (?P<asker_version>[\w.+!-]{1,30}) requires "
            r"(?P<wants>[\w.-]{1,60}).{0,80}which is not installed",
        ),
        (Means("TFX303-pip", 0.7),),
    ),
    Signature(
        "pip-resolver-note",
        "context",
        ("pip's dependency resolver does not currently take into account",),
    ),
    Signature(
        "externally-managed",
        "fatal",
        ("externally-managed-environment",),
        (),
        (Means("PYE903", 0.96),),
    ),
    Signature(
        "disk-full",
        "fatal",
        ("No space left on device", "[Errno 28]", "Disk quota exceeded", "[Errno 122]"),
        (),
        (
            Means("SMK905", 0.9, ("nccl-shm",)),
            Means("SYS903", 0.9, ("!nccl-shm",)),
        ),
    ),
    Signature(
        "shm-full",
        "context",
        ("/dev/shm", "shared memory"),
        (r"/dev/shm|shared memory",),
    ),
    Signature(
        "windows-native-gpu",
        "degraded",
        ("TensorFlow GPU support is not available on native Windows",),
        (),
        (Means("SYS101", 0.96),),
    ),
    Signature(
        "dll-load-failed",
        "fatal",
        ("DLL load failed",),
        (
            r"DLL load failed while importing (?P<dll_module>\w{1,60}): (?P<dll_reason>.{3,120})",
            r"DLL load failed(?: with error code (?P<dll_code>-?\d{1,10}))?:? "
            r"?(?P<dll_reason>.{3,120})?",
        ),
        (
            Means("TFX903-init", 0.9, ("dll-init",)),
            Means("TFX301-dll", 0.9, ("dll-numpy",)),
            Means("TFX903", 0.88, ("!dll-init",)),
        ),
    ),
    Signature(
        "dll-init",
        "context",
        (
            "initialization routine failed",
            "-1073741795",
            "初始化例程失败",
            "初期化ルーチンの実行に失敗",
            "Initialisierungsroutine",
            "routine d'initialisation",
            "rutina de inicialización",
            "подпрограмм инициализации",
            "초기화 루틴",
            "rotina de inicialização",
            "inicjowania biblioteki",
        ),
    ),
    Signature("dll-numpy", "context", ("DLL load failed",), (r"importing _multiarray_umath",)),
    Signature(
        "failed-to-load-native",
        "fatal",
        ("Failed to load the native TensorFlow runtime",),
        (),
        (
            Means("TFX903", 0.4, ("windows-path", "!dll-init")),
            Means("TFX102", 0.3),
        ),
    ),
    Signature(
        "illegal-instruction",
        "fatal",
        (
            "Illegal instruction",
            "illegal hardware instruction",
            "exit code 132",
            "SIGILL",
            "exitcode: -4",
            "returned non-zero exit status -4",
            "died with <Signals.SIGILL",
            "code -4",
            "was compiled to use AVX instructions",
            "was compiled to use AVX",
            "was compiled to use SSE4",
        ),
        (
            r"Illegal instruction|illegal hardware|SIGILL|\b132\b|-4\b|(?P<instructions>compiled "
            r"to use "
            r"(?:AVX|SSE)\w{0,10})",
        ),
        (Means("TFX904", 0.93),),
    ),
    Signature(
        "segfault",
        "fatal",
        (
            "Segmentation fault",
            "SIGSEGV",
            "exit code 139",
            "exitcode: -11",
            "segmentation fault",
            "access violation",
            "0xC0000005",
            "died with <Signals.SIGSEGV",
            "code -11",
        ),
        (
            r"Segmentation fault|segmentation fault|SIGSEGV|\b139\b|-11\b|[Aa]ccess "
            r"violation|0xC0000005",
        ),
        (Means("SMK908", 0.6),),
    ),
    Signature(
        "killed",
        "fatal",
        (
            "Killed",
            "exit code 137",
            "SIGKILL",
            "Out of memory: Kill",
            "oom-kill",
            "OOMKilled",
            "code -9",
            "exitcode: -9",
            "Memory cgroup out of memory",
            "the kernel has died",
            "The kernel appears to have died",
            "oom_reaper",
        ),
        (
            r"^Killed$|\bKilled\s{0,4}python|: \d{1,6} Killed\b|Killed {3,40}|\b137\b|SIGKILL|Out "
            r"of memory: Kill|oom[-_]|OOMKilled|-9\b|cgroup out of|kernel (?:has|appears)",
        ),
        (Means("SYS905", 0.85),),
    ),
    Signature(
        "bus-error",
        "fatal",
        ("Bus error", "SIGBUS"),
        (),
        (Means("SMK905", 0.85),),
    ),
    Signature(
        "glibc",
        "fatal",
        ("' not found (required by", "GLIBC_2.", "GLIBC_ABI"),
        (
            r"version [`'](?P<glibc>GLIBC_[\w.]{1,12})' not found(?: \(required by "
            r"(?P<glibc_asker>[^)]{1,300})\))?",
        ),
        (
            Means("SYS102-tensorboard", 0.96, ("tensorboard-server",)),
            Means("SYS102", 0.95),
        ),
    ),
    Signature(
        "glibcxx",
        "fatal",
        ("GLIBCXX_", "CXXABI_"),
        (r"version [`'](?P<glibcxx>(?:GLIBCXX|CXXABI)_[\w.]{1,12})' not found",),
        (Means("SYS901", 0.95),),
    ),
    Signature(
        "tensorboard-server",
        "context",
        ("tensorboard_data_server",),
    ),
    Signature(
        "threads-exhausted",
        "fatal",
        (
            "pthread_create() failed",
            "ret == 0 (11 vs. 0)",
            "can't start new thread",
            "Thread tf_ creation via pthread_create",
            "pthread_create failed",
            "Resource temporarily unavailable",
        ),
        (r"pthread_create|\(11 vs\. 0\)|start new thread|libgomp.{0,80}Resource temporarily",),
        (Means("SYS902", 0.93),),
    ),
    Signature(
        "too-many-files",
        "fatal",
        ("Too many open files",),
        (),
        (Means("SYS906", 0.9),),
    ),
    Signature(
        "ide-unresolved",
        "error",
        (
            "could not be resolved",
            "reportMissingImports",
            "Cannot find reference 'keras'",
            "Unresolved reference",
            "Unable to import 'tensorflow",
        ),
        (
            r"(?:Import|import) \"?'?tensorflow\.keras.{0,80}(?:could not be "
            r"resolved|reportMissing)",
            r"Cannot find reference 'keras'",
            r"Unable to import 'tensorflow\.keras",
        ),
        (Means("IMP905", 0.9),),
    ),
)
