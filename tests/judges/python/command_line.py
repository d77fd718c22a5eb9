"""`SCRIPT HOST PORT VERSION` runs the checks of a script, and ends with 1 if one of them fails."""

import sys
import unittest

# Where the gateway listens, and the version of the protocol that it is to choose.
HOST = PORT = VERSION = None


def main():
    global HOST, PORT, VERSION
    if len(sys.argv) != 4:
        sys.exit(f"usage: {sys.argv[0]} HOST PORT VERSION")
    HOST, PORT, VERSION = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    unittest.main(module="__main__", argv=sys.argv[:1], verbosity=2)
