"""``python -m snakepit``: what this package does when it is run by hand."""

from __future__ import annotations

if __name__ == "__main__":
    from snakepit._serve.cli import main

    main()
