/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Text that somebody else wrote - a guest, or whoever typed a configuration -
 * made fit to be printed.
 */

#ifndef FSVA_TEXT_H
#define FSVA_TEXT_H

#include <stddef.h>

/*
 * Copy src to dst, which has room for size bytes, and terminate it.  Bytes
 * that are not printable ASCII become '?', so that no terminal obeys them
 * and no line of a log is forged; what does not fit is cut off and "..."
 * takes its place.
 */
void fsva_text_clean(char *dst, size_t size, const char *src);

/*
 * Find the beginning of the last nr_lines lines of text, of which len bytes
 * are there.  A newline at the very end ends the last line.
 */
const char *fsva_text_tail(const char *text, size_t len, unsigned nr_lines);

#endif /* FSVA_TEXT_H */
