"""How an installer gets its leads, on its page: its channels, what holds them back, and what can be done about it."""

from collections.abc import Mapping, Sequence

from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Note, Table, Told
from chassis.console.fields import FieldKind, FormField
from chassis.console.wording import counted, words
from chassis.outbound import LONGEST_URL
from services.routing.domain.delivering import DeliveryAction, held_back
from services.routing.domain.states import BreakerState, Channel
from services.routing.domain.webhooks import Verdict
from services.routing.http.delivery_views import obstacles_on
from services.routing.models import DeliveryEndpoint, WebhookTest
from services.routing.pages.installer_deeds import WRITE
from services.routing.pages.installer_page import InstallerPage
from services.routing.pages.reasons import REASON, WHY
from services.routing.pages.telling import BREAKER_TONES, told_answer
from services.routing.queries import sending

HEADS = (
    ("Channel", Kind.TEXT),
    ("To", Kind.TEXT),
    ("In use", Kind.YES_NO),
    ("Breaker", Kind.CHIP),
    ("Failed in a row", Kind.NUMBER),
    ("Last taken", Kind.AGO),
    ("On their way", Kind.NUMBER),
)
CHANNELS = [
    (Channel.MAIL.value, "Mail, to its e-mail for leads"),
    (Channel.WEBHOOK.value, "Webhook, to the address below"),
]


async def channels(page: InstallerPage) -> Table:
    endpoints = await sending.endpoints_of(page.session, page.installer.id)
    on_their_way = await sending.pending_of(page.session, page.installer.id)
    test = await sending.last_test_of(page.session, page.installer.id)
    return Table(
        "Delivery",
        HEADS,
        [
            _row(page, endpoints[channel], on_their_way.get(channel, 0))
            for channel in reversed(Channel)
            if channel in endpoints
        ],
        note=" ".join([*_of_secret(page, endpoints), *_of_test(page, test)]),
    )


def _row(page: InstallerPage, endpoint: DeliveryEndpoint, on_their_way: int) -> Sequence[Told]:
    return (
        words(endpoint.channel),
        endpoint.url or page.installer.email,
        Shown(endpoint.channel is page.installer.channel, Kind.YES_NO),
        Shown(endpoint.breaker, Kind.CHIP, tones=BREAKER_TONES),
        Shown(endpoint.failures_in_row, Kind.NUMBER),
        Shown(endpoint.last_accepted_at, Kind.AGO),
        Shown(on_their_way, Kind.NUMBER),
    )


def _of_secret(page: InstallerPage, endpoints: Mapping[Channel, DeliveryEndpoint]) -> list[str]:
    webhook = endpoints.get(Channel.WEBHOOK)
    if webhook is None or webhook.previous_secret_until is None or webhook.previous_secret_until <= page.now:
        return []
    until = page.console.wording.exact(webhook.previous_secret_until)
    return [f"Its secret was rotated: the former one signs besides until {until}."]


def _of_test(page: InstallerPage, test: WebhookTest | None) -> list[str]:
    if test is None:
        return []
    asked = f"The last test, asked for by {test.asked_by} on {page.console.wording.exact(test.asked_at)}"
    if test.outcome is None:
        return [f"{asked}, is on its way."]
    took = f" in {test.duration_ms:,} ms" if test.duration_ms is not None else ""
    answer = told_answer(Channel.WEBHOOK, test.http_status) or words(test.reason_code or "").lower()
    verdict = "was taken" if test.outcome is Verdict.ACCEPTED else "was not taken"
    return [f"{asked}, {verdict}: {answer}{took}."]


async def holds_back(page: InstallerPage) -> Note | None:
    """Why what is given does not arrive."""
    endpoints = await sending.endpoints_of(page.session, page.installer.id)
    endpoint = endpoints.get(page.installer.channel)
    if endpoint is None or endpoint.breaker is BreakerState.CLOSED:
        return None
    failed = f"{counted(endpoint.failures_in_row, 'delivery', 'deliveries')} in a row failed, so its breaker opened."
    if endpoint.breaker is BreakerState.HALF_OPEN or endpoint.probe_at is None or endpoint.probe_at <= page.now:
        then = "The next one is a try: if it is taken, the others follow."
    else:
        then = (
            f"One is tried from {page.console.wording.exact(endpoint.probe_at)} on; if it is taken, the others follow."
        )
    return Note(f"Its {endpoint.channel} holds leads back", f"{failed} {then}", tone="warning")


async def set_channel(page: InstallerPage) -> Action:
    endpoints = await sending.endpoints_of(page.session, page.installer.id)
    webhook = endpoints.get(Channel.WEBHOOK)
    return Action(
        DeliveryAction.SET_CHANNEL,
        "Set delivery channel",
        f"{page.path}/channel",
        effect="People's names and numbers go there from the next lead on; what is on its way stays on its channel. "
        + ("" if webhook else "Makes the webhook's secret and shows it once."),
        fields=(
            FormField(
                "channel", "Leads go by", FieldKind.RADIO, page.installer.channel, is_required=True, options=CHANNELS
            ),
            FormField(
                "url",
                "Address of the webhook",
                FieldKind.URL,
                (webhook.url if webhook else None) or "",
                hint="On the open internet, as https://leads.example/waybill",
                longest=LONGEST_URL,
            ),
            REASON,
        ),
        hidden={"seen": page.seen},
        done="Its delivery channel is set",
        **refused(page.operator, WRITE),
    )


async def rotate_secret(page: InstallerPage) -> Action:
    return Action(
        DeliveryAction.ROTATE_SECRET,
        "Rotate the webhook's secret",
        f"{page.path}/webhook-secret",
        effect="Makes a new secret and shows it once. The present one signs besides for 24 hours; one before it "
        "stops at once.",
        fields=(REASON,),
        hidden={"seen": page.seen},
        **refused(page.operator, WRITE, await _obstacle(page, DeliveryAction.ROTATE_SECRET)),
    )


async def send_test(page: InstallerPage) -> Action:
    return Action(
        DeliveryAction.TEST,
        "Send a test to its webhook",
        f"{page.path}/webhook-test",
        effect="A signed message of no lead and no person. Nobody is billed, and no breaker moves.",
        fields=(WHY,),
        done="The test is on its way: what comes of it stands under Delivery",
        **refused(page.operator, WRITE, await _obstacle(page, DeliveryAction.TEST)),
    )


async def close_breaker(page: InstallerPage) -> Action:
    endpoints = await sending.endpoints_of(page.session, page.installer.id)
    channel = held_back({channel: endpoint.breaker for channel, endpoint in endpoints.items()})
    return Action(
        DeliveryAction.CLOSE_BREAKER,
        "Close the breaker",
        f"{page.path}/breaker",
        effect="What waits is delivered from now on, and new leads are not held back. It opens again if deliveries "
        "go on failing.",
        fields=(REASON,),
        hidden={"seen": page.seen, "channel": channel or Channel.MAIL},
        done="Its breaker is closed",
        **refused(page.operator, WRITE, await _obstacle(page, DeliveryAction.CLOSE_BREAKER)),
    )


async def _obstacle(page: InstallerPage, action: DeliveryAction) -> str | None:
    return obstacles_on(await sending.endpoints_of(page.session, page.installer.id))[action]
