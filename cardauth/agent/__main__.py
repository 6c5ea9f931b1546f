"""`python -m cardauth.agent`."""

import sys

from cardauth.agent.program import main

if __name__ == "__main__":
    sys.exit(main())
