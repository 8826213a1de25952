"""The golden cases on the host's layers, attention and memory manager."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch import nn

from ...hallo2_core.models.layers import Build, precision_name
from .networks import managed, network_build
from .runtime import HostRuntime

if TYPE_CHECKING:
    from ...hallo2_core.selftest.case import Verdict


class CaseRuntime(HostRuntime):
    """Manages every network passed to it: golden cases build theirs on demand."""

    def ready(self, *modules: nn.Module) -> None:
        for module in modules:
            if id(module) not in self._held:
                (patcher,) = managed(module, module).patchers
                self._held[id(module)] = patcher, not _has_host_layers(module)
        super().ready(*modules)

    def let_go(self) -> None:
        """Release the networks so far. The host drops them when there are no other references."""
        self._held.clear()


def run_in_host(dtype: str, cases: str, node_id: str | None) -> str:
    """Returns the report. dtype: as loaders offer it.  cases: quick, or all that ship."""
    from ...hallo2_core.selftest.report import summary

    build, runtime = network_build(dtype), CaseRuntime(node_id=node_id)
    verdicts = []
    for verdict in _verdicts(build, cases == "quick", runtime):
        verdicts.append(verdict)
        runtime.notify(str(verdict))
        runtime.let_go()
        runtime.check_cancelled()
    dtypes = precision_name(build.dtype, build.compute_dtype)
    made_with = f"ComfyUI's layers, {build.attention!r}, {dtypes}, {runtime.device}"
    return "\n".join([f"{summary(verdicts)} ({made_with})", *map(str, verdicts)])


def _verdicts(build: Build, quick: bool, runtime: HostRuntime) -> Iterator[Verdict]:
    from ...hallo2_core.selftest.case import Settings, shipped_goldens
    from ...hallo2_core.selftest.run_cases import SLOW, run_folder

    settings = Settings(runtime.device, build.compute_dtype, build.dtype, layers=build, manager=runtime)
    return run_folder(shipped_goldens(), settings, heavy=not quick, left_out=SLOW if quick else {})


def _has_host_layers(network: nn.Module) -> bool:
    """Whether the host can load it partially, as with the loaders: not the speech encoder and the upscaler."""
    from ...hallo2_core.models.upscaler.video_restorer import VideoRestorer
    from ...hallo2_core.models.wav2vec import SpeechEncoder

    return not isinstance(network, SpeechEncoder | VideoRestorer)
