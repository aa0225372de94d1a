"""Every threshold, with its unit and the measurement or source that chose it.

Read from the environment: ``ASSISTANT_<GROUP>__<NAME>``, for example
``ASSISTANT_TURNS__END_SILENCE=0.6`` or ``ASSISTANT_DATABASE_URL=sqlite:///calls.db``. A variable
set to nothing is not set.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from assistant.errors import SettingsError

DATA = Path(__file__).resolve().parent / "_data"
ROOT = Path(__file__).resolve().parent.parent


def packaged(name: str) -> Path:
    """A folder that ships with the product: in the wheel, or beside the package in a checkout."""
    inside = DATA / name
    return inside if inside.is_dir() else ROOT / name


class AudioLimits(BaseModel):
    """What an audio file may be before it is refused with a code."""

    min_rate: int = Field(4_000, description="Hz")
    max_rate: int = Field(192_000, description="Hz")
    max_channels: int = Field(32, ge=1, description="mixed down to one")
    max_seconds: float = Field(3_600.0, description="s; a longer file is refused")
    max_bytes: int = Field(1 << 30, ge=1, description="bytes of a file")


class Turns(BaseModel):
    """End-pointing, counted in audio seconds."""

    frame: float = Field(0.02, description="s; the frame of the streaming loop")
    no_input: float = Field(5.0, gt=0, description="s before a reprompt (domain.md)")
    end_silence: float = Field(0.6, gt=0, description="s after speech, not digits")
    code_silence: float = Field(2.0, gt=0, description="s while a code is incomplete")
    complete_silence: float = Field(
        0.36,
        gt=0,
        description="s once the code is complete; with what voice activity adds 0.4 after the last "
        "digit (peers.md), by benchmarks/end_of_turn.py",
    )
    max_utterance: float = Field(30.0, gt=0, description="s")
    inter_digit: float = Field(4.0, gt=0, description="s between keys (peers.md)")
    # Two presses of one finger are rarely nearer; bounces and doubled events are.
    key_bounce: float = Field(0.25, ge=0, description="s in which an answer's key again is it")
    pre_roll: float = Field(0.4, ge=0, description="s heard before the prompt's end")
    stall: float = Field(1.0, gt=0, description="s of noise without a new word, past the patience")
    no_input_grace: float = Field(2.0, ge=0, description="s more while somebody makes a sound")
    word_lag: float = Field(0.5, ge=0, description="s from a word's sound to its partial result")
    filler_voiced: float = Field(0.5, gt=0, description="s of voice that make [unk] an answer")
    barge_in: float = Field(0.1, gt=0, description="s of voice past the vad's onset that pause it")
    barge_quiet: float = Field(0.7, gt=0, description="s without a word, then it goes on: a cough")
    barge_most: float = Field(2.0, gt=0, description="s of voice without a word, then it goes on")
    barge_back: float = Field(0.3, ge=0, description="s that a paused prompt goes back")
    barge_confidence: float = Field(0.9, ge=0, le=1, description="of a lone word that stops it")
    barge_pauses: int = Field(2, ge=0, description="of one prompt for nothing; then keys only")
    echo_window: float = Field(0.26, gt=0, description="s looked at for our own voice")
    echo_delay: float = Field(0.5, ge=0, description="s by which a line may return it")
    echo_rest: float = Field(12.0, gt=0, description="dB that taking it out must leave: a caller")
    max_call: float = Field(900.0, gt=0, description="s; then the assistant says goodbye")


class Vad(BaseModel):
    """Voice activity; levels in dBFS above 300 Hz (asr/vad.py)."""

    window: float = Field(1.6, gt=0, description="s of minimum statistics")
    blocks: int = Field(8, ge=2, description="parts of the window")
    onset: float = Field(0.06, gt=0, description="s above the floor; a click is shorter")
    start_margin: float = Field(9.0, description="dB above the floor that begin speech")
    stay_margin: float = Field(6.0, description="dB above the floor that continue it")
    quietest: float = Field(-70.0, description="dBFS below which nothing is speech")
    first_floor: float = Field(-45.0, description="dBFS, the highest floor at the start")
    digital_silence: float = Field(-95.0, description="dBFS; below it the line carries nothing")


def user_models() -> Path:
    """Where downloaded models go: the user's data folder (XDG Base Directory)."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "vssid-voice-assistant" / "models"


class Sherpa(BaseModel):
    """The second engine, sherpa-onnx (extra sherpa)."""

    tail: float = Field(0.6, ge=0, description="s of silence after an utterance: the look-ahead")
    hotwords_score: float = Field(1.5, ge=0, description="added to each expected token's score")
    token_seconds: float = Field(0.2, gt=0, description="s that a word's last token lasts")


