"""The other side of collectors/_match.py: one search, then the end.

In: the length of the pattern in bytes and a newline, the pattern, the text, all UTF-8, to the end
of input. Out: 1 found, 0 not found. First argument: seconds of processor time it may use, so that
it ends even when nobody is left to end it.
"""

import re
import resource
import sys


def main() -> None:
    seconds = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    length, _, rest = sys.stdin.buffer.read().partition(b"\n")
    pattern = rest[: int(length)].decode()
    text = rest[int(length) :].decode()
    sys.stdout.write("1" if re.search(pattern, text) else "0")


if __name__ == "__main__":
    main()
