"""What the speech and the networks in a work folder were made with.

Finished stages are not done again, so a run with other options would go on with what the old ones
made: it is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from assistant.errors import UsageError

FILE = "options.json"


def require_unchanged(work: Path, options: Mapping[str, object]) -> None:
    """Note ``options``, by the names users know, in a new work folder; hold them against the note
    in an old one; one without a note is taken as it is. Raises UsageError
    ``train-work-differs``, ``train-work-write``."""
    file = work / FILE
    try:
        if not file.is_file():
            work.mkdir(parents=True, exist_ok=True)
            partial = file.with_suffix(".partial")
            partial.write_text(json.dumps(options, ensure_ascii=False, indent=1) + "\n", "utf-8")
            os.replace(partial, file)
        noted = json.loads(file.read_text("utf-8"))
    except OSError:
        raise UsageError(
            "train-work-write",
            f"Không ghi được dữ liệu trung gian vào {work}.",
            "Kiểm tra quyền ghi và dung lượng đĩa, hoặc chọn nơi khác với --work.",
        ) from None
    except ValueError:
        noted = None
    now = json.loads(json.dumps(options))  # as it comes back from a file
    if noted != now:
        noted = noted if isinstance(noted, dict) else {}
        changed = [name for name in now if noted.get(name) != now[name]]
        raise UsageError(
            "train-work-differs",
            f"Thư mục {work} là của một lần huấn luyện khác (khác {', '.join(changed)}).",
            "Chạy lại đúng các tùy chọn cũ để làm tiếp, đặt --work là thư mục khác, hoặc xóa nó.",
        )