class Asr(BaseModel):
    """The recognizer."""

    models: Path = Field(default_factory=user_models, description="where downloads go")
    level: float | None = Field(-18.0, description="dBFS speech is brought to; None: as it comes")
    denoise: float = Field(7.0, ge=0, description="dB a line's noise is turned down; 0: none")
    noise_floor: float | None = Field(-75.0, description="dBFS mixed in; None: nothing")
    lead: float = Field(0.06, ge=0, description="s of quiet before an utterance, as before a word")
    partial_every: float = Field(0.1, gt=0, description="s of audio between partial results")
    recognizers: int = Field(16, ge=0, description="idle decoders kept, 2.5 MB each; 0: none")
    readings: int = Field(12, ge=1, description="of an utterance that are weighed")
    sherpa: Sherpa = Sherpa()


class Understanding(BaseModel):
    """What counts as understood. Confidences are calibrated: the chance that a word is right."""

    phrase_score: float = Field(85.0, ge=0, le=100, description="of a phrase; below it, none")
    whole_code: float = Field(3.0, ge=0, description="nepers that 10 or 12 digits are likelier")
    likely_yes: float = Field(1.5, ge=0, description="nepers that 'đúng' is likelier")
    tie: float = Field(0.03, ge=0, description="share by which the heavier of two intents wins")
    digit_confidence: float = Field(0.75, ge=0, le=1, description="of a digit, else asked again")
    # Beside version 11: of people's 1 of 322 fewer right, of strangers 6-15 of 100 fewer taken.
    few_digits_confidence: float = Field(0.40, ge=0, le=1, description="of one of up to three")
    phrase_confidence: float = Field(0.25, ge=0, le=1, description="mean, of anything else")
    # A false yes costs 26 s and a try, asking again 8 s: it pays where over 3 of 10 were denials.
    # What sounds like "phải" may be "sai"; no other yes was a denial (130 of dev/telephone-words).
    yes_confidence: float = Field(0.44, ge=0, le=1, description="of each word up to it")
    weak_yes_confidence: float = Field(0.70, ge=0, le=1, description="of one easily misheard")


class DialogueLimits(BaseModel):
    """How patient the conversation is (domain.md, policy)."""

    code_attempts: int = Field(3, ge=1, description="then keypad only, then goodbye")
    no_input_hint: int = Field(2, ge=1, description="silences in a row before the keypad hint")
    no_input_goodbye: int = Field(3, ge=1, description="silences in a row before goodbye")
    no_match_goodbye: int = Field(4, ge=1, description="not-understood turns in a row")
    unsure_groups: int = Field(2, ge=0, description="of a code asked for one by one; more: all")
    heard_confidence: float = Field(0.55, ge=0, le=1, description="of a digit by all hearings")
    corrections: int = Field(5, ge=0, description="single digits corrected before a fresh start")
    wait_silences: int = Field(2, ge=0, description="uncounted silences after 'chờ chút'")
    idle_turns: int = Field(15, ge=1, description="in a row that lead no further, then goodbye")
    max_turns: int = Field(60, ge=1, description="caller turns; bounds what a call can cost")
    accepted_ids: Literal["bhxh", "cccd", "both"] = Field(
        "both", description="mã số BHXH (10 digits), căn cước (12 digits), or both"
    )


class Security(BaseModel):
    """Limits of security.md."""

    verifications_per_call: int = Field(3, description="right or wrong")
    failures_per_phone: int = Field(5, description="in 24 h")
    resets_per_account: int = Field(3, description="in 24 h")
    failures_per_code_alert: int = Field(3, ge=1, description="in 24 h, then the owner is told")
    window_hours: float = Field(24.0, description="h; the rolling window of the limits")
    password_digits: int = Field(6, ge=6, description="of a new password")
    password_minutes: float = Field(10.0, description="min to first use")
    argon2_memory_kib: int = Field(19 * 1024, description="KiB a hash (OWASP, argon2id)")
    argon2_time: int = Field(2, description="passes (OWASP)")
    argon2_parallelism: int = Field(1, description="lanes (OWASP)")
    argon2_concurrency: int = Field(4, description="hashes at once, bounds memory")
    key_file: Path | None = Field(None, description="key of the HMACs and the contact cipher")
    lock_wait: float = Field(5.0, gt=0, description="s to wait for another writer")


