"""A dashboard being put together: panels with a place, a unit, a description and a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    geomap,
    piechart,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import piechart as pie_models
from grafana_foundation_sdk.models import text as text_models

from dashboards import ask, words

TAG = "mini-ioc"
ZONE = "Asia/Ho_Chi_Minh"
CONSOLE = "http://127.0.0.1:8080"  # `ioc grafana publish --console` puts the real one in
# A state is drawn on over a gap shorter than this. States are written every five minutes, so in
# steps of two or five minutes up to ten lie between two that hold one.
HOLD_MS = 660_000
# The map needs no internet: one transparent pixel instead of tiles.
BLANK = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8A"
    "AAAASUVORK5CYII="
)

At = tuple[int, int, int, int]  # x, y, width, height on a grid of 24 columns


class Target:
    """A query as the SDK takes it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def build(self) -> Target:
        return self

    def to_json(self) -> Mapping[str, Any]:
        return self._values


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. unit: of Grafana. bar: drawn as a bar up to this value. links: shown
    on the cells as (title, URL). width: pixels. hidden: a tag that only keeps rows apart."""

    title: str
    unit: str | None = None
    words: words.Words | None = None
    steps: dashboard.ThresholdsConfig | None = None
    decimals: int | None = None
    bar: float | None = None
    link: tuple[str, str] | None = None
    width: int | None = None
    hidden: bool = False


class Board:
    """dialect: the module influxql or promql."""

    def __init__(
        self,
        dialect: ModuleType,
        uid: str,
        title: str,
        about: str,
        *,
        since: str = "now-24h",
        refresh: str = "1m",
    ) -> None:
        self.dialect = dialect
        self.uid = uid
        self._source = common.DataSourceRef(
            type_val=dialect.DATASOURCE["type"], uid=dialect.DATASOURCE["uid"]
        )
        self._made = (
            builders.Dashboard(title)
            .uid(uid)
            .description(about)
            .tags([TAG])
            .timezone(ZONE)
            .week_start("monday")
            .time(since, "now")
            .refresh(refresh)
            .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        )
        self._panels: list[dashboard.Panel] = []
        self._link()

    def to_json(self) -> dashboard.Dashboard:
        """The dashboard, for the SDK's encoder."""
        made = self._made.build()
        made.panels = list(self._panels)
        made.schema_version = 42
        for variable in made.templating.list_val if made.templating else ():
            variable.auto = variable.auto_min = variable.auto_count = None  # of intervals only
        return made

    # --- variables, links, marks

    def choose(
        self,
        name: str,
        label: str,
        question: ask.Choices,
        *,
        regex: str = "",
        one: bool = False,
        about: str = "",
    ) -> None:
        """A variable. one: exactly one value, the first at the start; else all at the start, and
        all means whatever there is: a question says itself what else must hold."""
        variable = (
            builders.QueryVariable(name)
            .label(label)
            .description(about or label)
            .datasource(self._source)
            .query(self.dialect.choices(question))
            .refresh(dashboard.VariableRefresh.ON_DASHBOARD_LOAD)
            .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
            .regex(regex)
            .multi(not one)
            .include_all(not one)
            .allow_custom_value(False)
        )
        if not one:
            everything = dashboard.VariableOption(selected=True, text=["Tất cả"], value=["$__all"])
            variable = variable.all_value(".*").current(everything)
        self._made.with_variable(variable)

    def areas(self) -> None:
        self.choose(
            "area", "Địa bàn", ask.Choices("place", tag="area"), about="Huyện, tỉnh hoặc cụm xã"
        )

    def sites(self, *, one: bool = False) -> None:
        self.choose(
            "site",
            "Đơn vị",
            ask.Choices("place", {"area": "$area"}, tag="choice"),
            regex=r"/^(?<text>.*)\|(?<value>[^|]+)$/",
            one=one,
            about="Chọn theo tên; dữ liệu lọc theo mã đơn vị",
        )

    def number(self, name: str, label: str, value: str, about: str) -> None:
        """A figure that the viewer may change."""
        option = dashboard.VariableOption(selected=True, text=value, value=value)
        variable = builders.TextBoxVariable(name).label(label).description(about)
        self._made.with_variable(variable.default_value(value).current(option).options([option]))

    def marks(self, where: Mapping[str, str], about: str = "Sự cố") -> None:
        """Incidents on all time axes."""
        target = self.dialect.annotation(ask.Marks("incident", where))
        mark = builders.AnnotationQuery().name(about).datasource(self._source).enable(True)
        mark = mark.icon_color("red").target(Target(target))
        if "expr" in target:
            mark = mark.title_format("{{place}}").text_format("{{what}}").tag_keys("kind")
        self._made.annotation(mark)

    def _link(self) -> None:
        self._made.link(
            builders.DashboardLink("Các bảng khác")
            .type(dashboard.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .keep_time(True)
            .include_vars(True)
            .icon("external link")
            .tooltip("Sang bảng khác, giữ nguyên khoảng thời gian và đơn vị đã chọn")
        )
        self._made.link(
            builders.DashboardLink("Bàn trực (console)")
            .type(dashboard.DashboardLinkType.LINK)
            .url("${console}/console")
            .icon("bolt")
            .target_blank(True)
            .tooltip("Mở trang trực của hệ thống giám sát: tiếp nhận, ghi chú, đóng sự cố")
        )

    def finish(self) -> Board:
        """The hidden variable with the address of the program's own pages."""
        self._made.with_variable(
            builders.ConstantVariable("console").label("Địa chỉ trang trực").value(CONSOLE)
        )
        return self

    # --- panels

    def note(self, at: At, title: str, about: str, content: str) -> None:
        """A text."""
        panel = text.Panel().mode(text_models.TextMode.MARKDOWN).content(content)
        self._put(panel, at, title, about)

    def stat(
        self,
        at: At,
        title: str,
        about: str,
        question: ask.Question,
        unit: str,
        *,
        steps: dashboard.ThresholdsConfig = words.PLAIN,
        shown: words.Words | None = None,
        background: bool = True,
        names: bool = False,
        sizes: tuple[int, int] | None = None,
        decimals: int | None = None,
        link: tuple[str, str] | None = None,
    ) -> None:
        """Big figures. names: the series' names beside them. sizes: of names and values in pixels;
        otherwise the longest name makes all of them small."""
        mode = common.BigValueTextMode
        panel = (
            stat.Panel()
            .graph_mode(common.BigValueGraphMode.NONE)
            .color_mode(
                common.BigValueColorMode.BACKGROUND_SOLID
                if background
                else common.BigValueColorMode.VALUE
            )
            .justify_mode(common.BigValueJustifyMode.CENTER)
            .text_mode(mode.VALUE_AND_NAME if names else mode.VALUE)
            .wide_layout(False)
            .orientation(common.VizOrientation.AUTO)
            .reduce_options(_last())
        )
        if sizes is not None:
            text_size = common_builders.VizTextDisplayOptions().title_size(sizes[0])
            panel = panel.text(text_size.value_size(sizes[1]))
        panel = self._numbers(panel, unit, steps, shown, decimals, link)
        self._ask(panel, at, title, about, question)

    def bars(
        self,
        at: At,
        title: str,
        about: str,
        question: ask.Question | Sequence[ask.Question],
        unit: str,
        *,
        steps: dashboard.ThresholdsConfig = words.PLAIN,
        top: float | None = None,
        decimals: int | None = None,
        link: tuple[str, str] | None = None,
    ) -> None:
        """A bar for each series. top: value of a full bar."""
        panel = (
            bargauge.Panel()
            .orientation(common.VizOrientation.HORIZONTAL)
            .display_mode(common.BarGaugeDisplayMode.BASIC)
            .name_placement(common.BarGaugeNamePlacement.LEFT)
            .value_mode(common.BarGaugeValueMode.COLOR)
            .show_unfilled(True)
            .reduce_options(_last())
            .min(0)
        )
        if top is not None:
            panel = panel.max(top)
        panel = self._numbers(panel, unit, steps, None, decimals, link)
        self._ask(panel, at, title, about, question)

    def pie(self, at: At, title: str, about: str, question: ask.Question, unit: str) -> None:
        """Parts of a whole."""
        panel = (
            piechart.Panel()
            .pie_type(pie_models.PieChartType.DONUT)
            .display_labels([pie_models.PieChartLabels.VALUE])
            .reduce_options(_last())
            .legend(
                piechart.PieChartLegendOptions()
                .display_mode(common.LegendDisplayMode.TABLE)
                .placement(common.LegendPlacement.RIGHT)
                .show_legend(True)
                .values([pie_models.PieChartLegendValues.VALUE])
            )
        )
        panel = panel.unit(unit).no_value(words.NO_DATA)
        self._ask(panel, at, title, about, question)

    def timeline(
        self,
        at: At,
        title: str,
        about: str,
        question: ask.Course,
        shown: words.Words = words.STATES,
        *,
        interval: str = "2m",
        link: tuple[str, str] | None = None,
    ) -> None:
        """States over time, one row for each series."""
        panel = (
            statetimeline.Panel()
            .show_value(common.VisibilityMode.NEVER)
            .merge_values(True)
            .row_height(0.85)
            .per_page(50)
            .line_width(0)
            .fill_opacity(90)
            .span_nulls(HOLD_MS)
            .legend(_legend(common.LegendPlacement.BOTTOM))
            .tooltip(_tooltip(common.TooltipDisplayMode.SINGLE))
            .interval(interval)
            .max_data_points(1500)
        )
        panel = self._numbers(panel, "none", words.PLAIN, shown, 0, link)
        # Not by thresholds: Grafana then merges all states into one colour.
        fixed = builders.FieldColor().mode(dashboard.FieldColorModeId.FIXED)
        self._ask(panel.color_scheme(fixed.fixed_color(words.GREY)), at, title, about, question)

    def lines(
        self,
        at: At,
        title: str,
        about: str,
        questions: ask.Question | Sequence[ask.Question],
        unit: str,
        *,
        steps: dashboard.ThresholdsConfig | None = None,
        least: float | None = 0,
        most: float | None = None,
        stacked: bool = False,
        bars: bool = False,
        hold: int = 900_000,
        interval: str = "1m",
        decimals: int | None = None,
        empty: str = words.NO_DATA,
        colours: Mapping[str, str] | None = None,
    ) -> None:
        """Figures over time. hold: ms over which two samples are joined by a line. empty: what
        stands there when there is nothing.

        colours: how the name of a series begins -> its colour.
        """
        mode = common.StackingMode.NORMAL if stacked else common.StackingMode.NONE
        panel = (
            timeseries.Panel()
            .draw_style(common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE)
            .line_width(1)
            .fill_opacity(70 if bars else 30 if stacked else 0)
            .show_points(common.VisibilityMode.AUTO)
            .span_nulls(hold)
            .stacking(common_builders.StackingConfig().mode(mode))
            .legend(_legend(common.LegendPlacement.RIGHT))
            .tooltip(_tooltip(common.TooltipDisplayMode.MULTI))
            .interval(interval)
            .unit(unit)
            .no_value(empty)
        )
        panel = panel if least is None else panel.min(least)
        panel = panel if most is None else panel.max(most)
        panel = panel if decimals is None else panel.decimals(decimals)
        for name, colour in (colours or {}).items():
            value = {"mode": "fixed", "fixedColor": colour}
            found = [dashboard.DynamicConfigValue(id_val="color", value=value)]
            panel = panel.override_by_regexp(f"/^{name}/", found)
        if steps is not None:
            line = common_builders.GraphThresholdsStyleConfig()
            panel = panel.thresholds(_ready(steps)).thresholds_style(
                line.mode(common.GraphThresholdsStyleMode.DASHED)
            )
        self._ask(panel, at, title, about, questions)

    def table(
        self,
        at: At,
        title: str,
        about: str,
        question: ask.Rows | ask.Shares,
        columns: Mapping[str, Column],
        *,
        sort: tuple[str, bool] | None = None,
        empty: str = words.NO_DATA,
    ) -> None:
        """columns: tag or field -> how it is shown, in their order. sort: title, descending."""
        panel = table.Panel().show_header(True).cell_height(common.TableCellHeight.SM)
        panel._internal.options.footer = None  # Grafana 12.3 has it no more
        panel = panel.no_value(empty).unit("none")
        if sort is not None:
            state = common_builders.TableSortByFieldState().display_name(sort[0]).desc(sort[1])
            panel = panel.sort_by([state])
        for column in columns.values():
            if not column.hidden:
                panel = panel.override_by_name(column.title, _cell(column))
        changes = self._arranged(question, columns, sorted_=True)
        self._ask(panel.transformations(changes), at, title, about, question)

    def map(
        self, at: At, title: str, about: str, question: ask.Rows, columns: Mapping[str, Column]
    ) -> None:
        """Places by their coordinates; the columns lat, lon, state and place must be among them."""
        panel = geomap.Panel()
        options = panel._internal.options  # the builder has no words for most of it
        options.view.id_val, options.view.all_layers = "fit", True
        options.view.padding, options.view.shared = 12, False
        options.view.lat = options.view.lon = 0
        options.view.zoom = 13
        options.controls.show_zoom = options.controls.mouse_wheel_zoom = True
        options.controls.show_attribution = options.controls.show_scale = False
        options.basemap = common.MapLayerOptions(
            type_val="xyz", name="Nền trơn", config={"url": BLANK, "attribution": ""}
        )
        options.layers = [_markers(columns["place"].title, columns["state"].title)]
        for column in columns.values():
            panel = panel.override_by_name(column.title, _cell(column, table=False))
        panel = panel.unit("none").no_value(words.NO_DATA)
        changes = self._arranged(question, columns, sorted_=False)
        self._ask(panel.transformations(changes), at, title, about, question)

    # --- parts

    def _arranged(
        self, question: ask.Rows | ask.Shares, columns: Mapping[str, Column], *, sorted_: bool
    ) -> list[dashboard.DataTransformerConfig]:
        """Answers as one table: under the columns' titles, in their order, without the rest."""
        raw = dict(self.dialect.columns(question))
        raw |= {tag: tag for tag in question.by}
        shown = {one: name for one, name in raw.items() if not columns[name].hidden}
        hidden = [one for one, name in raw.items() if columns[name].hidden]
        order = {name: number for number, name in enumerate(columns)}
        options = {
            "excludeByName": dict.fromkeys(("Time", "time", *hidden), True),
            "indexByName": {one: order[name] for one, name in shown.items()} if sorted_ else {},
            "renameByName": {one: columns[name].title for one, name in shown.items()},
        }
        return [
            dashboard.DataTransformerConfig(id_val="merge", options={}),
            dashboard.DataTransformerConfig(id_val="organize", options=options),
        ]

    def _numbers(  # noqa: PLR0917 - what every panel of figures has
        self,
        panel: Any,
        unit: str,
        steps: dashboard.ThresholdsConfig,
        shown: words.Words | None,
        decimals: int | None,
        link: tuple[str, str] | None,
    ) -> Any:
        panel = panel.unit(unit).thresholds(_ready(steps)).no_value(words.NO_DATA)
        colour = builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS)
        panel = panel.color_scheme(colour)
        panel = panel.mappings(words.mappings(shown) if shown else [words.absent()])
        panel = panel if decimals is None else panel.decimals(decimals)
        return panel if link is None else panel.data_links([_data_link(*link)])

    def _ask(
        self,
        panel: Any,
        at: At,
        title: str,
        about: str,
        questions: ask.Question | Sequence[ask.Question],
    ) -> None:
        several = [questions] if isinstance(questions, ask.Question) else list(questions)
        found = [target for question in several for target in self.dialect.targets(question)]
        if len(several) > 1:
            letters = "ABCDEFGHIJ"
            found = [{**t, "refId": letters[i]} for i, t in enumerate(found)]
        for target in found:
            panel = panel.with_target(Target(target))
        self._put(panel.datasource(self._source), at, title, about)

    def _put(self, panel: Any, at: At, title: str, about: str) -> None:
        x, y, width, height = at
        place = dashboard.GridPos(h=height, w=width, x=x, y=y)
        built = panel.title(title).description(about).grid_pos(place)
        self._panels.append(built.id(len(self._panels) + 1).build())


