"""The user's own additions to the matrix: where they lie and how they are written."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from envcheck.matrix.load import (
    OVERLAY_NAME,
    OVERLAY_SECTIONS,
    MatrixError,
    check_header,
    read_json,
    read_sections,
)

FILE_NAME = "matrix-overlay.json"
OFF = "ENVCHECK_NO_OVERLAY"
OVERLAY_SCHEMA = f"{OVERLAY_NAME}/1"


def overlay_path(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """The user-side file: the operating system's folder for application data."""
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or os.sep)
    if platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "envcheck" / FILE_NAME


def overlay_in_force(environ: Mapping[str, str], platform: str = sys.platform) -> Path | None:
    """The overlay to load; None where it is switched off (ENVCHECK_NO_OVERLAY=1) or missing."""
    if environ.get(OFF, "") not in ("", "0"):
        return None
    path = overlay_path(environ, platform)
    return path if path.is_file() else None


def write_overlay(text: str, path: Path) -> None:
    """Puts the file in place in one step, after it has been read back. Raises MatrixError.

    What was there stays untouched where anything fails.
    """
    import tempfile

    if path.exists() and not path.is_file():  # a device would be replaced
        raise MatrixError(f"The overlay {path} cannot be written: this is no file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=FILE_NAME, suffix=".part", delete=False, encoding="utf-8"
        ) as stream:
            stream.write(text)
    except OSError as error:
        raise MatrixError(f"The overlay {path} cannot be written: {error}.") from error
    written = Path(stream.name)
    try:
        content = read_json(written)
        check_header(content, OVERLAY_NAME, written)
        read_sections(content, OVERLAY_SECTIONS, written)
        os.replace(written, path)
    except OSError as error:
        raise MatrixError(f"The overlay {path} cannot be written: {error}.") from error
    finally:
        written.unlink(missing_ok=True)
