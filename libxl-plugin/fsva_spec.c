/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Parser for one string of fsva = [...]: KEY=VALUE, KEY=VALUE, ...
 *
 * The only parser of these strings: `xl create' and `xl fsva-attach' both end
 * up here.  No libxl and no allocation in here, so that the unit test and the
 * fuzzer link this file alone.
 *
 * A value is the text up to the next comma without the blanks around it, or
 * is in double quotes; then a backslash takes the meaning away from the
 * character behind it.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "fsva_spec.h"
#include "fsva_text.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum value_kind {
    VALUE_TAG,
    VALUE_FS,
    VALUE_TEXT,
    VALUE_NUMBER,
    VALUE_SIGNAL,
    VALUE_UBC,
    VALUE_LATER,        /* a key of the design that has no code yet */
};

static const struct fsva_key {
    const char *name;
    enum value_kind kind;
    size_t offset;      /* of the member of struct fsva_spec */
    size_t size;        /* of the member, if it is a string */
    int min, max;       /* if it is a number */
} fsva_keys[] = {
#define STRING(name_, kind_, member_)                           \
    { name_, kind_, offsetof(struct fsva_spec, member_),        \
      sizeof(((struct fsva_spec *)0)->member_), 0, 0 }
#define NUMBER(name_, member_, min_, max_)                      \
    { name_, VALUE_NUMBER, offsetof(struct fsva_spec, member_), \
      0, min_, max_ }
    STRING("tag", VALUE_TAG, tag),
    STRING("appliance", VALUE_TEXT, appliance),
    STRING("backend", VALUE_TEXT, backend),
    STRING("fs", VALUE_FS, fs),
    STRING("dev", VALUE_TEXT, dev),
    STRING("options", VALUE_TEXT, options),
    NUMBER("queues", queues, 1, FSVA_SPEC_QUEUES_MAX),
    NUMBER("ring-order", ring_order, 0, FSVA_SPEC_ORDER_MAX),
    { "signal", VALUE_SIGNAL, 0, 0, 0, 0 },
    { "ubc", VALUE_UBC, 0, 0, 0, 0 },
    NUMBER("timeout", timeout, 1, FSVA_SPEC_TIMEOUT_MAX),
    { "target-memory", VALUE_LATER, 0, 0, 0, 0 },
#undef STRING
#undef NUMBER
};

