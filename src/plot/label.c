/* label.c - see label.h. Signs are those of Unicode's own: an open box for a space, arrows for tab and newline, a dotted circle
 * beneath a mark that has no letter. Widths follow the classes of Unicode's East Asian Width and of marks, coarsely: by
 * blocks. */
#include "plot/label.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct range {
    uint32_t first, last;
} range;

/* Marks that combine with what stands before them, and characters without a width. Ascending. */
static const range NARROWEST[] = {
    {0x0300, 0x036F},  {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x05BF, 0x05BF}, {0x05C1, 0x05C2}, {0x05C4, 0x05C5},
    {0x05C7, 0x05C7},  {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0670, 0x0670}, {0x06D6, 0x06DC}, {0x06DF, 0x06E4},
    {0x06E7, 0x06E8},  {0x06EA, 0x06ED}, {0x0730, 0x074A}, {0x0900, 0x0902}, {0x093A, 0x093A}, {0x093C, 0x093C},
    {0x0941, 0x0948},  {0x094D, 0x094D}, {0x0951, 0x0957}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E},
    {0x1AB0, 0x1ACE},  {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x206F}, {0x20D0, 0x20F0},
    {0x302A, 0x302D},  {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0x1F3FB, 0x1F3FF},
    {0xE0100, 0xE01EF}};

/* Two columns: Hangul, CJK, full-width forms, emoji. Ascending. */
static const range WIDE[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},
                             {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},
                             {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
                             {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

static bool within(const range *ranges, size_t count, uint32_t point) {
    for (size_t i = 0; i < count && ranges[i].first <= point; i++)
        if (point <= ranges[i].last) return true;
    return false;
}

static bool has_no_width(uint32_t point) { return within(NARROWEST, sizeof NARROWEST / sizeof *NARROWEST, point); }

static bool is_wide(uint32_t point) { return within(WIDE, sizeof WIDE / sizeof *WIDE, point); }

/* Characters that would act on the line, or be seen as nothing: controls, separators, marks of direction. */
static bool is_unseen(uint32_t point) {
    return point < 0x20 || (point >= 0x7F && point <= 0xA0) || point == 0xAD || (point >= 0x2000 && point <= 0x200B) ||
           (point >= 0x200E && point <= 0x200F) || (point >= 0x2028 && point <= 0x202F) ||
           (point >= 0x2060 && point <= 0x206F) || point == 0x3000 || point == 0xFEFF;
}

/* The sign for a character that is not seen, in out[16]. */
static const char *sign_of(uint32_t point, char out[16]) {
    if (point == '\n') return "\xE2\x86\xB5"; /* U+21B5, downwards and leftwards */
    if (point == '\t') return "\xE2\x87\xA5"; /* U+21E5, to the bar */
    if (point == '\r') return "\xE2\x86\x90"; /* U+2190, leftwards */
    if (point < 0x80) snprintf(out, 16, "\\x%02X", (unsigned)point);
    else snprintf(out, 16, "U+%04X", (unsigned)point);
    return out;
}

typedef struct line {
    char  *out;
    size_t used;
    bool   full;
} line;

/* Room stays for an ellipsis and the zero byte. */
static void put(line *l, const char *text, size_t bytes) {
    if (l->full) return;
    if (l->used + bytes + 4 > LABEL_MAX) {
        memcpy(l->out + l->used, "\xE2\x80\xA6", 3);
        l->used += 3;
        l->full = true;
        return;
    }
    memcpy(l->out + l->used, text, bytes);
    l->used += bytes;
}

void label_visible(const char *text, size_t bytes, char out[LABEL_MAX]) {
    line   l = {.out = out};
    size_t first = 0, end = bytes;
    while (first < bytes && text[first] == ' ') first++;
    while (end > first && text[end - 1] == ' ') end--;
    bool letter = false; /* something stands there that a mark can be put on */
    for (size_t at = 0, length; at < bytes && !l.full; at += length) {
        uint32_t point = 0;
        char     sign[16];
        length = utf8_read(text + at, bytes - at, &point);
        if (length == 0) {
            length = 1;
            snprintf(sign, sizeof sign, "\\x%02X", (unsigned)(unsigned char)text[at]);
            put(&l, sign, strlen(sign));
        } else if (point == ' ' && (at < first || at >= end)) put(&l, "\xE2\x90\xA3", 3); /* U+2423, open box */
        else if (is_unseen(point)) put(&l, sign_of(point, sign), strlen(sign_of(point, sign)));
        else {
            if (has_no_width(point) && !letter && point != 0x200D)
                put(&l, "\xE2\x97\x8C", 3); /* U+25CC, dotted circle */
            put(&l, text + at, length);
            letter = true;
            continue;
        }
        letter = false;
    }
    out[l.used] = 0;
}

static size_t columns_of(uint32_t point) { return has_no_width(point) ? 0 : is_wide(point) ? 2 : 1; }

size_t label_columns(const char *text) {
    size_t columns = 0, bytes = strlen(text);
    for (size_t at = 0, length; at < bytes; at += length) {
        uint32_t point = '?';
        length = utf8_read(text + at, bytes - at, &point);
        if (length == 0) length = 1;
        columns += columns_of(point);
    }
    return columns;
}

size_t label_fit(const char *text, size_t columns, char *out, size_t room) {
    size_t bytes = strlen(text), used = 0, taken = 0;
    bool   whole = label_columns(text) <= columns;
    size_t limit = whole ? columns : columns ? columns - 1 : 0;
    for (size_t at = 0, length; at < bytes; at += length) {
        uint32_t point = '?';
        length = utf8_read(text + at, bytes - at, &point);
        if (length == 0) length = 1;
        if (taken + columns_of(point) > limit || used + length + 4 > room) break;
        memcpy(out + used, text + at, length);
        used += length;
        taken += columns_of(point);
    }
    if (!whole && columns && used + 4 <= room) {
        memcpy(out + used, "\xE2\x80\xA6", 3);
        used += 3;
        taken++;
    }
    out[used] = 0;
    return taken;
}
