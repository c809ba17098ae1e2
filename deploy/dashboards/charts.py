"""What a dashboard is made of: rows of charts, each with its question, its unit and its queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from string import ascii_uppercase

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import Dashboard, DataSourceRef, VariableOption, VariableRefresh

SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
WIDTH = 24

Panel = timeseries.Panel | stat.Panel


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL; the legend names labels as `{{service}}`."""

    expr: str
    legend: str

    def build(self, place: int) -> prometheus.Dataquery:
        return (
            prometheus.Dataquery()
            .expr(self.expr)
            .legend_format(self.legend)
            .ref_id(ascii_uppercase[place])
            .datasource(SOURCE)
        )


@dataclass(frozen=True, slots=True)
class Chart:
    """`description` says what is well and what is not. `unit` is one of Grafana's; `width` of 24."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    width: int = 8

    def build(self, id_: int) -> Panel:
        return self._with_queries(
            timeseries.Panel()
            .id(id_)
            .title(self.title)
            .description(self.description)
            .unit(self.unit)
            .min(0)
            .datasource(SOURCE)
            .height(8)
            .span(self.width)
            .fill_opacity(8)
            .legend(
                common.VizLegendOptions()
                .display_mode(LegendDisplayMode.LIST)
                .placement(LegendPlacement.BOTTOM)
                .show_legend(True)
            )
            .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        )

    def _with_queries(self, panel: timeseries.Panel) -> timeseries.Panel:
        for place, query in enumerate(self.queries):
            panel = panel.with_target(query.build(place))
        return panel


@dataclass(frozen=True, slots=True)
class Number:
    """One figure as it is now, from one query."""

    title: str
    description: str
    unit: str
    query: Query
    width: int = 4

    @property
    def queries(self) -> tuple[Query, ...]:
        return (self.query,)

    def build(self, id_: int) -> Panel:
        return (
            stat.Panel()
            .id(id_)
            .title(self.title)
            .description(self.description)
            .unit(self.unit)
            .datasource(SOURCE)
            .height(4)
            .span(self.width)
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
            .with_target(self.query.build(0))
        )


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    charts: Sequence[Chart | Number]


@dataclass(frozen=True, slots=True)
class Board:
    """`name` is the file's name and the end of the address in Grafana."""

    name: str
    title: str
    rows: Sequence[Row]

    @property
    def charts(self) -> list[Chart | Number]:
        return [chart for row in self.rows for chart in row.charts]

    def build(self) -> Dashboard:
        made = (
            dashboard.Dashboard(self.title)
            .uid(f"waybill-{self.name}")
            .tags(["waybill"])
            .timezone("browser")
            .refresh("30s")
            .time("now-3h", "now")
            .with_variable(dashboard.DatasourceVariable("source").label("Data source").type("prometheus"))
            .with_variable(_services())
        )
        ids = count(1)
        for row in self.rows:
            made = made.with_row(dashboard.Row(row.title).id(next(ids)))
            for chart in row.charts:
                made = made.with_panel(chart.build(next(ids)))
        return made.build()


def _services() -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable("service")
        .label("Service")
        .datasource(SOURCE)
        .query('label_values(up{job="waybill"}, service)')
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )


def rate(counter: str, by: str, matching: str = "") -> str:
    """How often a second, by labels, of the chosen services."""
    return f'sum by ({by}) (rate({counter}{{service=~"$service"{matching}}}[$__rate_interval]))'


def quantile(share: float, histogram: str, by: str, matching: str = "") -> str:
    """Of a histogram's observations, by labels; `histogram` without its `_bucket`."""
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', f'{by}, le', matching)})"


def mean(histogram: str, by: str) -> str:
    return f"{rate(f'{histogram}_sum', by)} / {rate(f'{histogram}_count', by)}"


def largest(gauge: str, by: str, matching: str = "") -> str:
    """Where every process of a service says the same, or the worst one counts."""
    return f'max by ({by}) ({gauge}{{service=~"$service"{matching}}})'


def total(gauge: str, by: str, matching: str = "") -> str:
    return f'sum by ({by}) ({gauge}{{service=~"$service"{matching}}})'
