"""Text under a node, in the editor."""

from __future__ import annotations

from server import PromptServer


def show_text(node_id: str, text: str) -> None:
    """Write under a node what a user should know of its result. An empty text clears an earlier one."""
    PromptServer.instance.send_progress_text(text, node_id)
