/* piece_count.c - a block of text, cut into units that threads count apart, each into a small table; what these hold is
 * then added to the large one in the order of the units.
 *
 * Units and blocks end at borders: places where a piece ends whatever stands before and behind, as long as the text behind
 * can be seen. In each of the known patterns (pretokenize.h) those are
 *   - before a space that follows a visible character of ASCII: a space is only ever the first of its piece, or among white
 *     space;
 *   - behind a line feed that neither white space nor a slash follows: a piece with a line feed goes on with such only.
 * A block without a border is cut after a whole character: the piece is longer than a block. An expression of a user's own
 * has no borders that we know: its pieces are found one after another, and those that come near the end of the block wait
 * for the next one, so that the expression sees what follows them. */
#include "text/piece_count.h"

#include "base/utf8.h"

#include <string.h>

enum {
    BLOCK = 1 << 22,
    UNITS = 16,
    UNIT = BLOCK / UNITS,
    RECORDS = 1 << 15, /* distinct pieces of a unit before it pauses */
    SLOTS = 2 * RECORDS,
    NEAR = 1 << 16 /* bytes that an expression of a user's own may look ahead */
};

typedef struct record {
    uint32_t hash, start, bytes, count; /* start: in the block */
} record;

typedef struct unit {
    size_t   at, end; /* counted up to at */
    record  *records; /* [RECORDS] */
    uint32_t count;
} unit;

struct piece_counter {
    canto_context *context;
    const pattern *cutter;
    piece_table    table;
    char          *block;
    size_t         bytes; /* in the block */
    unit           units[UNITS];
    size_t         unit_count;
    record        *records; /* [UNITS * RECORDS] */
    exec           threads; /* scratch: uint16_t slots[SLOTS] of a worker, numbers of records; FREE: none */
};

#define FREE UINT16_MAX

/* ----------------------------------------------------------------------------------------------- borders */

static bool is_border(const char *text, size_t bytes, size_t at) {
    unsigned char before = (unsigned char)text[at - 1], after = (unsigned char)text[at];
    uint32_t      point = after;
    if (after == ' ') return before > 0x20 && before < 0x7F;
    if (before != '\n' || after == '/' || after <= 0x20) return false;
    return after < 0x80 || (utf8_read(text + at, bytes - at, &point) > 0 && !utf8_is_space(point));
}

/* The first border at or after `at`, or end. */
static size_t next_border(const char *text, size_t end, size_t at) {
    while (at < end && !is_border(text, end, at)) at++;
    return at;
}

/* The last border of a block that goes on; 0: there is none. */
static size_t last_border(const char *text, size_t bytes) {
    size_t at = bytes - 1;
    while (at > 0 && !is_border(text, bytes, at)) at--;
    return at;
}

/* The end of the last whole character. */
static size_t last_character(const char *text, size_t bytes) {
    size_t at;
    for (at = bytes - 1; bytes - at < 4 && ((unsigned char)text[at] & 0xC0) == 0x80;) at--;
    return ((unsigned char)text[at] & 0xC0) == 0xC0 ? at : bytes;
}

/* ------------------------------------------------------------------------------------------ counting a unit */

/* Counts a piece of the unit; false when it is a new one and there is no room. */
static bool count_piece(unit *u, uint16_t *slots, const char *text, size_t start, size_t bytes) {
    uint32_t hash = piece_hash(text + start, bytes);
    size_t   slot = hash % SLOTS;
    for (; slots[slot] != FREE; slot = (slot + 1) % SLOTS) {
        record *r = &u->records[slots[slot]];
        if (r->hash != hash || r->bytes != bytes || memcmp(text + r->start, text + start, bytes) != 0) continue;
        r->count++;
        return true;
    }
    if (u->count == RECORDS) return false;
    u->records[u->count] = (record){hash, (uint32_t)start, (uint32_t)bytes, 1};
    slots[slot] = (uint16_t)u->count++;
    return true;
}

static void count_unit(void *job, size_t number, int worker) {
    piece_counter *c = job;
    unit          *u = &c->units[number];
    uint16_t      *slots = c->threads.scratch[worker];
    if (u->at == u->end) return;
    memset(slots, 0xFF, SLOTS * sizeof *slots);
    while (u->at < u->end) {
        size_t length = pretokenize_piece(c->cutter->kind, c->block + u->at, c->bytes - u->at);
        if (length > u->end - u->at) length = u->end - u->at;
        if (!count_piece(u, slots, c->block, u->at, length)) return;
        u->at += length;
    }
}

