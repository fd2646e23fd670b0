/* test_formats.c - models of others: files that PyTorch wrote against the logits that it computed (tests/formats), files
 * of all layouts, and damaged ones, each with the error that says so and with bounded memory. */
#include "unit.h"

#include "base/file.h"
#include "base/json.h"
#include "model/layouts.h"
#include "store/model.h"
#include "store/safetensors.h"
#include "counting.h"
#include "torch_writer.h"

#include <math.h>

/* --------------------------------------------------------------------------------------- what PyTorch computed */

/* tests/formats/name; "" for NULL. */
static const char *fixture(const char *name) {
    static char paths[4][8192];
    static int  next;
    char       *path = paths[next++ % 4];
    const char *source = getenv("CANTO_SOURCE");
    snprintf(path, sizeof paths[0], "%s/tests/formats/%s", source ? source : ".", name);
    return path;
}

static void check_logits(const char *file, const canto_model *model, const json_t *c) {
    canto_session *session;
    uint32_t       ids[16];
    float          logits[32];
    const json_t  *list = json_object_get(c, "ids"), *want = json_object_get(c, "logits");
    size_t         count = json_array_size(list);
    assert_true(count > 0 && count <= 16 && json_array_size(want) == (size_t)canto_model_config(model)->vocab);
    for (size_t i = 0; i < count; i++) ids[i] = (uint32_t)json_integer_value(json_array_get(list, i));
    ok(canto_session_open(context, model, &session));
    ok(canto_session_logits(session, ids, count, logits));
    canto_session_close(session);
    for (size_t i = 0; i < json_array_size(want); i++)
        if (fabs(logits[i] - json_number_value(json_array_get(want, i))) > 5e-6)
            fail_msg("%s: logit %zu is %g, PyTorch's %g", file, i, logits[i],
                     json_number_value(json_array_get(want, i)));
}

static void as_pytorch_computes(void **state) {
    json_t *all;
    (void)state;
    ok(json_read_file(context, fixture("expected.json"), &all));
    assert_int_equal(json_array_size(all), 7);
    for (size_t i = 0; i < json_array_size(all); i++) {
        canto_model        *model;
        canto_model_options how = canto_model_options_default();
        const json_t       *c = json_array_get(all, i);
        const char         *file = json_string_value(json_object_get(c, "file"));
        const char         *map = json_string_value(json_object_get(c, "map"));
        how.heads = (int32_t)json_integer_value(json_object_get(c, "heads"));
        how.map = map ? fixture(map) : NULL;
        ok(canto_model_open_with(context, fixture(file), &how, &model));
        check_logits(file, model, c);
        canto_model_close(model);
    }
    json_decref(all);
}

static void what_files_do_not_say(void **state) {
    canto_model        *model;
    canto_model_options how = canto_model_options_default();
    (void)state;
    fails(canto_model_open(context, fixture("gptmodel.pth"), &model), CANTO_ERROR_UNSUPPORTED, "--heads");
    assert_null(model);
    fails(canto_model_open(context, fixture("own.pth"), &model), CANTO_ERROR_UNSUPPORTED, "--map");
    fails(canto_model_open(context, fixture("make.py"), &model), CANTO_ERROR_UNSUPPORTED, "is no model");
    how.heads = 3;
    fails(canto_model_open_with(context, fixture("gptmodel.pth"), &how, &model), CANTO_ERROR_VALUE, "2 or 4");
    fails(canto_model_open_with(context, fixture("gpt2-old"), &how, &model), CANTO_ERROR_VALUE, "is a folder");
    how.heads = 0;
    how.map = fixture("own.map.json");
    fails(canto_model_open_with(context, fixture("gptmodel.pth"), &how, &model), CANTO_ERROR_FORMAT,
          "does not say what the tensor");
}

/* -------------------------------------------------------------------------------------------- every layout */

static canto_config tiny(const char *preset) {
    canto_config c;
    ok(canto_preset(preset, &c, NULL));
    c.vocab = 7;
    c.context = c.positions == CANTO_POSITIONS_LEARNED ? 6 : c.context;
    c.width = 8;
    if (c.heads > 1) c.heads = 2;
    if (c.layers > 1) c.layers = 2;
    if (c.ffn > 0) c.ffn = 12;
    if (c.layers == 0) c.ffn = 0;
    if (c.window > 0 && c.family == CANTO_FAMILY_GPT_NEO && c.tied == false) c.window = c.width;
    ok(canto_config_check(&c));
    return c;
}

