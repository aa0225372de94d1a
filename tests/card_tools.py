"""A virtual sound card of ALSA: what is in one file comes out of the microphone, what is played
goes into another. Needs the extra ``mic``, libportaudio2 and libasound2-data."""

from __future__ import annotations

from pathlib import Path

import pytest

_ASOUNDRC = """
</usr/share/alsa/alsa.conf>
pcm.caller {{
  type file
  slave.pcm null
  file "{out}"
  infile "{mic}"
  format raw
}}
pcm.!default {{ type plug slave.pcm caller }}
ctl.!default {{ type null }}
"""


def sound_card(folder: Path, microphone: bytes) -> dict[str, str]:
    """The environment in which the only card hears ``microphone`` (16-bit PCM), named "caller";
    ``speaker.raw`` in ``folder`` is what it played. Skips the test where none can be."""
    try:
        __import__("sounddevice")
    except (ImportError, OSError):
        pytest.skip("needs the extra `mic` and Debian's libportaudio2")
    if not Path("/usr/share/alsa/alsa.conf").exists():
        pytest.skip("needs Debian's libasound2-data")
    (folder / "mic.raw").write_bytes(microphone)
    config = folder / "asoundrc"
    config.write_text(_ASOUNDRC.format(out=folder / "speaker.raw", mic=folder / "mic.raw"))
    return {"ALSA_CONFIG_PATH": str(config)}