class Voice(BaseModel):
    """How prompts are rendered, and the pauses of spliced digits."""

    engine: Literal["espeak", "gtts", "piper"] = Field(
        "espeak", description="renders the prompts ahead of time; never in a call"
    )
    espeak_voice: str = Field("vi", description="northern; vi-vn-x-south, vi-vn-x-central")
    espeak_variant: str | None = Field(
        "Annie",
        description="of 101 variants the one whose lone digits at 8 kHz lie nearest to people's by "
        "dynamic time warping of cepstra and pitch: 9 of 10 right; the plain voice: 2",
    )
    espeak_wpm: int = Field(175, description="words/min; 4.0 syllables/s over all prompts")
    espeak_digit_wpm: int = Field(90, description="words/min; a lone digit lasts 0.35-0.66 s")
    gtts_tld: str = Field("com", description="the service is translate.google.<tld>")
    piper_voice: Path | None = Field(None, description="a Vietnamese voice, .onnx")

    target_lufs: float = Field(-19.0, le=-10, description="LUFS, gated as BS.1770 / EBU R128")
    true_peak: float = Field(-1.5, le=0, description="dBTP at 16 kHz and at 8 kHz")

    part_gap: float = Field(0.25, ge=0, description="s between two prompts")
    digit_gap: float = Field(0.12, ge=0, description="s inside a group of a code")
    group_gap: float = Field(0.5, ge=0, description="s between groups of a code")
    secret_digit_gap: float = Field(0.8, ge=0, description="s; time to write a digit down")
    secret_group_gap: float = Field(1.2, ge=0, description="s between groups of a password")
    slow_speed: float = Field(0.8, gt=0.4, le=1, description="of the normal speed")
    slow_pause: float = Field(1.5, ge=1, description="times the normal pauses")


class Remote(BaseModel):
    """The HTTP client of an account system elsewhere."""

    url: str | None = Field(None, description="None: the accounts are in our own database")
    secret_file: Path | None = Field(None, description="key of the signatures, mode 0600")
    timeout: float = Field(5.0, gt=0, description="s of one request")
    deadline: float = Field(12.0, gt=0, description="s for all tries; the caller is waiting")
    retries: int = Field(2, ge=0, description="after a transport error, with the same key")
    clock_skew: float = Field(300.0, gt=0, description="s an answer's timestamp may be off")
    ca_file: Path | None = Field(None, description="CA of the system's certificate, PEM")


class Notify(BaseModel):
    """Where notifications for account owners go: a gateway for SMS or e-mail."""

    url: str | None = Field(None, description="None: notifications stay in the outbox")
    secret_file: Path | None = Field(None, description="key of the signatures, mode 0600")
    timeout: float = Field(5.0, gt=0, description="s")
    ca_file: Path | None = Field(None, description="CA of the gateway's certificate, PEM")


class Capture(BaseModel):
    """Turns of real calls kept for tests, after the caller's spoken consent."""

    enabled: bool = Field(False, description="ask every caller for consent, keep what is allowed")
    folder: Path = Field(Path("var/captures"), description="encrypted, one file a turn")
    key_file: Path | None = Field(None, description="mode 0600; None: beside the folder")
    days: int = Field(30, ge=1, le=365, description="days; then a turn is removed")
    most_waiting: int = Field(
        64_000_000,
        ge=1_000_000,
        description="bytes of sound waiting for the disk, over an hour at 8 kHz; more is dropped",
    )


class Live(BaseModel):
    """Calls in real time: the frame clock, what a line may do to it, and how many at once."""

    max_calls: int = Field(40, ge=1, description="at once; the next caller hears 'all lines busy'")
    busy_calls: int = Field(20, ge=0, description="that hear it at once; past them no answer")
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="clocks that step the calls"
    )
    prefill: float = Field(0.06, ge=0, description="s of sound kept back against jitter")
    most_buffered: float = Field(1.0, gt=0, description="s of sound waiting; older is dropped")
    drift_window: float = Field(5.0, gt=0, description="s in which one frame may be caught up")
    most_unsent: float = Field(3.0, gt=0, description="s of our voice unread; then hang up")
    unread: float = Field(5.0, gt=0, description="s one message may wait to be read; then hang up")
    line_dead: float = Field(30.0, gt=0, description="s without a sound or key; then hang up")
    ring: float = Field(10.0, gt=0, description="s a line may take to say who calls")
    drain: float = Field(30.0, ge=0, description="s that running calls get to end at shutdown")


