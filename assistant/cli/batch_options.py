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
Resume = Annotated[
    bool, typer.Option("--resume", help="Chạy tiếp lượt bị dừng: ở --out, hoặc lượt mới nhất.")
]
Workers = Annotated[int | None, typer.Option(min=1, help="Số tiến trình; mặc định bằng số lõi.")]
Filter = Annotated[
    str,
    typer.Option(
        "--filter",
        help="Chỉ lấy kịch bản có đủ những từ này trong tên hay nhãn; -từ: không có từ ấy.",
    ),
]
Repeat = Annotated[
    int,
    typer.Option(
        min=1, help="Số vòng, mỗi vòng mã số và tiếng ồn khác (tìm chỗ lúc được lúc không)."
    ),
]
Seed = Annotated[int, typer.Option(help="Hạt giống ngẫu nhiên: cùng số thì cùng mã số, tiếng ồn.")]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Dừng ở lỗi đầu tiên.")]
Audio = Annotated[
    str, typer.Option(help="Giữ âm thanh: failed (chỉ của lỗi), all (tất cả), none (không).")
]
Report = Annotated[Path | None, typer.Option(help="Ghi báo cáo HTML (một tệp).")]
Junit = Annotated[Path | None, typer.Option(help="Ghi JUnit XML.")]
Against = Annotated[Path | None, typer.Option(help="So với lượt chạy cũ ở thư mục này.")]
EngineName = Annotated[str, typer.Option(help="Chạy ở đâu: local (máy này) hay ray (cụm máy).")]
Address = Annotated[
    str | None, typer.Option(help="Địa chỉ cụm Ray; bỏ trống: cụm tạm trên máy này.")
]
Parquet = Annotated[
    str | None,
    typer.Option(help="Ghi thêm kết quả dạng Parquet vào thư mục này, hoặc địa chỉ s3://…"),
]
Timeout = Annotated[
    float, typer.Option(min=1, help="Số giây không cho kết quả thì coi một tiến trình là treo.")
]
AsJson = Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")]
