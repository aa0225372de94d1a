"""Vietnamese telephone voice assistant: resets a VssID password by voice, offline."""

__version__ = "0.1.0"
