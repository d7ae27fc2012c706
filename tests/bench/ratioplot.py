# SPDX-License-Identifier: GPL-2.0-only
"""ratioplot.py JSON OUT.svg: the ratios that tests/bench/run wrote: a bar each, its spread, and where native is."""
import json
import math
import sys

WIDTH, LEFT, ROW, GAP, TOP = 640, 110, 14, 10, 40
LOWEST = 0.01
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd")


def x(ratio):
    """Where a ratio is, on a scale of its logarithm that ends at 2."""
    part = math.log(max(ratio, LOWEST) / LOWEST) / math.log(2 / LOWEST)
    return LEFT + part * (WIDTH - LEFT - 20)


def main():
    with open(sys.argv[1], encoding="ascii") as f:
        rows = [json.loads(line) for line in f]
    configs = list(dict.fromkeys(r["config"] for r in rows))
    workloads = list(dict.fromkeys(r["workload"] for r in rows))
    height = TOP + len(workloads) * (len(configs) * ROW + GAP) + 30
    svg = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">'
           % (WIDTH, height), '<rect width="100%" height="100%" fill="white"/>']
    for i, name in enumerate(configs):
        svg.append('<rect x="%d" y="8" width="10" height="10" fill="%s"/>' % (LEFT + 90 * i, COLOURS[i % len(COLOURS)]))
        svg.append('<text x="%d" y="17">%s</text>' % (LEFT + 90 * i + 14, name))
    for ratio in (0.01, 0.03, 0.1, 0.3, 1):
        svg.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s"/>'
                   % (x(ratio), TOP - 8, x(ratio), height - 25, "#000" if ratio == 1 else "#ddd"))
        svg.append('<text x="%.1f" y="%d" text-anchor="middle">%g</text>' % (x(ratio), height - 10, ratio))
    y = TOP
    for name in workloads:
        svg.append('<text x="%d" y="%.1f" text-anchor="end">%s</text>' % (LEFT - 6, y + len(configs) * ROW / 2 + 4, name))
        for i, config in enumerate(configs):
            for r in rows:
                if (r["workload"], r["config"]) != (name, config):
                    continue
                median, low, high = r["ratio"]
                svg.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>'
                           % (LEFT, y, x(median) - LEFT, ROW - 3, COLOURS[i % len(COLOURS)]))
                svg.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#000"/>'
                           % (x(low), y + ROW // 2 - 1, x(high), y + ROW // 2 - 1))
            y += ROW
        y += GAP
    svg.append('<text x="%d" y="%d" text-anchor="end">native time / its time</text></svg>' % (WIDTH - 4, 17))
    with open(sys.argv[2], "w", encoding="ascii") as f:
        f.write("\n".join(svg) + "\n")


main()
