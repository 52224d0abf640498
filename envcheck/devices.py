"""What several rules ask of driver and devices."""

from __future__ import annotations

from collections.abc import Sequence

from envcheck import facts as F
from envcheck.model import Evidence, Facts, Fix
from envcheck.remedies import manual
from envcheck.versions import DriverRelease

WITHOUT_GPU = ("DRV101", "DRV113", "DRV118", "DRV119", "GPU", "SMK201")
"""What merely follows where the driver cannot be reached at all."""


def failing(facts: Facts) -> bool:
    """Whether NVML was looked for and does not answer."""
    nvml = facts.value(F.DRIVER_NVML)
    return nvml is not None and nvml.status != "ok"


def unreachable(facts: Facts) -> bool:
    """Whether NVML or CUDA fails as it does where a device file cannot be opened. A file that
    nobody needs may be as closed as it likes: another user's card, nvidia-uvm before its use."""
    return failing(facts) or cuda_code(facts) not in (None, *OTHER_REASONS)


OTHER_REASONS = (34, 100, 802, 803, 804)
"""CUresult: a stub, no device, fabric, mismatch, compatibility."""


def left_outside(facts: Facts) -> bool:
    """Whether this is a container that was given nothing of the host's GPU (DRV109)."""
    if facts.value(F.SYSTEM_CONTAINER) is None or not failing(facts):
        return False
    there = facts.value(F.GPU_HARDWARE) or facts.value(F.DRIVER_KERNEL_MODULE)
    files = facts.value(F.DRIVER_FILES) or ()
    return bool(there) and all(row.state == "missing" for row in files)


def cuda_code(facts: Facts) -> int | None:
    """cuInit's answer; None where it was not asked or works."""
    answer = facts.value(F.DRIVER_CUDA_INIT)
    return answer.code if answer and answer.status == "error" else None


def reboot(note: str) -> Fix:
    return manual("reboot", note, ("sudo", "reboot"), root=True)


def install_driver(facts: Facts, note: str = "") -> Fix:
    """``note`` is said where no command of the distribution is known."""
    if "Ubuntu" in (facts.value(F.SYSTEM_DISTRIBUTION) or ""):
        steps = (("sudo", "ubuntu-drivers", "install"), ("sudo", "reboot"))
        recommended = "Install the recommended driver, then reboot."
        return manual("install-driver", recommended, *steps, root=True)
    note = note or (
        "Install the NVIDIA driver for your system (https://www.nvidia.com/drivers), then reboot."
    )
    return manual("install-driver", note, root=True)


def update_driver(facts: Facts, wanted: str) -> Fix:
    """The driver is the host's in a container, and Windows' in WSL."""
    note = "Install the NVIDIA driver {wanted} or newer (https://www.nvidia.com/drivers), then "
    note += "reboot."
    if facts.value(F.SYSTEM_OS) == "wsl2":
        note = "In Windows, not inside WSL, install the NVIDIA driver {wanted} or newer "
        note += "(https://www.nvidia.com/drivers), then restart WSL; in PowerShell:"
        return manual("update-windows-driver", note, ("wsl.exe", "--shutdown"), wanted=wanted)
    if facts.value(F.SYSTEM_CONTAINER) is not None:
        note = "On the host, not in this container, install the NVIDIA driver {wanted} or newer "
        note += "(https://www.nvidia.com/drivers), then reboot the host."
    return manual("update-driver", note, root=True, wanted=wanted)


def nvml_said(facts: Facts) -> Evidence:
    """How NVML answered, in words."""
    nvml = facts.value(F.DRIVER_NVML)
    said = {"not-found": "the library is not there", "ok": "it answers"}
    words = nvml and (nvml.text or said.get(nvml.status) or nvml.status)
    return facts.evidence(F.DRIVER_NVML, words)


def modprobe(note: str, *modules: str) -> Fix:
    steps = tuple(("sudo", "modprobe", module) for module in modules)
    return manual("load-module", note, *steps, root=True)


def reset(device: F.GpuDevice, note: str) -> Fix:
    step = ("sudo", "nvidia-smi", "--gpu-reset", "-i", str(device.index))
    return manual("reset-gpu", note, step, root=True)


