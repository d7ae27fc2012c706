# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# spread.bash: for benchmarks: a median, and how far the runs were apart.

# spread FORMAT: of the numbers on stdin, one a line: median, smallest and largest, printed by FORMAT, which takes
# three.
spread() {
	sort -g | awk -v format="$1" '
		{ v[NR] = $1 }
		END {
			if (!NR)
				exit 1
			m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
			printf format "\n", m, v[1], v[NR]
		}'
}
