/* test_gguf.c - GGUF files and llm.c's checkpoints: what is read of good ones, what is said of damaged ones, and how much is
 * allocated on the way; numbers of 16, 8 and 4 bits. */
#include "unit.h"

#include "format/formats.h"
#include "format/gguf_tokenizer.h"
#include "format/llmc.h"
#include "math/half.h"
#include "model/init.h"
#include "store/numbers.h"

#include <math.h>

/* ------------------------------------------------------------------------------------------------ numbers */

static void halves_and_back(void **state) {
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float x = half_to_float((uint16_t)h), y = bfloat_to_float((uint16_t)h);
        if (!isnan(x)) assert_int_equal(float_to_half(x), h);
        else assert_true(isnan(half_to_float(float_to_half(x))));
        if (!isnan(y)) assert_int_equal(float_to_bfloat(y), h);
        else assert_true(isnan(bfloat_to_float(float_to_bfloat(y))));
    }
}

/* Between two neighbours the nearer one, and the even one in the middle. */
static void halves_are_the_nearest(void **state) {
    (void)state;
    for (uint32_t h = 0; h < 0x7BFF; h++) {
        float low = half_to_float((uint16_t)h), high = half_to_float((uint16_t)(h + 1)), middle = (low + high) / 2;
        assert_int_equal(float_to_half(middle), h % 2 ? h + 1 : h);
        assert_int_equal(float_to_half(nextafterf(middle, low)), h);
        assert_int_equal(float_to_half(nextafterf(middle, high)), h + 1);
        assert_int_equal(float_to_half(-nextafterf(middle, high)), 0x8000 | (h + 1));
    }
    assert_int_equal(float_to_half(65519.99F), 0x7BFF);
    assert_int_equal(float_to_half(65520), 0x7C00);
    for (uint32_t h = 0x3F00; h < 0x4100; h++) {
        float middle = bits_to_float(h << 16 | 0x8000);
        assert_int_equal(float_to_bfloat(middle), h % 2 ? h + 1 : h);
        assert_int_equal(float_to_bfloat(nextafterf(middle, 0)), h);
        assert_int_equal(float_to_bfloat(nextafterf(middle, 99)), h + 1);
    }
}

static void numbers_in_blocks(void **state) {
    (void)state;
    float         x[64], y[64];
    unsigned char bytes[2 * 34];
    for (int i = 0; i < 64; i++) x[i] = i < 32 ? (float)(i * i - 300) / 128 : 0;
    assert_true(numbers_write(SOURCE_Q8_0, x, 64, bytes));
    numbers_read(SOURCE_Q8_0, bytes, 0, 1, 64, y);
    float d = half_to_float((uint16_t)(bytes[0] | bytes[1] << 8));
    assert_true(fabsf(d - (31 * 31 - 300) / 128.0F / 127) < 1e-4F);
    assert_int_equal((int8_t)bytes[2 + 31], 127);
    for (int i = 0; i < 64; i++) assert_true(fabsf(x[i] - y[i]) <= 0.51F * d);
    assert_true(numbers_write(SOURCE_Q4_0, x, 64, bytes));
    numbers_read(SOURCE_Q4_0, bytes, 0, 1, 64, y);
    d = half_to_float((uint16_t)(bytes[0] | bytes[1] << 8));
    assert_true(fabsf(d + (31 * 31 - 300) / 128.0F / 8) < 1e-2F); /* the largest becomes -8 times a negative d */
    assert_int_equal(bytes[2 + 15] >> 4, 0);
    for (int i = 0; i < 64; i++) assert_true(fabsf(x[i] - y[i]) <= 1.01F * fabsf(d));
    x[3] = 1e6F;
    assert_false(numbers_write(SOURCE_F16, x, 32, bytes));
    assert_true(numbers_write(SOURCE_BF16, x, 32, bytes));
    x[3] = 1e9F;
    assert_false(numbers_write(SOURCE_Q8_0, x, 32, bytes));
    assert_false(numbers_write(SOURCE_Q4_0, x, 32, bytes));
}

/* --------------------------------------------------------------------------------------- a file byte by byte */

static unsigned char built[4096];
static size_t        built_bytes;

static void put(uint64_t number, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) built[built_bytes++] = (unsigned char)(number >> 8 * i);
}

static void put_text(const char *text) {
    put(strlen(text), 8);
    memcpy(built + built_bytes, text, strlen(text));
    built_bytes += strlen(text);
}

static void begin_file(uint64_t version, uint64_t tensors, uint64_t values) {
    built_bytes = 0;
    put(0x46554747, 4);
    put(version, 4);
    put(tensors, 8);
    put(values, 8);
}