def _ready(value: Any) -> Builder[Any]:
    """What is built already, where the SDK wants a builder."""

    class Ready(Builder[Any]):
        def build(self) -> Any:
            return value

    return Ready()


def _last() -> Any:
    return common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _legend(placement: common.LegendPlacement) -> Any:
    legend = common_builders.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST)
    return legend.placement(placement).show_legend(True).calcs([])


def _tooltip(mode: common.TooltipDisplayMode) -> Any:
    return common_builders.VizTooltipOptions().mode(mode).sort(common.SortOrder.DESCENDING)


def _data_link(title: str, url: str) -> Any:
    return _ready({"title": title, "url": url, "targetBlank": "${console}" in url})


def _cell(column: Column, *, table: bool = True) -> list[dashboard.DynamicConfigValue]:
    """The overrides of one column."""
    values: dict[str, Any] = {}
    if column.unit is not None:
        values["unit"] = column.unit
    if column.words is not None:
        values["mappings"] = words.mappings(column.words)
    elif column.steps is not None or column.unit is not None:
        values["mappings"] = [words.absent(words.NOTHING)]
    if column.steps is not None:
        values["thresholds"] = column.steps
        values["color"] = {"mode": "thresholds"}
    if column.decimals is not None:
        values["decimals"] = column.decimals
    if column.link is not None:
        values["links"] = [_data_link(*column.link).build()]
    if table:
        values |= _cell_look(column)
    return [dashboard.DynamicConfigValue(id_val=name, value=v) for name, v in values.items()]


