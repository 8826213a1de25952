"""`python -m hallo2_core` is the same program as `hallo2`."""

import sys

from .cli import main

sys.exit(main())
