"""Parts of a page that a script writes, between `<!-- NAME -->` and `<!-- end of NAME -->`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hallo2_core.storage.durable import replace_file


def fill_blocks(page: Path, blocks: Mapping[str, str]) -> None:
    """Replace the content of these blocks. Errors: ValueError for a block that the page does not have exactly once."""
    text = page.read_text(encoding="utf-8")
    for name, content in blocks.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            raise ValueError(f"{page} needs the lines '{begin}' and '{end}' once each, in this order.")
        text = f"{text[: text.index(begin)]}{begin}\n{content.strip()}\n{text[text.index(end) :]}"
    replace_file(page, text.encode())


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows))
