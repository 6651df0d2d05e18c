"""Reads a checkpoint of random states, draws from each, and writes its own states and the next draws.

Usage: random_states.py READ.pt WRITE.pt
"""

import random
import sys

import torch


def draws():
    return {"torch": torch.randn(20), "python": [random.getrandbits(32), random.gauss(0, 1)]}


states = torch.load(sys.argv[1])
torch.set_rng_state(states["torch"])
random.setstate(states["python"])
drawn = draws()
torch.randn(3)  # of a normal number that the generator keeps, too
states = {"torch": torch.get_rng_state(), "python": random.getstate()}
torch.save({"drawn": drawn, "states": states, "next": draws()}, sys.argv[2])
