# SPDX-License-Identifier: GPL-2.0-only
# doc.awk: docs/parity.md from the tables of runs: fs, operation, run, different, expected to differ, why.
BEGIN {
	FS = "\t"
	nfs = split("ext4 xfs btrfs bcachefs", order, " ")
}
{
	if (!($2 in seen)) {
		seen[$2] = 1
		ops[++nops] = $2
	}
	runs[$1] += $3
	count[$1, $2] += $3
	bad[$1, $2] += $4
	excused[$1, $2] += $5
	if ($6 != "" && !(($1, $2, $6) in told)) {
		told[$1, $2, $6] = 1
		if (!($6 in note)) {
			note[$6] = ++nnotes
			notes[nnotes] = $6
		}
		marks[$1, $2] = marks[$1, $2] " [" note[$6] "]"
	}
}
END {
	print "# What is the same through a pair as on the file system itself"
	print ""
	print "Made by `tests/parity --doc` from runs of `tests/parity`: random sequences of calls by six processes of"
	print "different users, side by side on a file system of the user domain's kernel (6.12) and on the same file system"
	print "in an appliance (6.12), PV on both sides; every outcome compared (tests/programs/parity). A number is how often"
	print "the operation was run and equal; what differed follows it, with its reason below."
	print ""
	line = "| operation |"
	rule = "|---|"
	for (f = 1; f <= nfs; f++)
		if (order[f] in runs) {
			line = line " " order[f] " |"
			rule = rule "--:|"
		}
	print line
	print rule
	for (o = 1; o <= nops; o++) {
		line = "| " ops[o] " |"
		for (f = 1; f <= nfs; f++) {
			fs = order[f]
			if (!(fs in runs))
				continue
			n = count[fs, ops[o]] - bad[fs, ops[o]] - excused[fs, ops[o]]
			line = line " " n
			if (excused[fs, ops[o]])
				line = line ", " excused[fs, ops[o]] " differ" marks[fs, ops[o]]
			if (bad[fs, ops[o]])
				line = line ", **" bad[fs, ops[o]] " differ**"
			line = line " |"
		}
		print line
	}
	line = "| all |"
	for (f = 1; f <= nfs; f++)
		if (order[f] in runs)
			line = line " " runs[order[f]] " |"
	print line
	if (nnotes)
		print ""
	for (i = 1; i <= nnotes; i++)
		print "[" i "] " notes[i]
}
