/* metrics_file.c - reads metrics.csv strictly: columns by the names of its first line, rows that do not fit that line left out and
 * counted. A file of any size is read in pieces; its numbers are all that is kept. */
#include "metrics_file.h"

#include "terminal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE_MAX_BYTES = 1024, ROWS_MAX = 20000000, FIELDS_MAX = 32 };

static const char *const names[METRICS] = {"step",     "epoch", "tokens",    "train_loss",        "eval_train_loss",
                                           "val_loss", "lr",    "grad_norm", "tokens_per_second", "seconds"};

const char *metric_name(metric which) { return names[which]; }

void metrics_free(metrics *m) {
    for (int i = 0; i < METRICS; i++) free(m->columns[i]);
    *m = (metrics){0};
}

static bool find_file(const char *run, metrics *m) {
    struct stat about;
    if (stat(run, &about) != 0) {
        terminal_error("%s: %s; give a run folder, as canto train -o makes it", run, strerror(errno));
        return false;
    }
    bool folder = S_ISDIR(about.st_mode);
    if (strlen(run) >= sizeof m->folder) {
        terminal_error("%.60s...: the path is too long", run);
        return false;
    }
    if (folder) snprintf(m->folder, sizeof m->folder, "%s", run);
    snprintf(m->path, sizeof m->path, "%s%s", run, folder ? "/metrics.csv" : "");
    if (folder && stat(m->path, &about) != 0) {
        terminal_error("%s: %s; is %s a run folder, as canto train -o makes it?", m->path, strerror(errno), run);
        return false;
    }
    if (!S_ISREG(about.st_mode)) {
        terminal_error("%s: not a file of measurements", m->path);
        return false;
    }
    return true;
}

/* Cuts a line at its commas; returns how many fields, more than room when there are too many. */
static size_t cut(char *line, char **fields, size_t room) {
    size_t count = 0;
    for (char *at = line; at; count++) {
        char *comma = strchr(at, ',');
        if (comma) *comma++ = 0;
        if (count < room) fields[count] = at;
        at = comma;
    }
    return count;
}

/* which[field] becomes the metric of that column, METRICS for one that is not known. */
static bool read_header(char *line, const metrics *m, metric *which, size_t *fields) {
    char *words[FIELDS_MAX];
    bool  has_step = false;
    *fields = cut(line, words, FIELDS_MAX);
    for (size_t f = 0; f < *fields && f < FIELDS_MAX; f++) {
        which[f] = METRICS;
        for (int i = 0; i < METRICS; i++)
            if (!strcmp(words[f], names[i])) which[f] = (metric)i;
        has_step |= which[f] == METRIC_STEP;
    }
    if (has_step && *fields <= FIELDS_MAX) return true;
    terminal_error("%s: its first line does not name the columns of a run's measurements (step,epoch,tokens,...)",
                   m->path);
    return false;
}

static bool reserve(metrics *m) {
    if (m->rows < m->room) return true;
    size_t room = m->room ? m->room + m->room / 2 : 1024;
    for (int i = 0; i < METRICS; i++) {
        double *more = m->rows < ROWS_MAX ? realloc(m->columns[i], room * sizeof *more) : NULL;
        if (!more) {
            if (m->rows >= ROWS_MAX) terminal_error("%s: more than %d rows", m->path, ROWS_MAX);
            else terminal_error("%s: no memory for its rows", m->path);
            return false;
        }
        m->columns[i] = more;
    }
    m->room = room;
    return true;
}

/* One row into m's next place; false when it is damaged. */
static bool read_row(char *line, metrics *m, const metric *which, size_t fields) {
    char  *words[FIELDS_MAX];
    size_t row = m->rows;
    if (cut(line, words, FIELDS_MAX) != fields) return false;
    for (int i = 0; i < METRICS; i++) m->columns[i][row] = NAN;
    for (size_t f = 0; f < fields; f++) {
        char  *end;
        double number = *words[f] ? strtod(words[f], &end) : NAN;
        if (*words[f] && (*end || end == words[f])) return false;
        if (which[f] < METRICS) m->columns[which[f]][row] = number;
    }
    double step = m->columns[METRIC_STEP][row];
    return isfinite(step) && (row == 0 || step > m->columns[METRIC_STEP][row - 1]);
}

/* Reads a line without its newline; false at the end. *whole false: it is not ended, or too long, or has a zero byte. */
static bool next_line(FILE *file, char line[LINE_MAX_BYTES], bool *whole, bool *ended) {
    size_t bytes = 0;
    int    c;
    *whole = true;
    while ((c = getc(file)) != EOF && c != '\n') {
        if (bytes + 1 < LINE_MAX_BYTES && c) line[bytes++] = (char)c;
        else *whole = false;
    }
    if (bytes && line[bytes - 1] == '\r') bytes--;
    line[bytes] = 0;
    *ended = c == '\n';
    return c != EOF || bytes || !*whole;
}

static bool read_rows(FILE *file, metrics *m) {
    char   line[LINE_MAX_BYTES];
    metric which[FIELDS_MAX];
    size_t fields = 0, number = 0;
    bool   whole, ended;
    while (next_line(file, line, &whole, &ended)) {
        number++;
        if (number == 1) {
            if (!read_header(line, m, which, &fields)) return false;
            continue;
        }
        if (!ended || (whole && !*line)) continue;
        if (!reserve(m)) return false;
        if (whole && read_row(line, m, which, fields)) m->rows++;
        else if (m->damaged++ == 0) m->first_damaged = number;
    }
    if (ferror(file)) {
        terminal_error("%s: %s", m->path, strerror(errno));
        return false;
    }
    if (number == 0) {
        terminal_error("%s: the file is empty", m->path);
        return false;
    }
    return true;
}

bool metrics_read(const char *run, metrics *m) {
    *m = (metrics){0};
    if (!find_file(run, m)) return false;
    FILE *file = fopen(m->path, "r");
    if (!file) {
        terminal_error("%s: %s", m->path, strerror(errno));
        return false;
    }
    bool good = read_rows(file, m);
    fclose(file);
    return good;
}