static float number(size_t tensor_index, size_t i) { return sinf((float)(tensor_index * 131 + i)); }

/* A model of torch.save under the names of kind, the same numbers whatever the kind is of. */
static void write_torch(const canto_config *c, layout_kind kind, const char *name) {
    archive     a = {0};
    blob        pickle = {0};
    layout_item item;
    pickle_begin(&pickle);
    for (size_t i = 0; layout_item_at(c, kind, i, &item); i++) {
        char    key[24], entry[40];
        int64_t shape[2] = {item.transposed ? item.columns : item.rows, item.transposed ? item.rows : item.columns};
        float  *data = malloc((size_t)(item.rows * item.columns) * sizeof *data);
        for (size_t k = 0; k < (size_t)(item.rows * item.columns); k++) data[k] = number(i, k);
        snprintf(key, sizeof key, "%zu", i);
        snprintf(entry, sizeof entry, "m/data/%zu", i);
        pickle_whole(&pickle, item.name, key, shape, item.vector ? 1 : 2);
        archive_add(&a, entry, data, (size_t)(item.rows * item.columns) * sizeof *data);
        free(data);
    }
    pickle_end(&pickle);
    archive_add(&a, "m/data.pkl", pickle.data, pickle.bytes);
    archive_end(&a);
    ok(file_write_whole(in_folder(name), a.file.data, a.file.bytes));
    blob_free(&pickle);
    blob_free(&a.file);
}

/* The model holds each item's numbers where the layout says. */
static void check_numbers(const canto_model *m, layout_kind kind) {
    layout_item item;
    for (size_t i = 0; layout_item_at(&m->config, kind, i, &item); i++)
        for (int64_t r = 0; r < item.rows; r++) {
            float row[64];
            assert_true(item.columns <= 64);
            model_read(m, item.role, item.layer, item.row + r, 1, row);
            for (int64_t c = 0; c < item.columns; c++)
                assert_true(row[c] == number(i, (size_t)(item.transposed ? c * item.rows + r : r * item.columns + c)));
        }
}

