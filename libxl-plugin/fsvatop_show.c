/* SPDX-License-Identifier: LGPL-2.1-only */
#include <curses.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "fsvatop.h"

#define OPS_SHOWN 12

static const char *state_name(int state)
{
    /* enum xenbus_state of Xen's public/io/xenbus.h */
    static const char *const names[] = {
        "unknown", "initialising", "initwait", "initialised", "connected",
        "closing", "closed", "reconfiguring", "reconfigured",
    };

    return names[state];
}

static double weight(const struct fsvatop_pair *pair, unsigned op)
{
    return pair->rate.seconds ? pair->rate.ops[op] : pair->stat.page.ops[op];
}

static int by_weight(const void *a, const void *b, void *pair)
{
    double x = weight(pair, *(const unsigned *)a);
    double y = weight(pair, *(const unsigned *)b);

    return x < y ? 1 : x > y ? -1 : 0;
}

/*
 * The operations of a pair, the busiest first: by rate, or by total where there
 * is no rate yet.  Returns how many were written to ops, at most max.
 */
static int busiest(const struct fsvatop_pair *pair, unsigned *ops, int max)
{
    unsigned all[FSVA_OP_MAX], op;
    int nr = 0;

    for (op = 0; op < FSVA_OP_MAX; op++)
        if (fsva_stat_op_name(op) && weight(pair, op) > 0)
            all[nr++] = op;
    qsort_r(all, nr, sizeof(all[0]), by_weight, (void *)pair);
    if (nr > max)
        nr = max;
    memcpy(ops, all, nr * sizeof(all[0]));

    return nr;
}

/*----- Lines -----*/

#define LINE_SIZE 512

static void headline(char *line)
{
    snprintf(line, LINE_SIZE,
             "%-14s %-10s %-10s %9s %8s %8s %8s %9s %9s %-6s %5s %8s %8s",
             "USER", "TAG", "FS", "CALLS/s", "p50 us", "p95 us", "p99 us",
             "OUT KiB/s", "IN KiB/s", "SIGNAL", "EVT%", "USER MiB", "FSVA MiB");
}

static void latency(const struct fsvatop_pair *pair, int i, char *text,
                    size_t size)
{
    if (!pair->rate.latency_us[i])
        snprintf(text, size, "-");
    else
        snprintf(text, size, "%s%" PRIu64, pair->rate.latency_open[i] ? ">" : "",
                 pair->rate.latency_us[i]);
}

static void pair_line(const struct fsvatop_pair *pair, char *line)
{
    const struct fsvatop_pair *p = pair;
    double events = p->rate.sent + p->rate.suppressed;
    char us[3][24], part[16];
    int i;

    if (!p->has_stat) {
        snprintf(line, LINE_SIZE, "%-14s %-10s %-10s %s%s%s", p->user, p->tag,
                 p->fs, state_name(p->state), p->why ? ": " : "",
                 p->why ? p->why : "");
        return;
    }
    for (i = 0; i < 3; i++)
        latency(p, i, us[i], sizeof(us[i]));
    if (events > 0)
        snprintf(part, sizeof(part), "%.0f", 100 * p->rate.sent / events);
    else
        snprintf(part, sizeof(part), "-");
    snprintf(line, LINE_SIZE,
             "%-14s %-10s %-10s %9.1f %8s %8s %8s %9.0f %9.0f %-6s %5s "
             "%8" PRIu64 " %8" PRIu64, p->user, p->tag, p->fs, p->rate.calls,
             us[0], us[1], us[2], p->rate.octets_out / 1024,
             p->rate.octets_in / 1024, fsva_stat_mode(&p->stat), part,
             p->user_kb / 1024, p->backend_kb / 1024);
}

static void op_line(const struct fsvatop_pair *pair, unsigned op, char *line)
{
    snprintf(line, LINE_SIZE, "    %-18s %10.1f/s %14" PRIu64 " in all",
             fsva_stat_op_name(op), pair->rate.ops[op], pair->stat.page.ops[op]);
}

