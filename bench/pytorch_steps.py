"""Prints the microseconds per step of the two PyTorch programs, by number of threads, as JSON.

Usage: pytorch_steps.py FOLDER PROGRAM_OPTIONS...
"""

import contextlib
import importlib
import io
import json
import os
import sys
import tempfile

folder, *options = sys.argv[1:]
sys.path.insert(0, folder)
microseconds = {}
with tempfile.TemporaryDirectory() as temporary:
    record = os.path.join(temporary, "record.json")
    for threads in ("1", "2"):
        for demo in ("scratch", "concise"):
            for _ in ("warm up", "measure"):
                sys.argv = [demo, *options, "--threads", threads, "--json", record]
                with contextlib.redirect_stdout(io.StringIO()):
                    importlib.import_module(demo).main()
            with open(record) as file:
                run = json.load(file)["runs"][0]
            microseconds[f"{demo}.py {threads}"] = run["train_seconds"] * 1e6 / run["steps"]
            microseconds["version"] = run["version"]
print(json.dumps(microseconds))
