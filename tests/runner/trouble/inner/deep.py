"""What the app calls."""


def divide(a, b):
    return a / b


def give_up(value):
    raise TypeError(f"no way to write {type(value).__name__}")


def down(n):
    return down(n + 1)


def ping(n):
    return pong(n + 1)


def pong(n):
    return ping(n + 1)


def fail_from(problem, number):
    raise ValueError(f"number {number}") from problem
