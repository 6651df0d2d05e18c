"""Linear regression, concisely, in PyTorch: section 4 of 动手学深度学习(二)线性神经网络 on the book d2l.ai."""

import time

import torch
from torch import nn
from torch.utils import data

from files import read_checkpoint, save_state, write_checkpoint
from scratch import initial_state, synthetic_data
from settings import add_training_options, parse_arguments, write_record


def load_array(data_arrays, batch_size, is_train=True):
    """A PyTorch data iterator."""
    dataset = data.TensorDataset(*data_arrays)
    return data.DataLoader(dataset, batch_size, shuffle=is_train)


def add_options(parser):
    add_training_options(parser)
    parser.add_argument("--look", action="store_true",
                        help="draw and print a minibatch before training, as the article's 4.2")


def main():
    args = parse_arguments(__doc__, add_options)
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    say = print if args.json != "-" else lambda *words: None

    true_w = torch.tensor(args.true_w)
    true_b = args.true_b
    features, labels = synthetic_data(true_w, true_b, args.examples, args.noise)

    batch_size = args.batch_size
    data_iter = load_array((features, labels), batch_size)
    if args.look and not args.resume:
        say(next(iter(data_iter)))

    net = nn.Sequential(nn.Linear(len(true_w), 1))
    net[0].weight.data.normal_(0, 0.01)
    net[0].bias.data.fill_(0)
    if args.init != "normal":
        net.load_state_dict(initial_state(args.init, len(true_w)))

    loss = nn.MSELoss()
    trainer = torch.optim.SGD(net.parameters(), lr=args.lr)

    steps = 0
    epoch_loss = []
    if args.resume:
        checkpoint = read_checkpoint(args.resume, "concise", args)
        epoch_loss = checkpoint["losses"]
        net.load_state_dict(checkpoint["model_state_dict"])
        trainer.load_state_dict(checkpoint["optimizer_state_dict"])
        for param in net.parameters():
            param.grad = torch.zeros_like(param)  # as zero_grad of 1.13 left it
    start = time.perf_counter()
    num_epochs = args.epochs
    for epoch in range(len(epoch_loss), num_epochs):
        for X, y in data_iter:
            l = loss(net(X), y)
            trainer.zero_grad()
            l.backward()
            trainer.step()
            steps += 1
        l = loss(net(features), labels)
        epoch_loss.append(l.item())
        if args.checkpoint:
            write_checkpoint(args.checkpoint, "concise", args, epoch_loss, net.state_dict(),
                             optimizer_state_dict=trainer.state_dict())
        say(f'epoch {epoch + 1}, loss {l:f}')
    train_seconds = time.perf_counter() - start

    error_in = "{}的估计误差:" if args.lang == "zh" else "error in estimating {}:"
    w = net[0].weight.data
    w_error = true_w - w.reshape(true_w.shape)
    say(error_in.format("w"), w_error)
    b = net[0].bias.data
    b_error = true_b - b
    say(error_in.format("b"), b_error)
    if args.save:
        save_state(net.state_dict(), args.save)
    if args.json:
        write_record(args, "concise", torch.__version__, torch.get_num_threads(), epoch_loss, w, b,
                     w_error, b_error, steps, train_seconds)


if __name__ == "__main__":
    main()
