"""The processes themselves, and the jobs that run by the clock."""

from deploy.dashboards.charts import Board, Chart, Query, Row, largest, rate, total

SHAPES = "service, shape"
NEXT_RUN = "waybill_schedule_next_run_timestamp_seconds"

HEALTH = Row(
    "Processes",
    (
        Chart(
            "Answering the scrape",
            "By service and shape.",
            "short",
            (Query(total("up", SHAPES, ', job="waybill"'), "{{service}} {{shape}}"),),
        ),
        Chart(
            "Restarts",
            "Within half an hour, of the containers that are there now. More than two is an alert.",
            "short",
            (
                Query(
                    "sum by (service, shape)"
                    ' (changes(process_start_time_seconds{job="waybill", service=~"$service"}[30m]))',
                    "{{service}} {{shape}}",
                ),
            ),
        ),
        Chart(
            "Memory",
            "At rest a process takes 115 to 135 MB.",
            "bytes",
            (Query(largest("process_resident_memory_bytes", SHAPES, ', job="waybill"'), "{{service}} {{shape}}"),),
        ),
        Chart(
            "CPU",
            "Cores in use; one process uses one at the most, but for what its libraries do in threads.",
            "short",
            (Query(rate("process_cpu_seconds_total", SHAPES, ', job="waybill"'), "{{service}} {{shape}}"),),
        ),
        Chart(
            "Lateness of the event loop",
            "How late its last beat came. Ten seconds fail liveness.",
            "s",
            (Query(largest("waybill_event_loop_lag_seconds", SHAPES), "{{service}} {{shape}}"),),
        ),
        Chart(
            "Database connections in use",
            "As a part of those that a process may have.",
            "percentunit",
            (
                Query(
                    'max by (service, shape, pool) (waybill_database_pool_in_use{service=~"$service"}'
                    ' / waybill_database_pool_size{service=~"$service"})',
                    "{{service}} {{shape}} {{pool}}",
                ),
            ),
            width=4,
        ),
        Chart(
            "Waited for one in vain",
            "Units of work that gave up after ten seconds.",
            "cps",
            (Query(rate("waybill_database_pool_timeouts_total", SHAPES), "{{service}} {{shape}}"),),
            width=4,
        ),
    ),
)

SCHEDULES = Row(
    "Schedules",
    (
        Chart(
            "Overdue",
            "For how long the first run that is not finished has been due; nothing where it lies ahead.",
            "s",
            (
                Query(
                    f"clamp_min(time() - {largest(NEXT_RUN, 'service, schedule')}, 0)",
                    "{{service}} {{schedule}}",
                ),
            ),
        ),
        Chart(
            "Since the last run",
            "By business time, as its instant was due.",
            "s",
            (
                Query(
                    f"time() - {largest('waybill_schedule_last_run_timestamp_seconds', 'service, schedule')}",
                    "{{service}} {{schedule}}",
                ),
            ),
        ),
        Chart(
            "Runs",
            "By how they ended; one that failed is tried again after a quarter of a minute.",
            "cps",
            (
                Query(
                    rate("waybill_schedule_runs_total", "service, schedule, outcome"),
                    "{{service}} {{schedule}} {{outcome}}",
                ),
            ),
        ),
    ),
)

BOARD = Board("processes", "Waybill: processes and schedules", (HEALTH, SCHEDULES))
