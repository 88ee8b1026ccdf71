"""Reads one case on standard input and writes its answer to standard output."""

import json
import sys

from tests.support.naive.answers import answer

if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
