"""The report's colours and the style of its charts, as CSS.

Every colour is a variable with a value for light and one for dark, each at least 4.5 : 1 against
its background (after Okabe and Ito's colour-blind-safe palette, darkened or lightened for that).
"""

LIGHT = {
    "paper": "#fcfbf8", "card": "#ffffff", "ink": "#1d2026", "soft": "#5a606b", "line": "#e2dfd7",
    "model-0": "#686d76", "model-1": "#a95705", "model-2": "#0a5c9e", "model-3": "#7a3e9d",
    "model-4": "#00705a", "forget": "#a3245c", "boundary": "#00705a",
    "retain": "#0a5c9e", "utility": "#a95705", "all": "#686d76",
    "good": "#00694f", "bad": "#a62b1f", "unsure": "#8a5a00",
}  # fmt: skip
DARK = {
    "paper": "#15171b", "card": "#1c1f24", "ink": "#e9e7e2", "soft": "#a7acb5", "line": "#353940",
    "model-0": "#a7acb5", "model-1": "#f0a24a", "model-2": "#74b8f5", "model-3": "#c79be6",
    "model-4": "#56cfb0", "forget": "#f08cb4", "boundary": "#56cfb0",
    "retain": "#74b8f5", "utility": "#f0a24a", "all": "#a7acb5",
    "good": "#5fd0ac", "bad": "#ff9183", "unsure": "#e8b34c",
}  # fmt: skip
SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def variables() -> str:
    """The CSS that gives the colours, for light and for dark."""
    light, dark = (
        " ".join(f"--{name}: {colour};" for name, colour in colours.items())
        for colours in (LIGHT, DARK)
    )
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    )


def style() -> str:
    """The CSS of all charts."""
    names = list(LIGHT)
    fills = " ".join(f".f-{n} {{ fill: var(--{n}); }}" for n in names)
    strokes = " ".join(f".s-{n} {{ stroke: var(--{n}); fill: none; }}" for n in names)
    return f"""svg text {{ font: 13px {SANS};
  font-variant-numeric: tabular-nums; fill: var(--ink); }}
svg .title {{ font-size: 17px; font-weight: 600; }}
svg .name {{ font-weight: 600; }}
svg .tick {{ font-size: 11.5px; fill: var(--soft); }}
svg .end {{ text-anchor: end; }} svg .middle {{ text-anchor: middle; }}
svg .grid, svg .rule {{ stroke: var(--line); fill: none; }}
svg .limit {{ stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 2 2.5; fill: none; }}
svg .back {{ fill: var(--paper); }}
{fills}
{strokes}
svg .ring {{ stroke-width: 1.8; fill: var(--paper); }}
svg .whisker {{ stroke-width: 1.8; stroke-linecap: round; }}
svg .strong {{ stroke-width: 2; stroke-linejoin: round; }}
svg .faint {{ stroke-width: 1.3; opacity: .5; stroke-linejoin: round; }}
svg .s-boundary {{ stroke-dasharray: 7 3; }}
svg .s-retain {{ stroke-dasharray: 2 2; }}
svg .s-utility {{ stroke-dasharray: 9 3 2 3; }}"""
