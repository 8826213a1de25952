"""Text of users and files, as a terminal and the editor may show it.

File names, prompts, and what files say of themselves can hold characters that a terminal acts on, that reorder what is
read, or that cannot be encoded: these are shown as their codes. In the editor they could be HTML.
"""

from __future__ import annotations

import html
import logging

CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
REORDERING = (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))  # and two line separators
HALF_CHARACTERS = range(0xD800, 0xE000)
CODES = {code: f"\\x{code:02x}" for code in CONTROLS} | {
    code: f"\\u{code:04x}" for code in (*REORDERING, *HALF_CHARACTERS)
}


def one_line(text: str) -> str:
    return text.translate(CODES)


def lines(text: str) -> str:
    """The same for each line of a text of several."""
    return "\n".join(map(one_line, text.split("\n")))


def as_html(text: str) -> str:
    """For ComfyUI's text below a node, which its editors show as HTML (v0.3.64 even runs scripts in it) and where they
    make links of `[[label|address]]`."""
    return html.escape(text, quote=False).replace("[[", "&#91;&#91;")


def in_one_line(record: logging.LogRecord) -> bool:
    """A filter for this project's logger."""
    record.msg, record.args = one_line(record.getMessage()), ()
    return True
