"""Times the C++ demos beside the PyTorch programs, all in one run. Started by scripts/bench.

The programs take turns, so that a busy moment of the machine affects all alike, and each figure is
the median of its turns. Nothing is compared with stored numbers.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PYTORCH = HERE.parent / "app" / "python"
STEPS = HERE / "pytorch_steps.py"
MIB = 1 << 20
demos = ("scratch", "concise")
median = statistics.median


def progress(text):
    if sys.stderr.isatty():
        print(f"\r{text:<78}", end="\r", file=sys.stderr, flush=True)


def run(command):
    """Runs a command and returns its wall time in seconds and its peak memory in bytes."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"linreg: {' '.join(map(str, command))} failed")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def options(n, d, batch_size, epochs, threads):
    w = ",".join(str(-3.4 + 5.4 * j / max(d - 1, 1)) for j in range(d))
    return ["--examples", str(n), f"--true-w={w}", "--batch-size", str(batch_size), "--epochs",
            str(epochs), "--threads", str(threads), "--lr", "0.01"]


class Bench:
    def __init__(self, args):
        self.bin = args.bin
        self.quick = args.quick
        self.record = pathlib.Path(tempfile.mkdtemp()) / "record.json"
        self.result = {}

    def train(self, command, *setting):
        """Runs a demo and returns the seconds of its training loop and the peak memory of its process."""
        _, peak = run([*command, *options(*setting), "--json", self.record])
        return json.loads(self.record.read_text())["runs"][0]["train_seconds"], peak

    def pytorch(self, demo):
        return [sys.executable, PYTORCH / f"{demo}.py"]

    def libtorch(self, demo, engine="autograd"):
        return [self.bin / "linreg", demo, "--engine", engine]

    def benchmark(self, n, d, batch_size, threads, names="", seconds=0.05):
        """Returns Google Benchmark's microseconds per epoch, by name, and its context."""
        out = subprocess.run(
            [self.bin / "linreg_bench", f"--benchmark_filter={names}", f"--benchmark_min_time={seconds}",
             "--benchmark_format=json", str(n), str(d), str(batch_size), str(threads)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        out = json.loads(out.stdout)
        return {b["name"].split("/")[0]: b["real_time"] for b in out["benchmarks"]}, out["context"]

    def step(self):
        rounds, n, d, batch_size = (3 if self.quick else 11), 10000, 2, 10
        rows = {"PyTorch, from scratch": "scratch.py", "C++, from scratch": "scratch",
                "  fused, from scratch": "scratch, fused", "  plain C++ over floats": "plain",
                "PyTorch, concise": "concise.py", "C++, concise": "concise",
                "  fused, concise": "concise, fused"}
        turns = []
        for i in range(rounds):
            progress(f"a step: turn {i + 1} of {rounds}")
            steps = subprocess.run(
                [sys.executable, STEPS, PYTORCH, *options(n, d, batch_size, 1, 1)],
                stdout=subprocess.PIPE, check=True)
            turn = json.loads(steps.stdout)
            version = turn.pop("version")
            for threads in (1, 2):
                epochs, context = self.benchmark(n, d, batch_size, threads, "-part:.*")
                turn |= {f"{name} {threads}": us * batch_size / n for name, us in epochs.items()}
            turns.append(turn)
        table = {key: median(turn[key] for turn in turns) for key in turns[0]}
        config = context["config"]
        capability = config.split("CPU capability usage: ")[-1].split()[0]
        print(f"LibTorch {context['libtorch']}, PyTorch {version}, {os.cpu_count()} CPUs "
              f"at {context['mhz_per_cpu']} MHz, {capability}")
        print(f"C++ allocates with {context['allocator']}, PyTorch with the system's malloc")
        print(f"\nA training step: {batch_size} examples of {d} features, epochs of {n}; "
              f"median of {rounds}")
        print(f"{'':29}{'1 thread':>20}{'2 threads':>22}")
        print(f"{'':29}{'us':>10}{'PyTorch/':>10}{'us':>12}{'PyTorch/':>10}")
        for label, name in rows.items():
            line = f"{label:29}"
            for threads, width in ((1, 10), (2, 12)):
                us = table[f"{name} {threads}"]
                base = table[f"{'concise' if 'concise' in name else 'scratch'}.py {threads}"]
                line += f"{us:{width}.2f}{base / us:9.1f}x"
            print(line)
        self.result |= {"libtorch": context["libtorch"], "pytorch": version,
                        "allocator": context["allocator"], "cpu_capability": capability,
                        "rounds": rounds, "step_us": table}

    def process(self):
        rounds = 3 if self.quick else 15
        commands = {"empty program with LibTorch": [self.bin / "linreg_empty"]}
        for demo in demos:
            commands[f"C++, {demo}"] = self.libtorch(demo)
        commands["import torch in Python"] = [sys.executable, "-c", "import torch; torch.ones(1)"]
        for demo in demos:
            commands[f"PyTorch, {demo}"] = self.pytorch(demo)
        runs = {label: [] for label in commands}
        for i in range(rounds + 1):
            progress(f"whole processes: turn {i} of {rounds}")
            for label, command in commands.items():
                measured = run(command)
                if i:  # the first turn warms the page cache
                    runs[label].append(measured)
        print(f"\nThe whole process, the article's settings; median of {rounds}")
        print(f"{'':29}{'ms':>10}{'over empty':>12}{'peak MiB':>10}{'over empty':>12}")
        seconds, peaks = ({label: median(column) for label, column in
                           ((label, [r[k] for r in rs]) for label, rs in runs.items())}
                          for k in (0, 1))
        for base, *labels in (list(commands)[:3], list(commands)[3:]):
            for label in (base, *labels):
                print(f"{label:29}{seconds[label] * 1e3:10.0f}"
                      f"{(seconds[label] - seconds[base]) * 1e3:12.0f}{peaks[label] / MIB:10.0f}"
                      f"{(peaks[label] - peaks[base]) / MIB:12.1f}")
        self.base = {demo: peaks[f"C++, {demo}"] for demo in demos}
        self.result["process"] = {label: {"seconds": seconds[label], "peak_bytes": peaks[label]}
                                  for label in commands}

    def parts(self, n, d):
        """Returns the seconds that an epoch's parts take beside the steps, by name."""
        parts, _ = self.benchmark(n, d, 10, 1, "part:.*", 0.01)
        return {name.removeprefix("part: "): us / 1e6 for name, us in parts.items()}

    def scale(self):
        sizes = [(n, 2) for n in (10**4, 10**5, 10**6, 10**7)] + [(n, 100) for n in (10**4, 10**5, 10**6)]
        columns = ("order, scratch", "order, concise", "gather", "loss, scratch", "loss, concise", "copy")
        print("\nWhat an epoch of the fused engine has beside its steps, and a plain copy of the data;"
              "\n1 thread, ns an example")
        print(f"{'':17}{'order':>10}{'order':>10}{'':10}{'loss':>10}{'loss':>10}")
        print(f"{'examples':>9}{'features':>9}"
              f"{'scratch':>9}{'concise':>10}{'gather':>10}{'scratch':>10}{'concise':>10}{'copy':>10}")
        parts = {}
        for n, d in sizes:
            progress(f"parts: {n} examples, {d} features")
            parts[n, d] = self.parts(n, d)
            progress("")
            print(f"{n:9}{d:8}" + "".join(f"{parts[n, d][name] / n * 1e9:10.1f}" for name in columns), flush=True)
        self.result["scale"] = []
        for demo in demos:
            print(f"\nScale, {'from scratch' if demo == 'scratch' else demo}; 1 thread, ns an example. peak: the"
                  "\nfused engine's memory over that with 1000 examples, in sizes of the data."
                  "\ncopies: its epoch in copies of the data. bound: by what takes it most")
            print(f"{'':22}{'':9}{'C++ ':>16}{'fused':>16}")
            print(f"{'examples':>9}{'features':>9}{'batch':>7}{'PyTorch':>9}{'ns':>8}{'PyTorch/':>9}{'ns':>8}"
                  f"{'PyTorch/':>9}{'peak':>5}{'copies':>7}  bound")
            for n, d in sizes:
                for batch_size in (10, 256, n):
                    self.scale_row(demo, n, d, batch_size, parts[n, d])

    def scale_row(self, demo, n, d, batch_size, parts):
        progress(f"scale: {demo}, {n} examples, {d} features, batches of {batch_size}")
        # Enough epochs that the first one, which touches the memory first, weighs little.
        epochs = 1 if n > 10**6 else max(3, 3 * 10**5 // n)
        setting = (n, d, batch_size, epochs, 1)
        commands = self.pytorch(demo), self.libtorch(demo), self.libtorch(demo, "fused")
        runs = [[self.train(command, *setting) for command in commands] for _ in range(1 if n >= 10**6 else 3)]
        python, autograd, fused = (median(seconds for seconds, _ in runs_of) / epochs for runs_of in zip(*runs))
        peak = (median(turn[2][1] for turn in runs) - self.base[demo]) / (n * (d + 1) * 4)
        shares = {"order": parts[f"order, {demo}"], "gather": parts["gather"], "loss": parts[f"loss, {demo}"]}
        shares["steps"] = fused - sum(shares.values())
        bound = max(shares, key=shares.get)
        progress("")
        print(f"{n:9}{d:8}{'all' if batch_size == n else batch_size:>8}{python / n * 1e9:9.0f}"
              f"{autograd / n * 1e9:8.0f}{python / autograd:8.1f}x{fused / n * 1e9:8.1f}{python / fused:8.1f}x"
              f"{f'{peak:.1f}' if n >= 10**6 else '':>5}{fused / parts['copy']:7.1f}  {bound}", flush=True)
        self.result["scale"].append(
            {"demo": demo, "examples": n, "features": d, "batch_size": batch_size, "pytorch_seconds": python,
             "libtorch_seconds": autograd, "fused_seconds": fused, "peak_per_data": peak, "bound_by": bound})


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer turns, and none of the larger sizes")
    parser.add_argument("--json", metavar="FILE", help="also write the figures as JSON")
    parser.add_argument("--bin", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    bench = Bench(args)
    bench.step()
    bench.process()
    if not args.quick:
        bench.scale()
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(bench.result, indent=2) + "\n")


if __name__ == "__main__":
    main()
