"""One file for each dashboard, each with `make(dialect) -> Board`. All of them in BOARDS."""

from __future__ import annotations

from dashboards.board import Make
from dashboards.boards import (
    center,
    computers,
    incidents,
    links,
    monitor,
    services,
    site,
    targets,
)

# File name of the JSON -> how it is made.
BOARDS: dict[str, Make] = {
    "01-trung-tam": center.make,
    "02-chi-tieu": targets.make,
    "03-duong-truyen": links.make,
    "04-may-tinh": computers.make,
    "05-dich-vu": services.make,
    "06-mot-don-vi": site.make,
    "07-su-co": incidents.make,
    "08-he-thong-giam-sat": monitor.make,
}
