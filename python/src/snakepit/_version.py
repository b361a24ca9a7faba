"""The version of this runtime; it ships inside the npm package of the same version."""

__version__ = "0.1.0"
