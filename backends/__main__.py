"""`python -m backends`: the command line of the models, see `backends.cli`."""

import sys

from backends.cli import main

if __name__ == "__main__":
    sys.exit(main())
