"""The data and a first minibatch, in PyTorch: 3.2, 3.3 and 4.2 of 动手学深度学习(二)线性神经网络 on the book d2l.ai."""

import random

import torch

from concise import load_array
from scratch import data_iter, synthetic_data
from settings import parse_arguments


def add_loader_option(parser):
    parser.add_argument("--loader", default="scratch", choices=["scratch", "concise"],
                        help="which demo reads the minibatch: scratch as in 3.3, concise as in 4.2")


def main():
    args = parse_arguments(__doc__, add_loader_option)
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    random.seed(args.seed)

    true_w = torch.tensor(args.true_w)
    true_b = args.true_b
    features, labels = synthetic_data(true_w, true_b, args.examples, args.noise)
    print('features:', features[0], '\nlabel:', labels[0])

    batch_size = args.batch_size
    if args.loader == "scratch":
        for X, y in data_iter(batch_size, features, labels):
            print(X, '\n', y)
            break
    else:
        print(next(iter(load_array((features, labels), batch_size))))


if __name__ == "__main__":
    main()
