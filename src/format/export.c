/* export.c - writing a model in the form of others: which format, and the walk over its tensors that all of them share. */
#include "format/export.h"

#include "base/progress.h"
#include "store/numbers.h"

#include <string.h>

enum { PIECE = 1 << 16 }; /* numbers that are sent at once, more or less */

/* ------------------------------------------------------------------------------------------------ numbers */

/* Numbers on their way, in pieces of whole rows of the file. */
typedef struct piece {
    const export_job    *job;
    const char          *name;
    source_type          type;
    const export_format *format;
    void                *file;
    unsigned char       *out; /* as the file has them */
    size_t               room;
} piece;

static canto_status send(piece *p, const float *numbers, size_t n) {
    canto_status status = status_ok();
    size_t       bytes = n / source_type_elements(p->type) * source_type_bytes(p->type);
    if (p->room < bytes) {
        void *more = context_resize(p->job->context, p->out, bytes);
        if (!more) return context_no_memory(bytes, "numbers on their way into a file");
        p->out = more;
        p->room = bytes;
    }
    if (!numbers_write(p->type, numbers, n, p->out))
        FAIL(CANTO_ERROR_NUMBER,
             "'%.200s': tensor \"%.80s\" has a number that is too large for %s: take --type bf16 or f32", p->job->path,
             p->name, source_type_name(p->type));
    TRY(p->format->data(p->file, p->out, bytes));
done:
    return status;
}

static int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

/* rows of our tensor, or zeros, one behind the other. */
static canto_status send_rows(piece *p, const layout_item *item) {
    canto_status status = status_ok();
    int64_t      at_once = lesser(item->rows, PIECE / item->columns + 1);
    size_t       bytes = (size_t)(at_once * item->columns) * sizeof(float);
    float       *numbers = context_allocate_zeroed(p->job->context, 1, bytes);
    if (!numbers) return context_no_memory(bytes, "numbers on their way into a file");
    for (int64_t row = 0, rows; row < item->rows; row += rows) {
        rows = lesser(at_once, item->rows - row);
        if (!item->zeros) model_read(p->job->model, item->role, item->layer, item->row + row, rows, numbers);
        TRY(send(p, numbers, (size_t)(rows * item->columns)));
    }
done:
    context_release(p->job->context, numbers);
    return status;
}

/* Our columns, which are rows there. */
static canto_status send_columns(piece *p, const layout_item *item) {
    canto_status status = status_ok();
    size_t       rows = (size_t)item->rows, columns = (size_t)item->columns, at_once = PIECE / rows + 1;
    float       *all = context_allocate(p->job->context, (rows * columns + at_once * rows) * sizeof *all);
    if (!all) return context_no_memory((rows * columns + at_once * rows) * sizeof *all, "turning a matrix");
    float *turned = all + rows * columns;
    model_read(p->job->model, item->role, item->layer, item->row, item->rows, all);
    for (size_t c = 0, n; c < columns; c += n) {
        n = at_once < columns - c ? at_once : columns - c;
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < n; i++) turned[i * rows + r] = all[r * columns + c + i];
        TRY(send(p, turned, n * rows));
    }
done:
    context_release(p->job->context, all);
    return status;
}

canto_status export_numbers(const export_job *job, const layout_item *item, source_type type,
                            const export_format *format, void *file) {
    piece        p = {.job = job, .name = item->name, .type = type, .format = format, .file = file};
    canto_status status = item->transposed ? send_columns(&p, item) : send_rows(&p, item);
    if (p.out) context_release(job->context, p.out);
    return status;
}

/* --------------------------------------------------------------------------------------------------- walk */

static export_tensor tensor_of(const export_job *job, const layout_item *item, const export_format *format) {
    export_tensor t = {.name = item->name, .type = job->type, .rank = item->vector ? 1 : 2};
    t.shape[0] = item->transposed ? item->columns : item->rows;
    t.shape[1] = item->transposed ? item->rows : item->columns;
    if (format->type) t.type = format->type(item, job->type);
    return t;
}

