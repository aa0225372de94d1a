"""Vietnamese telephone voice assistant: resets a VssID password by voice, offline."""

import os

__version__ = "0.1.0"

# numpy's products are small here and made in many threads at once, one a call: threads of its own
# would only wait for one another. Read when numpy is imported, so it stands here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
