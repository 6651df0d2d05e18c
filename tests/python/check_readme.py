"""Checks README.md, README.zh.md and docs/*.md against the program.

Usage: check_readme.py LINREG ROOT

Runs each command that a ```console block shows as "$ scripts/linreg ..." and compares what it prints with what is
shown: words must be equal and numbers within 1%, since the last digits differ between CPUs; times and versions are
free, and a line "..." stands for any lines. Runs the commands of the tables, too. Both READMEs must have the same ```sh
blocks, and the links between the files must lead somewhere.
"""

import functools
import pathlib
import re
import shlex
import subprocess
import sys

linreg, root = sys.argv[1], pathlib.Path(sys.argv[2])
FREE = re.compile(r"[\d.]+ (?=[mu]s\b|times)|(?<=LibTorch ).*|(?<=^PyTorch ).*")
NUMBER = re.compile(r"([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)")
problems = []


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@functools.cache
def run(command):
    done = subprocess.run([linreg, *shlex.split(command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.splitlines(), done.returncode


def same_line(shown, printed):
    shown, printed = (NUMBER.split(FREE.sub("#", line)) for line in (shown, printed))
    if len(shown) != len(printed):
        return False
    words = [" ".join(word.split()) for word in shown[::2]] == [" ".join(word.split()) for word in printed[::2]]
    return words and all(abs(float(x) - float(y)) <= 0.01 * abs(float(y)) for x, y in zip(shown[1::2], printed[1::2]))


def same(shown, printed):
    if not shown:
        return not printed
    if shown[0] == "...":
        return any(same(shown[1:], printed[i:]) for i in range(len(printed) + 1))
    return bool(printed) and same_line(shown[0], printed[0]) and same(shown[1:], printed[1:])


files = [root / "README.md", root / "README.zh.md", *sorted(root.glob("docs/*.md"))]
for file in files:
    text = file.read_text()
    for session in re.split(r"^\$ ", "".join(blocks(text, "console")), flags=re.MULTILINE)[1:]:
        command, *shown = session.splitlines()
        if command.startswith("scripts/linreg "):
            printed, _ = run(command.removeprefix("scripts/linreg "))
            if any("no Python here imports torch" in line for line in printed):
                print(f"not compared, for want of PyTorch: {command}")
            elif not same(shown, printed):
                problems.append(f"{file}: '{command}' prints\n" + "\n".join(printed))
    for command in re.findall(r"^\|.*`scripts/linreg ([^`]*)`", text, re.MULTILINE):
        printed, status = run(command)
        if status not in (0, 1):  # 1: the training diverges
            problems.append(f"{file}: '{command}' ends with {status}: {printed[-1]}")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        if not (file.parent / link).exists():
            problems.append(f"{file}: the link to {link} leads nowhere")

english, chinese = ([re.sub(r" *#.*", "", block) for block in blocks(file.read_text(), "sh")] for file in files[:2])
if english != chinese:
    problems.append("README.md and README.zh.md have other shell blocks")
sys.exit("\n".join(problems) or 0)
