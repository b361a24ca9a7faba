"""What `npm start` runs: the library, and mishaps on purpose beside it."""

import app
import mishaps

__all__ = ["app", "mishaps"]
