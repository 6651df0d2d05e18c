"""Linear regression from scratch, in PyTorch: section 3 of 动手学深度学习(二)线性神经网络 on the book d2l.ai."""

import random
import time

import torch

from files import load_state, read_checkpoint, save_state, write_checkpoint
from settings import parse_arguments, write_record


def synthetic_data(w, b, num_examples, noise):
    """Generates y = Xw + b + noise."""
    X = torch.normal(0, 1, (num_examples, len(w)))
    y = torch.matmul(X, w) + b
    y += torch.normal(0, noise, y.shape)
    return X, y.reshape((-1, 1))


def data_iter(batch_size, features, labels):
    num_examples = len(features)
    indices = list(range(num_examples))
    random.shuffle(indices)
    for i in range(0, num_examples, batch_size):
        batch_indices = torch.tensor(indices[i:min(i + batch_size, num_examples)])
        yield features[batch_indices], labels[batch_indices]


def initial_state(init, num_features):
    """Returns the initial weights and bias that --init names, as nn.Sequential names them."""
    if init == "zero":
        return {"0.weight": torch.zeros(1, num_features), "0.bias": torch.zeros(1)}
    return load_state(init)


def state_of(w, b):
    """The weights as nn.Sequential names them."""
    return {"0.weight": w.detach().reshape(1, -1), "0.bias": b.detach()}


def linreg(X, w, b):
    """The linear regression model."""
    return torch.matmul(X, w) + b


def squared_loss(y_hat, y):
    """Half of the squared error, for each example."""
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params, lr, batch_size):
    """Minibatch stochastic gradient descent."""
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()


def main():
    args = parse_arguments(__doc__)
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    random.seed(args.seed)
    say = print if args.json != "-" else lambda *words: None

    true_w = torch.tensor(args.true_w)
    true_b = args.true_b
    features, labels = synthetic_data(true_w, true_b, args.examples, args.noise)

    w = torch.normal(0, 0.01, (len(true_w), 1), requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    if args.init != "normal":
        state = initial_state(args.init, len(true_w))
        with torch.no_grad():
            w.copy_(state["0.weight"].reshape(w.shape))
            b.copy_(state["0.bias"])

    lr = args.lr
    num_epochs = args.epochs
    batch_size = args.batch_size
    net = linreg
    loss = squared_loss

    steps = 0
    epoch_loss = []
    if args.resume:
        checkpoint = read_checkpoint(args.resume, "scratch", args)
        epoch_loss = checkpoint["losses"]
        state = checkpoint["model_state_dict"]
        with torch.no_grad():
            w.copy_(state["0.weight"].reshape(w.shape))
            b.copy_(state["0.bias"])
        for param in [w, b]:
            param.grad = torch.zeros_like(param)  # as sgd left it
    start = time.perf_counter()
    for epoch in range(len(epoch_loss), num_epochs):
        for X, y in data_iter(batch_size, features, labels):
            l = loss(net(X, w, b), y)
            l.sum().backward()
            sgd([w, b], lr, batch_size)
            steps += 1
        with torch.no_grad():
            train_l = loss(net(features, w, b), labels)
            epoch_loss.append(float(train_l.mean()))
            if args.checkpoint:
                write_checkpoint(args.checkpoint, "scratch", args, epoch_loss, state_of(w, b))
            say(f'epoch {epoch + 1}, loss {epoch_loss[-1]:f}')
    train_seconds = time.perf_counter() - start

    w_error = true_w - w.reshape(true_w.shape)
    b_error = true_b - b
    if args.lang == "zh":
        say(f'w的估计误差:{w_error}')
        say(f'b的估计误差:{b_error}')
    else:
        say(f'error in estimating w: {w_error}')
        say(f'error in estimating b: {b_error}')
    if args.save:
        save_state(state_of(w, b), args.save)
    if args.json:
        write_record(args, "scratch", torch.__version__, torch.get_num_threads(), epoch_loss, w, b,
                     w_error, b_error, steps, train_seconds)


if __name__ == "__main__":
    main()