static void put_tensor(const char *name, uint64_t rank, uint64_t size, uint64_t type, uint64_t place) {
    put_text(name);
    put(rank, 4);
    for (uint64_t i = 0; i < rank && i < 8; i++) put(i ? 1 : size, 8);
    put(type, 4);
    put(place, 8);
}

/* Not synced: this is done thousands of times. */
static void write_raw(const char *name, const void *bytes, size_t count) {
    FILE *file = fopen(in_folder(name), "wb");
    assert_true(file && fwrite(bytes, 1, count, file) == count && fclose(file) == 0);
}

static canto_status open_built(size_t more) {
    gguf          file;
    tensor_source source;
    while (built_bytes % 32) put(0, 1);
    memset(built + built_bytes, 0, more);
    write_raw("raw", built, built_bytes + more);
    canto_status status = gguf_open(context, in_folder("raw"), &file, &source);
    gguf_close(&file);
    source_close(&source);
    return status;
}

static void damaged_lists(void **state) {
    (void)state;
    begin_file(3, 0, 0);
    ok(open_built(0));
    begin_file(2, 0, 0);
    ok(open_built(0));
    begin_file(1, 0, 0);
    fails(open_built(0), CANTO_ERROR_UNSUPPORTED, "version 1");
    begin_file(3U << 24, 0, 0);
    fails(open_built(0), CANTO_ERROR_UNSUPPORTED, "big-endian");
    begin_file(3, UINT64_MAX / 2, 0);
    fails(open_built(0), CANTO_ERROR_FORMAT, "too few");
    begin_file(3, 0, UINT64_MAX);
    fails(open_built(0), CANTO_ERROR_FORMAT, "too few");

    static const struct {
        const char *name;
        uint64_t    rank, size, type, place, data;
        canto_code  code;
        const char *says;
    } tensors[] = {
        {"t", 1, 8, 0, 0, 32, CANTO_OK, ""},
        {"t", 1, 8, 0, 0, 31, CANTO_ERROR_FORMAT, "cut short"},
        {"t", 1, 8, 0, 32, 64, CANTO_ERROR_FORMAT, "begins at byte 32"},
        {"t", 1, 8, 99, 0, 32, CANTO_ERROR_UNSUPPORTED, "unknown"},
        {"t", 1, 8, 12, 0, 32, CANTO_ERROR_UNSUPPORTED, "Q4_K"},
        {"t", 1, 8, 8, 0, 34, CANTO_ERROR_FORMAT, "multiple of 32"},
        {"t", 1, 32, 8, 0, 34, CANTO_OK, ""},
        {"t", 5, 8, 0, 0, 32, CANTO_ERROR_FORMAT, "5 dimensions"},
        {"t", UINT32_MAX, 8, 0, 0, 32, CANTO_ERROR_FORMAT, "dimensions"},
        {"t", 1, 0, 0, 0, 32, CANTO_ERROR_FORMAT, "empty"},
        {"t", 1, UINT64_MAX, 0, 0, 32, CANTO_ERROR_FORMAT, "too large"},
        {"t", 1, UINT64_C(1) << 61, 0, 0, 32, CANTO_ERROR_FORMAT, "too large"},
        {"t", 1, UINT64_C(1) << 58, 0, 0, 32, CANTO_ERROR_FORMAT, "cut short"},
        {"", 1, 8, 0, 0, 32, CANTO_ERROR_FORMAT, "name"},
        {"a.name.that.is.longer.than.the.64.bytes.which.a.tensor.may.have.at.most", 1, 8, 0, 0, 32, CANTO_ERROR_FORMAT,
         "name"},
    };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        begin_file(3, 1, 0);
        put_tensor(tensors[i].name, tensors[i].rank, tensors[i].size, tensors[i].type, tensors[i].place);
        canto_status status = open_built((size_t)tensors[i].data);
        if (tensors[i].code == CANTO_OK) ok(status);
        else fails(status, tensors[i].code, tensors[i].says);
    }
    begin_file(3, 2, 0);
    put_tensor("one", 1, 8, 0, 0);
    put_tensor("two", 1, 8, 0, 0); /* over the first */
    fails(open_built(64), CANTO_ERROR_FORMAT, "\"two\" begins at byte 0");
    begin_file(3, 2, 0);
    put_tensor("one", 1, 8, 0, 0);
    put_tensor("one", 1, 8, 0, 32);
    fails(open_built(64), CANTO_ERROR_FORMAT, "twice");
}

