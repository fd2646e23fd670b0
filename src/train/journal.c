/* journal.c - metrics.csv and samples.txt of a run folder.
 *
 * Invariants: both grow by whole rows and whole samples; a failed write is written over by the next one, never repeated
 * behind it. Losses are printed with nine digits, which a float survives. */
#include "train/journal.h"

#include "base/file.h"
#include "base/machine.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROW_MAX 512

static const char HEADER[] =
    "step,epoch,tokens,train_loss,eval_train_loss,val_loss,lr,grad_norm,tokens_per_second,seconds\n";

static canto_status set_paths(journal *j, const char *folder) {
    canto_status status;
    j->waiting = 0;
    j->flushed = clock_seconds();
    TRY(path_join(j->metrics, folder, "metrics.csv"));
    TRY(path_join(j->samples, folder, "samples.txt"));
done:
    return status;
}

canto_status journal_open(journal *j, const char *folder) {
    canto_status status;
    TRY(set_paths(j, folder));
    TRY(file_remove(j->samples));
    TRY(file_write_whole(j->metrics, HEADER, sizeof HEADER - 1));
    j->metrics_bytes = sizeof HEADER - 1;
    j->samples_bytes = 0;
    j->open = true;
done:
    return status;
}

canto_status journal_resume(journal *j, const char *folder, uint64_t metrics_bytes, uint64_t samples_bytes,
                            bool *whole) {
    canto_status status;
    TRY(set_paths(j, folder));
    TRY(file_cut(j->metrics, metrics_bytes, &j->metrics_bytes));
    TRY(file_cut(j->samples, samples_bytes, &j->samples_bytes));
    *whole = j->metrics_bytes == metrics_bytes && j->samples_bytes == samples_bytes;
    if (j->metrics_bytes == 0) {
        TRY(file_append(j->metrics, 0, HEADER, sizeof HEADER - 1));
        j->metrics_bytes = sizeof HEADER - 1;
    }
    j->open = true;
done:
    return status;
}

canto_status journal_flush(journal *j) {
    canto_status status = status_ok();
    if (!j->open || j->waiting == 0) goto done;
    TRY(file_append(j->metrics, j->metrics_bytes, j->rows, j->waiting));
    j->metrics_bytes += j->waiting;
    j->waiting = 0;
    j->flushed = clock_seconds();
done:
    return status;
}

canto_status journal_sync(journal *j) {
    canto_status status = status_ok();
    if (!j->open) goto done;
    TRY(journal_flush(j));
    TRY(file_sync(j->metrics));
    TRY(file_sync(j->samples));
done:
    return status;
}

canto_status journal_take_back(journal *j, uint64_t metrics_bytes) {
    return j->open ? file_cut(j->metrics, metrics_bytes, &j->metrics_bytes) : status_ok();
}

canto_status journal_sample(journal *j, int64_t step, const char *text, size_t bytes) {
    canto_status status = status_ok();
    char         heading[64];
    uint64_t     at = j->samples_bytes;
    if (!j->open) goto done;
    int n = snprintf(heading, sizeof heading, "--- step %" PRId64 " ---\n", step);
    TRY(file_append(j->samples, at, heading, (size_t)n));
    TRY(file_append(j->samples, at += (uint64_t)n, text, bytes));
    TRY(file_append(j->samples, at += bytes, "\n", 1));
    j->samples_bytes = at + 1;
done:
    return status;
}

/* snprintf writes the point of the host's locale, which may be several bytes; a comma would be one more column. */
static void write_point(char *number) {
    char *point = number + strspn(number, "+-0123456789");
    if (*point == 0 || *point == 'e' || *point == 'i') return; /* a whole number, infinity */
    const char *rest = point + strcspn(point, "0123456789");
    *point++ = '.';
    memmove(point, rest, strlen(rest) + 1);
}

static void put_number(char *row, size_t *at, const char *form, double number) {
    row[(*at)++] = ',';
    if (isnan(number)) return;
    char digits[64];
    snprintf(digits, sizeof digits, form, number);
    write_point(digits);
    size_t n = strlen(digits);
    memcpy(row + *at, digits, n);
    *at += n;
}

canto_status journal_write(journal *j, const journal_row *row) {
    if (!j->open) return status_ok();
    char  *text = j->rows + j->waiting;
    size_t at = (size_t)snprintf(text, ROW_MAX, "%lld,%lld,%llu", (long long)row->step, (long long)row->epoch,
                                 (unsigned long long)row->tokens);
    put_number(text, &at, "%.9g", row->train_loss);
    put_number(text, &at, "%.9g", row->eval_train_loss);
    put_number(text, &at, "%.9g", row->val_loss);
    put_number(text, &at, "%.9g", row->lr);
    put_number(text, &at, "%.9g", row->grad_norm);
    put_number(text, &at, "%.1f", row->tokens_per_second);
    put_number(text, &at, "%.3f", row->seconds);
    text[at++] = '\n';
    j->waiting += at;
    if (j->waiting + ROW_MAX > sizeof j->rows || clock_seconds() - j->flushed >= 1) return journal_flush(j);
    return status_ok();
}
