"""Grafana's dashboards, as `make documents` writes them to deploy/grafana/dashboards."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.dashboards import event_path, http, mail, money, processes
from deploy.dashboards.charts import Board

PLACE = Path(__file__).resolve().parent.parent / "grafana" / "dashboards"
BOARDS: tuple[Board, ...] = (event_path.BOARD, http.BOARD, mail.BOARD, money.BOARD, processes.BOARD)


def dashboards() -> Iterator[tuple[Path, dict[str, Any]]]:
    for board in BOARDS:
        yield PLACE / f"{board.name}.json", json.loads(JSONEncoder().encode(board.build()))
