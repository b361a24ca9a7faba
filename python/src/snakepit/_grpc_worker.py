"""What a worker process runs that serves gRPC itself: ``python -m snakepit._grpc_worker``.

The host sets ``SNAKEPIT_SOCKET``, where to listen, and ``SNAKEPIT_WELCOME``, the content of WELCOME in ``proto/PROTOCOL.md`` with
the codecs it speaks; nobody starts this by hand.
"""

from __future__ import annotations

# Children that multiprocessing spawns import this file again under another name: they must not become
# workers.
if __name__ == "__main__":
    import os
    import sys

    from snakepit._runtime import process
    from snakepit._serve import extra

    # Before what takes a while to load: the host may end meanwhile.
    process.die_with_host()
    process.arm_fault_handler()
    stdin = process.take_stdin()
    # Handlers may fork, as multiprocessing does. What gRPC does about forks is meant for children that go on to use it, and made others
    # crash: one of some twenty, with grpcio 1.8x. It reads this when it is loaded; who has set it knows why.
    unsaid = "GRPC_ENABLE_FORK_SUPPORT" not in os.environ
    if unsaid:
        os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    missing = extra.complaint()
    if missing:
        print(f"snakepit: {missing}", file=sys.stderr)
        sys.exit(1)

    from snakepit._serve.inside import main

    if unsaid:
        del os.environ["GRPC_ENABLE_FORK_SUPPORT"]
    main(stdin)
