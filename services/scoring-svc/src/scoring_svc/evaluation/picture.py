"""A calibration plot as SVG text: predicted against observed, by tenths of the predictions."""

from typing import Final

from scoring_svc.evaluation.figures import Curve

SIDE: Final = 360
MARGIN: Final = 48
_STEPS: Final = 5
_COLOURS: Final = ("#1f5f8b", "#b3541e", "#3b7a3b")


def calibration_svg(title: str, curves: tuple[Curve, ...]) -> str:
    """Points with Wilson's 95 % interval, one colour for each model; the diagonal is perfect calibration."""
    most = max(max(part.observed.high, part.predicted) for curve in curves for part in curve.bins)
    limit = min(1.0, -(-most * 20 // 1) / 20)
    body = [*_axes(limit), *(line for i, curve in enumerate(curves) for line in _points(curve, i, limit))]
    width, height = SIDE + 2 * MARGIN, SIDE + 2 * MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">'
    )
    frame = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    heading = f'<text x="{width / 2}" y="20" text-anchor="middle">{_escape(title)}</text>'
    return "\n".join([head, frame, heading, *body, "</svg>", ""])


def _axes(limit: float) -> list[str]:
    lines = [_line(0, 0, limit, limit, limit, "#999999", dashed=True)]
    lines += [_line(0, 0, limit, 0, limit, "#333333"), _line(0, 0, 0, limit, limit, "#333333")]
    for step in range(_STEPS + 1):
        value = limit * step / _STEPS
        x, y = _place(value, 0, limit)
        lines.append(f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{value:.2f}</text>')
        x, y = _place(0, value, limit)
        lines.append(f'<text x="{x - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>')
    middle = MARGIN + SIDE / 2
    lines.append(f'<text x="{middle}" y="{SIDE + 2 * MARGIN - 8}" text-anchor="middle">predicted</text>')
    lines.append(f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">observed</text>')
    return lines


def _points(curve: Curve, index: int, limit: float) -> list[str]:
    colour = _COLOURS[index % len(_COLOURS)]
    lines = [f'<text x="{MARGIN + 12}" y="{MARGIN + 14 + 15 * index}" fill="{colour}">{_escape(curve.model)}</text>']
    for part in curve.bins:
        x, y = _place(part.predicted, part.observed.value, limit)
        lines.append(_line(part.predicted, part.observed.low, part.predicted, min(part.observed.high, limit), limit, colour))
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
    return lines


def _line(x1: float, y1: float, x2: float, y2: float, limit: float, colour: str, *, dashed: bool = False) -> str:
    (a, b), (c, d) = _place(x1, y1, limit), _place(x2, y2, limit)
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<line x1="{a:.1f}" y1="{b:.1f}" x2="{c:.1f}" y2="{d:.1f}" stroke="{colour}"{dash}/>'


def _place(x: float, y: float, limit: float) -> tuple[float, float]:
    return MARGIN + SIDE * x / limit, MARGIN + SIDE * (1 - y / limit)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
