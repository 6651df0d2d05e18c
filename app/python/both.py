"""Runs scratch.py and concise.py, one after the other, and prints one record with the runs of both.

What `linreg compare` runs: importing torch takes longer than either training. It starts this before it trains itself,
and then writes --true-w as a line to stdin, for which this waits: neither trains while the other does.
"""

import contextlib
import io
import json
import sys

import concise
import scratch


def record_of(main):
    """What a program prints with --json=-."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main()
    return json.loads(out.getvalue())


def run_both(arguments):
    """The record of both programs, given these arguments."""
    sys.argv[1:] = [*arguments, "--json=-"]
    record = record_of(scratch.main)
    record["runs"] += record_of(concise.main)["runs"]
    return record


if __name__ == "__main__":
    true_w = sys.stdin.readline()
    if true_w:  # else `linreg compare` has ended
        print(json.dumps(run_both([*sys.argv[1:], f"--true-w={true_w}"]), indent=2))
