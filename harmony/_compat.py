"""Three things that must happen before torch's companions are imported or used.

1. torchaudio's wheel on PyPI is built for CUDA. Beside a CPU build of torch its compiled part cannot load, and
   transformers imports torchaudio wherever it finds it. We take torchaudio's own "no extension" path there.
2. glibc gives big tensors back to the kernel after every operation, which makes a small model twenty times slower on
   a CPU. `mallopt` keeps them; environment variables would come too late.
3. torch lists the functions that make tensors when a device is first used as a context, and keeps that list.
   transformers puts a stand-in for `torch.linspace` while it opens a model; listed then, the true one would be missing
   for ever, and a later model on the meta device would get tensors on the CPU.
"""

from __future__ import annotations

import ctypes
import importlib.machinery
import importlib.util
import platform
import sys
import types

import torch

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -2, -3, -4


def use_torchaudio_without_extension() -> bool:
    """Let torchaudio run on its Python fallbacks beside a torch without CUDA. True if that was needed."""
    has_gpu_build = torch.version.cuda is not None or torch.version.hip is not None
    if has_gpu_build or "torchaudio" in sys.modules or importlib.util.find_spec("torchaudio") is None:
        return False
    name = "torchaudio._extension"
    extension = types.ModuleType(name)
    extension.__path__ = []
    extension.__spec__ = importlib.machinery.ModuleSpec(name, loader=None, is_package=True)
    extension._IS_TORCHAUDIO_EXT_AVAILABLE = False
    extension._IS_ALIGN_AVAILABLE = False
    extension._check_cuda_version = lambda: None
    extension._load_lib = lambda lib: False
    extension.fail_if_no_align = _fail_if_no_align
    sys.modules[name] = extension
    return True


def _fail_if_no_align(function):
    def refuse(*args, **kwargs):
        raise RuntimeError(
            f"{function.__name__} needs torchaudio's compiled extension, which this torch build cannot load"
        )

    return refuse


def keep_freed_memory() -> bool:
    """Ask glibc to keep freed memory for the next tensor. False where there is no glibc."""
    libc = _glibc()
    if libc is None:
        return False
    gibibyte = 1 << 30
    # Older glibc refuses a threshold above 32 MiB; there, no mmap at all has the same effect.
    mapped = libc.mallopt(_M_MMAP_THRESHOLD, gibibyte) or libc.mallopt(_M_MMAP_MAX, 0)
    # mallopt takes C ints: 2 GiB - 1 is the largest threshold it can hold.
    kept = libc.mallopt(_M_TRIM_THRESHOLD, 2 * gibibyte - 1) and libc.mallopt(_M_TOP_PAD, gibibyte // 4)
    return bool(mapped and kept)


def list_tensor_makers() -> None:
    """Let torch make its list of functions that make tensors while they are torch's own."""
    with torch.device("meta"):
        torch.empty(0)


def give_back_memory() -> bool:
    """Return kept memory to the system when nothing is being made. False where there is no glibc."""
    libc = _glibc()
    return libc is not None and bool(libc.malloc_trim(0))


def _glibc() -> ctypes.CDLL | None:
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return None
    return ctypes.CDLL(None)
