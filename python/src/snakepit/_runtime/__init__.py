"""The worker's inside. Nothing here is public; apps import from ``snakepit``."""
