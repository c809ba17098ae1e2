"""The month is closed, invoices go out, money comes in."""

from deploy.local.demo.stage import Stage


async def close_the_month(stage: Stage) -> None: ...


async def collect(stage: Stage) -> None: ...
