/* table.c - see table.h. */
#include "table.h"

#include <math.h>
#include <string.h>

#include "command.h"

static bool is_whole(double x) { return fabs(x) < 9e15 && x == floor(x); }

static number_text cell_text(const table *t, size_t row, size_t column) {
    double      x = t->cells[row * t->column_count + column];
    number_text out = {"-"};
    if (!isfinite(x)) return out;
    switch (t->columns[column].form) {
    case TABLE_LOSS:
        snprintf(out.text, sizeof out.text, "%.4f", x);
        break;
    case TABLE_BITS:
        snprintf(out.text, sizeof out.text, "%.3f", x);
        break;
    case TABLE_RATIO:
        snprintf(out.text, sizeof out.text, "%.*f", x < 99.995 ? 2 : x < 9999.5 ? 1 : 0, x);
        break;
    case TABLE_SHARE:
        snprintf(out.text, sizeof out.text, "%.0f %%", 100 * x);
        break;
    case TABLE_WHOLE:
        snprintf(out.text, sizeof out.text, "%.0f", x);
        break;
    case TABLE_SHORT:
        return number_short(x);
    case TABLE_TIME:
        return number_duration(x);
    }
    return out;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* What a column of characters takes, the two blanks before it included. */
static size_t width_of(const table *t, size_t column) {
    size_t wide = larger(strlen(t->columns[column].head), strlen(t->columns[column].over));
    for (size_t row = 0; row < t->rows; row++)
        if (!t->faults[row]) wide = larger(wide, strlen(cell_text(t, row, column).text));
    return wide + 2;
}

/* The rank from which on columns are left out, so that the table is at most wide. */
static int ranks_shown(const table *t, size_t name, size_t wide) {
    int shown = 9;
    for (; wide && shown > 1; shown--) {
        size_t sum = name;
        for (size_t c = 0; c < t->column_count; c++)
            if (t->columns[c].rank < shown) sum += width_of(t, c);
        if (sum <= wide) break;
    }
    return shown;
}

static void print_name(FILE *file, const char *name, size_t wide) {
    fputs(name, file);
    for (size_t i = terminal_wide(name); i < wide; i++) fputc(' ', file);
}

void table_print(FILE *file, const table *t, size_t wide) {
    size_t name = strlen(t->title);
    for (size_t row = 0; row < t->rows; row++) name = larger(name, terminal_wide(t->names[row]));
    int shown = ranks_shown(t, name, wide);
    for (int line = 0; line < 2; line++) {
        print_name(file, line ? t->title : "", name);
        for (size_t c = 0; c < t->column_count; c++)
            if (t->columns[c].rank < shown)
                fprintf(file, "%*s", (int)width_of(t, c), line ? t->columns[c].head : t->columns[c].over);
        fputc('\n', file);
    }
    for (size_t row = 0; row < t->rows; row++) {
        print_name(file, t->names[row], name);
        if (t->faults[row]) fprintf(file, "  %s", t->faults[row]);
        for (size_t c = 0; c < t->column_count && !t->faults[row]; c++)
            if (t->columns[c].rank < shown) fprintf(file, "%*s", (int)width_of(t, c), cell_text(t, row, c).text);
        fputc('\n', file);
    }
}

static void put_field(FILE *file, const char *text, bool first) {
    if (!first) fputc(',', file);
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text; text++) fprintf(file, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', file);
}

void table_csv(FILE *file, const table *t) {
    put_field(file, t->title, true);
    for (size_t k = 0; k < t->key_count; k++) put_field(file, t->keys[k], false);
    for (size_t c = 0; c < t->column_count; c++) put_field(file, t->columns[c].name, false);
    fputs(",error\n", file);
    for (size_t row = 0; row < t->rows; row++) {
        put_field(file, t->names[row], true);
        for (size_t k = 0; k < t->key_count; k++) put_field(file, t->values[row * t->key_count + k], false);
        for (size_t c = 0; c < t->column_count; c++) {
            double x = t->cells[row * t->column_count + c];
            fputc(',', file);
            if (isfinite(x) && !t->faults[row]) fprintf(file, is_whole(x) ? "%.0f" : "%.9g", x);
        }
        put_field(file, t->faults[row] ? t->faults[row] : "", false);
        fputc('\n', file);
    }
}

json_t *table_row(const table *t, size_t row) {
    json_t *o = json_object();
    json_object_set_new(o, t->title, json_text(t->names[row], strlen(t->names[row])));
    for (size_t k = 0; k < t->key_count; k++) {
        const char *value = t->values[row * t->key_count + k];
        json_object_set_new(o, t->keys[k], json_text(value, strlen(value)));
    }
    for (size_t c = 0; c < t->column_count; c++) {
        double x = t->faults[row] ? NAN : t->cells[row * t->column_count + c];
        json_object_set_new(o, t->columns[c].name, is_whole(x) ? json_integer((json_int_t)x) : json_number(x));
    }
    if (t->faults[row]) json_object_set_new(o, "error", json_text(t->faults[row], strlen(t->faults[row])));
    return o;
}