/* The longest value, and one more by which too long ones are noticed. */
#define VALUE_SIZE (FSVA_SPEC_PATH_MAX + 2)

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What is printed of a value is cut off after 60 characters: "%.60s". */
static int __attribute__((format(printf, 2, 3)))
fail(char *error, const char *fmt, ...)
{
    char raw[FSVA_SPEC_ERROR_SIZE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(raw, sizeof(raw), fmt, ap);
    va_end(ap);
    fsva_text_clean(error, FSVA_SPEC_ERROR_SIZE, raw);

    return -1;
}

/* Take the key off *p, up to and with the '='. */
static int take_key(const char **p, const struct fsva_key **key, char *error)
{
    const char *start = *p, *end;
    size_t len, i;

    end = start + strcspn(start, "=,");
    for (len = end - start; len && is_blank(start[len - 1]); len--)
        ;

    if (!len)
        return fail(error, *end == '=' ? "a value without a key"
                                       : "an empty item");
    if (*end != '=')
        return fail(error, "'%.*s' is not KEY=VALUE",
                    len < 60 ? (int)len : 60, start);

    for (i = 0; i < ARRAY_SIZE(fsva_keys); i++) {
        if (strlen(fsva_keys[i].name) == len &&
            !memcmp(fsva_keys[i].name, start, len)) {
            *key = &fsva_keys[i];
            *p = end + 1;
            return 0;
        }
    }

    return fail(error, "unknown key '%.*s'", len < 60 ? (int)len : 60, start);
}

/* Take the value off *p, up to and without the ',' or the end. */
static int take_value(const char **p, const char *name, char *value,
                      char *error)
{
    const char *s = *p;
    size_t len = 0;
    bool quoted = false;

    while (is_blank(*s))
        s++;
    if (*s == '"') {
        quoted = true;
        s++;
    }

    for (; *s && (quoted ? *s != '"' : *s != ','); s++) {
        if (quoted && *s == '\\' && !*++s)
            break;
        if (is_control(*s))
            return fail(error, "the value of '%s' has a control character",
                        name);
        if (!quoted && *s == '"')
            return fail(error, "the value of '%s' has a double quote inside",
                        name);
        if (len < VALUE_SIZE - 1)
            value[len++] = *s;
    }

    if (quoted) {
        if (*s != '"')
            return fail(error, "the value of '%s' lacks its closing quote",
                        name);
        for (s++; is_blank(*s); s++)
            ;
        if (*s && *s != ',')
            return fail(error, "the value of '%s' goes on behind its quotes:"
                        " '%.60s'", name, s);
    } else {
        while (len && is_blank(value[len - 1]))
            len--;
    }

    value[len] = '\0';
    if (!len)
        return fail(error, "'%s' has no value", name);

    *p = s;
    return 0;
}

static int set_number(const struct fsva_key *key, const char *value,
                      struct fsva_spec *spec, char *error)
{
    int number = 0;
    const char *s;

    for (s = value; is_digit(*s) && number <= key->max; s++)
        number = number * 10 + (*s - '0');

    if (*s || number < key->min || number > key->max)
        return fail(error, "'%s' must be a number from %d to %d, not '%.60s'",
                    key->name, key->min, key->max, value);

    memcpy((char *)spec + key->offset, &number, sizeof(number));
    return 0;
}

static int set_string(const struct fsva_key *key, const char *value,
                      struct fsva_spec *spec, char *error)
{
    size_t len = strlen(value);

    if (len >= key->size)
        return fail(error, "the value of '%s' is longer than %zu characters",
                    key->name, key->size - 1);

    memcpy((char *)spec + key->offset, value, len + 1);
    return 0;
}

static int set_value(const struct fsva_key *key, const char *value,
                     struct fsva_spec *spec, char *error)
{
    const char *s;

    switch (key->kind) {
    case VALUE_TAG:
        for (s = value; *s; s++)
            if (!is_alnum(*s) && (s == value || !strchr("._-", *s)))
                return fail(error, "'%s' may have letters, digits and, not"
                            " first, '.', '_' and '-', but is '%.40s'",
                            key->name, value);
        return set_string(key, value, spec, error);

    case VALUE_FS:
        for (s = value; *s; s++)
            if (!is_digit(*s) && !(*s >= 'a' && *s <= 'z') && *s != '_')
                return fail(error, "'%s' may have small letters, digits and"
                            " '_', but is '%.60s'", key->name, value);
        return set_string(key, value, spec, error);

    case VALUE_TEXT:
        return set_string(key, value, spec, error);

    case VALUE_NUMBER:
        return set_number(key, value, spec, error);

    case VALUE_SIGNAL:
        if (!strcmp(value, "auto"))
            spec->signal = FSVA_SPEC_SIGNAL_AUTO;
        else if (!strcmp(value, "event"))
            spec->signal = FSVA_SPEC_SIGNAL_EVENT;
        else if (!strcmp(value, "poll"))
            spec->signal = FSVA_SPEC_SIGNAL_POLL;
        else if (!strcmp(value, "mwait"))
            spec->signal = FSVA_SPEC_SIGNAL_MWAIT;
        else
            return fail(error, "'%s' must be auto, event, poll or mwait, not"
                        " '%.60s'", key->name, value);
        return 0;

    case VALUE_UBC:
        if (strcmp(value, "on") && strcmp(value, "off"))
            return fail(error, "'%s' must be on or off, not '%.60s'",
                        key->name, value);
        spec->ubc = !strcmp(value, "on");
        return 0;

    case VALUE_LATER:
        break;
    }

    return fail(error, "'%s' is not supported yet", key->name);
}

int fsva_spec_parse(const char *text, struct fsva_spec *spec,
                    char error[FSVA_SPEC_ERROR_SIZE])
{
    const struct fsva_key *key = NULL;
    char value[VALUE_SIZE];
    unsigned seen = 0, bit;
    const char *p = text;

    memset(spec, 0, sizeof(*spec));
    strcpy(spec->dev, "none");
    spec->ring_order = -1;
    spec->timeout = FSVA_SPEC_TIMEOUT;
    error[0] = '\0';

    for (;;) {
        while (is_blank(*p))
            p++;
        if (take_key(&p, &key, error) ||
            take_value(&p, key->name, value, error))
            return -1;

        bit = 1u << (key - fsva_keys);
        if (seen & bit)
            return fail(error, "'%s' is given twice", key->name);
        seen |= bit;

        if (set_value(key, value, spec, error))
            return -1;

        if (!*p)
            break;
        p++;
    }

    if (!spec->tag[0])
        return fail(error, "'tag' is missing");
    if (!spec->appliance[0] && !spec->backend[0])
        return fail(error, "'appliance' or 'backend' is missing");
    if (spec->appliance[0] && spec->backend[0])
        return fail(error, "'appliance' and 'backend' exclude each other");
    if (!spec->fs[0])
        return fail(error, "'fs' is missing");

    return 0;
}
