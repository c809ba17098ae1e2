"""Mails: what waits, what became of them, and the accounts that send them."""

from deploy.dashboards.charts import Board, Chart, Query, Row, largest, quantile, rate, total

QUEUE = Row(
    "The queue",
    (
        Chart(
            "Waiting",
            "By state. `deferred` was tried and is tried again later.",
            "short",
            (Query(largest("waybill_mails_waiting", "state"), "{{state}}"),),
        ),
        Chart(
            "Overdue",
            "Mails that should have gone out by now, and for how long the first has been late.",
            "short",
            (Query(largest("waybill_mails_overdue", "service"), "mails"),),
            width=4,
        ),
        Chart(
            "Overdue since",
            "Over a quarter of an hour is an alert.",
            "s",
            (Query(largest("waybill_mails_overdue_oldest_age_seconds", "service"), "oldest"),),
            width=4,
        ),
        Chart(
            "Tries by what became of them",
            "`outcome_unknown` is sent again as the same mail.",
            "cps",
            (Query(rate("waybill_mail_tries_total", "purpose, verdict"), "{{purpose}} {{verdict}}"),),
        ),
        Chart(
            "One exchange with a server",
            "Half of them, and ninety-nine of a hundred, are faster.",
            "s",
            (
                Query(quantile(0.5, "waybill_mail_send_duration_seconds", "service"), "half"),
                Query(quantile(0.99, "waybill_mail_send_duration_seconds", "service"), "99 %"),
            ),
            width=12,
        ),
        Chart(
            "Being sent",
            "Mails in hand, over all processes.",
            "short",
            (Query(total("waybill_mails_in_hand", "service"), "in hand"),),
            width=12,
        ),
    ),
)

ACCOUNTS = Row(
    "Sender accounts",
    (
        Chart(
            "May send",
            "1 where the account would take a mail now. None at all is an alert.",
            "short",
            (Query(largest("waybill_sender_account_may_send", "account"), "{{account}}"),),
        ),
        Chart(
            "State",
            "The state that each account is in.",
            "short",
            (Query(f"{largest('waybill_sender_account_state', 'account, state')} == 1", "{{account}} {{state}}"),),
        ),
        Chart(
            "Bounces",
            "Refusals per send in the last 24 hours. Over 5 % of fifty sends is a break of an hour.",
            "percentunit",
            (Query(largest("waybill_sender_account_bounce_ratio", "account"), "{{account}}"),),
            width=4,
        ),
        Chart(
            "Cap used",
            "Of the day's. From 90 % on the account takes less, at 100 % nothing.",
            "percentunit",
            (Query(largest("waybill_sender_account_cap_used_ratio", "account"), "{{account}}"),),
            width=4,
        ),
    ),
)

BOARD = Board("mail", "Waybill: mail", (QUEUE, ACCOUNTS))
