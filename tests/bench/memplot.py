# SPDX-License-Identifier: GPL-2.0-only
"""memplot.py SAMPLES PHASES OUT TOTAL_MB: OUT.csv and OUT.svg from what memsample and tests/bench/ubc wrote."""
import sys

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 320, 50, 40, 30


def main():
    samples_file, phases_file, out, total = sys.argv[1:5]
    total = int(total)
    with open(samples_file, encoding="ascii") as f:
        rows = [[int(x) for x in line.split()] for line in f]
    rows = [(r[0] / 1000, r[1] / 256, r[2] / 256) for r in rows if len(r) == 3]
    with open(phases_file, encoding="ascii") as f:
        phases = [line.rstrip("\n").split(" ", 1) for line in f]
    phases = [(int(t) / 1000, name) for t, name in phases]

    with open(out + ".csv", "w", encoding="ascii") as f:
        f.write("seconds,user_mib,appliance_mib,total_mib\n")
        for t, user, back in rows:
            f.write("%.1f,%.2f,%.2f,%.2f\n" % (t, user, back, user + back))

    end = rows[-1][0]
    high = total * 1.1

    def at(t, value):
        return "%.1f,%.1f" % (LEFT + t / end * (WIDTH - LEFT - 10),
                              HEIGHT - BOTTOM - value / high * (HEIGHT - BOTTOM - TOP))

    svg = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">'
           % (WIDTH, HEIGHT), '<rect width="100%" height="100%" fill="white"/>']
    for value in range(0, int(high), 100):
        x, y = at(0, value).split(",")
        svg.append('<text x="%d" y="%s" text-anchor="end">%d</text>' % (LEFT - 5, y, value))
        svg.append('<line x1="%s" y1="%s" x2="%d" y2="%s" stroke="#ddd"/>' % (x, y, WIDTH - 10, y))
    for t, name in phases:
        x = at(t, 0).split(",")[0]
        svg.append('<line x1="%s" y1="%d" x2="%s" y2="%d" stroke="#888" stroke-dasharray="3"/>'
                   % (x, TOP, x, HEIGHT - BOTTOM))
        svg.append('<text x="%.1f" y="%d">%s</text>' % (float(x) + 3, TOP - 8, name))
    for column, colour, name in ((1, "#1f77b4", "user domain"), (2, "#d62728", "appliance"), (0, "#000", "both")):
        points = " ".join(at(r[0], r[column] if column else r[1] + r[2]) for r in rows)
        svg.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>' % (points, colour))
        svg.append('<text x="%d" y="%d" fill="%s">%s</text>' % (LEFT + 20 + 110 * column, HEIGHT - 8, colour, name))
    svg.append('<text x="%d" y="%d">MiB, over %d seconds</text></svg>' % (WIDTH - 160, HEIGHT - 8, end))
    with open(out + ".svg", "w", encoding="ascii") as f:
        f.write("\n".join(svg) + "\n")

    sums = [r[1] + r[2] for r in rows]
    print("%d samples in %d s; both: %.1f..%.1f MiB of %d" % (len(rows), end, min(sums), max(sums), total))
    for i, (t, name) in enumerate(phases):
        last = phases[i + 1][0] if i + 1 < len(phases) else end + 1
        part = [r for r in rows if t <= r[0] < last]
        if part:
            print("%-16s user %.0f -> %.0f, appliance %.0f -> %.0f (most %.0f), both at most %.1f"
                  % (name, part[0][1], part[-1][1], part[0][2], part[-1][2], max(r[2] for r in part),
                     max(r[1] + r[2] for r in part)))


main()
