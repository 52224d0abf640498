"""The demands of the machine that was looked at."""

from __future__ import annotations

from envcheck import facts as F
from envcheck.compatibility import SYSTEMS
from envcheck.model import EnvcheckError, Facts
from envcheck.plan.model import Demands


def demands_of(facts: Facts) -> Demands:
    """Of several GPUs the oldest one counts: what runs on it runs on the others. Raises
    EnvcheckError where the machine itself is of no kind that TensorFlow is built for."""
    system = SYSTEMS.get(facts.value(F.SYSTEM_OS) or "")
    if system is None:
        raise EnvcheckError("This operating system is not known: name it with --os.", 2)
    devices = [d for d in facts.value(F.GPU_DEVICES) or () if d.compute_capability is not None]
    oldest = min(devices, key=lambda device: str(device.compute_capability), default=None)
    driver = facts.value(F.DRIVER_RELEASE)
    python = facts.value(F.TARGET_PYTHON)
    return Demands(
        os=system,
        arch=facts.value(F.SYSTEM_ARCH),
        glibc=facts.value(F.TARGET_GLIBC),
        gpu=bool(facts.value(F.GPU_HARDWARE) or devices) and system != "macos",
        card=oldest.name if oldest else None,
        capability=str(oldest.compute_capability) if oldest else None,
        driver=str(driver) if driver and system != "macos" else None,
        prefer_python=(".".join(python.split(".")[:2]),) if python else (),
    )