def start_with_gpu(container: str) -> Fix:
    """How each kind of container is given the GPU."""
    notes = {
        "podman": "Start it again with the GPU (the host needs the NVIDIA Container Toolkit and "
        "`nvidia-ctk cdi generate`): podman run --device nvidia.com/gpu=all IMAGE",
        "kubernetes": "Ask for the GPU in the pod's specification: resources.limits with "
        "nvidia.com/gpu: 1. The node needs NVIDIA's device plugin.",
        "lxc": "Give the GPU to the container, from the host: incus (or lxc) config device add "
        "CONTAINER gpu gpu, and the same with nvidia.runtime=true.",
        "apptainer": "Start it again with the GPU: apptainer exec --nv IMAGE COMMAND",
    }
    docker = (
        "Start it again with the GPU (the host needs the NVIDIA Container Toolkit): "
        "docker run --gpus all IMAGE"
    )
    return manual("start-container-with-gpu", notes.get(container, docker))


def one_driver(inside: bool, module: DriverRelease | None, library: DriverRelease | None) -> Fix:
    """For a library and a kernel module of two releases; ``inside`` a container."""
    if inside:
        return manual(
            "remove-image-driver",
            "Remove the driver's packages (libnvidia-*, nvidia-utils-*) from the image: the NVIDIA "
            "Container Toolkit brings in the host's. If the host's driver was just updated, reboot "
            "the host.",
        )
    if module and library and library < module:
        return manual(
            "one-driver",
            "The library is the older one, so a reboot does not help: another driver's packages "
            "were installed over it. Install the user-space packages of {module}, or remove all "
            "driver packages and install one driver.",
            root=True,
            module=str(module),
        )
    return reboot(
        "Reboot: it loads the module that belongs to the new library. If that does not help, two "
        "driver packages are mixed: remove all of them and install one."
    )


def address_of(device: F.GpuDevice) -> str:
    """As the kernel's log writes it: 0000:02:00."""
    return (device.bus_id or "").lower()[4:].rpartition(".")[0]


def join(numbers: Sequence[int]) -> str:
    """0, 1, 5"""
    return ", ".join(map(str, numbers))


def listed(visible: str, devices: Sequence[F.GpuDevice]) -> tuple[int, str | None]:
    """How many GPUs CUDA takes from CUDA_VISIBLE_DEVICES, and the entry at which it stops
    reading because it names none (CUDA C++ Programming Guide, environment variables)."""
    count = 0
    if not visible.strip():
        return 0, None
    for entry in visible.split(","):
        if not _names_one(entry.strip(), devices):
            return count, entry.strip()
        count += 1
    return count, None


def _names_one(entry: str, devices: Sequence[F.GpuDevice]) -> bool:
    if entry.upper().startswith("GPU-"):
        uuids = [device.uuid for device in devices]
        return None in uuids or any(_begins(uuid, entry) for uuid in uuids)
    if entry.upper().startswith("MIG-"):
        instances = [device.mig_instances for device in devices if device.mig]
        # The older form names the card: MIG-GPU-UUID/GPU-INSTANCE/COMPUTE-INSTANCE.
        return "/" in entry or any(
            rows is None or any(_begins(uuid, entry) for uuid in rows) for rows in instances
        )
    return entry.isdigit() and int(entry) < len(devices)


def _begins(uuid: str | None, entry: str) -> bool:
    return bool(uuid) and str(uuid).lower().startswith(entry.lower())


def processes_of(device: F.GpuDevice) -> str:
    """ "python3 (4242, anna, 14800 MiB), process 4343 (not visible here, 103 MiB)" """
    names = []
    for process in device.processes or ():
        seen = (str(process.pid), process.user) if process.name else ("not visible here",)
        size = f"{process.mib} MiB" if process.mib else None
        inside = ", ".join(filter(None, (*seen, size)))
        names.append(f"{process.name or f'process {process.pid}'} ({inside})")
    return ", ".join(names)


def in_the_log(facts: Facts, line: str | None = None) -> Evidence:
    """What the kernel's log has to say, or that it says nothing, or that nobody could read it."""
    if line is None and facts.fact(F.KERNEL_LOG).state in ("known", "absent"):
        said = [row.text for row in facts.value(F.KERNEL_LOG) or ()]
        line = said[-1] if said else "nothing of NVIDIA"
    return facts.evidence(F.KERNEL_LOG, line)
