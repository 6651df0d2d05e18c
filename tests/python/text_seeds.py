"""Prints as JSON what random.Random(text) draws first, for texts of 0 to 300 bytes."""

import json
import random

texts = ["".join(chr((n + i) % 128) for i in range(n)) for n in range(301)]
print(json.dumps([(text, random.Random(text).getrandbits(64)) for text in texts]))
