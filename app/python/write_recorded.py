"""Prints the records of both programs for the article's settings, for machines without PyTorch.

Usage: python3 write_recorded.py > recorded.json
"""

import json
import platform

import torch

from both import run_both

record = run_both(["--threads=1"])
capability = [line.split(":")[1].strip() for line in torch.__config__.show().splitlines()
              if "CPU capability" in line]
recorded = {
    "pytorch": record["pytorch"],
    "python": platform.python_version(),
    "machine": platform.machine(),
    "cpu_capability": capability[0],
    "threads": record["threads"],
    "settings": record["settings"],
    "runs": record["runs"],
}
print(json.dumps(recorded, indent=2))
