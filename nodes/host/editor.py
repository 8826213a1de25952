"""Messages to the editor about a node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import folder_paths
from server import PromptServer

from ...hallo2_core.shown_text import as_html

BLANK = " "  # the editors ignore an empty text, and would keep showing the one before


def show_text(node_id: str, text: str) -> None:
    """Show a text about a node's result below the node. An empty text clears an earlier one.

    node_id: "a:b" for node b in the subgraph of node a. The subgraph's node shows the text as well: most users see only
    that one.
    """
    parts = node_id.split(":")
    shown = as_html(text) or BLANK
    for depth in range(len(parts)):
        PromptServer.instance.send_progress_text(shown, ":".join(parts[: depth + 1]))


def show_growing_video(node_id: str, video: Path) -> None:
    """Offer the finished part of a video for watching, at the node that makes it; again whenever it has grown.

    Only the editor that queued the graph is told (js/growing_video.mjs), and only of files in the host's output folder,
    which it serves.
    """
    output = folder_paths.get_output_directory()
    if not video.is_relative_to(output):
        return
    where = {"filename": video.name, "subfolder": video.parent.relative_to(output).as_posix(), "type": "output"}
    server = PromptServer.instance
    server.send_sync("hallo2_growing_video", {"node": node_id, "file": where}, server.client_id)


@contextmanager
def shown_while(node_id: str, text: str) -> Iterator[None]:
    """Show what the node is doing, for work without steps to count."""
    show_text(node_id, text)
    try:
        yield
    finally:
        show_text(node_id, "")
