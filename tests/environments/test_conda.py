"""A conda prefix: conda's Keras and pip's in one folder. Its files are as conda writes them
(conda-meta, INSTALLER); conda itself is on no package index, so its command is only read."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import Run, report_of
from tests.environments.test_environments import system_python
from tests.lab import Recipe


def test_each_copy_goes_by_the_program_that_installed_it(envcheck: Run, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    python = system_python(Recipe("3.11", ("keras==3.15.1",)), prefix)
    again = ["--ignore-installed", "--no-deps", "--break-system-packages", "keras==2.15.0"]
    subprocess.run([str(python), "-m", "pip", "--quiet", "install", *again], check=True)
    (info,) = prefix.glob("lib/python3.11/site-packages/keras-2.15.0.dist-info")
    (info / "INSTALLER").write_text("conda\n")
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta" / "keras-2.15.0-pyhd8ed1ab_0.json").write_text('{"name": "keras"}')
    report = report_of(
        envcheck("--python", str(python), "--no-smoke", "--expect", "cpu", "--format", "json")
    )
    assert report["target"]["kind"] == "conda"
    (finding,) = (row for row in report["findings"] if row["code"] == "KER101")
    pip = [str(python), "-m", "pip"]
    assert finding["fixes"][0]["steps"] == [
        ["conda", "remove", "--yes", "--force", "--prefix", str(prefix), "keras"],
        [*pip, "uninstall", "--yes", "keras"],
        [*pip, "install", "--force-reinstall", "--no-cache-dir", "--no-deps", "keras"],
    ]