static void damaged_values(void **state) {
    (void)state;
    begin_file(3, 0, 2);
    for (int i = 0; i < 2; i++) {
        put_text("key");
        put(GGUF_U8, 4);
        put(1, 1);
    }
    fails(open_built(0), CANTO_ERROR_FORMAT, "stands twice");
    begin_file(3, 0, 1);
    put_text("key");
    put(13, 4);
    put(0, 8);
    fails(open_built(0), CANTO_ERROR_FORMAT, "unknown type");
    begin_file(3, 0, 1);
    put(UINT64_MAX, 8);
    put(0, 8);
    fails(open_built(0), CANTO_ERROR_FORMAT, "cut short");
    static const uint64_t counts[] = {UINT64_MAX, UINT64_MAX / 8, 1000};
    for (size_t i = 0; i < 3; i++)
        for (gguf_type type = GGUF_U8; type < GGUF_TYPES; type++) {
            begin_file(3, 0, 1);
            put_text("key");
            put(GGUF_ARRAY, 4);
            put((uint64_t)type, 4);
            put(counts[i], 8);
            fails(open_built(0), CANTO_ERROR_FORMAT, "cut short");
        }
    for (int deep = 1; deep < 40; deep++) { /* arrays in arrays */
        begin_file(3, 0, 1);
        put_text("key");
        put(GGUF_ARRAY, 4);
        for (int i = 0; i < deep; i++) {
            put(i + 1 < deep ? GGUF_ARRAY : GGUF_U8, 4);
            put(i + 1 < deep ? 1 : 0, 8);
        }
        put(0, 8);
        if (deep <= 5) ok(open_built(0));
        else fails(open_built(0), CANTO_ERROR_FORMAT, "too deep");
    }
}

/* ------------------------------------------------------------------------------------------------- models */

static canto_config small_config(bool tied) {
    canto_config c;
    ok(canto_preset("gpt2", &c, NULL));
    memset(c.preset, 0, sizeof c.preset);
    canto_config_dropout(&c, 0);
    c.vocab = 12;
    c.context = 5;
    c.width = 8;
    c.heads = 2;
    c.layers = 2;
    c.ffn = 32;
    c.tied = tied;
    ok(canto_config_check(&c));
    return c;
}

static canto_tokenizer *letters(const char *text, const char *specials) {
    canto_tokenizer        *t;
    canto_tokenizer_options options = canto_tokenizer_options_default();
    const char             *path = write_file("letters", text);
    options.specials = specials;
    ok(canto_tokenizer_train(context, &options, &path, 1, &t));
    return t;
}

/* A model on a block of its own, as a file in some form; block[table->elements] is the caller's to free. */
static float *export_model(const canto_config *c, const canto_tokenizer *t, const char *path, canto_format format,
                           canto_type type, tensor_table *table) {
    torch_rng            rng;
    canto_model         *model;
    canto_export_options options = {format, type, NULL};
    ok(tensor_table_open(context, c, table));
    float *block = calloc(table->elements, sizeof *block);
    torch_seed(&rng, 5);
    model_initialize(table, CANTO_INIT_TORCH, &rng, block);
    ok(model_borrow(context, c, block, t, &model));
    ok(canto_model_export(context, model, path, &options));
    canto_model_close(model);
    return block;
}

static void same_weights(const canto_model *model, const tensor_table *table, const float *block) {
    assert_int_equal(model->table.count, table->count);
    for (size_t i = 0; i < table->count; i++) {
        const tensor *t = &table->list[i];
        float        *rows = calloc(t->count, sizeof *rows);
        model_read(model, t->role, t->layer, 0, t->rows, rows);
        assert_memory_equal(rows, block + t->offset, t->count * sizeof *rows);
        free(rows);
    }
}

