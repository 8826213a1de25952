"""ComfyUI-Hallo2: the host finds the pack here. Imports stay inside the entry point (see CONTRIBUTING.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .nodes import Hallo2Extension

WEB_DIRECTORY = "./js"


async def comfy_entrypoint() -> Hallo2Extension:
    from .nodes import Hallo2Extension

    return Hallo2Extension()