class Serve(BaseModel):
    """The server of live calls: browser phone, telephone lines, operator page."""

    host: str = Field("127.0.0.1", description="address to listen on; beyond loopback: token")
    port: int = Field(8008, ge=0, le=65535, description="TCP; 0: any free one")
    token_file: Path | None = Field(None, description="token of the pages, mode 0600")
    certificate: Path | None = Field(None, description="PEM; browsers want TLS beyond loopback")
    certificate_key: Path | None = Field(None, description="PEM, key of the certificate")
    hosts: tuple[str, ...] = Field((), description="names by which others reach this server")
    calls: Path = Field(Path("var/calls"), description="folder of redacted records of calls")
    calls_days: int = Field(30, ge=1, description="days that a record is kept")
    log_json: bool = Field(True, description="log lines as JSON")
    ready_wait: float = Field(
        0.8, gt=0, description="s /readyz waits for the accounts; Kubernetes waits 1 s for us"
    )
    ready_kept: float = Field(2.0, ge=0, description="s that its answer about them is kept")
    most_message: int = Field(64 * 1024, ge=1_024, description="bytes of one WebSocket message")


class Telephone(BaseModel):
    """Real lines (docs/live-calls.md). Each is off until it is set up."""

    public_url: str | None = Field(
        None, description="https://… by which Twilio reaches this server, as it is set at Twilio"
    )
    twilio_token_file: Path | None = Field(None, description="Twilio's Auth Token, mode 0600")
    audiosocket_host: str = Field("127.0.0.1", description="address for Asterisk's AudioSocket")
    audiosocket_port: int | None = Field(None, description="TCP; None: no AudioSocket")
    sip_host: str = Field("127.0.0.1", description="address for SIP and RTP, as the trunk sees it")
    sip_port: int | None = Field(None, ge=1, le=65535, description="UDP; None: no SIP")
    sip_trunks: tuple[str, ...] = Field(("127.0.0.1",), description="IPs answered; vouch for ids")
    sip_media: tuple[str, ...] = Field((), description="IP networks that send RTP besides those")
    rtp_ports: tuple[int, int] = Field((20_000, 20_400), description="UDP; two for each call")
    announced: float = Field(60.0, gt=0, description="s from announcing a call to its sound")
    most_announced: int = Field(1_000, ge=1, description="announced calls that may wait")
    agent: str | None = Field(None, description="number that callers are handed to; None: nobody")


class Collect(BaseModel):
    """What a recording must be to be kept for training, and how many a speaker reads."""

    lines: int = Field(150, ge=1, description="of one speaker: 20 to 30 minutes of reading")
    rate: int = Field(16_000, description="Hz of the microphone; the model's 8 kHz and room above")
    quietest: float = Field(-45.0, description="dBFS of speech")
    clipped: float = Field(0.001, ge=0, description="share of samples in runs at full scale")
    least_snr: float = Field(12.0, description="dB of speech over the pauses")
    syllable: float = Field(
        0.08, gt=0, description="least s of speech a syllable; 98 of 100 public clips have 0.12"
    )
    slowest: float = Field(3.0, gt=0, description="most s of speech a syllable; then it is more")
    most_seconds: float = Field(30.0, gt=0, description="s of one recording")


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="ASSISTANT_", env_nested_delimiter="__", env_ignore_empty=True, extra="ignore"
    )

    model: Path = Field(
        default_factory=lambda: packaged("models") / "vi-telephone",
        description="folder of a Vosk or sherpa-onnx model (models/README.md)",
    )
    prompts: Path = Field(
        default_factory=lambda: packaged("audio_prompts"), description="prompts.yaml and its clips"
    )
    database_url: str = Field(
        "sqlite:///var/assistant.sqlite3", description="SQLAlchemy URL: SQLite or PostgreSQL"
    )
    hotline: str = Field("1900 9068", description="named in notifications")
    fee_per_minute: int = Field(1_000, description="đồng a started minute")

    audio: AudioLimits = AudioLimits()
    turns: Turns = Turns()
    vad: Vad = Vad()
    asr: Asr = Asr()
    understanding: Understanding = Understanding()
    dialogue: DialogueLimits = DialogueLimits()
    security: Security = Security()
    voice: Voice = Voice()
    remote: Remote = Remote()
    notify: Notify = Notify()
    live: Live = Live()
    serve: Serve = Serve()
    telephone: Telephone = Telephone()
    collect: Collect = Collect()
    capture: Capture = Capture()


def load_settings() -> Settings:
    """Settings from defaults and environment; raises SettingsError naming the variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "ASSISTANT_" + "__".join(str(p).upper() for p in first["loc"])
        raise SettingsError(
            "settings-invalid",
            f"Biến môi trường {name} có giá trị không hợp lệ.",
            f"Sửa hoặc bỏ biến {name}: {first['msg']}.",
        ) from None
