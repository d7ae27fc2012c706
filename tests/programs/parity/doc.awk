# SPDX-License-Identifier: GPL-2.0-only
# doc.awk: docs/parity.md from the tables that runs have left.  Of operations: fs, operation, run, different, expected to
# differ, why.  Of mount options: fs, "mount OPTION" or "remount OPTION", natively, by the pair, verdict; and fs, "under
# OPTION", how many operations were run.
BEGIN {
	FS = "\t"
	nfs = split("ext4 xfs btrfs bcachefs", order, " ")
}

# The mark of a reason, which is printed at the end
function mark(why) {
	if (!(why in note)) {
		note[why] = ++nnotes
		notes[nnotes] = why
	}
	return " [" note[why] "]"
}

# What mount(2) said, for a reader: the error, or that it is mounted
function outcome(said) {
	return match(said, /^E[A-Z0-9]+/) ? substr(said, 1, RLENGTH) : "mounted"
}

$2 ~ /^under / {
	under[$1] = under[$1] (under[$1] ? ", " : "") "`" substr($2, 7) "`"
	under_ops[$1] = $3
	next
}

$2 ~ /^(re)?mount / {
	how = $2 ~ /^re/ ? "remount" : "mount"
	option = substr($2, length(how) + 2)
	if (!(($1, option) in has)) {
		has[$1, option] = 1
		options[$1, ++noptions[$1]] = option
	}
	said = outcome($3)
	if ($5 == "same")
		cell[$1, option, how] = said == "mounted" ? "same" : "same: " said
	else if ($5 == "DIFFERENT")
		cell[$1, option, how] = "**differs**: `" $3 "`, `" $4 "`"
	else
		cell[$1, option, how] = "differs" mark($5)
	next
}

NF >= 5 {
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
		marks[$1, $2] = marks[$1, $2] mark($6)
	}
}

END {
	print "# What is the same through a pair as on the file system itself"
	print ""
	print "Made by `tests/parity --doc` from runs of `tests/parity`: random sequences of calls by six processes of"
	print "different users, side by side on a file system of the user domain's kernel (6.12) and on the same file system"
	print "in an appliance (6.12), PV on both sides; every outcome compared (tests/programs/parity). A number is how often"
	print "the operation was run and equal; what differed follows it, with its reason at the end."
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

	for (f = 1; f <= nfs; f++) {
		fs = order[f]
		if (!noptions[fs])
			continue
		print ""
		print "## Mount options of " fs
		print ""
		print "Each was given to a mount of both, and to a remount of both without options. \"Same\": the outcome,"
		print "and, where it is mounted, what /proc/self/mountinfo and statfs() show."
		if (under[fs])
			print "Under these, " under_ops[fs] " operations each were the same: " under[fs] "."
		print ""
		print "| option | mount | remount |"
		print "|---|---|---|"
		for (o = 1; o <= noptions[fs]; o++) {
			option = options[fs, o]
			print "| `" option "` | " cell[fs, option, "mount"] " | " cell[fs, option, "remount"] " |"
		}
	}
	if (nnotes)
		print ""
	for (i = 1; i <= nnotes; i++)
		print "[" i "] " notes[i] (i < nnotes ? "  " : "")
}
