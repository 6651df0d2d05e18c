"""Runs one of the PyTorch programs with many command lines, and prints their output and records as JSON.

Usage: run_demos.py FOLDER scratch|concise|data COMMAND_LINES.json
"""

import contextlib
import importlib
import io
import json
import os
import sys
import tempfile

folder, program, command_lines = sys.argv[1:]
sys.path.insert(0, folder)
main = importlib.import_module(program).main

results = []
with tempfile.TemporaryDirectory() as temporary, open(command_lines) as file:
    record = os.path.join(temporary, "record.json")
    to_record = [] if program == "data" else ["--json", record]
    for arguments in json.load(file):
        sys.argv = [program + ".py", *arguments, *to_record]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            main()
        results.append({"stdout": out.getvalue()})
        if to_record:
            with open(record) as written:
                results[-1]["record"] = json.load(written)
print(json.dumps(results))
