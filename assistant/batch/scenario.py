"""What a scenario file may say: pydantic models, from which the JSON schema is made.

Their docstrings and descriptions are what an author reads in an editor, hence Vietnamese."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    model_validator,
)

from assistant.batch.complaints import did_you_mean
from assistant.batch.scenario_schema import Untitled, finish, prompt_keys
from assistant.batch.scenario_settings import Value, check_settings
from assistant.batch.scenario_text import (
    AccountName,
    CallerId,
    Code,
    Contact,
    Correction,
    Digits,
    Keys,
    Phone,
    Spoken,
)
from assistant.dialogue.state import Phase
from assistant.dialogue.types import EndOfCall
from assistant.nlu.types import Expect, Intent, Rejection

# Voice variants that never train the model (training/synthesis.py, KEPT_OUT).
CALLER_VARIANTS = ("m4", "f4", "belinda", "Hugo", "steph2", "pablo")
KINDS = ("say", "wav", "keys", "silence", "hang_up")


def _known_prompt(key: str, info: ValidationInfo) -> str:
    """Against the keys that the reader of the file hands in; None: whoever made this knows."""
    known = (info.context or {}).get("prompts")
    if known is not None and key not in known():
        guess = did_you_mean(key, known())
        raise ValueError(f"không có câu thoại “{key}”{guess or '; xem: assistant prompts list'}")
    return key


def _given(value: Any) -> Any:
    if value is None:
        raise ValueError("để trống; bỏ hẳn trường này hoặc cho nó một giá trị")
    return value


def _form(value: object) -> str:
    return "groups" if isinstance(value, list | tuple) else "one"


_Times = Annotated[int, Field(ge=1, le=20)]
PromptKey = Annotated[str, AfterValidator(_known_prompt)]
Say = Annotated[
    Annotated[Spoken, Tag("one")]
    | Annotated[tuple[Spoken, ...], Field(min_length=1), Tag("groups")],
    Discriminator(_form),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Account(_Strict):
    """Một tài khoản có sẵn trước cuộc gọi."""

    name: AccountName = Field("an", description="Tên để nhắc tới trong kịch bản: {an.code}.")
    phone: Phone = Field("random", description="Số di động đã đăng ký; random: bịa lúc chạy.")
    code: Code = Field(
        "random",
        description="Mã số; random: 10 số bịa lúc chạy, không bắt đầu như số căn cước; "
        "random0: 10 số bắt đầu như số căn cước; citizen: 12 số.",
    )
    invented: bool = Field(
        True, description="Dữ liệu bịa: số được hiện và nghe trong báo cáo. Thật: mọi số bị che."
    )
    contact: Contact | None = Field(
        None, description="Nơi nhận thông báo: email hoặc số điện thoại."
    )


class Voice(_Strict):
    """Giọng của người gọi (espeak-ng, biến thể không dùng để huấn luyện)."""

    region: Literal["vi", "vi-vn-x-central", "vi-vn-x-south"] = Field(
        "vi", description="vi: Bắc; vi-vn-x-central: Trung; vi-vn-x-south: Nam."
    )
    variant: Literal["m4", "f4", "belinda", "Hugo", "steph2", "pablo"] = Field(
        "m4", description="Biến thể giọng."
    )
    wpm: int = Field(150, ge=80, le=350, description="Tốc độ, từ một phút.")
    pitch: int = Field(50, ge=0, le=99, description="Cao độ.")


class Line(_Strict):
    """Đường dây: tiếng ồn và bộ mã hóa mà lời người gọi đi qua."""

    noise: Literal["quiet", "hiss", "street", "babble", "hum"] = Field(
        "quiet", description="Tiếng ồn: yên, xì, đường phố, nhiều người nói, ù điện lưới."
    )
    snr: float = Field(20.0, ge=-5, le=60, description="dB tiếng nói trên tiếng ồn.")
    codec: Literal["none", "mulaw", "alaw", "gsm", "adpcm", "opus"] = Field(
        "mulaw", description="Bộ mã hóa thật của thoại: G.711, GSM 06.10, G.721, Opus."
    )
    loss: float = Field(0.0, ge=0, le=0.5, description="Phần gói 20 ms bị mất.")
    level: float = Field(-20.0, ge=-45, le=-6, description="dBFS trung bình của tiếng nói.")


class Caller(_Strict):
    """Ai gọi, từ số nào, bằng giọng và đường dây nào."""

    phone: CallerId = Field(
        "account",
        description="account: số của tài khoản đầu tiên; withheld: ẩn số; stranger: số lạ; "
        "tên một tài khoản; hoặc một số cụ thể.",
    )
    voice: Voice = Field(Voice(), description="Giọng của người gọi, ở mọi lượt.")
    line: Line = Field(Line(), description="Tiếng ồn và bộ mã hóa, ở mọi lượt.")
    patience: int = Field(
        0, ge=0, le=5,
        description="Khi trợ lý bảo chưa hiểu thì nói lại câu ấy, chậm hơn, nhiều nhất N lần.",
    )  # fmt: skip


class TurnExpect(_Strict):
    """Điều phải nghe ra ở lượt này, và câu phải đáp."""

    state: Expect | None = Field(None, description="Trợ lý đang đợi gì khi nghe lượt này.")
    intent: Intent | None = Field(None, description="Ý định.")
    digits: Digits | None = Field(None, description='Chữ số nghe được, ví dụ "{code}".')
    yes_no: bool | None = Field(None, description="Có hay không.")
    correction: Correction | None = Field(
        None,
        description='Sửa số: "VỊ_TRÍ=SỐ", đếm từ 0, âm là từ cuối; "-1=7", "2=", "restart"; '
        'theo số nghe sai: "7>8", "7>" chưa nói số đúng, "7@1>8" là số bảy thứ hai.',
    )
    rejection: Rejection | None = Field(None, description="Không nhận, vì sao.")
    said: str | None = Field(None, description="Đúng từng chữ nghe được.")
    reply: tuple[PromptKey, ...] = Field((), description="Câu đáp, theo khóa, đúng thứ tự.")


class Turn(_Strict):
    """Một lượt của người gọi: đúng một trong say, wav, keys, silence, hang_up."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": [kind]} for kind in KINDS]},
    )

    say: Annotated[Say | None, AfterValidator(_given)] = Field(
        None,
        description='Lời nói; danh sách: nhiều nhóm có khoảng dừng. "{code}" đọc từng số, '
        '"{code:0:4|pairs}" bốn số đầu theo cặp, "{code!last}" sai số cuối.',
    )
    wav: Annotated[str | None, AfterValidator(_given)] = Field(
        None, description="Tệp âm thanh, tính từ tệp kịch bản."
    )
    keys: Annotated[Keys | None, AfterValidator(_given)] = Field(
        None, description='Phím bấm: 0-9, *, # và chỗ điền, ví dụ "8" hay "{code}#".'
    )
    silence: Annotated[_Times | None, AfterValidator(_given)] = Field(
        None, description="Im lặng cho tới khi bị hỏi N lần."
    )
    hang_up: Annotated[Literal[True] | None, AfterValidator(_given)] = Field(
        None, description="Gác máy."
    )

    gap: float = Field(0.7, ge=0, le=10, description="Giây nghỉ giữa các nhóm của say.")
    pause: float = Field(0.3, ge=0, le=60, description="Giây chờ sau khi trợ lý bắt đầu nghe.")
    barge_in: float | None = Field(
        None, ge=0, le=60, description="Chen ngang: giây kể từ lúc trợ lý bắt đầu nói."
    )
    voice: Voice | None = Field(None, description="Giọng khác cho lượt này.")
    line: Line | None = Field(None, description="Đường dây khác cho lượt này.")
    expect: TurnExpect = Field(TurnExpect(), description="Điều phải đúng ở lượt này.")

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"một lượt là đúng một trong {', '.join(KINDS)}; "
                f"ở đây {'có ' + ', '.join(given) if given else 'chưa có điều nào'}"
            )
        return self