/* The config is told from names and shapes alone. */
static void layouts_are_told_apart(void **state) {
    static const struct {
        const char *preset;
        layout_kind kind;
        int32_t     heads;
    } CASES[] = {
        {"gpt2", LAYOUT_HF_GPT2, 2},
        {"gpt2-untied", LAYOUT_HF_GPT2, 2},
        {"gpt-neo-125m", LAYOUT_HF_GPT_NEO, 2},
        {"gpt2-untied", LAYOUT_SOURCE, 2},
        {"gpt2", LAYOUT_SOURCE, 2},
        {"gpt-neo-lite", LAYOUT_SOURCE, 2},
        {"dante", LAYOUT_SOURCE, 2},
        {"dante-attention", LAYOUT_SOURCE, 0},
        {"dante-basic", LAYOUT_SOURCE, 0},
        {"shakespeare-tiny", LAYOUT_SOURCE, 0},
        {"gpt2-untied", LAYOUT_NANOGPT, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        canto_config        c = tiny(CASES[i].preset);
        canto_model        *m;
        canto_model_options how = {.heads = CASES[i].heads};
        write_torch(&c, CASES[i].kind, "m.pth");
        ok(canto_model_open_with(context, in_folder("m.pth"), &how, &m));
        if (CASES[i].kind == LAYOUT_NANOGPT) c.activation = CANTO_GELU_EXACT;
        if (c.family == CANTO_FAMILY_DANTE) c.attention_scale = CANTO_SCALE_HEAD;
        canto_config got = m->config;
        assert_int_equal(got.family, c.family);
        assert_true(got.vocab == c.vocab && got.context == c.context && got.width == c.width && got.heads == c.heads);
        assert_true(got.layers == c.layers && got.ffn == c.ffn && got.tied == c.tied && got.window == c.window);
        assert_true(got.positions == c.positions && got.residuals == c.residuals);
        assert_true(got.activation == c.activation && got.attention_scale == c.attention_scale);
        assert_true(got.head_bias == c.head_bias && got.final_norm == c.final_norm);
        if (c.layers > 0) {
            assert_true(got.norm == c.norm && got.attention == c.attention && got.qkv_bias == c.qkv_bias);
            assert_true(got.projection == c.projection);
        }
        check_numbers(m, CASES[i].kind);
        canto_model_close(m);
    }
}

/* ------------------------------------------------------------------------------------------------ bounded memory */

/* Opens a file of these bytes in a context that counts: the error, and no more memory than belongs to its size. */
static void refused(const char *what, const blob *b, canto_code code, const char *text) {
    canto_context        *counted;
    canto_model          *model;
    canto_context_options options = canto_context_options_default();
    canto_model_options   how = {.heads = 1};
    options.threads = 1;
    options.allocator.resize = counting;
    ok(file_write_whole(in_folder("damaged.pth"), b->data, b->bytes));
    ok(canto_context_open(&options, &counted));
    size_t       before = peak = held;
    canto_status status = canto_model_open_with(counted, in_folder("damaged.pth"), &how, &model);
    canto_context_close(counted);
    if (status.code != code || !strstr(status.text, text))
        fail_msg("%s: code %d, %s", what, (int)status.code, status.text);
    if (peak - before > 80 * b->bytes + (1 << 16))
        fail_msg("%s: %zu bytes of memory for %zu", what, peak - before, b->bytes);
}

/* An archive with this pickle and a storage "0" of 16 bytes. */
static blob archive_of(const void *pickle, size_t bytes) {
    static const float numbers[4] = {1, 2, 3, 4};
    archive            a = {0};
    archive_add(&a, "m/data.pkl", pickle, bytes);
    archive_add(&a, "m/data/0", numbers, sizeof numbers);
    archive_end(&a);
    return a.file;
}

static void refused_pickle(const char *what, const void *pickle, size_t bytes, canto_code code, const char *text) {
    blob b = archive_of(pickle, bytes);
    refused(what, &b, code, text);
    blob_free(&b);
}

static void pickles_that_are_refused(void **state) {
#define REFUSED(code, text, pickle) refused_pickle(text, pickle, sizeof pickle - 1, code, text)
    (void)state;
    REFUSED(CANTO_ERROR_UNSUPPORTED, "\"posix.system\"",
            "\x80\x02"
            "cposix\nsystem\nX\2\0\0\0hi\x85R.");
    REFUSED(CANTO_ERROR_UNSUPPORTED, "\"builtins.eval\"",
            "\x80\x04\x8c\x08"
            "builtins\x8c\x04"
            "eval\x93.");
    REFUSED(CANTO_ERROR_UNSUPPORTED, "\"torch.nn.modules.linear.Linear\"",
            "\x80\x02"
            "ctorch.nn.modules.linear\nLinear\n)\x81.");
    REFUSED(CANTO_ERROR_UNSUPPORTED, "\"torch.load\"",
            "\x80\x02"
            "ctorch\nload\n.");
    REFUSED(CANTO_ERROR_UNSUPPORTED, "instruction INST", "\x80\x02(iposix\nsystem\n.");
    REFUSED(CANTO_ERROR_UNSUPPORTED, "instruction NEWOBJ",
            "\x80\x02"
            "ccollections\nOrderedDict\n)\x81.");
    REFUSED(CANTO_ERROR_UNSUPPORTED, "instruction EXT4", "\x80\x02\x84\1\0\0\0.");
    REFUSED(CANTO_ERROR_UNSUPPORTED, "no state dictionary", "\x80\x02K\1.");
    REFUSED(CANTO_ERROR_UNSUPPORTED, "no state dictionary", "\x80\x02]q\0h\0a."); /* a list that holds itself */
    REFUSED(CANTO_ERROR_UNSUPPORTED, "no state dictionary", "\x80\x02}q\0X\5\0\0\0modelh\0s."); /* and a dictionary */
    REFUSED(CANTO_ERROR_FORMAT, "protocol", "\x80\x09.");
    REFUSED(CANTO_ERROR_FORMAT, "cut short", "");
    REFUSED(CANTO_ERROR_FORMAT, "cut short", "\x80");
    REFUSED(CANTO_ERROR_FORMAT, "cut short", "\x80\x02}");
    REFUSED(CANTO_ERROR_FORMAT, "cut short",
            "\x80\x02X\xff\xff\xff\x7f"
            "a.");
    REFUSED(CANTO_ERROR_FORMAT, "cut short",
            "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
            "a.");
    REFUSED(CANTO_ERROR_FORMAT, "cut short",
            "\x80\x02"
            "cposix");
    REFUSED(CANTO_ERROR_FORMAT, "no such instruction", "\x80\x02\xff.");
    REFUSED(CANTO_ERROR_FORMAT, "stack is empty", "\x80\x02.");
    REFUSED(CANTO_ERROR_FORMAT, "stack is empty", "\x80\x02\x87.");
    REFUSED(CANTO_ERROR_FORMAT, "stack is empty", "\x80\x02(N(\x86.");
    REFUSED(CANTO_ERROR_FORMAT, "lacks a mark", "\x80\x02Nt.");
    REFUSED(CANTO_ERROR_FORMAT, "appends to what is no list", "\x80\x02}Na.");
    REFUSED(CANTO_ERROR_FORMAT, "appends to what is no list", "\x80\x02(NNe.");
    REFUSED(CANTO_ERROR_FORMAT, "of no dictionary", "\x80\x02]NNs.");
    REFUSED(CANTO_ERROR_FORMAT, "a key has no value", "\x80\x02}(NNNu.");
    REFUSED(CANTO_ERROR_FORMAT, "has not remembered", "\x80\x02h\1.");
    REFUSED(CANTO_ERROR_FORMAT, "remembers more", "\x80\x02Nr\xff\xff\xff\xff.");
    REFUSED(CANTO_ERROR_FORMAT, "no function", "\x80\x02N)R.");
    REFUSED(CANTO_ERROR_FORMAT, "no dictionary", "\x80\x02]}b.");
    REFUSED(CANTO_ERROR_FORMAT, "lacks its shape",
            "\x80\x02"
            "ctorch._utils\n_rebuild_tensor_v2\n)R.");
    REFUSED(CANTO_ERROR_FORMAT, "storage by itself",
            "\x80\x02"
            "ctorch\nFloatStorage\n)R.");
#undef REFUSED
}

/* Pickles that grow: the memory for them is in proportion. */
static void pickle_bombs(void **state) {
    enum { MANY = 20000 };
    static const struct {
        const char *what, *first, *again, *last;
    } BOMBS[] = {
        {"marks", "\x80\x02", "(", "."},          {"lists", "\x80\x02", "]", "."},
        {"nested lists", "\x80\x02]", "]a", "."}, {"tuples of tuples", "\x80\x02)", "\x85", "."},
        {"memo", "\x80\x04N", "\x94", "."},       {"one list many times", "\x80\x02]q\1](", "h\1", "e."},
        {"empty tuples", "\x80\x02(", ")", "t."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof BOMBS / sizeof *BOMBS; i++) {
        blob pickle = {0};
        blob_text(&pickle, BOMBS[i].first);
        for (int k = 0; k < MANY; k++) blob_text(&pickle, BOMBS[i].again);
        blob_text(&pickle, BOMBS[i].last);
        blob b = archive_of(pickle.data, pickle.bytes);
        bool marks = i == 0;
        refused(BOMBS[i].what, &b, marks ? CANTO_ERROR_FORMAT : CANTO_ERROR_UNSUPPORTED,
                marks ? "stack is empty" : "no state dictionary");
        blob_free(&pickle);
        blob_free(&b);
    }
}

/* One tensor "wte.weight" of a pickle, on the storage "0" of four floats. */
static void refused_tensor(const char *class, const char *key, int64_t first, const int64_t shape[2],
                           const int64_t stride[2], canto_code code, const char *text) {
    blob pickle = {0};
    pickle_begin(&pickle);
    pickle_text(&pickle, "wte.weight");
    pickle_tensor(&pickle, class, key, first, shape, stride, 2);
    pickle_end(&pickle);
    refused_pickle(text, pickle.data, pickle.bytes, code, text);
    blob_free(&pickle);
}

static void tensors_that_are_refused(void **state) {
#define SIZES(a, b) ((const int64_t[2]){a, b})
    const int64_t huge = INT64_C(1) << 40;
    (void)state;
    refused_tensor("FloatStorage", "0", 0, SIZES(2, 2), SIZES(2, 1), CANTO_ERROR_FORMAT, "lacks the tensor");
    refused_tensor("FloatStorage", "1", 0, SIZES(2, 2), SIZES(2, 1), CANTO_ERROR_FORMAT, "are missing");
    refused_tensor("FloatStorage", "../../etc/passwd", 0, SIZES(2, 2), SIZES(2, 1), CANTO_ERROR_FORMAT, "are missing");
    refused_tensor("FloatStorage", "0", 0, SIZES(2, 3), SIZES(3, 1), CANTO_ERROR_FORMAT, "shape asks for others");
    refused_tensor("FloatStorage", "0", 1, SIZES(2, 2), SIZES(2, 1), CANTO_ERROR_FORMAT, "shape asks for others");
    refused_tensor("FloatStorage", "0", 5, SIZES(2, 2), SIZES(2, 1), CANTO_ERROR_FORMAT, "behind the end");
    refused_tensor("FloatStorage", "0", -1, SIZES(2, 2), SIZES(2, 1), CANTO_ERROR_FORMAT, "cannot be");
    refused_tensor("FloatStorage", "0", 0, SIZES(-2, 2), SIZES(2, 1), CANTO_ERROR_FORMAT, "cannot be");
    refused_tensor("FloatStorage", "0", 0, SIZES(2, 2), SIZES(-2, 1), CANTO_ERROR_FORMAT, "cannot be");
    refused_tensor("FloatStorage", "0", 0, SIZES(2, 2), SIZES(0, 0), CANTO_ERROR_FORMAT, "cannot be"); /* expanded */
    refused_tensor("FloatStorage", "0", 0, SIZES(2, 2), SIZES(1, 1), CANTO_ERROR_FORMAT, "cannot be"); /* overlaps */
    refused_tensor("FloatStorage", "0", 0, SIZES(huge, huge), SIZES(huge, 1), CANTO_ERROR_FORMAT, "cannot be");
    refused_tensor("FloatStorage", "0", 0, SIZES(2, 2), SIZES(INT64_MAX, 1), CANTO_ERROR_FORMAT, "cannot be");
    refused_tensor("FloatStorage", "0", 0, SIZES(huge, 1), SIZES(1, 1), CANTO_ERROR_FORMAT, "shape asks for others");
    refused_tensor("LongStorage", "0", 0, SIZES(1, 2), SIZES(2, 1), CANTO_ERROR_UNSUPPORTED, "is of type I64");
    refused_tensor("_load_from_bytes", "0", 0, SIZES(2, 2), SIZES(2, 1), CANTO_ERROR_UNSUPPORTED, "_load_from_bytes");
#undef SIZES
}

/* A name twice, and one that is too long. */
static void names_that_are_refused(void **state) {
    static const int64_t two[2] = {2, 2};
    char                 name[400];
    blob                 pickle = {0};
    (void)state;
    pickle_begin(&pickle);
    pickle_whole(&pickle, "wte.weight", "0", two, 2);
    pickle_whole(&pickle, "wte.weight", "0", two, 2);
    pickle_end(&pickle);
    refused_pickle("twice", pickle.data, pickle.bytes, CANTO_ERROR_FORMAT, "twice");
    blob_free(&pickle);
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    pickle_begin(&pickle);
    pickle_whole(&pickle, name, "0", two, 2);
    pickle_end(&pickle);
    refused_pickle("long", pickle.data, pickle.bytes, CANTO_ERROR_FORMAT, "no text of less than");
    blob_free(&pickle);
}

/* Tensors on the same bytes: a small file that claims to be a large model. */
static void shared_bytes(void **state) {
    enum { V = 64, C = 256, LAYERS = 160 };
    canto_config c = tiny("gpt2");
    layout_item  item;
    archive      a = {0};
    blob         pickle = {0};
    float       *numbers = calloc(3 * C, C * sizeof *numbers);
    (void)state;
    c.vocab = c.context = V;
    c.width = c.ffn = C;
    c.layers = LAYERS;
    pickle_begin(&pickle);
    for (size_t i = 0; layout_item_at(&c, LAYOUT_HF_GPT2, i, &item); i++) {
        int64_t shape[2] = {item.transposed ? item.columns : item.rows, item.transposed ? item.rows : item.columns};
        pickle_whole(&pickle, item.name, "0", shape, item.vector ? 1 : 2);
    }
    pickle_end(&pickle);
    archive_add(&a, "m/data.pkl", pickle.data, pickle.bytes);
    archive_add(&a, "m/data/0", numbers, (size_t)3 * C * C * sizeof *numbers);
    archive_end(&a);
    refused("shared bytes", &a.file, CANTO_ERROR_FORMAT, "overlap");
    blob_free(&pickle);
    blob_free(&a.file);
    free(numbers);
}

/* ----------------------------------------------------------------------------------------------- archives */

static void put(blob *b, size_t at, uint64_t x, int n) {
    for (int i = 0; i < n; i++) b->data[at + (size_t)i] = (unsigned char)(x >> 8 * i);
}

static void archives_that_are_refused(void **state) {
    static const char pickle[] = "\x80\x02}.";
    blob              whole = archive_of(pickle, sizeof pickle - 1), b = {0};
    size_t            end = whole.bytes - 22, first = end, second;
    (void)state;
    while (memcmp(whole.data + first, "PK\1\2", 4) != 0 || memcmp(whole.data + first + 46, "m/data.pkl", 10) != 0)
        first--;
    second = first + 46 + 10;
    const struct {
        const char *text;
        canto_code  code;
        size_t      at;
        uint64_t    value;
        int         bytes;
    } DAMAGE[] = {
        {"no state dictionary", CANTO_ERROR_UNSUPPORTED, 6, 0, 1}, /* nothing is changed */
        {"no end record", CANTO_ERROR_FORMAT, end, 0, 4},
        {"no end record", CANTO_ERROR_FORMAT, end + 20, 9, 2},
        {"larger than the file", CANTO_ERROR_FORMAT, end + 10, 0xffff, 2},
        {"larger than the file", CANTO_ERROR_FORMAT, end + 12, 0xffffffff, 4},
        {"larger than the file", CANTO_ERROR_FORMAT, end + 16, 0xfffffff0, 4},
        {"directory is broken", CANTO_ERROR_FORMAT, end + 16, 3, 4},
        {"directory is broken", CANTO_ERROR_FORMAT, first + 28, 0xffff, 2},
        {"directory is broken", CANTO_ERROR_FORMAT, first + 30, 0xffff, 2},
        {"is compressed", CANTO_ERROR_UNSUPPORTED, first + 10, 8, 2},
        {"is encrypted", CANTO_ERROR_UNSUPPORTED, first + 8, 1, 2},
        {"is compressed", CANTO_ERROR_UNSUPPORTED, first + 24, 1, 4},
        {"beyond the file's end", CANTO_ERROR_FORMAT, 26, 0xffff, 2},
        {"not where its directory says", CANTO_ERROR_FORMAT, second + 42, 1, 4},
        {"not where its directory says", CANTO_ERROR_FORMAT, second + 42, 0xfffffff0, 4},
        {"two names", CANTO_ERROR_FORMAT, 30, 'x', 1},
        {"two names", CANTO_ERROR_FORMAT, second + 42, 0, 4},
        {"no data.pkl", CANTO_ERROR_UNSUPPORTED, 31, 'x', 1},
    };
    for (size_t i = 0; i < sizeof DAMAGE / sizeof *DAMAGE; i++) {
        b.bytes = 0;
        blob_put(&b, whole.data, whole.bytes);
        put(&b, DAMAGE[i].at, DAMAGE[i].value, DAMAGE[i].bytes);
        if (DAMAGE[i].at == 31) put(&b, first + 46 + 1, 'x', 1); /* in both places */
        refused(DAMAGE[i].text, &b, DAMAGE[i].code, DAMAGE[i].text);
    }
    for (size_t n = 4; n < whole.bytes; n++) { /* cut anywhere */
        blob cut = {.data = whole.data, .bytes = n};
        refused("cut", &cut, n < 22 ? CANTO_ERROR_UNSUPPORTED : CANTO_ERROR_FORMAT,
                n < 22 ? "is no model" : "cut short");
    }
    blob_free(&b);
    blob_free(&whole);
}

/* Two entries of one name, and two that share bytes. */
static void entries_that_are_refused(void **state) {
    static const char padded[44] = "\x80\x02}.";
    archive           a = {0};
    (void)state;
    archive_add(&a, "m/data.pkl", "\x80\x02}.", 4);
    archive_add(&a, "m/data.pkl", "\x80\x02}.", 4);
    archive_end(&a);
    refused("one name", &a.file, CANTO_ERROR_FORMAT, "have one name");
    blob_free(&a.file);
    a = (archive){0};
    archive_add(&a, "m/data.pkl", padded, sizeof padded);
    archive_add(&a, "m/b", "", 0);
    archive_add(&a, "m/c", "", 0);
    put(&a.directory, 20, 44 + 33 + 1, 4); /* the first reaches into the third */
    put(&a.directory, 24, 44 + 33 + 1, 4);
    archive_add(&a, "m/d", "12345678", 8);
    archive_end(&a);
    refused("shared bytes", &a.file, CANTO_ERROR_FORMAT, "overlap");
    blob_free(&a.file);
}

/* ------------------------------------------------------------------------------------------------ the older form */

static void older_files_cut_anywhere(void **state) {
    file_map     map;
    canto_model *model;
    (void)state;
    ok(file_map_open(fixture("gpt2-old/pytorch_model.bin"), &map));
    blob whole = {0}, config = {0};
    blob_put(&whole, map.data, map.bytes);
    file_map_close(&map);
    ok(file_map_open(fixture("gpt2-old/config.json"), &map));
    blob_put(&config, map.data, map.bytes);
    file_map_close(&map);
    ok(file_write_whole(in_folder("config.json"), config.data, config.bytes));
    for (size_t n = 0; n <= whole.bytes; n += n < 200 ? 1 : 97) {
        ok(file_write_whole(in_folder("pytorch_model.bin"), whole.data, n));
        canto_status status = canto_model_open(context, folder, &model);
        if (status.code != CANTO_ERROR_FORMAT) fail_msg("cut at %zu: code %d, %s", n, (int)status.code, status.text);
    }
    unlink(in_folder("pytorch_model.bin"));
    unlink(in_folder("config.json"));
    blob_free(&whole);
    blob_free(&config);
}

/* -------------------------------------------------------------------------------------------------- indexes */

static void copy_fixture(const char *from, const char *name) {
    char     path[4096];
    file_map map;
    snprintf(path, sizeof path, "%s/%s", from, name);
    ok(file_map_open(fixture(path), &map));
    ok(file_write_whole(in_folder(name), map.data, map.bytes));
    file_map_close(&map);
}

static void refused_index(const char *index, canto_code code, const char *text) {
    canto_model *model;
    ok(file_write_whole(in_folder("model.safetensors.index.json"), index, strlen(index)));
    fails(canto_model_open(context, folder, &model), code, text);
    assert_null(model);
}

static void indexes_that_are_refused(void **state) {
    static const char *const names[] = {"config.json", "model-00001-of-00002.safetensors",
                                        "model-00002-of-00002.safetensors", "model.safetensors.index.json"};
    canto_model             *model;
    (void)state;
    for (size_t i = 0; i < 4; i++) copy_fixture("gpt2-half", names[i]);
    ok(canto_model_open(context, folder, &model));
    canto_model_close(model);
    refused_index("{}", CANTO_ERROR_FORMAT, "weight_map");
    refused_index("{\"weight_map\": 3}", CANTO_ERROR_FORMAT, "weight_map");
    refused_index("{\"weight_map\": {\"a\": 3}}", CANTO_ERROR_FORMAT, "not to be trusted");
    refused_index("{\"weight_map\": {\"a\": \"../config.json\"}}", CANTO_ERROR_FORMAT, "not to be trusted");
    refused_index("{\"weight_map\": {\"a\": \"/etc/passwd\"}}", CANTO_ERROR_FORMAT, "not to be trusted");
    refused_index("{\"weight_map\": {\"a\": \"..\"}}", CANTO_ERROR_FORMAT, "not to be trusted");
    refused_index("{\"weight_map\": {\"a\": \"\"}}", CANTO_ERROR_FORMAT, "not to be trusted");
    refused_index("{\"weight_map\": {\"a\": \"absent\"}}", CANTO_ERROR_FILE, "absent");
    refused_index("{\"weight_map\": {\"a\": \"config.json\"}}", CANTO_ERROR_FORMAT, "config.json");
    refused_index("{\"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\"}}", CANTO_ERROR_FORMAT, "is not in");
    refused_index("{\"weight_map\": {\"lm_head\": \"model-00002-of-00002.safetensors\", \"lm_head\": \"x\"}}",
                  CANTO_ERROR_FORMAT, "duplicate");
    copy_fixture("gpt2-half", names[3]);
    ok(rename(in_folder(names[1]), in_folder(names[2])) == 0 ? status_ok() : status_error(CANTO_ERROR_FILE, "rename"));
    copy_fixture("gpt2-half", names[2]);
    ok(file_write_whole(in_folder(names[1]), "", 0));
    fails(canto_model_open(context, folder, &model), CANTO_ERROR_FORMAT, "00001-of-00002");
    for (size_t i = 0; i < 4; i++) unlink(in_folder(names[i]));
}

/* ---------------------------------------------------------------------------------------------------- maps */

static void refused_map(const char *map, canto_code code, const char *text) {
    canto_model        *model;
    canto_model_options how = {.map = in_folder("map.json")};
    ok(file_write_whole(in_folder("map.json"), map, strlen(map)));
    fails(canto_model_open_with(context, fixture("own.pth"), &how, &model), code, text);
}

static void maps_that_are_refused(void **state) {
    (void)state;
    refused_map("", CANTO_ERROR_FORMAT, "JSON");
    refused_map("{}", CANTO_ERROR_FORMAT, "tensors");
    refused_map("{\"tensors\": {}}", CANTO_ERROR_FORMAT, "\"table.weight\" of");
    refused_map("{\"tensors\": {\"table.weights\": null, \"table\": null}}", CANTO_ERROR_FORMAT, "\"table.weight\" of");
    refused_map("{\"tensors\": {\"table.weight\": null}}", CANTO_ERROR_FORMAT, "\"places.weight\" of");
    refused_map("{\"tensors\": {\"table.weight\": 3}}", CANTO_ERROR_FORMAT, "is no name");
    refused_map("{\"tensors\": {\"table.weight\": {}}}", CANTO_ERROR_FORMAT, "\"to\"");
    refused_map("{\"tensors\": {\"table.weight\": \"blocks.#\"}}", CANTO_ERROR_FORMAT, "is no name");
    refused_map("{\"tensors\": {\"table.weight\": \"a\", \"places.weight\": \"a\", \"out.weight\": null, \"out.bias\": "
                "{\"to\": "
                "\"b\", \"transposed\": true}}}",
                CANTO_ERROR_FORMAT, "no matrix");
    refused_map(
        "{\"tensors\": {\"table.weight\": \"a\", \"places.weight\": \"a\", \"end.weight\": null, \"end.bias\": null, "
        "\"out.weight\": null, \"out.bias\": null, \"layers.#.heads.@.q\": null, \"layers.#.heads.@.k\": null, "
        "\"layers.#.heads.@.v\": null, \"layers.#.tril\": null, \"layers.#.mix.weight\": null, "
        "\"layers.#.mix.bias\": null, \"layers.#.up.weight\": null, \"layers.#.up.bias\": null, "
        "\"layers.#.down.weight\": null, \"layers.#.down.bias\": null, \"layers.#.one.weight\": null, "
        "\"layers.#.one.bias\": null, \"layers.#.two.weight\": null, \"layers.#.two.bias\": null}}",
        CANTO_ERROR_FORMAT, "twice");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_pytorch_computes),
        cmocka_unit_test(what_files_do_not_say),
        cmocka_unit_test(layouts_are_told_apart),
        cmocka_unit_test(pickles_that_are_refused),
        cmocka_unit_test(pickle_bombs),
        cmocka_unit_test(tensors_that_are_refused),
        cmocka_unit_test(names_that_are_refused),
        cmocka_unit_test(shared_bytes),
        cmocka_unit_test(archives_that_are_refused),
        cmocka_unit_test(entries_that_are_refused),
        cmocka_unit_test(older_files_cut_anywhere),
        cmocka_unit_test(indexes_that_are_refused),
        cmocka_unit_test(maps_that_are_refused),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
