"""What routing's depth must tie with, as an independent reader sees it."""

from deploy.local.demo import webhooks
from deploy.local.demo.equality import Equality
from deploy.local.demo.stage import Stage

BY_WEBHOOK = "SELECT count(*) FROM assignments WHERE sent_at IS NOT NULL AND channel = 'webhook'"


async def read_routing(stage: Stage) -> list[Equality]:
    """Of what installers' own servers took, and what they did not."""
    number, received = stage.reader.number, (await webhooks.received(stage)).values()
    taken = sum(len(each["leads"]) for each in received)
    accepted = "SELECT count(*) FROM webhook_deliveries WHERE state = 'accepted'"
    breakers = "SELECT count(*) FROM delivery_endpoints WHERE breaker <> 'closed'"
    mailed = "SELECT count(*) FROM messages WHERE purpose = 'lead_delivery' AND subject_id = ANY($1)"
    by_webhook = await stage.reader.rows("routing", "SELECT id FROM assignments WHERE channel = 'webhook'")
    return [
        Equality("leads that webhooks took = assignments sent by webhook", taken, await number("routing", BY_WEBHOOK)),
        Equality("leads that webhooks took = webhooks accepted", taken, await number("routing", accepted)),
        Equality("webhooks whose signature did not hold", sum(each["unsigned"] for each in received), 0),
        Equality("tests that webhooks took", sum(len(each["tests"]) for each in received), 2),
        Equality(
            "leads of webhooks that were mailed as well",
            await number("notifications", mailed, [row["id"] for row in by_webhook]),
            0,
        ),
        Equality("breakers that are open", await number("routing", breakers), 0),
    ]
