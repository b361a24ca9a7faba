"""How a test app tells its test what it does, and waits for it, without anybody guessing times."""

import os
import time

FOLDER = os.environ["SNAKEPIT_TEST_SIDE"]


def note(text):
    """Add a line to the notes, in one write, whichever process does it."""
    descriptor = os.open(os.path.join(FOLDER, "notes"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{text}\n".encode())
    finally:
        os.close(descriptor)


def notes():
    """The lines so far."""
    try:
        with open(os.path.join(FOLDER, "notes"), encoding="utf-8") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def is_open(gate):
    """Whether the test has opened a gate."""
    return os.path.exists(os.path.join(FOLDER, f"{gate}.gate"))


def wait_for(gate, seconds=50.0):
    """Until the test opens a gate; like any handler, it can be cancelled meanwhile."""
    end = time.monotonic() + seconds
    while not is_open(gate):
        if time.monotonic() > end:
            raise TimeoutError(f"nobody opened the gate '{gate}'")
        time.sleep(0.004)
