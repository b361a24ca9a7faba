"""A worker behind gRPC, for hosts on other machines: ``python -m snakepit worker``.

Two processes. The parent serves ``snakepit.v1.Worker`` and never runs the app; its child is the ordinary worker, which
speaks the ordinary socket protocol to it. So whatever the app does, hosts get answers, and what a handler hangs or kills is
the child alone.
"""
