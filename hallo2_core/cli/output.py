"""What commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

import sys

from ..shown_text import lines


def say(text: object) -> None:
    """A result, of one line or several. JSON, whose texts are escaped already, is printed as it is."""
    print(lines(str(text)), flush=True)


def tell(text: object) -> None:
    sys.stderr.write(f"{lines(str(text))}\n")
