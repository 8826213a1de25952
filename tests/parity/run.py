"""Run the golden cases of a folder against the package: `python tests/parity/run.py DIR [--json] [--zero-adapter]`.

One line per case (per clip, for long videos): name, largest absolute difference, also relative to the largest expected
value, PASS, FAIL or SKIP, and the reason. Exit status 1 if any case fails or none ran.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


def main() -> int:
    import torch

    from hallo2_core.cli import precision
    from hallo2_core.errors import Hallo2Error
    from hallo2_core.models.precision import HALLO2_PRECISION
    from hallo2_core.selftest.case import Settings
    from hallo2_core.selftest.run_cases import run_folder

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object a case")
    parser.add_argument("--light", action="store_true", help="skip full-size cases (about 10 GiB of memory)")
    parser.add_argument("--device", default="cpu")
    precision.add_arguments(parser, default="float32")
    parser.add_argument(
        "--zero-adapter", action="store_true", help="with a prompt and an untrained adapter: the same lines must come"
    )
    arguments = parser.parse_args()
    statuses = []
    try:
        device = torch.device(arguments.device)
        build = precision.chosen_build(arguments, device, HALLO2_PRECISION)
        compute = build.compute_dtype or build.dtype
        settings = Settings(device, compute, build.dtype, zero_adapter=arguments.zero_adapter)
        for verdict in run_folder(arguments.folder, settings, not arguments.light):
            statuses.append(verdict.status)
            print(json.dumps(verdict.as_json()) if arguments.json else verdict, flush=True)
    except Hallo2Error as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if "PASS" in statuses and "FAIL" not in statuses else 1


if __name__ == "__main__":
    sys.exit(main())
