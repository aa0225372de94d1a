"""``assistant serve``: the server of live calls."""

from __future__ import annotations

import sys
import webbrowser
from contextlib import closing
from importlib import import_module
from typing import Annotated

import typer

from assistant.accounts.local import LocalAccounts
from assistant.cli.show import print_json
from assistant.cli.wiring import LiveExchange, open_parts
from assistant.errors import DependencyError
from assistant.heap import share_heap
from assistant.settings import Settings, load_settings

# Channels whose caller id is vouched for (security.md): a signed webhook, a registered
# call, the addresses of one's own trunk.
_TRUSTED = frozenset({"twilio", "audiosocket", "sip"})


def register(app: typer.Typer) -> None:
    """Hang this command on the program."""
    app.command("serve")(serve_command)


def serve_command(
    host: Annotated[str | None, typer.Option(help="Địa chỉ để nghe; mặc định chỉ máy này.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Cổng; 0: cổng nào còn trống.")
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Mở trang điện thoại.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In địa chỉ dạng JSON.")] = False,
) -> None:
    """Nhận cuộc gọi trực tiếp: điện thoại trên trang web, tổng đài (live calls).

    Điện thoại trên trang web chỉ cấp được mật khẩu của tài khoản thử (invented), vì số gọi đến
    ở đó chỉ là lời khai. Ctrl-C: chờ các cuộc gọi xong rồi dừng; lần nữa: dừng ngay.
    """
    settings = _settings(host, port)
    try:
        from assistant.server.start import serve
        from assistant.server.tracing import wanted

        if settings.telephone.sip_port is not None:
            import_module("assistant.server.sip")
        if wanted():
            import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as error:
        raise missing(error) from None
    share_heap()
    wired = open_parts(settings)
    with closing(wired):
        exchange = LiveExchange(wired, settings, _TRUSTED)
        refusals = wired.accounts.refusals if isinstance(wired.accounts, LocalAccounts) else {}
        serve(
            settings,
            exchange,
            wired.accounts.trouble,
            lambda: dict(refusals),
            lambda shown: _ready(shown, as_json, browse),
        )


def _settings(host: str | None, port: int | None) -> Settings:
    settings = load_settings()
    given = {"host": host, "port": port}
    changed = {name: value for name, value in given.items() if value is not None}
    # As many idle decoders as calls: building one costs more than keeping it.
    decoders = max(settings.asr.recognizers, settings.live.max_calls)
    return settings.model_copy(
        update={
            "serve": settings.serve.model_copy(update=changed),
            "asr": settings.asr.model_copy(update={"recognizers": decoders}),
        }
    )


def _ready(shown: dict[str, str | None], as_json: bool, browse: bool) -> None:
    if as_json:
        print_json(shown)
    else:
        typer.echo(f"Điện thoại trên trang web: {shown['url']}")
        typer.echo(f"Có mã truy cập (with the token): {shown['open']}")
        typer.echo(f"Trang của người trực (operators): {shown['operator']}")
        if shown["audiosocket"]:
            typer.echo(f"AudioSocket cho Asterisk: {shown['audiosocket']}")
        typer.echo("Dừng: Ctrl-C")
    sys.stdout.flush()
    if browse:
        webbrowser.open(str(shown["open"]))


def missing(error: ImportError) -> DependencyError:
    """The coded error of a package that comes with the extra."""
    return DependencyError(
        "serve-missing",
        f"Thiếu gói {error.name} để nhận cuộc gọi trực tiếp.",
        "Cài: pip install 'vssid-voice-assistant[serve,sip,otel]'.",
    )
