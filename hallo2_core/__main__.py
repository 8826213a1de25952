"""The `hallo2` command; `python -m hallo2_core` is the same program."""

import sys
from importlib.util import find_spec


def main() -> int:
    """torch is not a dependency: ComfyUI provides it, and elsewhere the right build depends on the GPU."""
    if find_spec("torch") is None:
        sys.stderr.write("hallo2: PyTorch is missing. Install the build for your machine: pip install torch\n")
        return 2
    from .cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
