"""envcheck: why TensorFlow cannot see the GPU, or will not import, and what mends it.

``envcheck.check()`` is the command's check for notebooks and programs. Importing this costs
nothing: what it needs is loaded when it is called.
"""

__version__ = "0.1.0"
__all__ = ["CheckFailed", "EnvcheckError", "Result", "check"]

TYPE_CHECKING = False  # typing itself would be the dearest part of this import
if TYPE_CHECKING:
    from envcheck.api import CheckFailed, Result, check
    from envcheck.model import EnvcheckError


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from envcheck import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
