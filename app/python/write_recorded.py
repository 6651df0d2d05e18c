"""Prints the records of both programs for the article's settings, for machines without PyTorch.

Usage: python3 write_recorded.py > recorded.json
"""

import json
import pathlib
import platform
import subprocess
import sys

import torch

here = pathlib.Path(__file__).parent
records = []
for program in ("scratch.py", "concise.py"):
    done = subprocess.run([sys.executable, str(here / program), "--threads", "1", "--json", "-"],
                          check=True, capture_output=True, text=True)
    records.append(json.loads(done.stdout))

record = records[0]
capability = [line.split(":")[1].strip() for line in torch.__config__.show().splitlines()
              if "CPU capability" in line]
recorded = {
    "pytorch": record["pytorch"],
    "python": platform.python_version(),
    "machine": platform.machine(),
    "cpu_capability": capability[0],
    "threads": record["threads"],
    "settings": record["settings"],
    "runs": [run for record in records for run in record["runs"]],
}
print(json.dumps(recorded, indent=2))
