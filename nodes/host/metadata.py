"""The workflow that a video is made by, for its file."""

from __future__ import annotations

import json

from comfy.cli_args import args
from comfy_api.latest import io

from ...hallo2_core.video.metadata import FULL, MARK, MetadataChoice


def metadata_choice(choice: str, hidden: io.HiddenHolder) -> MetadataChoice:
    """The workflow goes under the keys that the editor reads when a video is dropped on it. A host started with
    --disable-metadata writes no more than the mark."""
    if choice == FULL and args.disable_metadata:
        return MetadataChoice(MARK)
    graphs = {"prompt": hidden.prompt, **(hidden.extra_pnginfo or {})}
    return MetadataChoice(choice, {key: json.dumps(graph) for key, graph in graphs.items() if graph is not None})
