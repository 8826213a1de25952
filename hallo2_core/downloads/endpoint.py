"""The server to download from: Hugging Face or a mirror of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..checkpoints.catalogue import HUB
from ..errors import SettingsError

VARIABLE = "HF_ENDPOINT"  # as in Hugging Face's own tools


def chosen_endpoint(option: str = "", environment: Mapping[str, str] = os.environ) -> str:
    """The option, else the environment's HF_ENDPOINT, else Hugging Face. Errors: SettingsError unless it is an address
    of http or https."""
    endpoint = (option or environment.get(VARIABLE, "") or HUB).strip().rstrip("/")
    try:
        parts = urlsplit(endpoint)
    except ValueError:  # brackets of an IPv6 address that do not match
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(
            f"The endpoint '{endpoint}' is not the address of a server. Use one such as {HUB}, or leave it empty."
        )
    return endpoint