static void signal_line(const struct fsvatop_pair *pair, char *line)
{
    const struct fsva_stat_rate *r = &pair->rate;

    snprintf(line, LINE_SIZE,
             "    a second: %.1f events sent, %.1f spared, %.1f received; "
             "%.1f waits polled, %.1f woken, %.1f blocked; %.0f%% watching",
             r->sent, r->suppressed, r->events, r->polled, r->woken, r->blocked,
             100 * r->watched);
}

/*----- Text -----*/

void fsvatop_text(const struct fsvatop_sample *sample)
{
    unsigned ops[OPS_SHOWN];
    char line[LINE_SIZE];
    int i, j, nr;

    headline(line);
    puts(line);
    for (i = 0; i < sample->nr; i++) {
        const struct fsvatop_pair *p = &sample->pairs[i];

        pair_line(p, line);
        puts(line);
        if (!p->has_stat)
            continue;
        signal_line(p, line);
        puts(line);
        nr = busiest(p, ops, OPS_SHOWN);
        for (j = 0; j < nr; j++) {
            op_line(p, ops[j], line);
            puts(line);
        }
    }
    putchar('\n');
    fflush(stdout);
}

/*----- JSON -----*/

static void key(yajl_gen g, const char *name)
{
    yajl_gen_string(g, (const unsigned char *)name, strlen(name));
}

static void text(yajl_gen g, const char *name, const char *value)
{
    key(g, name);
    key(g, value);
}

/* As digits: yajl's own integers end at 2^63. */
static void natural(yajl_gen g, uint64_t value)
{
    char digits[24];

    yajl_gen_number(g, digits, snprintf(digits, sizeof(digits), "%" PRIu64,
                                        value));
}

static void number(yajl_gen g, const char *name, uint64_t value)
{
    key(g, name);
    natural(g, value);
}

static void real(yajl_gen g, const char *name, double value)
{
    char digits[64];

    key(g, name);
    yajl_gen_number(g, digits, snprintf(digits, sizeof(digits), "%.3f", value));
}

static void stat_json(yajl_gen g, const struct fsvatop_pair *p)
{
    const struct fsva_stat_page *page = &p->stat.page;
    const struct fsva_stat_queue *q = &p->stat.all;
    static const char *const quantiles[3] = { "p50", "p95", "p99" };
    unsigned op;
    int i;

    text(g, "signal", fsva_stat_mode(&p->stat));
    number(g, "queues", page->nr_queues);
    key(g, "total");
    yajl_gen_map_open(g);
    number(g, "calls", q->calls);
    number(g, "octets_out", page->octets_out);
    number(g, "octets_in", page->octets_in);
    number(g, "events_sent", q->sent);
    number(g, "events_suppressed", q->suppressed);
    number(g, "events_received", q->events);
    number(g, "events_spurious", q->spurious);
    number(g, "waits_blocked", q->blocked);
    number(g, "waits_polled", q->polled);
    number(g, "waits_woken", q->woken);
    number(g, "watches_missed", q->missed);
    number(g, "watches_busy", q->busy);
    number(g, "watches_yielded", q->yielded);
    number(g, "watched_ns", q->watched_ns);
    number(g, "waited_ns", q->waited_ns);
    number(g, "inodes", page->inodes);
    number(g, "files", page->files);
    number(g, "shared_pages", page->shared_pages);
    number(g, "suspends", page->suspends);
    number(g, "requests_resent", page->resent);
    key(g, "latency_buckets_us");
    yajl_gen_array_open(g);
    for (i = 0; i < FSVA_STAT_BUCKETS; i++)
        natural(g, q->latency[i]);
    yajl_gen_array_close(g);
    key(g, "operations");
    yajl_gen_map_open(g);
    for (op = 0; op < FSVA_OP_MAX; op++)
        if (fsva_stat_op_name(op) && page->ops[op])
            number(g, fsva_stat_op_name(op), page->ops[op]);
    yajl_gen_map_close(g);
    yajl_gen_map_close(g);

    key(g, "rate");
    yajl_gen_map_open(g);
    real(g, "seconds", p->rate.seconds);
    real(g, "calls", p->rate.calls);
    real(g, "octets_out", p->rate.octets_out);
    real(g, "octets_in", p->rate.octets_in);
    real(g, "events_sent", p->rate.sent);
    real(g, "events_suppressed", p->rate.suppressed);
    real(g, "calls_under_way", p->rate.busy);
    real(g, "watching", p->rate.watched);
    key(g, "latency_us");
    yajl_gen_map_open(g);
    for (i = 0; i < 3; i++)
        number(g, quantiles[i], p->rate.latency_us[i]);
    yajl_gen_map_close(g);
    key(g, "operations");
    yajl_gen_map_open(g);
    for (op = 0; op < FSVA_OP_MAX; op++)
        if (fsva_stat_op_name(op) && p->rate.ops[op] > 0)
            real(g, fsva_stat_op_name(op), p->rate.ops[op]);
    yajl_gen_map_close(g);
    yajl_gen_map_close(g);
}

