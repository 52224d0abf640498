"""The driver, the kernel and what gives a GPU to a container."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envcheck import facts as F
from envcheck.explain.causes._words import CHECK, GPU_LIST, SMI, reboot
from envcheck.explain.model import Cause, Ground
from envcheck.model import Fix
from envcheck.remedies import manual
from envcheck.versions import CudaRelease

CUDA_IS_FINE = "CUDA's libraries and cuDNN are not the reason: nothing reaches the GPU yet."
DOCKER_TEST = ("docker", "run", "--rm", "--gpus", "all", "ubuntu", "nvidia-smi")


def _no_driver_fixes(ground: Ground) -> Iterable[Fix]:
    yield manual(
        "give-the-gpu",
        "If the machine has a GPU, give it to this process: docker run --gpus all, a GPU node of "
        "the "
        "cluster, a GPU runtime in Colab or Kaggle.",
        ("docker", "run", "--gpus", "all", "IMAGE"),
    )
    yield manual(
        "install-driver",
        "Install the NVIDIA driver on the host if it has none (https://www.nvidia.com/drivers), "
        "then "
        "reboot. On a machine without a GPU nothing has to be done.",
        ("sudo", "ubuntu-drivers", "install"),
        root=True,
    )


def _versions(ground: Ground) -> Mapping[str, str]:
    module, library = ground.first("module"), ground.first("library")
    return {
        "module": module or "of another release",
        "library": library or "of another release",
    }


def _mismatch_fixes(ground: Ground) -> Iterable[Fix]:
    yield reboot(
        "Reboot: it loads the kernel module that belongs to the newer library. In a container, "
        "rebuild the image without its own driver packages instead."
    )
    module = ground.first("module")
    major = module.split(".")[0]
    if major:
        yield manual(
            "one-driver",
            "If a reboot does not help, packages of two drivers are mixed: install the user-space "
            "packages of the kernel's release and remove the others.",
            ("sudo", "apt", "install", f"libnvidia-compute-{major}", f"nvidia-utils-{major}"),
            root=True,
        )
        return
    yield manual(
        "one-driver",
        "If a reboot does not help, packages of two drivers are mixed: remove all of them and "
        "install one.",
        ("dpkg", "-l", "*nvidia*"),
    )


def _too_old(ground: Ground) -> Mapping[str, str]:
    wanted = ground.first("cuda_wanted")
    minimum = ground.matrix.min_driver(CudaRelease.parse(wanted)) if wanted else None
    fits = f" CUDA {wanted} runs from driver {minimum} on." if minimum else ""
    driver = ground.facts.value(F.DRIVER_RELEASE)
    return {
        "driver": f" {driver}" if driver else "",
        "wanted": wanted or "that it names",
        "fits": fits,
        "ptx": ground.first("ptx") or "of a newer CUDA",
        "known": ground.first("ptx_known") or "an older one",
    }


def _ptx(ground: Ground) -> Mapping[str, str]:
    params = dict(_too_old(ground))
    isa = ground.first("ptx")
    driver = ground.matrix.driver_of_ptx(isa) if isa else None
    series = [s for s in ground.matrix.all_cuda_series if s.ptx_isa == ground.first("ptx_known")]
    params["update"] = f"{driver} or newer" if driver else "of the newest branch"
    params["toolkit"] = f"CUDA {series[-1].series} or older" if series else "an older CUDA"
    return params


def _update_fixes(ground: Ground) -> Iterable[Fix]:
    yield manual(
        "update-driver",
        "Install a newer NVIDIA driver (https://www.nvidia.com/drivers) and reboot.",
        ("sudo", "ubuntu-drivers", "install"),
        root=True,
    )
    yield manual(
        "older-cuda",
        "Or use a TensorFlow (an image) that was built with an older CUDA; ask which one your "
        "driver "
        "carries:",
        (
            "envcheck",
            "matrix",
            "show",
            "driver",
            str(ground.facts.value(F.DRIVER_RELEASE) or "NUMBER"),
        ),
    )


CAUSES = (
    Cause(
        "DRV101",
        "no-driver",
        "No NVIDIA driver runs where the program runs",
        "The kernel there has no NVIDIA driver (/proc/driver/nvidia/version is absent), so there "
        "is no "
        "GPU to be seen: a machine or node without one, or a container that was started without "
        "--gpus. The program goes on on the CPU.",
        fixes=_no_driver_fixes,
        check=SMI,
        excluded=(CUDA_IS_FINE,),
    ),
    Cause(
        "DRV101",
        "no-driver",
        "The container was started without a GPU",
        "The NVIDIA driver does not reach into this container, so the program runs on the CPU.",
        fixes=lambda ground: (
            manual(
                "start-container-with-gpu",
                "Start it again with the GPU (NVIDIA container toolkit and driver are on the "
                "host):",
                ("docker", "run", "--gpus", "all", "IMAGE"),
            ),
        ),
        check=DOCKER_TEST,
        excluded=(CUDA_IS_FINE,),
        name="DRV101-container",
    ),
    Cause(
        "DRV101",
        "no-driver",
        "nvidia-smi does not reach the NVIDIA driver: its kernel module is not loaded",
        "The tools are installed, and the kernel that is running has not loaded the nvidia module: "
        "it was not built for this kernel (headers missing after an update), Secure Boot refused "
        "it, "
        "nouveau holds the card, or the machine was not rebooted.",
        fixes=lambda ground: (
            manual(
                "why-not-loaded",
                "Load the kernel module of the driver by hand; the message says which of these it "
                "is:",
                ("sudo", "modprobe", "nvidia"),
                ("dkms", "status"),
                ("mokutil", "--sb-state"),
                root=True,
            ),
            manual(
                "rebuild-module",
                "Install the headers of the running kernel, build the module, and reboot (Debian, "
                "Ubuntu; elsewhere the package is kernel-devel):",
                ("sudo", "apt", "install", "linux-headers-generic"),
                ("sudo", "dkms", "autoinstall"),
                ("sudo", "reboot"),
                root=True,
            ),
        ),
        check=SMI,
        excluded=(CUDA_IS_FINE,),
        name="DRV101-smi",
    ),
    Cause(
        "DRV101",
        "no-driver",
        "WSL2 does not hand the Windows driver over: libcuda.so.1 is not found",
        "Under WSL2 the driver is that of Windows and its library lies in /usr/lib/wsl/lib. Either "
        "the Windows driver is too old for WSL2 or that folder is not on the loader's path.",
        fixes=lambda ground: (
            manual(
                "set-ld-library-path",
                "Name the folder in the shell that starts the program:",
                ("export", "LD_LIBRARY_PATH=/usr/lib/wsl/lib:$LD_LIBRARY_PATH"),
            ),
            manual(
                "update-windows-driver",
                "If it is empty, update the NVIDIA driver in Windows, run this there, and install "
                "none "
                "inside of WSL.",
                ("wsl.exe", "--shutdown"),
            ),
        ),
        check=SMI,
        name="DRV101-wsl",
    ),
    Cause(
        "DRV101",
        "no-driver",
        "TensorFlow finds neither the driver nor all CUDA libraries",
        "From 2.12 on it says 'Could not find cuda drivers' in both cases: there is no NVIDIA "
        "driver "
        "here, or there is one and CUDA libraries are missing. nvidia-smi decides it. On a machine "
        "without a GPU the line is harmless: the program runs on the CPU.",
        fixes=lambda ground: (
            manual("ask-nvidia-smi", "Look whether the driver answers:", ("nvidia-smi",)),
            manual(
                "install-and-cuda",
                "If it does, the libraries are missing: install them beside TensorFlow (2.14 or "
                "later).",
                ("python", "-m", "pip", "install", "tensorflow[and-cuda]"),
            ),
            *_no_driver_fixes(ground),
        ),
        check=GPU_LIST,
        name="DRV101-or-libraries",
    ),
    Cause(
        "DRV102",
        "driver-library-mismatch",
        "The driver's library ({library}) and the loaded kernel module ({module}) are of "
        "different releases",
        "Driver/library mismatch: the kernel module is {module}, the library of the driver that "
        "programs load is {library}; "
        "they refuse to talk to each other. This is so after an update without a reboot, where two "
        "driver packages are mixed, and where an image brings a driver library of its own.",
        _versions,
        _mismatch_fixes,
        SMI,
        (CUDA_IS_FINE,),
    ),
    Cause(
        "DRV103",
        "driver-too-old",
        "The NVIDIA driver{driver} is too old for the CUDA that the program was built with",
        "The driver carries CUDA only up to its own release (what nvidia-smi prints as CUDA "
        "Version).{fits}",
        _too_old,
        _update_fixes,
        SMI,
        ("The toolkit on the disk is not the reason: only the driver has to be newer.",),
    ),
    Cause(
        "DRV103",
        "driver-too-old",
        "The driver cannot compile this PTX ({ptx}); it knows {known}",
        "PTX is GPU code that the driver compiles at the start. It was made by a newer CUDA than "
        "the "
        "driver knows.",
        _ptx,
        lambda ground: (
            manual(
                "update-driver",
                "Install the NVIDIA driver {update} (https://www.nvidia.com/drivers) and reboot, "
                "or "
                "make the PTX with {toolkit}.",
                root=True,
                update=_ptx(ground)["update"],
                toolkit=_ptx(ground)["toolkit"],
            ),
        ),
        SMI,
        ("cuDNN is not the reason.",),
        name="DRV103-ptx",
    ),
    Cause(
        "DRV103",
        "driver-too-old",
        "The image wants CUDA {wanted} or newer, and the host's driver{driver} is too old for it",
        "The container toolkit compares what the image asks for with what the driver carries, and "
        "refuses to start it.{fits}",
        _too_old,
        lambda ground: (
            *_update_fixes(ground),
            manual(
                "older-image",
                "Or take an image with an older CUDA. NVIDIA_DISABLE_REQUIRE=1 only moves the "
                "failure "
                "into the program.",
            ),
        ),
        DOCKER_TEST,
        ("CUDA on the host is not the reason: a container needs the host's driver only.",),
        name="DRV103-container",
    ),
    Cause(
        "DRV901",
        "secure-boot-refuses-the-module",
        "Secure Boot refuses the NVIDIA kernel module: its signing key is not enrolled",
        "The driver is installed and its module may even be signed; the firmware does not know the "
        "key, so the kernel rejects the module. It looks the same as a missing driver.",
        fixes=lambda ground: (
            manual(
                "enrol-key",
                "Enrol the key, reboot, and confirm it on the blue MOK screen at the machine "
                "itself:",
                ("sudo", "mokutil", "--import", "/var/lib/shim-signed/mok/MOK.der"),
                ("sudo", "reboot"),
                root=True,
            ),
            manual("secure-boot-off", "Or turn Secure Boot off in the firmware's settings."),
        ),
        check=("mokutil", "--sb-state"),
        excluded=("The driver package is not broken; installing it again changes nothing.",),
    ),
    Cause(
        "DRV902",
        "nouveau-holds-the-gpu",
        "The free driver nouveau holds the GPU, so the NVIDIA driver cannot",
        "Only one kernel module can drive the card, and nouveau was loaded first.",
        fixes=lambda ground: (
            manual(
                "blacklist-nouveau",
                "Keep nouveau from being loaded (write 'blacklist nouveau' and 'options nouveau "
                "modeset=0' into /etc/modprobe.d/blacklist-nouveau.conf), rebuild the initramfs, "
                "and "
                "reboot:",
                ("sudo", "update-initramfs", "-u"),
                ("sudo", "reboot"),
                root=True,
            ),
        ),
        check=("lsmod",),
    ),
    Cause(
        "DRV903",
        "module-not-built-for-this-kernel",
        "The NVIDIA kernel module is not there for the running kernel",
        "The driver's module is built per kernel. For the kernel that runs now it was not built: "
        "its "
        "headers are missing, or the build failed.",
        fixes=lambda ground: (
            manual(
                "rebuild-module",
                "Install the headers of the running kernel, build the driver's module, and reboot "
                "(Debian, Ubuntu; elsewhere the package is kernel-devel):",
                ("sudo", "apt", "install", "linux-headers-generic"),
                ("sudo", "dkms", "autoinstall"),
                ("sudo", "reboot"),
                root=True,
            ),
        ),
        check=("dkms", "status"),
        excluded=(CUDA_IS_FINE,),
    ),
    Cause(
        "DRV904",
        "container-toolkit-missing",
        "Docker cannot give a GPU to a container: the NVIDIA Container Toolkit is missing or not "
        "registered",
        "Docker itself knows nothing of GPUs; the NVIDIA Container Toolkit "
        "(nvidia-container-toolkit, "
        "once nvidia-docker2) on the host adds it.",
        fixes=lambda ground: (
            manual(
                "install-container-toolkit",
                "Install the NVIDIA Container Toolkit on the host, register it, restart Docker "
                "(the "
                "package comes from NVIDIA's repository, see its install guide):",
                ("sudo", "apt", "install", "nvidia-container-toolkit"),
                ("sudo", "nvidia-ctk", "runtime", "configure", "--runtime=docker"),
                ("sudo", "systemctl", "restart", "docker"),
                root=True,
            ),
        ),
        check=DOCKER_TEST,
        excluded=("The image is not the reason: it needs no driver and no toolkit of its own.",),
    ),
    Cause(
        "DRV905",
        "cuda-cannot-initialise",
        "The driver is there, and CUDA cannot be initialised (CUDA_ERROR_UNKNOWN)",
        "Mostly the kernel module nvidia_uvm is missing, or is in a bad state after the machine "
        "slept; in a container /dev/nvidia-uvm may be missing.",
        fixes=lambda ground: (
            manual(
                "reload-uvm",
                "Load the module nvidia_uvm again (or reboot):",
                ("sudo", "rmmod", "nvidia_uvm"),
                ("sudo", "modprobe", "nvidia_uvm"),
                root=True,
            ),
            manual(
                "device-nodes",
                "In a container, hand in /dev/nvidia-uvm as well; on the host this makes the "
                "device "
                "files:",
                ("sudo", "nvidia-modprobe", "-u", "-c=0"),
                root=True,
            ),
        ),
        check=GPU_LIST,
        excluded=("CUDA's libraries and cuDNN are not the reason.",),
    ),
    Cause(
        "DRV906",
        "forward-compatibility-refused",
        "A cuda-compat library is used on a GPU that does not support it, or the driver is half "
        "updated (error 804)",
        "Forward compatibility (the package cuda-compat, /usr/local/cuda/compat) is for data "
        "centre "
        "GPUs. On a GeForce the loader must take the driver's own libcuda.so.1. After a driver "
        "update without a reboot the same error appears.",
        fixes=lambda ground: (
            reboot("If the driver was updated, reboot."),
            manual(
                "remove-compat",
                "Otherwise take /usr/local/cuda/compat out of LD_LIBRARY_PATH and of the loader's "
                "cache, or remove the package cuda-compat from the image; or update the host's "
                "driver.",
                ("ldconfig", "-p"),
            ),
        ),
        check=SMI,
    ),
    Cause(
        "DRV907",
        "fabric-manager-not-running",
        "The NVSwitch fabric is not ready: nvidia-fabricmanager does not run (error 802)",
        "On machines with NVSwitch (HGX, DGX) CUDA starts only when the fabric manager of the very "
        "release of the driver has set the fabric up.",
        fixes=lambda ground: (
            manual(
                "start-fabric-manager",
                "Start the fabric manager of the driver's release:",
                ("sudo", "systemctl", "enable", "--now", "nvidia-fabricmanager"),
                ("nvidia-smi", "-q"),
                root=True,
            ),
        ),
        check=("systemctl", "status", "nvidia-fabricmanager"),
        excluded=("Installing CUDA, cuDNN or TensorFlow again changes nothing.",),
    ),
    Cause(
        "DRV908",
        "linux-driver-inside-wsl",
        "A Linux driver library was installed inside of WSL; the driver of WSL2 is the one of "
        "Windows",
        "libcuda.so.1 loads, and no NVIDIA kernel driver runs here: packages such as `cuda` or "
        "`nvidia-driver` bring a library for a Linux kernel driver, which WSL does not have. The "
        "GPU "
        "comes from the Windows driver through /usr/lib/wsl/lib.",
        fixes=lambda ground: (
            manual(
                "remove-linux-driver",
                "Remove the Linux driver packages from WSL (the toolkit's package is cuda-toolkit, "
                "without a driver):",
                ("sudo", "apt", "purge", "*nvidia*", "libcuda1", "cuda-drivers"),
                root=True,
            ),
            manual(
                "update-windows-driver",
                "Update the NVIDIA driver in Windows, run this there, and start WSL2 again.",
                ("wsl.exe", "--shutdown"),
            ),
        ),
        check=SMI,
        excluded=("CUDA's runtime library loads; it is not the reason.",),
    ),
    Cause(
        "DRV909",
        "driver-libraries-not-in-container",
        "The host's driver libraries do not reach the container: libnvidia-ml.so.1 is not found",
        "The container toolkit takes the driver's user libraries from the host. The host has no "
        "NVIDIA driver, its libraries are not in the loader's cache, or Docker Desktop runs "
        "without "
        "GPU support.",
        fixes=lambda ground: (
            manual(
                "driver-on-host",
                "Run nvidia-smi on the host, not in the container. If it fails, install the driver "
                "there; if it works, renew the loader's cache and restart Docker:",
                ("nvidia-smi",),
                ("sudo", "ldconfig"),
                ("sudo", "systemctl", "restart", "docker"),
                root=True,
            ),
        ),
        check=DOCKER_TEST,
        excluded=("The image is not the reason: it needs no driver of its own.",),
    ),
    Cause(
        "DRV911",
        "gpu-reports-a-fault",
        "The GPU reports a hardware or driver fault (Xid {xid})",
        "The driver writes an Xid into the kernel's log when the GPU stops, overheats, loses its "
        "bus "
        "or finds damaged memory. Xid 79 is a lost bus, 48 and 63 memory errors, 13, 31 and 43 "
        "mostly "
        "a faulty program.",
        lambda ground: {"xid": ground.first("xid", "unnamed")},
        lambda ground: (
            reboot(
                "Reboot; if it comes again, check power, cooling and the slot, and test the card."
            ),
            manual("ask-nvidia-smi", "See what the driver knows:", ("nvidia-smi", "-q")),
        ),
        SMI,
        ("The versions of CUDA and TensorFlow are not the reason.",),
    ),
    Cause(
        "DRV912",
        "gpu-not-of-this-driver-branch",
        "This driver does not support the GPU: it needs another branch{legacy}",
        "The installed driver left this GPU out: it is too old for the branch, or too old for the "
        "open kernel module (which begins with Turing), or newer than the driver.",
        lambda ground: {"legacy": f" ({ground.first('legacy')})" if ground.first("legacy") else ""},
        lambda ground: (
            manual(
                "other-branch",
                "Install the driver branch that NVIDIA names for this GPU (on Ubuntu this lists "
                "them):",
                ("ubuntu-drivers", "devices"),
            ),
        ),
        SMI,
    ),
    Cause(
        "GPU101",
        "no-nvidia-gpu",
        "CUDA finds no GPU here",
        "The driver's library loads, and there is no NVIDIA GPU that it may use: none in the "
        "machine, "
        "none given to the container or the job, or CUDA_VISIBLE_DEVICES hides it.",
        fixes=lambda ground: (
            manual("ask-nvidia-smi", "Look which GPUs the driver has:", ("nvidia-smi", "-L")),
            *_no_driver_fixes(ground),
        ),
        check=CHECK,
        excluded=(CUDA_IS_FINE,),
    ),
    Cause(
        "GPU102",
        "gpus-hidden",
        "The driver runs, and the GPU is hidden from this process (CUDA_VISIBLE_DEVICES)",
        "The driver answers with its version and offers no device: CUDA_VISIBLE_DEVICES is empty "
        "or "
        "-1, names a GPU that is not there, or the job was given no GPU.",
        fixes=lambda ground: (
            manual(
                "show-gpus",
                "Unset it in the shell that starts the program (and look for os.environ in the "
                "program), or ask the scheduler for a GPU:",
                ("unset", "CUDA_VISIBLE_DEVICES"),
            ),
        ),
        check=GPU_LIST,
        excluded=("The driver is there and fits its library.", CUDA_IS_FINE),
    ),
)
