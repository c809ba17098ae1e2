"""Requests: how many, how well, how fast. What the platform asks (health, metrics) is left out."""

from deploy.dashboards.charts import Board, Chart, Query, Row, quantile, rate

COUNT = "waybill_http_request_duration_seconds_count"
SECONDS = "waybill_http_request_duration_seconds"
OURS = ', route!~"/health/.*|/metrics"'
FAILED = f'{OURS}, status=~"5..|none"'
REFUSED = f'{OURS}, status=~"4.."'

ALL = Row(
    "By service",
    (
        Chart(
            "Requests",
            "A second. The api processes are scaled by it.",
            "reqps",
            (Query(rate(COUNT, "service", OURS), "{{service}}"),),
        ),
        Chart(
            "Failed",
            "The part that was answered by 500 and above, or not at all. Over 5 % is an alert.",
            "percentunit",
            (Query(f"{rate(COUNT, 'service', FAILED)} / {rate(COUNT, 'service', OURS)}", "{{service}}"),),
        ),
        Chart(
            "Refused",
            "The part that the client got wrong: 400 to 499.",
            "percentunit",
            (Query(f"{rate(COUNT, 'service', REFUSED)} / {rate(COUNT, 'service', OURS)}", "{{service}}"),),
        ),
        Chart(
            "Latency",
            "From the request's first byte to the answer's last.",
            "s",
            (
                Query(quantile(0.5, SECONDS, "service", OURS), "{{service}} half"),
                Query(quantile(0.99, SECONDS, "service", OURS), "{{service}} 99 %"),
            ),
            width=12,
        ),
        Chart(
            "By status",
            "`none` is a request whose client went away or whose answer broke.",
            "reqps",
            (Query(rate(COUNT, "service, status", OURS), "{{service}} {{status}}"),),
            width=12,
        ),
    ),
)

ROUTES = Row(
    "By route",
    (
        Chart(
            "Busiest",
            "The ten routes with the most requests.",
            "reqps",
            (Query(f"topk(10, {rate(COUNT, 'service, method, route', OURS)})", "{{service}} {{method}} {{route}}"),),
        ),
        Chart(
            "Slowest",
            "The ten routes on which one request in a hundred takes longest.",
            "s",
            (
                Query(
                    f"topk(10, {quantile(0.99, SECONDS, 'service, method, route', OURS)})",
                    "{{service}} {{method}} {{route}}",
                ),
            ),
        ),
        Chart(
            "Failing",
            "The ten routes with the most failures.",
            "reqps",
            (
                Query(
                    f"topk(10, {rate(COUNT, 'service, method, route, status', FAILED)})",
                    "{{service}} {{method}} {{route}} {{status}}",
                ),
            ),
        ),
    ),
)

BOARD = Board("http", "Waybill: HTTP", (ALL, ROUTES))