int fsvatop_json(const struct fsvatop_sample *sample)
{
    const unsigned char *out;
    yajl_gen g = yajl_gen_alloc(NULL);
    size_t len;
    int i, rc = -1;

    if (!g)
        return -1;
    yajl_gen_map_open(g);
    key(g, "pairs");
    yajl_gen_array_open(g);
    for (i = 0; i < sample->nr; i++) {
        const struct fsvatop_pair *p = &sample->pairs[i];

        yajl_gen_map_open(g);
        number(g, "domid", p->domid);
        text(g, "user", p->user);
        number(g, "devid", p->devid);
        text(g, "tag", p->tag);
        text(g, "fs", p->fs);
        number(g, "backend_domid", p->backend_domid);
        text(g, "backend", p->backend);
        text(g, "state", state_name(p->state));
        number(g, "user_kb", p->user_kb);
        number(g, "backend_kb", p->backend_kb);
        if (p->why)
            text(g, "error", p->why);
        if (p->has_stat)
            stat_json(g, p);
        yajl_gen_map_close(g);
    }
    yajl_gen_array_close(g);
    yajl_gen_map_close(g);
    if (yajl_gen_get_buf(g, &out, &len) == yajl_gen_status_ok &&
        fwrite(out, 1, len, stdout) == len && putchar('\n') != EOF &&
        !fflush(stdout))
        rc = 0;
    yajl_gen_free(g);

    return rc;
}

/*----- The screen -----*/

static int selected;

void fsvatop_screen_begin(void)
{
    initscr();
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
}

void fsvatop_screen_end(void)
{
    endwin();
}

void fsvatop_screen_show(const struct fsvatop_sample *sample, double delay)
{
    const struct fsvatop_pair *p;
    unsigned ops[FSVA_OP_MAX];
    char line[LINE_SIZE];
    int i, row = 0, nr;

    if (selected >= sample->nr)
        selected = sample->nr ? sample->nr - 1 : 0;
    erase();
    mvprintw(row++, 0, "fsvatop: %d device%s, every %g s (arrows: choose one, "
             "q: quit)", sample->nr, sample->nr == 1 ? "" : "s", delay);
    headline(line);
    attron(A_REVERSE);
    mvaddnstr(row++, 0, line, COLS);
    attroff(A_REVERSE);
    for (i = 0; i < sample->nr && row < LINES; i++) {
        pair_line(&sample->pairs[i], line);
        if (i == selected)
            attron(A_BOLD);
        mvaddnstr(row++, 0, line, COLS);
        if (i == selected)
            attroff(A_BOLD);
    }
    if (sample->nr && sample->pairs[selected].has_stat) {
        p = &sample->pairs[selected];
        row++;
        signal_line(p, line);
        mvaddnstr(row++, 0, line, COLS);
        nr = busiest(p, ops, FSVA_OP_MAX);
        for (i = 0; i < nr && row < LINES; i++) {
            op_line(p, ops[i], line);
            mvaddnstr(row++, 0, line, COLS);
        }
    }
    refresh();
}

bool fsvatop_screen_wait(const struct fsvatop_sample *sample, double delay)
{
    timeout(delay * 1000);
    switch (getch()) {
    case 'q':
    case 'Q':
        return false;
    case KEY_UP:
        if (selected > 0)
            selected--;
        break;
    case KEY_DOWN:
        if (selected + 1 < sample->nr)
            selected++;
        break;
    }

    return true;
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