static canto_status add_records(piece_counter *c, unit *u) {
    canto_status status = status_ok();
    for (uint32_t i = 0; i < u->count; i++) {
        const record *r = &u->records[i];
        TRY(piece_table_add(&c->table, c->block + r->start, r->bytes, r->hash, r->count));
    }
    u->count = 0;
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------ a block */

/* Counts block[0 .. end) by units. */
static canto_status count_units(piece_counter *c, bool has_borders, size_t end) {
    canto_status status = status_ok();
    bool         whole = false;
    c->unit_count = 0;
    for (size_t at = 0; at < end;) {
        size_t wanted = at + UNIT < end ? at + UNIT : end;
        unit  *u = &c->units[c->unit_count++];
        u->at = at;
        u->end = at = c->unit_count == UNITS || !has_borders ? end : next_border(c->block, end, wanted);
    }
    while (!whole) {
        exec_run(&c->threads, c->unit_count, count_unit, c);
        whole = true;
        for (size_t i = 0; i < c->unit_count; i++) {
            TRY(add_records(c, &c->units[i]));
            whole = whole && c->units[i].at == c->units[i].end;
        }
    }
done:
    return status;
}

/* Counts pieces that an expression finds, as long as it sees what follows them; *end is how far it came. */
static canto_status count_matches(piece_counter *c, bool text_ends, size_t *end) {
    canto_status status = status_ok();
    size_t       at = 0, sure = text_ends ? c->bytes : c->bytes - NEAR;
    unit        *u = &c->units[0];
    uint16_t    *slots = c->threads.scratch[0];
    u->count = 0;
    memset(slots, 0xFF, SLOTS * sizeof *slots);
    while (at < c->bytes) {
        size_t length;
        TRY(pattern_piece(c->cutter, c->block, c->bytes, at, &length));
        if (at + length > sure && at > 0 && !text_ends) break;
        if (!count_piece(u, slots, c->block, at, length)) {
            TRY(add_records(c, u));
            memset(slots, 0xFF, SLOTS * sizeof *slots);
            continue;
        }
        at += length;
    }
    TRY(add_records(c, u));
    *end = at;
done:
    return status;
}

/* Counts what is in the block; when the text goes on, what is behind the last border stays. */
static canto_status count_block(piece_counter *c, bool text_ends) {
    canto_status status = status_ok();
    size_t       end = c->bytes;
    if (c->cutter->kind == PRETOKENIZER_CUSTOM) {
        TRY(count_matches(c, text_ends, &end));
    } else {
        bool has_borders = c->cutter->kind != PRETOKENIZER_NONE;
        if (!text_ends) end = has_borders ? last_border(c->block, c->bytes) : 0;
        if (!end) end = last_character(c->block, c->bytes);
        TRY(count_units(c, has_borders, end));
    }
    memmove(c->block, c->block + end, c->bytes - end);
    c->bytes -= end;
    piece_table_trim(&c->table);
done:
    return status;
}

/* --------------------------------------------------------------------------------------------- the counter */

canto_status piece_counter_add(piece_counter *c, const char *text, size_t bytes) {
    canto_status status = status_ok();
    while (bytes > 0) {
        size_t some = bytes < BLOCK - c->bytes ? bytes : BLOCK - c->bytes;
        memcpy(c->block + c->bytes, text, some);
        c->bytes += some;
        text += some;
        bytes -= some;
        if (c->bytes == BLOCK) TRY(count_block(c, false));
    }
done:
    return status;
}

canto_status piece_counter_end_text(piece_counter *c) { return c->bytes ? count_block(c, true) : status_ok(); }

piece_table *piece_counter_table(piece_counter *c) { return &c->table; }

canto_status piece_counter_open(canto_context *context, const pattern *cutter, size_t most, piece_counter **counter) {
    canto_status   status;
    piece_counter *c = context_allocate_zeroed(context, 1, sizeof *c);
    *counter = NULL;
    if (!c) return context_no_memory(sizeof *c, "counting pieces of text");
    c->context = c->table.context = context;
    c->cutter = cutter;
    c->table.most = most;
    c->block = context_allocate(context, BLOCK);
    c->records = context_allocate(context, UNITS * RECORDS * sizeof *c->records);
    if (!c->block || !c->records)
        TRY(context_no_memory(BLOCK + UNITS * RECORDS * sizeof *c->records, "counting pieces of text"));
    for (size_t i = 0; i < UNITS; i++) c->units[i].records = c->records + i * RECORDS;
    TRY(context_exec_open(context, SLOTS * sizeof(uint16_t), &c->threads));
    *counter = c;
    return status;
done:
    piece_counter_close(c);
    return status;
}

void piece_counter_close(piece_counter *c) {
    if (!c) return;
    context_exec_close(c->context, &c->threads);
    context_release(c->context, c->block);
    context_release(c->context, c->records);
    piece_table_close(&c->table);
    context_release(c->context, c);
}
