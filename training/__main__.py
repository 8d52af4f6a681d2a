"""`python -m training adapt TASK FOLDER --name NAME`: adapt a network to one's own files, see `adapt.command`."""

import sys

from training.adapt.command import main

if __name__ == "__main__":
    sys.exit(main())
