"""The core's `Runtime` over ComfyUI's memory manager, progress bar and cancel button."""

from __future__ import annotations

import gc
import logging
from pathlib import Path

import comfy.model_management as mm
import comfy.utils
from torch import Tensor, nn

from ...hallo2_core.runtime import DeviceMemory, is_out_of_memory
from .arithmetic import host_arithmetic
from .editor import show_growing_video, show_text
from .networks import Managed, network_of
from .pictures import to_picture

logger = logging.getLogger("hallo2")


class HostRuntime:
    """The core's `Runtime`: ComfyUI's memory manager, progress bar and cancel button."""

    def __init__(self, *held: Managed, working_bytes: float = 0, node_id: str | None = None) -> None:
        """working_bytes: for the host to keep free beside the weights. node_id: the node that shows `notify` texts;
        the text of an earlier run is cleared."""
        self.device = mm.get_torch_device()
        self._node_id = node_id
        self._held = {id(network_of(patcher)): (patcher, one.whole) for one in held for patcher in one.patchers}
        self._working_bytes = working_bytes
        self._bar: comfy.utils.ProgressBar | None = None
        if node_id is not None:
            show_text(node_id, "")

    def ready(self, *modules: nn.Module) -> None:
        chosen = [self._held[id(module)] for module in modules]
        mm.load_models_gpu(
            [patcher for patcher, _whole in chosen],
            memory_required=self._working_bytes,
            force_full_load=any(whole for _patcher, whole in chosen),
        )

    def has_room(self, working_bytes: float) -> bool:
        """Never: the host moves networks to make room, and is not thread-safe."""
        return False

    def memory(self) -> DeviceMemory:
        """All of the device's memory except what the host leaves to others: it offloads other models."""
        total = mm.get_total_memory(self.device) - mm.extra_reserved_memory()
        return DeviceMemory(int(total), "every network" if self.device.type == "cpu" else "one layer")

    def is_out_of_memory(self, error: Exception) -> bool:
        """The newer host's check comes first: it also clears CUDA's pending error, which would fail the next call."""
        is_oom = getattr(mm, "is_oom", None)
        return (is_oom is not None and is_oom(error)) or is_out_of_memory(error)

    def free_memory(self) -> None:
        """Unload everything, our networks included, and empty the allocator's cache."""
        gc.collect()
        mm.unload_all_models()
        mm.soft_empty_cache()

    def arithmetic(self) -> dict[str, str]:
        return host_arithmetic()

    def check_cancelled(self) -> None:
        mm.throw_exception_if_processing_interrupted()

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        if self._bar is None:
            self._bar = comfy.utils.ProgressBar(total)
        picture = None if preview is None else ("JPEG", to_picture(preview), max(preview.shape[:2]))
        self._bar.update_absolute(done, total, picture)

    def notify(self, text: str) -> None:
        if text:
            logger.info("%s", text)
        if self._node_id is not None:
            show_text(self._node_id, text)

    def watchable(self, video: Path) -> None:
        if self._node_id is not None:
            show_growing_video(self._node_id, video)
