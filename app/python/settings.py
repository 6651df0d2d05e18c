"""Shared by the programs: the options, and the record that `linreg compare` reads."""

import argparse
import json
import math
import os
import sys


def true_weights(text):
    return [float(number) for number in text.split(",")]


def add_training_options(parser):
    parser.add_argument("--lr", type=float, default=0.03, help="learning rate")
    parser.add_argument("--epochs", type=int, default=3, help="passes over the data")
    parser.add_argument("--init", default="normal", metavar="FILE",
                        help="start from a state_dict file, normal or zero")
    parser.add_argument("--save", metavar="FILE",
                        help="write the trained weights; .safetensors or .pt")
    parser.add_argument("--checkpoint", metavar="FILE",
                        help="write after each epoch what --resume goes on with")
    parser.add_argument("--resume", metavar="FILE",
                        help="go on with the training in that checkpoint")
    parser.add_argument("--json", metavar="FILE",
                        help="write a record of the run; - for stdout, in place of the text")
    parser.add_argument("--lang", default="en", choices=["en", "zh"],
                        help="language of the labels: en, or the article's zh")
    parser.set_defaults(look=False)  # --look is for the concise program only


def parse_arguments(description, add_options=add_training_options):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=0, help="seed of all random numbers")
    parser.add_argument("--examples", type=int, default=1000, help="number of examples")
    parser.add_argument("--true-w", type=true_weights, default=[2.0, -3.4], metavar="W1,W2,...",
                        help="weights that generate the data; as many as there are features")
    parser.add_argument("--true-b", type=float, default=4.2, help="bias that generates the data")
    parser.add_argument("--noise", type=float, default=0.01,
                        help="standard deviation of the labels' noise")
    parser.add_argument("--batch-size", type=int, default=10, help="examples in a minibatch")
    parser.add_argument("--threads", type=int, help="threads that PyTorch computes with")
    add_options(parser)
    # argparse takes "--true-w -2,3" for two options; joined by "=" it is one.
    words = sys.argv[1:]
    for i in range(len(words) - 1, 0, -1):
        if words[i - 1] == "--true-w":
            words[i - 1:i + 1] = [f"--true-w={words[i]}"]
    return parser.parse_args(words)


def json_number(x):
    """Returns x, or its name where JSON has no number for it."""
    return x if math.isfinite(x) else str(x)


def settings_of(args):
    """The settings that a record has."""
    return {
        "seed": args.seed, "examples": args.examples, "true_w": args.true_w,
        "true_b": args.true_b, "noise": args.noise, "lr": args.lr, "epochs": args.epochs,
        "batch_size": args.batch_size,
        # A path need not be UTF-8.
        "init": os.fsencode(args.init).decode(errors="replace"),
    }


def write_record(args, implementation, version, threads, epoch_loss, w, b, w_error, b_error,
                 steps, train_seconds):
    """Writes the run as JSON to args.json, every float32 with its exact value."""
    record = {
        "pytorch": version,
        "threads": threads,
        "settings": settings_of(args),
        "runs": [{
            "implementation": implementation, "framework": "pytorch", "version": version,
            "epoch_loss": [json_number(loss) for loss in epoch_loss],
            "w": [json_number(x) for x in w.reshape(-1).tolist()],
            "b": json_number(b.item()),
            "w_error": [json_number(x) for x in w_error.reshape(-1).tolist()],
            "b_error": json_number(b_error.item()),
            "steps": steps, "train_seconds": train_seconds,
        }],
    }
    if args.look:
        record["settings"]["look"] = True
    text = json.dumps(record, indent=2) + "\n"
    if args.json == "-":
        sys.stdout.write(text)
    else:
        with open(args.json, "w") as file:
            file.write(text)
