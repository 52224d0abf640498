"""Rows of the file to typed values. Each raises MatrixError, naming the row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from envcheck.matrix import model
from envcheck.matrix.load import MatrixError
from envcheck.versions import ComputeCapability, CudaRelease, CudnnRelease, DriverRelease

Row = Mapping[str, Any]
_T = TypeVar("_T")


def convert(make: Callable[[Row], _T], row: Row) -> _T:
    """`make(row)`, with any misfit reported as MatrixError with the row's id."""
    try:
        return make(row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MatrixError(f"Row {row.get('id')!r} of the matrix is not usable: {error}.") from error


def _capabilities(texts: list[str]) -> tuple[ComputeCapability, ...]:
    return tuple(ComputeCapability.parse(text) for text in texts)


def _pins(found: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    return {n: t if isinstance(t, str) else tuple(t) for n, t in found.items()}


def platform_build(platform: str, row: Row) -> model.PlatformBuild:
    return model.PlatformBuild(
        platform=platform,
        kind=row["kind"],
        pythons=tuple(row["pythons"]),
        tag=row["tag"],
        wheel=row["wheel"],
        glibc=row.get("glibc"),
        glibc_needed=row.get("glibc_needed"),
        stands_for=row.get("stands_for", {}),
        requires=_pins(row["requires"]) if "requires" in row else None,
        cuda=CudaRelease.parse(row["cuda"]) if "cuda" in row else None,
        cudnn_major=row.get("cudnn_major"),
        cudnn_compiled=CudnnRelease.parse(row["cudnn"]) if "cudnn" in row else None,
        capabilities=_capabilities(row.get("capabilities", [])),
        ptx=_capabilities(row.get("ptx", [])),
        kernels=tuple(
            model.Kernels(_capabilities(k["sass"]), k["ptx"], k.get("ptx_isa"), k["count"])
            for k in row.get("kernels", ())
        ),
        sonames=row.get("sonames", {}),
        runpath=tuple(row["runpath"]) if "runpath" in row else None,
        wheels_found=row.get("wheels_found"),
    )


def tensorflow_build(row: Row, imports: Mapping[str, str | None]) -> model.TensorflowBuild:
    """`imports`: which numpy and protobuf really import (rules R14, R15)."""
    return model.TensorflowBuild(
        package=row["package"],
        version=row["version"],
        date=row.get("date"),
        requires_python=row.get("requires_python"),
        pins=_pins(row.get("requires", {})),
        and_cuda=row.get("and_cuda", {}),
        platforms={name: platform_build(name, e) for name, e in row["platforms"].items()},
        yanked=row.get("yanked"),
        sdist_only=bool(row.get("sdist_only")),
        numpy_imports=imports.get("numpy"),
        protobuf_imports=imports.get("protobuf"),
        sources=tuple(row["sources"]),
    )


def tested_config(row: Row) -> model.TestedConfig:
    return model.TestedConfig(
        id=row["id"],
        os=row["os"],
        device=row["device"],
        package=row["package"],
        version=row["version"],
        python=row["python"],
        cuda=CudaRelease.parse(row["cuda"]) if row.get("cuda") else None,
        cudnn=CudnnRelease.parse(row["cudnn"]) if row.get("cudnn") else None,
        sources=tuple(row["sources"]),
    )


def keras_release(row: Row) -> model.KerasRelease:
    return model.KerasRelease(
        package=row["package"],
        version=row["version"],
        date=row.get("date"),
        requires_python=row.get("requires_python"),
        requires=row.get("requires"),
        yanked=row.get("yanked"),
        sources=tuple(row["sources"]),
    )


def cuda_series(row: Row) -> model.CudaSeries:
    return model.CudaSeries(
        CudaRelease.parse(row["id"]),
        row["sonames"],
        row.get("ptx_isa"),
        _capabilities(row.get("targets", [])),
        tuple(row["sources"]),
    )


def cuda_update(row: Row) -> model.CudaUpdate:
    drivers = {name: DriverRelease.parse(text) for name, text in row.get("driver", {}).items()}
    return model.CudaUpdate(
        CudaRelease.parse(row["id"]), drivers, row.get("components", {}), tuple(row["sources"])
    )


def cudnn_support(row: Row) -> model.CudnnSupport:
    return model.CudnnSupport(
        CudnnRelease.parse(row["from"]),
        CudnnRelease.parse(row["until"]),
        tuple(row["cuda"]),
        ComputeCapability.parse(row["min_cc"]),
        ComputeCapability.parse(row["max_cc"]) if "max_cc" in row else None,
        CudaRelease.parse(row["blackwell_cuda"]) if "blackwell_cuda" in row else None,
        tuple(row["sources"]),
    )


def cudnn_code(row: Row) -> model.CudnnCode:
    return model.CudnnCode(
        CudnnRelease.parse(row["version"]),
        row["cuda_major"],
        _capabilities(row["sass"]),
        tuple(row["sources"]),
    )


def gpu_product(row: Row) -> model.GpuProduct:
    return model.GpuProduct(
        row["id"],
        ComputeCapability.parse(row["cc"]),
        row["architecture"],
        row["segment"],
        row.get("basis"),
        tuple(row["sources"]),
    )


def nvidia_wheel(row: Row) -> model.NvidiaWheel:
    return model.NvidiaWheel(
        row["id"], tuple(row["versions"]), tuple(row["provides"]), tuple(row["sources"])
    )


def matrix_rule(row: Row) -> model.MatrixRule:
    return model.MatrixRule(row["id"], row["title"], row["text"], row, tuple(row["sources"]))
