"""Whether the books tie, what has not arrived, and what waits for a person."""

from deploy.dashboards.charts import Board, Chart, Number, Query, Row, largest, quantile, rate, total

DIFFERENCE = 'max by (check) (abs(waybill_books_difference_cents{service=~"$service"})) / 100'

BOOKS = Row(
    "The books",
    (
        Number(
            "Off by",
            "The largest difference of all checks. Anything but zero is an alert.",
            "prefix:$",
            Query(f"max({DIFFERENCE})", "off by"),
        ),
        Number(
            "Compared",
            "How long ago the books were last compared.",
            "s",
            Query(f"time() - {largest('waybill_books_checked_timestamp_seconds', 'service')}", "ago"),
        ),
        Number(
            "Outcome unknown",
            "Calls to Stripe whose outcome is not known.",
            "short",
            Query('sum(max by (outcome) (waybill_payout_attempts_open{service=~"$service"}))', "calls"),
        ),
        Number(
            "Held deliveries",
            "Deliveries that no price plan covers.",
            "short",
            Query('max(waybill_deliveries_held{service=~"$service"})', "held"),
        ),
        Number(
            "Held payments",
            "Payments at Stripe that could not be recorded.",
            "short",
            Query('max(waybill_stripe_events_waiting{service=~"$service", state="held"})', "held"),
        ),
        Number(
            "Leads that wait",
            "Exceptions that are open.",
            "short",
            Query('sum(max by (reason) (waybill_dispatch_exceptions_open{service=~"$service"}))', "open"),
        ),
    ),
)

PAY = Row(
    "Experts' pay",
    (
        Chart(
            "Payouts",
            "Those that are not settled, by state.",
            "short",
            (Query(largest("waybill_payouts", "state"), "{{state}}"),),
        ),
        Chart(
            "What they come to",
            "`pending` waits for the client's payment, `ready` for Monday.",
            "prefix:$",
            (Query(f"{largest('waybill_payouts_cents', 'state')} / 100", "{{state}}"),),
        ),
        Chart(
            "Age of the oldest open call",
            "To Stripe. It is looked up, and never sent under a new key; a quarter of an hour is an alert.",
            "s",
            (Query(largest("waybill_payout_attempts_oldest_age_seconds", "service"), "oldest"),),
        ),
    ),
)

BILLING = Row(
    "Billing",
    (
        Chart(
            "Differences of the books",
            "By check: the journal's own sum, and the receivable against the invoices.",
            "prefix:$",
            (Query(DIFFERENCE, "{{check}}"),),
        ),
        Chart(
            "Equalities that do not hold",
            "By the last certificate of the books. One is an alert.",
            "short",
            (Query(largest("waybill_certificate_failed_equalities", "service"), "failed"),),
            width=4,
        ),
        Chart(
            "Age of the last certificate",
            "The books are certified every night; more than 26 hours is an alert.",
            "s",
            (Query(largest("waybill_certificate_age_seconds", "service"), "age"),),
            width=4,
        ),
        Chart(
            "Questions to Stripe",
            "`pending` is being asked, `unmatched` waits for its invoice, `held` for a person.",
            "short",
            (Query(largest("waybill_stripe_events_waiting", "state"), "{{state}}"),),
        ),
        Chart(
            "Age of the oldest question",
            "By state.",
            "s",
            (Query(largest("waybill_stripe_events_oldest_age_seconds", "state"), "{{state}}"),),
            width=4,
        ),
        Chart(
            "Age of the oldest held delivery",
            "More than a day is an alert.",
            "s",
            (Query(largest("waybill_deliveries_held_oldest_age_seconds", "service"), "oldest"),),
            width=4,
        ),
        Chart(
            "Deliveries that are in no ledger",
            "Their events are parked: no month that they may be of can be closed. One is an alert.",
            "short",
            (Query(largest("waybill_deliveries_unrecorded", "service"), "not recorded"),),
        ),
    ),
)

STRIPE = Row(
    "Our books and Stripe's",
    (
        Chart(
            "Differences",
            "That are open and nobody has accepted, by kind.",
            "short",
            (Query(largest("waybill_stripe_differences_open", "kind"), "{{kind}}"),),
        ),
        Chart(
            "Age of the oldest difference",
            "By kind. An amount that differs for a day is an alert.",
            "s",
            (Query(largest("waybill_stripe_differences_oldest_age_seconds", "kind"), "{{kind}}"),),
        ),
        Chart(
            "Since they were compared",
            "Each night, and by hand.",
            "s",
            (Query(f"time() - {largest('waybill_stripe_compared_timestamp_seconds', 'service')}", "ago"),),
        ),
    ),
)