/* What llama.cpp's own converter writes, without canto.config. */
static void a_file_of_others(void **state) {
    (void)state;
    gguf_writer  w;
    model_parts  parts = {0};
    layout_item  item;
    float        zeros[512] = {0};
    canto_config c = small_config(false);
    ok(gguf_writer_open(context, in_folder("model"), &w));
    gguf_put_text(&w, "general.architecture", "gpt2", 4);
    gguf_put_integer(&w, "gpt2.context_length", 5);
    gguf_put_integer(&w, "gpt2.embedding_length", 8);
    gguf_put_integer(&w, "gpt2.block_count", 2);
    gguf_put_integer(&w, "gpt2.attention.head_count", 2);
    gguf_put_real(&w, "gpt2.attention.layer_norm_epsilon", 1e-5F);
    for (size_t i = 0; layout_item_at(&c, LAYOUT_GGUF, i, &item); i++)
        gguf_writer_add(&w, item.name, SOURCE_F32, (int64_t[]){item.rows, item.columns}, item.vector ? 1 : 2);
    ok(gguf_writer_begin(&w));
    for (size_t i = 0; layout_item_at(&c, LAYOUT_GGUF, i, &item); i++) {
        ok(gguf_writer_data(&w, zeros, (size_t)(item.rows * item.columns) * sizeof(float)));
        ok(gguf_writer_end_tensor(&w));
    }
    ok(gguf_writer_commit(&w));
    ok(gguf_read(context, in_folder("model"), &parts));
    assert_null(parts.tokenizer);
    assert_memory_equal(&parts.config, &c, sizeof c); /* 1e-5 too, which a float is not */
    model_parts_close(&parts);
}

static void models_there_and_back(void **state) {
    (void)state;
    static const struct {
        canto_format format;
        const char  *name;
    } forms[] = {
        {CANTO_FORMAT_GGUF, "m.gguf"}, {CANTO_FORMAT_LLMC, "m.bin"}, {CANTO_FORMAT_SAFETENSORS, "m.safetensors"}};
    for (size_t i = 0; i < 3; i++) {
        canto_config     c = small_config(true);
        tensor_table     table;
        canto_model     *model;
        canto_tokenizer *t = letters("hello world\n", "<EOS>");
        c.vocab = canto_tokenizer_vocabulary(t);
        float *block = export_model(&c, t, in_folder(forms[i].name), forms[i].format, CANTO_F32, &table);
        assert_int_equal(canto_format_of(in_folder(forms[i].name)), forms[i].format);
        ok(canto_model_open(context, in_folder(forms[i].name), &model));
        same_weights(model, &table, block);
        if (forms[i].format == CANTO_FORMAT_GGUF)
            assert_true(canto_tokenizer_hash(canto_model_tokenizer(model)) == canto_tokenizer_hash(t));
        canto_model_close(model);
        canto_tokenizer_close(t);
        free(block);
        tensor_table_close(context, &table);
    }
}

/* Any shape of model goes through a file of its own. */
static void every_preset_in_one_file(void **state) {
    (void)state;
    const char *name;
    for (size_t i = 0; (name = canto_preset_name(i, NULL)) != NULL; i++) {
        canto_config c;
        tensor_table table;
        canto_model *model;
        ok(canto_preset(name, &c, NULL));
        c.vocab = 11;
        c.context = 8;
        c.width = 12;
        c.heads = c.attention_scale == CANTO_SCALE_WIDTH && c.family == CANTO_FAMILY_DANTE ? 1 : 3;
        if (c.layers > 1) c.layers = 2;
        if (c.ffn > 0) c.ffn = 20;
        float *block = export_model(&c, NULL, in_folder("m.safetensors"), CANTO_FORMAT_BY_NAME, CANTO_F32, &table);
        ok(canto_model_open(context, in_folder("m.safetensors"), &model));
        same_weights(model, &table, block);
        assert_string_equal(canto_model_config(model)->preset, name);
        canto_model_close(model);
        free(block);
        tensor_table_close(context, &table);
        block = export_model(&c, NULL, in_folder("m.npz"), CANTO_FORMAT_BY_NAME, CANTO_F32, &table);
        ok(canto_model_open(context, in_folder("m.npz"), &model));
        same_weights(model, &table, block);
        canto_model_close(model);
        free(block);
        tensor_table_close(context, &table);
    }
}

/* ------------------------------------------------------------------------------ damage, and what it may cost */

static size_t now, most;

static void *counted(void *user, void *old, size_t bytes) {
    size_t *block = old ? (size_t *)old - 2 : NULL;
    (void)user;
    now -= block ? *block : 0;
    now += bytes;
    if (now > most) most = now;
    if (bytes == 0) {
        free(block);
        return NULL;
    }
    block = realloc(block, bytes + 2 * sizeof *block);
    assert_non_null(block);
    *block = bytes;
    return block + 2;
}

