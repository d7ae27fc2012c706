// SPDX-License-Identifier: GPL-2.0-only
/* gen.c: which operation comes n-th, who runs it, and the random numbers that it takes. */
#include "parity.h"

static uint64_t state;

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

void rnd_seed(uint64_t seed)
{
	state = seed;
}

uint64_t rnd(void)
{
	state += 0x9e3779b97f4a7c15ull;
	return mix(state);
}

unsigned int pick(unsigned int n)
{
	return rnd() % n;
}

bool one_in(unsigned int n)
{
	return !pick(n);
}

static const struct op *const tables[] = {
	ops_data, ops_space, ops_copy, ops_name, ops_dir, ops_attr, ops_xattr, ops_flag, ops_map, ops_lock, ops_watch,
	ops_handle, ops_cred, ops_audit,
};

const struct op *gen_op(unsigned int i)
{
	for (unsigned int t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct op *op = tables[t]; op->name; op++)
			if (!i--)
				return op;
	return NULL;
}

unsigned int gen_index(const struct op *op)
{
	for (unsigned int i = 0; ; i++)
		if (gen_op(i) == op)
			return i;
}

static const struct op *by_weight(void)
{
	static unsigned int total;
	unsigned int at;

	if (!total)
		for (unsigned int i = 0; gen_op(i); i++)
			total += gen_op(i)->weight;
	at = pick(total);
	for (unsigned int i = 0; ; i++) {
		const struct op *op = gen_op(i);

		if (at < op->weight)
			return op;
		at -= op->weight;
	}
}

/* Half of all is done by root and the first user: else too much is refused. */
static unsigned int some_actor(unsigned int may)
{
	static const uint8_t often[] = { 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5 };

	for (;;) {
		unsigned int nr = often[pick(sizeof(often))];

		if (may == ALL || may & 1u << nr)
			return nr;
	}
}

void gen_step(uint64_t seed, unsigned int epoch, unsigned int n, struct step *step)
{
	rnd_seed(mix(seed) ^ mix(((uint64_t)epoch << 32) + n));
	step->op = by_weight();
	step->actor = some_actor(step->op->actors);
	step->timed = one_in(5);
	step->seed = rnd();
}
