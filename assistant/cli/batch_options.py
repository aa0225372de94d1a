"""The options of ``assistant batch run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AUDIO = ("failed", "all", "none")
ENGINES = ("local", "ray")

Place = Annotated[
    str,
    typer.Argument(
        metavar="CHỖ",
        help="Tệp *.scenario.yaml, thư mục có kịch bản hay labels.csv, hoặc địa chỉ s3://…",
    ),
]
Out = Annotated[
    Path | None, typer.Option(help="Thư mục của lượt chạy; mặc định var/batch/NGÀY-GIỜ.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Chạy tiếp lượt bị dừng.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Số tiến trình; mặc định bằng số lõi.")]
Filter = Annotated[
    str, typer.Option("--filter", help='Chỉ chạy tên hay nhãn có các từ này; "-từ": bỏ.')
]
Repeat = Annotated[
    int,
    typer.Option(min=1, help="Chạy lại N vòng với mã số, tiếng ồn khác (tìm lúc được lúc không)."),
]
Seed = Annotated[int, typer.Option(help="Gốc của mọi điều ngẫu nhiên.")]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Dừng ở lỗi đầu tiên.")]
Audio = Annotated[str, typer.Option(help=f"Giữ âm thanh của: {', '.join(AUDIO)}.")]
Report = Annotated[Path | None, typer.Option(help="Ghi báo cáo HTML (một tệp).")]
Junit = Annotated[Path | None, typer.Option(help="Ghi JUnit XML.")]
Against = Annotated[Path | None, typer.Option(help="So với lượt chạy cũ ở thư mục này.")]
EngineName = Annotated[str, typer.Option(help=f"Chạy ở đâu: {', '.join(ENGINES)}.")]
Address = Annotated[
    str | None, typer.Option(help="Địa chỉ cụm Ray; bỏ trống: cụm tạm trên máy này.")
]
Parquet = Annotated[
    Path | None, typer.Option(help="Ghi thêm kết quả dạng Parquet vào thư mục này.")
]
Timeout = Annotated[float, typer.Option(min=1, help="Giây không có kết quả nào thì coi là treo.")]
AsJson = Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")]