def _cell_look(column: Column) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if column.bar is not None:
        values |= {"min": 0, "max": column.bar}
        values["custom.cellOptions"] = {
            "type": "gauge",
            "mode": "basic",
            "valueDisplayMode": "text",
        }
    elif column.words is not None and column.unit is not None:
        values["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
    elif column.steps is not None:
        values["custom.cellOptions"] = {"type": "color-text"}
    if column.width is not None:
        values["custom.width"] = column.width
    return values


def _markers(label: str, state: str) -> common.MapLayerOptions:
    style = {
        "color": {"field": state, "fixed": words.GREY},
        "opacity": 0.9,
        "size": {"fixed": 9, "min": 4, "max": 15},
        "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
        "symbolAlign": {"horizontal": "center", "vertical": "center"},
        "text": {"mode": "field", "field": label, "fixed": ""},
        "textConfig": {"fontSize": 12, "offsetX": 0, "offsetY": 16,
                       "textAlign": "center", "textBaseline": "middle"},
    }  # fmt: skip
    return common.MapLayerOptions(
        type_val="markers",
        name="Đơn vị",
        config={"showLegend": False, "style": style},
        location=common.FrameGeometrySource(
            mode=common.FrameGeometrySourceMode.COORDS, latitude="Vĩ độ", longitude="Kinh độ"
        ),
        tooltip=True,
    )


Make = Callable[[ModuleType], Board]
