/* SPDX-License-Identifier: LGPL-2.1-only */
/* Text of others: see fsva_text.h.  No libxl in here, so tests link it alone. */

#include <string.h>

#include "fsva_text.h"

void fsva_text_clean(char *dst, size_t size, const char *src)
{
    size_t i;

    if (!size)
        return;

    for (i = 0; i < size - 1 && src[i]; i++)
        dst[i] = src[i] >= ' ' && src[i] <= '~' ? src[i] : '?';
    dst[i] = '\0';

    if (src[i] && i >= 3)
        memcpy(dst + i - 3, "...", 3);
}

const char *fsva_text_tail(const char *text, size_t len, unsigned nr_lines)
{
    const char *p = text + len;

    if (p > text && p[-1] == '\n')
        p--;
    for (; p > text; p--)
        if (p[-1] == '\n' && (!nr_lines || !--nr_lines))
            break;

    return p;
}