/* Cut at every byte of its head, and each of these bytes turned: no memory beyond a multiple of the file's size. */
static void no_damage_costs_memory(void **state) {
    (void)state;
    static const char *const names[] = {"whole.gguf", "whole.bin"};
    canto_context_options    options = canto_context_options_default();
    canto_context           *own;
    canto_tokenizer         *t = letters("hello world", NULL);
    canto_config             c = small_config(true);
    c.vocab = canto_tokenizer_vocabulary(t);
    options.threads = 1;
    options.allocator.resize = counted;
    ok(canto_context_open(&options, &own));
    size_t idle = now;
    for (size_t k = 0; k < 2; k++) {
        tensor_table table;
        file_map     map;
        free(export_model(&c, t, in_folder(names[k]), CANTO_FORMAT_BY_NAME, CANTO_F32, &table));
        tensor_table_close(context, &table);
        ok(file_map_open(in_folder(names[k]), &map));
        size_t         bytes = map.bytes, head = k == 0 ? 2600 : 40, opened = 0;
        unsigned char *copy = malloc(bytes);
        memcpy(copy, map.data, bytes);
        file_map_close(&map);
        for (size_t i = 0; i < 2 * head; i += i % 2 ? k == 0 ? 9 : 1 : 1) { /* not every byte of the long one */
            canto_model *model;
            copy[i / 2] ^= i % 2 ? 0x81 : 0;
            write_raw("damaged", copy, i % 2 ? bytes : i / 2);
            copy[i / 2] ^= i % 2 ? 0x81 : 0;
            most = now;
            canto_status status = canto_model_open(own, in_folder("damaged"), &model);
            opened += status.code == CANTO_OK;
            assert_true(status.code == CANTO_OK || status.text[0]);
            if (most > idle + 20 * bytes) fail_msg("byte %zu: %zu bytes for a file of %zu", i / 2, most - idle, bytes);
            canto_model_close(model);
            assert_int_equal(now, idle);
        }
        assert_true(opened < head / 2); /* dropout, a name of a token: not all damage shows */
        free(copy);
    }
    canto_context_close(own);
    canto_tokenizer_close(t);
}

/* -------------------------------------------------------------------------------------------------- llm.c */

static canto_status open_llmc(const int32_t *header, size_t numbers, size_t each) {
    size_t         bytes = LLMC_HEADER + numbers * each;
    unsigned char *file = calloc(bytes, 1);
    model_parts    parts = {0};
    memcpy(file, header, 8 * sizeof *header);
    write_raw("raw", file, bytes);
    free(file);
    canto_status status = llmc_read(context, in_folder("raw"), &parts);
    model_parts_close(&parts);
    return status;
}

static void checkpoints_of_llmc(void **state) {
    (void)state;
    int32_t      header[8] = {LLMC_MAGIC, 1, 5, 12, 2, 2, 8, 0};
    canto_config c = small_config(true);
    tensor_table table;
    tensor_table_measure(&c, &table);
    size_t n = (size_t)table.parameters;
    ok(open_llmc(header, n, 4));
    fails(open_llmc(header, n - 1, 4), CANTO_ERROR_FORMAT, "cut short");
    fails(open_llmc(header, n + 1, 4), CANTO_ERROR_FORMAT, "damaged");
    fails(open_llmc(header, n, 2), CANTO_ERROR_FORMAT, "cut short");
    header[1] = 3;
    fails(open_llmc(header, n, 4), CANTO_ERROR_FORMAT, "0 rows");
    header[7] = 128;
    ok(open_llmc(header, n + (128 - 12) * 8, 4));
    header[1] = 5;
    ok(open_llmc(header, n + (128 - 12) * 8, 2));
    header[1] = 4;
    fails(open_llmc(header, n, 4), CANTO_ERROR_UNSUPPORTED, "version 4");
    header[1] = 3;
    header[6] = INT32_MAX;
    fails(open_llmc(header, n, 4), CANTO_ERROR_FORMAT, "raw");
    header[6] = -8;
    fails(open_llmc(header, n, 4), CANTO_ERROR_FORMAT, "raw");
    header[6] = 8;
    header[4] = INT32_MAX;
    fails(open_llmc(header, n, 4), CANTO_ERROR_FORMAT, "raw");
    ok(file_write_whole(in_folder("raw"), header, sizeof header));
    model_parts parts = {0};
    fails(llmc_read(context, in_folder("raw"), &parts), CANTO_ERROR_FORMAT, "1024");
    model_parts_close(&parts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_and_back),        cmocka_unit_test(halves_are_the_nearest),
        cmocka_unit_test(numbers_in_blocks),      cmocka_unit_test(damaged_lists),
        cmocka_unit_test(damaged_values),         cmocka_unit_test(a_file_of_others),
        cmocka_unit_test(models_there_and_back),  cmocka_unit_test(every_preset_in_one_file),
        cmocka_unit_test(no_damage_costs_memory), cmocka_unit_test(checkpoints_of_llmc),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