class Rows(_Strict):
    """Số dòng trong cơ sở dữ liệu do cuộc gọi này ghi."""

    attempts: int | None = Field(None, ge=0, description="Lần kiểm tra sai.")
    resets: int | None = Field(None, ge=0, description="Lần cấp mật khẩu.")
    outbox: int | None = Field(None, ge=0, description="Thông báo cho chủ tài khoản.")
    audit: int | None = Field(None, ge=0, description="Dòng nhật ký.")


class Limits(_Strict):
    """Giới hạn; thời gian tính bằng âm thanh của cuộc gọi nên máy bận cũng không đổi."""

    turns: int | None = Field(None, ge=1, description="Lượt nghe nhiều nhất.")
    seconds: float | None = Field(None, gt=0, description="Giây của cuộc gọi.")
    wait: float | None = Field(None, gt=0, description="Giây im lặng dài nhất trước khi đáp.")
    compute_ms: float | None = Field(
        None, gt=0, description="Mili giây máy tính lâu nhất một lượt; tùy máy."
    )


class CallExpect(_Strict):
    """Điều phải đúng khi cuộc gọi đã xong."""

    outcome: EndOfCall | None = Field(None, description="Vì sao cuộc gọi kết thúc.")
    resets: int | None = Field(None, ge=0, description="Mật khẩu đã cấp trong cuộc gọi.")
    prompts: tuple[PromptKey, ...] = Field((), description="Các câu phải nghe, theo thứ tự.")
    never: tuple[PromptKey, ...] = Field((), description="Các câu không được nghe.")
    path: tuple[Phase, ...] = Field((), description="Các trạng thái phải đi qua, theo thứ tự.")
    verified: tuple[Digits, ...] | None = Field(
        None, description="Mã số đã đem kiểm tra, đủ và đúng."
    )
    password: Literal["works", "unchanged"] | None = Field(
        None, description="works: mật khẩu đã đọc đăng nhập được; unchanged: không đổi."
    )
    listen_back: bool = Field(
        False, description="Nghe lại các số trợ lý đọc bằng bộ nhận dạng: có đúng mã, mật khẩu?"
    )
    rows: Rows = Field(Rows(), description="Số dòng trong cơ sở dữ liệu do cuộc gọi này ghi.")
    limits: Limits = Field(Limits(), description="Giới hạn của cuộc gọi.")
    error: str | None = Field(
        None, description="Mã lỗi phải gặp trước cuộc gọi, ví dụ audio-empty."
    )


