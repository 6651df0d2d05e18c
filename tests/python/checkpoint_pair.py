"""Writes two checkpoints, LEFT and RIGHT, of nested dicts, lists and values other than tensors.

Usage: checkpoint_pair.py LEFT RIGHT
"""

import sys

import torch

one = torch.tensor([1.0])
torch.save({"epoch": 3, "model": {"weight": one}, "steps": [one, (None, "text")],
            "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1}]}}, sys.argv[1])
torch.save({"epoch": 3, "model": {"weight": torch.nextafter(one, 2 * one)}, "steps": [one, (None, one)]}, sys.argv[2])
