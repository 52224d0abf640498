"""The compatibility matrix: typed questions over compat_matrix.json.

`load_matrix()` reads the shipped file; with `overlay=` it adds the releases
that `envcheck matrix update` harvested later. Rows become typed values when
they are first asked for, so that a check pays only for what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envcheck.matrix import convert
from envcheck.matrix.gpus import GpuNames
from envcheck.matrix.load import (
    OVERLAY_NAME,
    OVERLAY_SECTIONS,
    SCHEMA_NAME,
    SECTIONS,
    MatrixError,
    Sections,
    check_header,
    read_json,
    read_sections,
    shipped_path,
)
from envcheck.matrix.model import (
    CudaSeries,
    CudaUpdate,
    CudnnCode,
    CudnnSupport,
    GpuProduct,
    KerasRelease,
    Kernels,
    MatrixRule,
    NvidiaWheel,
    PlatformBuild,
    TensorflowBuild,
    TestedConfig,
)
from envcheck.versions import ComputeCapability, CudaRelease, DriverRelease

if TYPE_CHECKING:
    from packaging.version import Version

__all__ = [
    "CudaSeries",
    "CudaUpdate",
    "CudnnCode",
    "CudnnSupport",
    "GpuProduct",
    "KerasRelease",
    "Kernels",
    "Matrix",
    "MatrixError",
    "MatrixRule",
    "NvidiaWheel",
    "PlatformBuild",
    "TensorflowBuild",
    "TestedConfig",
    "load_matrix",
    "platform_key",
    "shipped_path",
]

Row = Mapping[str, Any]


def load_matrix(path: Path | None = None, *, overlay: Path | None = None) -> Matrix:
    """The matrix in `path` (default: the shipped one), with an overlay's rows added.

    Raises MatrixError for `path`. An overlay that is missing is no error; one
    that is broken is left out, and `Matrix.overlay_problem` says why.
    """
    path = path or shipped_path()
    content = read_json(path)
    date = check_header(content, SCHEMA_NAME, path)
    sections = read_sections(content, SECTIONS, path)
    if overlay is None or not overlay.exists():
        return Matrix(path=path, date=date, sections=sections)
    try:
        extra = read_json(overlay)
        overlay_date = check_header(extra, OVERLAY_NAME, overlay)
        rows = read_sections(extra, OVERLAY_SECTIONS, overlay)
    except MatrixError as error:
        return Matrix(path=path, date=date, sections=sections, overlay_problem=str(error))
    return Matrix(
        path=path, date=max(date, overlay_date), sections=_merged(sections, rows), overlay=overlay
    )


def _merged(shipped: Sections, added: Sections) -> Sections:
    """Shipped rows win, except for the nvidia wheels, whose version lists only grow."""
    merged = dict(shipped)
    for name, rows in added.items():
        merged[name] = (
            {**shipped[name], **rows} if name == "nvidia_wheels" else {**rows, **shipped[name]}
        )
    return merged


def platform_key(os: str | None, arch: str | None) -> str:
    """`wsl2` and nothing to linux, `arm64` and `aarch64` alike: the keys of `platforms`."""
    system = {None: "linux", "wsl2": "linux"}.get(os, os)
    machine = (arch or "x86_64").lower()
    if machine in ("aarch64", "arm64"):
        return f"{system}_{'arm64' if system == 'macos' else 'aarch64'}"
    return f"{system}_{'x86_64' if machine in ('x86_64', 'amd64') else machine}"


def _cuda_major_of(project: str) -> int:
    """CUDA 13 dropped the suffix from the names of its projects."""
    suffix = project.rpartition("-cu")[2]
    return int(suffix) if suffix.isdigit() else 13


@dataclass(frozen=True)
class Matrix:
    """All that is known, by question. `date` is the newest upload it knows of."""

    path: Path
    date: str
    sections: Sections = field(repr=False)
    overlay: Path | None = None
    overlay_problem: str | None = None

    @property
    def version(self) -> str:
        """What a report prints as `matrix_version`: 2026.11.06, +overlay where one was used."""
        return self.date.replace("-", ".") + ("+overlay" if self.overlay else "")

    @cached_property
    def _cache(self) -> dict[tuple[str, str], Any]:
        return {}

    def _typed(self, section: str, key: str, make: Any) -> Any:
        """The row as a typed value, made once; None where there is no such row."""
        found = self._cache.get((section, key))
        if found is None:
            row = self.sections[section].get(key)
            if row is None:
                return None
            found = self._cache[section, key] = convert.convert(make, row)
        return found

    # --- TensorFlow and Keras

    def build_of(self, package: str, version: str | Version) -> TensorflowBuild | None:
        """The release, or None. 2.9 finds 2.9.0; a local version (2.15.0+nv24.1) is not ours."""
        text = self._known_version("tensorflow", package, version)
        if text is None:
            return None
        found: TensorflowBuild | None = self._typed(
            "tensorflow",
            f"{package} {text}",
            lambda row: convert.tensorflow_build(
                row, {"numpy": self.imports("R14", text), "protobuf": self.imports("R15", text)}
            ),
        )
        return found

    def _known_version(self, section: str, package: str, version: str | Version) -> str | None:
        rows = self.sections[section]
        if f"{package} {version}" in rows:
            return str(version)
        from packaging.version import InvalidVersion
        from packaging.version import Version as Parsed

        try:
            parsed = Parsed(str(version))
        except InvalidVersion:
            return None
        if parsed.local is not None:
            return None
        padded = (
            str(parsed) + ".0" * (3 - len(parsed.release))
            if parsed.is_prerelease is False
            else str(parsed)
        )
        return next((t for t in (str(parsed), padded) if f"{package} {t}" in rows), None)

    def releases(self, package: str) -> tuple[Version, ...]:
        """Every known release of a TensorFlow or Keras package, oldest first."""
        from packaging.version import Version as Parsed

        section = "keras" if package in ("keras", "tf-keras") else "tensorflow"
        found = self._cache.get(("releases", package))
        if found is None:
            rows = self.sections[section].values()
            found = self._cache["releases", package] = tuple(
                sorted(
                    Parsed(r["version"])
                    for r in rows
                    if r.get("package") == package and r.get("kind", "release") == "release"
                )
            )
        result: tuple[Version, ...] = found
        return result

    def neighbours(
        self, package: str, version: str | Version
    ) -> tuple[Version | None, Version | None]:
        """The known releases just below and just above."""
        from packaging.version import Version as Parsed

        wanted = Parsed(str(version))
        known = self.releases(package)
        below = [v for v in known if v < wanted]
        above = [v for v in known if v > wanted]
        return (below[-1] if below else None, above[0] if above else None)

    def tested(self, version: str | Version, os: str, device: str = "gpu") -> TestedConfig | None:
        """The official table's row for this minor; it lists first patch releases only."""
        system = "linux" if os == "wsl2" else os
        minor = ".".join(str(version).split(".")[:2])
        return self._tested_by_minor.get((system, device, minor))

    @cached_property
    def _tested_by_minor(self) -> Mapping[tuple[str, str, str], TestedConfig]:
        rows = [r for r in self.sections["tensorflow"].values() if r["kind"] == "tested"]
        return {
            (r["os"], r["device"], ".".join(r["version"].split(".")[:2])): convert.convert(
                convert.tested_config, r
            )
            for r in rows
        }

    def keras_release(self, package: str, version: str | Version) -> KerasRelease | None:
        """`package` is keras or tf-keras."""
        text = self._known_version("keras", package, version)
        if text is None:
            return None
        found: KerasRelease | None = self._typed(
            "keras", f"{package} {text}", convert.keras_release
        )
        return found

    def table_row(self, rule: str, tensorflow: str | Version) -> Row | None:
        """The row of a rule's table (R13, R14, R15) that speaks of this TensorFlow."""
        from envcheck.matrix.specs import admits

        for row in self.rule(rule).data.get("table", ()):
            if admits(row["tensorflow"], str(tensorflow)):
                found: Row = row
                return found
        return None

    def imports(self, rule: str, tensorflow: str | Version) -> str | None:
        """What really imports with this TensorFlow: R13 keras, R14 numpy, R15 protobuf."""
        row = self.table_row(rule, tensorflow)
        return None if row is None else str(row["works"])

    # --- CUDA, cuDNN, drivers

    def cuda_series(self, release: CudaRelease) -> CudaSeries | None:
        """What is known of M.m."""
        found: CudaSeries | None = self._typed(
            "cuda", f"series {release.major}.{release.minor}", convert.cuda_series
        )
        return found

    @cached_property
    def cuda_updates(self) -> tuple[CudaUpdate, ...]:
        """Every CUDA release, oldest first."""
        rows = (r for r in self.sections["cuda"].values() if r["kind"] == "release")
        return tuple(
            sorted(
                (convert.convert(convert.cuda_update, r) for r in rows),
                key=lambda update: update.release,
            )
        )

    @cached_property
    def _updates_by_line(self) -> Mapping[tuple[int, int], list[CudaUpdate]]:
        found: dict[tuple[int, int], list[CudaUpdate]] = {}
        for update in self.cuda_updates:
            found.setdefault(update.release.line, []).append(update)
        return found

    @cached_property
    def all_cuda_series(self) -> tuple[CudaSeries, ...]:
        rows = (r for r in self.sections["cuda"].values() if r["kind"] == "series")
        return tuple(
            sorted(
                (convert.convert(convert.cuda_series, r) for r in rows),
                key=lambda series: series.series,
            )
        )

    def own_driver(self, release: CudaRelease, os: str = "linux") -> DriverRelease | None:
        """The driver that came with this CUDA release; of a bare M.m, with its first update."""
        system = "linux" if os == "linux" else "windows"  # WSL2 reports the Windows driver
        updates = [u for u in self._updates_by_line.get(release.line, ()) if system in u.driver]
        exact = [u for u in updates if u.release == release and str(release).count(".") > 1]
        found = exact or updates
        return found[0].driver[system] if found else None

    def min_driver(self, release: CudaRelease, os: str = "linux") -> DriverRelease | None:
        """The oldest driver that runs programs built with this CUDA.

        From CUDA 11 on the minimum of its major (minor version compatibility) or
        its own driver where that is older (11.0 only); before 11 the driver of
        that very release. None where it is not known.
        """
        own = self.own_driver(release, os)
        major = self.sections["cuda"].get(f"major {release.major}")
        if major is None:
            return own
        minima = major["minor_compat"]
        text = minima.get(os) or minima.get("linux" if os == "linux" else "windows")
        compatible = DriverRelease.parse(text) if text else None
        return min((d for d in (own, compatible) if d is not None), default=None)

    def newest_cuda_of_driver(self, driver: DriverRelease, os: str = "linux") -> CudaRelease | None:
        """The newest CUDA whose own driver this one is at least: what nvidia-smi would print."""
        system = "linux" if os == "linux" else "windows"
        fitting = [
            u.release
            for u in self.cuda_updates
            if system in u.driver and u.driver[system] <= driver
        ]
        return max(fitting) if fitting else None

    def driver_of_ptx(self, isa: str, os: str = "linux") -> DriverRelease | None:
        """The first driver that can compile PTX of this version (rule R10)."""
        for series in self.all_cuda_series:
            if series.ptx_isa == isa:
                return self.own_driver(series.series, os)
        return None

    @cached_property
    def cudnn_support(self) -> tuple[CudnnSupport, ...]:
        rows = (r for r in self.sections["cudnn"].values() if r["kind"] == "support")
        return tuple(convert.convert(convert.cudnn_support, r) for r in rows)

    @cached_property
    def cudnn_code(self) -> tuple[CudnnCode, ...]:
        rows = (r for r in self.sections["cudnn"].values() if r["kind"] == "code")
        return tuple(
            sorted(
                (convert.convert(convert.cudnn_code, r) for r in rows),
                key=lambda code: (code.version, code.cuda_major),
            )
        )

    # --- GPUs

    @cached_property
    def _gpu_names(self) -> GpuNames:
        return GpuNames(self.sections["gpus"].values())

    def gpu(self, name: str) -> GpuProduct | None:
        """The product by its name; None where it is unknown or can mean several."""
        rows = self.sections["gpus"]
        key = name.removeprefix("NVIDIA ")  # NVML's spelling needs no index
        if key not in rows or "ambiguous" in rows[key]:
            found = self._gpu_names.find(name)
            if len(found) != 1 or "ambiguous" in found[0]:
                return None
            key = found[0]["id"]
        product: GpuProduct | None = self._typed("gpus", key, convert.gpu_product)
        return product

    def gpu_capabilities(self, name: str) -> tuple[ComputeCapability, ...]:
        """Every compute capability the name can mean, lowest first; empty where unknown."""
        texts: set[str] = set()
        for row in self._gpu_names.find(name):
            texts.update(row["ambiguous"] if "ambiguous" in row else (row["cc"],))
        return tuple(sorted(ComputeCapability.parse(text) for text in texts))

    # --- wheels, rules, sources

    def nvidia_wheel(self, project: str) -> NvidiaWheel | None:
        found: NvidiaWheel | None = self._typed("nvidia_wheels", project, convert.nvidia_wheel)
        return found

    def provider(self, soname: str, cuda_major: int | None = None) -> NvidiaWheel | None:
        """The project whose wheels hold this library file, for this CUDA major.

        libcusolver.so.11 is in CUDA 11 and in CUDA 12. Without a major the one
        that the newest TensorFlow uses goes first.
        """
        projects = self._providers.get(soname, ())
        for wanted in (cuda_major,) if cuda_major else (12, 11, 13):
            for project in projects:
                if _cuda_major_of(project) == wanted:
                    return self.nvidia_wheel(project)
        return None

    @cached_property
    def _providers(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for row in self.sections["nvidia_wheels"].values():
            for name in {n for entry in row["provides"] for n in entry["libraries"]}:
                found.setdefault(name, []).append(row["id"])
        return found

    def resolve(self, project: str, specifier: str) -> str | None:
        """The newest known version of an nvidia project that the specifier admits."""
        from envcheck.matrix.specs import newest_admitted

        wheel = self.nvidia_wheel(project)
        return newest_admitted(specifier, wheel.versions) if wheel else None

    def rule(self, rule_id: str) -> MatrixRule:
        """R1 to R18. Raises MatrixError where the file lacks it."""
        found: MatrixRule | None = self._typed("rules", rule_id, convert.matrix_rule)
        if found is None:
            raise MatrixError(f"The matrix {self.path} has no rule {rule_id}.")
        return found

    def source(self, source_id: str) -> str:
        """What a source id stands for, in words."""
        row = self.sections["sources"].get(source_id)
        return f"{row['what']}: {row['where']}" if row else source_id
