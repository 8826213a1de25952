"""Text under a node, in the editor."""

from __future__ import annotations

from server import PromptServer


def show_text(node_id: str, text: str) -> None:
    """Show a text about a node's result below the node. An empty text clears an earlier one."""
    PromptServer.instance.send_progress_text(text, node_id)
