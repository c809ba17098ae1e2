"""Uvicorn with the settings that `chassis/process.py` gives it, for the programs that are measured beside ours."""

from typing import Any

import uvicorn


def serve(app: Any, port: int) -> None:
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
    )
