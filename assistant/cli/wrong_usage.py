"""A wrong command line in the words of every other error: a code, a sentence, what to do next."""

from __future__ import annotations

import re

from assistant.errors import UsageError

# What Typer says, and the same in Vietnamese; what is not here stays as it is.
_SENTENCES = tuple(
    (re.compile(said, re.DOTALL), told)
    for said, told in (
        (r"Missing (?:argument|option|parameter) '(.+?)'\.?.*", "Thiếu {0}."),
        (r"No such command '(.+?)'\..*?'(.+?)'.*", "Không có lệnh {0}; có phải {1}?"),
        (r"No such command '(.+?)'\.?", "Không có lệnh {0}."),
        (r"No such option:? '?([^\s']+)'?\W+(?:Possible options|Did you mean):? ([^)]+?)\W*",
         "Không có tùy chọn {0}; có phải {1}?"),
        (r"No such option:? '?([^\s']+?)'?\.?", "Không có tùy chọn {0}."),
        (r"Option '(.+?)' does not take a value.*", "Tùy chọn {0} không nhận giá trị."),
        (r"Option '(.+?)' requires .*", "Tùy chọn {0} cần một giá trị."),
        (r"Got unexpected extra argument\S* \((.+)\)", "Thừa {0}."),
        (r"Invalid value for '(.+?)': .*(?:valid integer|not a valid int).*",
         "{0} cần một số nguyên."),
        (r"Invalid value for '(.+?)': .*(?:valid number|not a valid float).*", "{0} cần một số."),
        (r"Invalid value for '(.+?)': .*greater than or equal to (\S+)",
         "{0} phải từ {1} trở lên."),
        (r"Invalid value for '(.+?)': .*less than or equal to (\S+)", "{0} chỉ được đến {1}."),
        (r"Invalid value for '(.+?)': .*?'(.*?)' is not one of (.+?)\.?",
         "{0} không nhận {1!r}; chọn: {2}."),
        (r"Invalid value for '(.+?)': .*'(.*)' does not exist\.?", "{0}: không có {1}."),
        (r"Invalid value for '(.+?)': .*'(.*)' is not readable\.?", "{0}: không được đọc {1}."),
        (r"Invalid value for '(.+?)': (.*)", "{0} có giá trị không dùng được: {1}"),
    )
)  # fmt: skip


def as_usage_error(error: Exception) -> UsageError:
    """Of one of Typer's own errors. Code ``usage``."""
    format_message = getattr(error, "format_message", None)
    said = str(format_message() if format_message else error).strip()
    path = getattr(getattr(error, "ctx", None), "command_path", "assistant")
    return UsageError("usage", told(said), f"Xem: {path} --help")


def told(said: str) -> str:
    """The sentence in Vietnamese."""
    for pattern, sentence in _SENTENCES:
        if found := pattern.fullmatch(said):
            return sentence.format(*found.groups())
    return said
