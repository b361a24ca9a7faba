"""The loop at concurrency 1: the main thread reads frames, runs the handlers and writes the replies.

No hand-off between threads: that is what makes a call cheap. Replies of the requests of one read leave
together. A reply is held back only while fast requests follow it:

- nothing is held when no request is at hand, when 1 ms has passed, when eight wait, or when a reply is large;
- before a command that has lately taken more than 0.2 ms, or was never called, what is held is sent: should it end the
  process, the others have their answers;
- should a command that was always fast be slow for once, the control thread sends what is held within about
  20 ms.

A timer per batch would bound this more tightly but costs a system call and a switch of threads every time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from snakepit._runtime.answers import Answers
from snakepit._runtime.codec import Codec
from snakepit._runtime.commands import WARY_CALLS, Command
from snakepit._runtime.inbox import Inbox
from snakepit._runtime.peak import SLOW_S, Gauge
from snakepit._runtime.runner_main import MainRunner
from snakepit._runtime.sender import Sender
from snakepit._runtime.sessions import change_of
from snakepit._runtime.state import State
from snakepit._runtime.wire import RESPONSE, header

_SLOW_S = 0.0002
_LONG_S = 0.05
# Reading the CPU clock is a system call that costs as much as half of everything else here. A handler that
# was back this soon cannot have waited for anything, so all of its time was CPU time.
_INSTANT_S = 0.00002
_HOLD_S = 0.001
# Sent in portions, the replies of a batch are read while the rest is still worked on: with all of them in one
# write, host and worker would take turns. Measured at 32 in flight: half as much again; smaller portions gain
# no more.
_HOLD_REPLIES = 8
_LARGE_REPLY = 32 << 10


def serve(
    state: State,
    inbox: Inbox,
    channel: Sender,
    codec: Codec,
    answers: Answers,
    commands: dict[str, Command],
    runner: MainRunner,
    nudge: Callable[[], None],
    max_frame_bytes: int,
) -> None:
    """Serve until the worker is to stop and nothing is left to do.

    :raises HostGone: the host closed the connection.
    :raises ProtocolError: it sent something that is not the protocol.
    """
    # Everything the hot path touches is a local: in this loop a dotted name costs as much as the checks do.
    unstarted, cancels, progress = inbox.unstarted, state.cancels, state.progress
    partial_lines, scalars = runner.capture.partial, codec.scalars
    claim, command_of, out, flush = unstarted.pop, commands.get, channel.out, channel.flush
    settle = channel.settle
    plain, pack, size_header, hold = codec.plain, codec.pack, header, channel.out.append
    # On the platforms that have Unix sockets this is the very clock of perf_counter, and deadlines are in its
    # seconds.
    clock, cpu_clock = time.monotonic, time.thread_time
    large = min(_LARGE_REPLY, max_frame_bytes)
    gauge = runner.gauge = Gauge()
    # The peak of memory that the request at hand has caused; 0 for all but very few.
    peak = 0

    while True:
        batch = list(unstarted)
        if not batch:
            if out:
                flush()
            if not inbox.read():
                if state.stopping:
                    return
                inbox.wait()
            continue
        state.batches += 1
        if not state.ticking and len(batch) > 1:
            nudge()
        # The end of a request is the start of the next, so that one reading of each clock serves both.
        wall = sent = clock()
        cpu = cpu_clock()
        for id in batch:
            frame = claim(id, None)
            if frame is None:
                continue  # recalled or cancelled meanwhile
            command = command_of(frame[2])
            if (
                command is None
                or command.lazy
                or frame[8]
                or (frame[9] is not None and "restore" in frame[9])
                or (cancels and id in cancels)
            ):
                flush()
                runner.serve(frame, command)
                wall = sent = clock()
                cpu = cpu_clock()
                continue
            if command.wary:
                command.wary -= 1
                if out:
                    flush()
                    sent = wall
                if command.heavy:
                    command.heavy -= 1
                    settle()
                    gauge.start(id)
            # The frame before the word: see State.frame.
            state.frame = frame
            progress[0] = id
            try:
                result = command.invoke(frame[3])
            except BaseException as error:
                now, cpu_now = clock(), cpu_clock()
                reply = runner.failed(frame, error, now - wall, cpu_now - cpu)
            else:
                now = clock()
                took = now - wall
                if took < _INSTANT_S:
                    cpu_now = cpu + took
                else:
                    cpu_now = cpu_clock()
                    if took > _SLOW_S:
                        command.wary = WARY_CALLS
                        # A fast handler whose thread had to give its processor away is no heavy one.
                        if took > SLOW_S and (cpu_now - cpu > _SLOW_S or took > _LONG_S):
                            command.heavy = WARY_CALLS
                            peak = gauge.risen(id)
                reply = b""
                try:
                    # Most results are small dicts of scalars: those are looked through here, without a call.
                    if type(result) is dict and len(result) < 9:
                        for key, item in result.items():
                            if type(item) not in scalars or type(key) is not str:
                                sendable = plain(result)
                                break
                        else:
                            sendable = True
                    else:
                        sendable = plain(result)
                    change = None if frame[9] is None else change_of(runner._context, id, answers)
                    if change is not None:
                        if sendable:
                            spent = (cpu_now - cpu) * 1000
                            reply = answers.response(id, result, took * 1000, spent, peak, change)
                            peak = 0
                    elif sendable and not peak:
                        body = pack((RESPONSE, id, result, took * 1000, (cpu_now - cpu) * 1000))
                        size = len(body)
                        if size < large:
                            reply = size_header(size) + body
                except Exception:
                    # An int that is too wide, a dict that another thread changes: finish() finds out or
                    # copes.
                    pass
                if not reply:
                    reply = runner.finish(frame, result, took, cpu_now - cpu, peak)
                    sent, peak = -1.0, 0
            if cancels or partial_lines:
                runner.tidy(id)
            state.frame = None
            hold(reply)
            if now - sent > _HOLD_S or len(out) >= _HOLD_REPLIES:
                flush()
                sent = now
            wall, cpu = now, cpu_now
        # Idle, the worker must not keep what the last request brought or made: it may be large.
        frame = result = key = item = None
        body = reply = b""
