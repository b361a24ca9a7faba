"""What a worker process runs: ``python -m snakepit._worker``.

The host sets ``SNAKEPIT_SOCKET``, ``SNAKEPIT_TOKEN`` and ``SNAKEPIT_WORKER_ID``; nobody starts this by hand.
"""

# Children that multiprocessing spawns import this file again under another name: they must not become
# workers.
if __name__ == "__main__":
    from snakepit._runtime.main import main

    main()