canto_status export_tensors(const export_job *job, layout_kind kind, const export_format *format, void *file) {
    const canto_config *config = &job->model->config;
    canto_status        status = status_ok();
    layout_item         item;
    uint64_t            written = 0;
    progress            p =
        progress_begin(job->context, job->model->table.elements, PROGRESS_BYTES, "writing '%.150s'", job->path);
    for (size_t i = 0; format->announce && layout_item_at(config, kind, i, &item); i++) {
        export_tensor t = tensor_of(job, &item, format);
        TRY(format->announce(file, &t));
    }
    if (format->begin) TRY(format->begin(file));
    for (size_t i = 0; layout_item_at(config, kind, i, &item); i++) {
        export_tensor t = tensor_of(job, &item, format);
        if (progress_due(&p, written)) TRY(progress_tell(&p, written));
        if (format->begin_tensor) TRY(format->begin_tensor(file, &t));
        TRY(export_numbers(job, &item, t.type, format, file));
        if (format->end_tensor) TRY(format->end_tensor(file));
        written += (uint64_t)(item.rows * item.columns);
    }
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------ formats */

typedef struct target {
    canto_format format;
    const char  *ending, *what;
    canto_status (*write)(const export_job *job);
    unsigned types; /* bit canto_type: it has such numbers */
} target;

enum { F32 = 1 << CANTO_F32, F16 = 1 << CANTO_F16, BF16 = 1 << CANTO_BF16, BLOCKS = 1 << CANTO_INT8 | 1 << CANTO_INT4 };

static const target TARGETS[] = {
    {CANTO_FORMAT_SAFETENSORS, ".safetensors", "a safetensors file", export_safetensors, F32 | F16 | BF16},
    {CANTO_FORMAT_NPZ, ".npz", "a file of NumPy", export_npz, F32 | F16},
    {CANTO_FORMAT_GGUF, ".gguf", "a GGUF file", export_gguf, F32 | F16 | BF16 | BLOCKS},
    {CANTO_FORMAT_LLMC, ".bin", "a checkpoint of llm.c", export_llmc, F32 | BF16},
    {CANTO_FORMAT_FOLDER, "", "a model folder", export_folder, F32 | F16 | BF16},
};
enum { TARGET_COUNT = sizeof TARGETS / sizeof *TARGETS };

static const struct {
    const char *name;
    source_type type;
} TYPES[] = {
    [CANTO_F32] = {"f32", SOURCE_F32},    [CANTO_F16] = {"f16", SOURCE_F16},    [CANTO_BF16] = {"bf16", SOURCE_BF16},
    [CANTO_INT8] = {"int8", SOURCE_Q8_0}, [CANTO_INT4] = {"int4", SOURCE_Q4_0},
};

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

canto_format canto_format_of(const char *path) {
    size_t i = 0;
    while (!ends_with(path, TARGETS[i].ending)) i++; /* the last one's is "" */
    return TARGETS[i].format;
}

canto_export_options canto_export_options_default(void) {
    return (canto_export_options){CANTO_FORMAT_BY_NAME, CANTO_F32, NULL};
}

static canto_status find_target(const canto_export_options *options, const char *path, const target **found) {
    canto_format format = options->format == CANTO_FORMAT_BY_NAME ? canto_format_of(path) : options->format;
    for (size_t i = 0; i < TARGET_COUNT; i++) {
        if (TARGETS[i].format != format) continue;
        *found = &TARGETS[i];
        return status_ok();
    }
    return status_error(CANTO_ERROR_VALUE, "format is %d, which is no canto_format", (int)options->format);
}

canto_status canto_model_export(canto_context *context, const canto_model *model, const char *path,
                                const canto_export_options *options) {
    canto_export_options chosen = options ? *options : canto_export_options_default();
    const target        *to = NULL;
    canto_status         status;
    TRY(find_target(&chosen, path, &to));
    if (chosen.type < CANTO_F32 || chosen.type > CANTO_INT4)
        FAIL(CANTO_ERROR_VALUE, "type is %d, which is no canto_type", (int)chosen.type);
    if (!(to->types >> chosen.type & 1))
        FAIL(CANTO_ERROR_UNSUPPORTED, "'%.200s': %s has no numbers of type %s; take another type, or another file",
             path, to->what, TYPES[chosen.type].name);
    export_job job = {context, model, path, TYPES[chosen.type].type,
                      chosen.tokenizer ? chosen.tokenizer : model->tokenizer};
    TRY(to->write(&job));
done:
    return status;
}