class History(_Strict):
    """Chuyện đã xảy ra trước cuộc gọi, trong 24 giờ."""

    failures: int = Field(0, ge=0, le=20, description="Lần kiểm tra sai từ số của người gọi.")
    resets: int = Field(0, ge=0, le=20, description="Lần đã cấp cho tài khoản đầu tiên.")


class Scenario(_Strict):
    """Một cuộc gọi."""

    name: str = Field(description="Tên, duy nhất trong tệp.")
    about: str = Field("", description="Kịch bản này giữ điều gì.")
    tags: tuple[str, ...] = Field((), description="Nhãn để lọc: --filter.")
    known_failure: str | None = Field(
        None, description="Lý do hiện chưa đạt; nếu đạt, báo cáo nói rõ là đã lành."
    )
    accounts: tuple[Account, ...] = Field((Account(),), description="Tài khoản có sẵn.")
    history: History = Field(History(), description="Chuyện đã xảy ra trước cuộc gọi.")
    accounts_down: bool = Field(False, description="Hệ thống tài khoản hỏng trong cuộc gọi này.")
    settings: Annotated[dict[str, Value], AfterValidator(check_settings)] = Field(
        default_factory=dict, description='Đổi thiết lập, ví dụ "dialogue.accepted_ids": bhxh.'
    )
    caller: Caller = Field(Caller(), description="Ai gọi, từ số nào, giọng và đường dây nào.")
    turns: tuple[Turn, ...] = Field(min_length=1, max_length=200, description="Các lượt.")
    expect: CallExpect = Field(CallExpect(), description="Điều phải đúng khi gọi xong.")

    @property
    def synthesized(self) -> bool:
        """Whether a synthesizer speaks in it: the caller's words, or a crowd behind them."""
        lines = (self.caller.line, *(turn.line for turn in self.turns if turn.line))
        crowd = any(line.noise == "babble" for line in lines)
        return crowd or any(turn.kind == "say" for turn in self.turns)


class ScenarioFile(_Strict):
    """Một tệp *.scenario.yaml."""

    about: str = Field("", description="Tệp này nói về điều gì.")
    defaults: dict[str, Any] = Field(
        default_factory=dict,
        description="Điều chung của mọi kịch bản trong tệp; kịch bản ghi đè từng mục.",
    )
    scenarios: tuple[Scenario, ...] = Field(min_length=1, description="Các cuộc gọi.")


def json_schema() -> dict[str, Any]:
    """The schema that editors and ``assistant batch schema`` use; it lists what this
    installation can say. Raises PromptError."""
    schema = ScenarioFile.model_json_schema(schema_generator=Untitled)
    return finish(schema, KINDS, prompt_keys())
