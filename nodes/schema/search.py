"""Words that people search for and that the node's name does not contain."""

from comfy_api.latest import io

CAN_BE_FOUND_BY = "search_aliases" in io.Schema.__dataclass_fields__  # the older host searches names only


def also_found_as(*words: str) -> dict[str, list[str]]:
    """Arguments for io.Schema. The editor ignores case and matches parts of words."""
    return {"search_aliases": list(words)} if CAN_BE_FOUND_BY else {}
