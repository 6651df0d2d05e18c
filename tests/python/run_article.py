"""Runs the article's own programs, read from its text, and prints what they print for each seed, as JSON.

Added is only what d2l would have supplied: synthetic_data (the article's own, of section 3), linreg (the article's
model), and drawing, which does nothing. The seeds are set before each program.

Usage: run_article.py ARTICLE.txt SEED...
"""

import ast
import contextlib
import importlib.util
import io
import json
import pathlib
import random
import re
import sys
from unittest import mock

import torch

LOOK = "print(next(iter(data_iter)))"


def is_code(text):
    """Whether Python parses the text and every name in it is ASCII: a Chinese word alone would be a name, too."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    return all(node.id.isascii() for node in ast.walk(tree) if isinstance(node, ast.Name))


def code_blocks(section):
    blocks = []
    without_lists = re.sub(r"(?m)^\s*•.*$", "", section)
    for paragraph in re.split(r"\n\s*\n", without_lists):
        with_last = "\n\n".join([*blocks[-1:], paragraph])
        if paragraph.startswith("    ") and is_code(with_last):  # a function's body with an empty line in it
            blocks[-1] = with_last
        elif is_code(paragraph):
            blocks.append(paragraph)
    return blocks


def run(blocks, seed, names):
    random.seed(seed)
    torch.manual_seed(seed)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec("\n\n".join(blocks), names)
    return out.getvalue()


article, *seeds = sys.argv[1:]
text = pathlib.Path(article).read_text(encoding="utf-8")
*_, section_3, section_4 = re.split(r"(?m)^[一二三四]、.*$", text)  # the headings stand in the table of contents, too
scratch, concise = code_blocks(section_3), code_blocks(section_4)

d2l = mock.MagicMock()
d2l.d2l = d2l.torch = d2l
sys.modules |= {"d2l": d2l, "d2l.torch": d2l}
exec(next(block for block in scratch if "def synthetic_data" in block), {"torch": torch}, d2l.__dict__)
if importlib.util.find_spec("numpy") is None:  # d2l would bring it along, and only what draws uses it
    concise = [block.replace("import numpy as np\n", "") for block in concise]
    torch.Tensor.numpy = lambda tensor: tensor

torch.set_num_threads(1)
results = []
for seed in map(int, seeds):
    names = {"linreg": lambda *tensors: names["linear"](*tensors)}
    results.append({
        "scratch": run(scratch, seed, names),
        "concise with a look": run(concise, seed, {}),
        "concise": run([block for block in concise if not block.startswith(LOOK)], seed, {}),
    })
print(json.dumps(results))
