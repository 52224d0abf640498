"""The package index: where it is, and which files a project has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from envcheck.model import EnvcheckError

if TYPE_CHECKING:
    import requests

SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"  # PEP 691
_TIMEOUT_S = 60.0


class HarvestError(EnvcheckError):
    """The index or a wheel could not be read; the message is one sentence."""


@dataclass(frozen=True)
class IndexFile:
    """One file of a project: what PEP 691 and PEP 700 say about it."""

    name: str
    url: str
    size: int | None
    uploaded: str | None
    requires_python: str | None
    yanked: str | None


def open_session() -> requests.Session:
    """A session that trusts the certificate pip is told to trust. Raises HarvestError."""
    try:
        import requests
    except ImportError as error:
        raise HarvestError(
            "Reading the package index needs the packages requests and remotezip."
        ) from error
    session = requests.Session()
    certificate = os.environ.get("PIP_CERT")
    if certificate:
        session.verify = certificate
    return session


def find_index_url(environ: Mapping[str, str] | None = None) -> str:
    """The index that pip or uv would use here. Raises HarvestError where none is configured.

    Environment first, then pip's configuration, then the default that pip names
    in its own help: this file names no index.
    """
    environ = os.environ if environ is None else environ
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if environ.get(name):
            return environ[name].rstrip("/")
    for argv in ([sys.executable, "-m", "pip"], ["pip"], ["python3", "-m", "pip"]):
        configured = parse_pip_config(_output([*argv, "config", "list"], environ))
        found = configured or parse_pip_help(_output([*argv, "install", "--help"], environ))
        if found:
            return found.rstrip("/")
    raise HarvestError("No package index is configured: neither PIP_INDEX_URL nor pip names one.")


def _output(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """What the command prints; empty where it cannot run."""
    # pip wraps its help to COLUMNS, and would break a URL at a hyphen.
    wide = {**environ, "COLUMNS": "1000"}
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=_TIMEOUT_S, env=wide, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def parse_pip_config(text: str) -> str | None:
    """`pip config list` to the index-url in force, or None."""
    found: dict[str, str] = dict(re.findall(r"^(\S+)\.index-url='([^']+)'", text, re.MULTILINE))
    for section in (":env:", "install", "user", "global"):
        if section in found:
            return found[section]
    return None


def parse_pip_help(text: str) -> str | None:
    """`pip install --help` to the default it prints for --index-url, or None."""
    found = re.search(r"--index-url <url>.*?\(default:?\s*(\S+?)\)", text, re.DOTALL)
    return found.group(1) if found else None


def list_files(session: requests.Session, index_url: str, project: str) -> tuple[IndexFile, ...]:
    """Every file of `project`, sorted by name. Raises HarvestError."""
    import requests

    page = f"{index_url}/{project}/"
    try:
        answer = session.get(page, headers={"Accept": SIMPLE_JSON}, timeout=_TIMEOUT_S)
        answer.raise_for_status()
        content = answer.json()
    except (requests.RequestException, ValueError) as error:
        reason = type(error).__name__  # its text repeats the URL and every retry
        raise HarvestError(f"The package index did not list {project} ({reason}).") from error
    return parse_listing(content, page, project)


def parse_listing(content: Any, page: str, project: str) -> tuple[IndexFile, ...]:
    """A PEP 691 answer to its files. Raises HarvestError where it is something else."""
    if not isinstance(content, dict) or not isinstance(content.get("files"), list):
        raise HarvestError(f"The package index's answer for {project} is not a PEP 691 listing.")
    files = (
        IndexFile(
            name=entry["filename"],
            url=urljoin(page, entry["url"]),
            size=entry.get("size"),
            uploaded=str(entry["upload-time"])[:10] if entry.get("upload-time") else None,
            requires_python=entry.get("requires-python"),
            yanked=_yanked(entry.get("yanked")),
        )
        for entry in content["files"]
    )
    return tuple(sorted(files, key=lambda file: file.name))


def _yanked(value: object) -> str | None:
    """PEP 592: false, true or the reason."""
    if not value:
        return None
    return value if isinstance(value, str) else "no reason given"
