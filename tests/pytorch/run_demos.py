"""Runs one of the two PyTorch programs with many command lines, and prints what each wrote, as JSON.

Usage: run_demos.py FOLDER scratch|concise COMMAND_LINES.json
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
    for arguments in json.load(file):
        sys.argv = [program + ".py", *arguments, "--json", record]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            main()
        with open(record) as written:
            results.append({"stdout": out.getvalue(), "record": json.load(written)})
print(json.dumps(results))