LEADS = Row(
    "Leads",
    (
        Chart(
            "Exceptions",
            "Leads that wait for an operator, by reason.",
            "short",
            (Query(largest("waybill_dispatch_exceptions_open", "reason"), "{{reason}}"),),
            width=12,
        ),
        Chart(
            "Age of the oldest",
            "More than four hours is an alert.",
            "s",
            (Query(largest("waybill_dispatch_exceptions_oldest_age_seconds", "kind"), "{{kind}}"),),
            width=12,
        ),
        Chart(
            "From receipt to installer",
            "Nine of ten leads were given within this time, by what made the try.",
            "s",
            (
                Query(
                    "histogram_quantile(0.9, sum by (le, trigger) "
                    '(rate(waybill_dispatch_latency_seconds_bucket{service=~"$service"}[$__rate_interval])))',
                    "{{trigger}}",
                ),
            ),
            width=12,
        ),
        Chart(
            "Deliveries",
            "That ended, a second, by channel and how.",
            "short",
            (
                Query(
                    'sum by (channel, outcome) (rate(waybill_deliveries_total{service=~"$service"}[$__rate_interval]))',
                    "{{channel}} {{outcome}}",
                ),
            ),
            width=12,
        ),
        Chart(
            "Decisions",
            "A second, by what made the try and what came of it.",
            "short",
            (
                Query(
                    "sum by (trigger, outcome) "
                    '(rate(waybill_dispatch_decisions_total{service=~"$service"}[$__rate_interval]))',
                    "{{trigger}} {{outcome}}",
                ),
            ),
            width=12,
        ),
        Chart(
            "What the queue does by itself",
            "Tries that fell due and items that were escalated, a second.",
            "short",
            (
                Query(
                    'sum by (end) (rate(waybill_dispatch_retries_total{service=~"$service"}[$__rate_interval]))',
                    "tried: {{end}}",
                ),
                Query(
                    'sum(rate(waybill_dispatch_exceptions_escalated_total{service=~"$service"}[$__rate_interval]))',
                    "escalated",
                ),
            ),
            width=12,
        ),
        Chart(
            "What the queue keeps waiting",
            "Leads that are nobody's for too long, returns past their day, and channels that hold leads back.",
            "short",
            (
                Query(largest("waybill_dispatch_exceptions_unowned_late", "service"), "nobody's"),
                Query(largest("waybill_returns_overdue", "service"), "returns"),
                Query(largest("waybill_delivery_breakers_open", "channel"), "breakers {{channel}}"),
            ),
            width=12,
        ),
        Chart(
            "Tries that are due",
            "How long the first has been; more than fifteen minutes is an alert.",
            "s",
            (Query(largest("waybill_dispatch_retries_overdue_seconds", "service"), "overdue"),),
            width=12,
        ),
        Chart(
            "Leads at the door",
            "Taken in and not screened yet; `failed` are those that a fault of ours stops.",
            "short",
            (
                Query(largest("waybill_leads_unscreened", "service"), "waiting"),
                Query(largest("waybill_leads_screening_failed", "service"), "failed"),
            ),
            width=12,
        ),
        Chart(
            "Age of the oldest at the door",
            "More than five minutes is an alert.",
            "s",
            (Query(largest("waybill_leads_unscreened_oldest_age_seconds", "service"), "oldest"),),
            width=12,
        ),
        Chart(
            "Leads of before an upgrade",
            "Those that lack what it brought: the words and keys they are found by. Nothing is left soon after.",
            "short",
            (Query(largest("waybill_leads_to_fill", "fill"), "{{fill}}"),),
            width=12,
        ),
        Chart(
            "Decisions that come out otherwise",
            "Of those of the last day that were made again in the night. One is an alert.",
            "short",
            (Query(largest("waybill_decision_replay_mismatches", "service"), "otherwise"),),
            width=12,
        ),
    ),
)

WEBHOOKS = Row(
    "Webhooks of installers",
    (
        Chart(
            "Tries by what became of them",
            "`again` is tried once more; a breaker opens after five faults in a row of one installer.",
            "cps",
            (Query(rate("waybill_webhook_tries_total", "verdict"), "{{verdict}}"),),
        ),
        Chart(
            "One exchange with an installer",
            "Half of them, and ninety-nine of a hundred, are faster. Ten seconds end it.",
            "s",
            (
                Query(quantile(0.5, "waybill_webhook_send_duration_seconds", "service"), "half"),
                Query(quantile(0.99, "waybill_webhook_send_duration_seconds", "service"), "99 %"),
            ),
        ),
        Chart(
            "Being sent",
            "Webhooks in hand, over all processes.",
            "short",
            (Query(total("waybill_webhooks_in_hand", "service"), "in hand"),),
        ),
    ),
)

BOARD = Board("money", "Waybill: money and leads", (BOOKS, PAY, BILLING, STRIPE, LEADS, WEBHOOKS))
