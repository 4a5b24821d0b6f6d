"""The contribution curve as an SVG whose text is text. Drawn by hand: one curve in a square needs no plotting library."""

from collections.abc import Sequence
from datetime import date
from html import escape

from guanxi_common.errors import Locale, Text

from scoring_svc.concentration.policy import Concentration

SIDE, LEFT, TOP, WIDTH, HEIGHT = 400, 70, 80, 520, 560
TICKS = (0, 20, 40, 60, 80, 100)
_STYLE = (
    "text{font-family:system-ui,'Noto Sans CJK SC','Microsoft YaHei',sans-serif;font-size:13px;fill:#222}"
    ".title{font-size:16px;font-weight:600}.grid{stroke:#ddd}.equal{stroke:#888;stroke-dasharray:5 4}"
    ".curve{fill:none;stroke:#0b5cad;stroke-width:2.5}.area{fill:#0b5cad;fill-opacity:.12}"
)
TITLE = Text("Contribution curve", "贡献曲线")
X_AXIS = Text("Customers, lowest value first (%)", "客户占比（按价值由低到高，%）")
Y_AXIS = Text("Share of the total (%)", "价值占比（%）")
NOTHING = Text("Nothing to share: the total is zero.", "合计为零，无可分布。")


def draw(found: Concentration, *, locale: Locale, measure: Text, currency: str, as_of: date) -> str:
    """The picture in the caller's language. Always the same text for the same arguments."""

    def say(text: Text) -> str:
        return escape(text.in_(locale))

    middle = LEFT + SIDE / 2
    body = [
        f'<text class="title" x="{LEFT}" y="28">{say(TITLE)} · {escape(currency)} · {as_of}</text>',
        f'<text x="{LEFT}" y="50">{say(_summary(found))}</text>',
        *_grid(),
        f'<text x="{middle}" y="{TOP + SIDE + 42}" text-anchor="middle">{say(X_AXIS)}</text>',
        f'<text x="22" y="{TOP + SIDE / 2}" text-anchor="middle" transform="rotate(-90 22 {TOP + SIDE / 2})">{say(Y_AXIS)}</text>',
    ]
    if found.curve:
        points = _points(found.curve)
        body += [
            f'<polygon class="area" points="{points}"/>',
            f'<line class="equal" x1="{LEFT}" y1="{TOP + SIDE}" x2="{LEFT + SIDE}" y2="{TOP}"/>',
            f'<polyline class="curve" points="{points}"/>',
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">'
        f"<title>{say(TITLE)}</title><desc>{say(measure)}</desc><style>{_STYLE}</style>"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{"".join(body)}</svg>\n'
    )


def _summary(found: Concentration) -> Text:
    if found.gini is None:
        return NOTHING
    gini = f"{found.gini:.3f}"
    tops = [(one.percent, f"{one.share_bp / 100:.1f}") for one in found.top if one.percent in (1, 20)]
    english = [f"Gini {gini}", *(f"top {percent} %: {share} %" for percent, share in tops), f"{found.customers:,} customers"]
    chinese = [f"基尼系数{gini}", *(f"前{percent}%客户占{share}%" for percent, share in tops), f"{found.customers:,}位客户"]
    if found.below_zero:
        english.append(f"{found.below_zero:,} below zero left out")
        chinese.append(f"另有{found.below_zero:,}位为负，未计入")
    return Text("; ".join(english), "；".join(chinese))


def _grid() -> list[str]:
    lines = []
    for tick in TICKS:
        x, y = LEFT + SIDE * tick / 100, TOP + SIDE * (1 - tick / 100)
        lines += [
            f'<line class="grid" x1="{x:g}" y1="{TOP}" x2="{x:g}" y2="{TOP + SIDE}"/>',
            f'<line class="grid" x1="{LEFT}" y1="{y:g}" x2="{LEFT + SIDE}" y2="{y:g}"/>',
            f'<text x="{x:g}" y="{TOP + SIDE + 20}" text-anchor="middle">{tick}</text>',
            f'<text x="{LEFT - 8}" y="{y + 4:g}" text-anchor="end">{tick}</text>',
        ]
    return lines


def _points(curve: Sequence[float]) -> str:
    last = len(curve) - 1
    return " ".join(f"{LEFT + SIDE * step / last:.1f},{TOP + SIDE * (1 - share):.1f}" for step, share in enumerate(curve))
