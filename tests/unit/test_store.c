/* test_store.c - models on disk: layouts, safetensors and their refusals, config.json, the model folder. */
#include "unit.h"

#include "base/file.h"
#include "model/init.h"
#include "store/config_json.h"
#include "store/hf_config.h"
#include "store/model.h"
#include "store/model_folder.h"
#include "store/safetensors.h"
#include "store/weights.h"

#include <math.h>

/* ---------------------------------------------------------------------------------------------- layouts */

static canto_config tiny(const char *preset) {
    canto_config c;
    ok(canto_preset(preset, &c, NULL));
    c.vocab = 11;
    c.context = 8;
    c.width = 12;
    c.heads = 3;
    if (c.layers > 0 && strcmp(preset, "dante-attention") != 0) c.layers = 2;
    c.ffn = c.ffn > 0 ? 20 : 0;
    if (c.attention_scale == CANTO_SCALE_WIDTH && c.family == CANTO_FAMILY_DANTE) c.heads = 1;
    ok(canto_config_check(&c));
    return c;
}

/* Every layout covers every element of every tensor once. */
static void check_cover(const canto_config *c, layout_kind kind) {
    tensor_table table;
    layout_item  item;
    ok(tensor_table_open(context, c, &table));
    uint8_t *seen = calloc(table.elements, 1);
    uint64_t total = 0;
    for (size_t i = 0; layout_item_at(c, kind, i, &item); i++) {
        if (item.zeros) continue;
        const tensor *t = tensor_find(&table, item.role, item.layer);
        assert_non_null(t);
        assert_true(item.name[0] != 0 && item.row + item.rows <= t->rows && item.columns == t->columns);
        size_t at = t->offset + (size_t)(item.row * item.columns), n = (size_t)(item.rows * item.columns);
        for (size_t e = at; e < at + n; e++) assert_int_equal(seen[e]++, 0);
        total += n;
    }
    assert_int_equal(total, table.parameters);
    free(seen);
    tensor_table_close(context, &table);
}

static void layouts_cover_the_table(void **state) {
    (void)state;
    const char *name;
    for (size_t i = 0; (name = canto_preset_name(i, NULL)) != NULL; i++) {
        canto_config c = tiny(name);
        check_cover(&c, LAYOUT_SOURCE);
        check_cover(&c, LAYOUT_OWN);
        check_cover(&c, layout_for_saving(&c));
    }
}

/* Counted without a walk, and found without a search through other layers. */
static void layouts_are_counted(void **state) {
    (void)state;
    static const layout_kind kinds[] = {LAYOUT_SOURCE, LAYOUT_HF_GPT2, LAYOUT_HF_GPT_NEO, LAYOUT_OWN};
    const char              *name;
    layout_item              item;
    for (size_t i = 0; (name = canto_preset_name(i, NULL)) != NULL; i++) {
        canto_config c = tiny(name);
        tensor_table table;
        for (size_t k = 0; k < 4; k++) {
            size_t n = (size_t)layout_count(&c, kinds[k]);
            assert_true(n > 0 && layout_item_at(&c, kinds[k], n - 1, &item));
            assert_false(layout_item_at(&c, kinds[k], n, &item));
        }
        ok(tensor_table_open(context, &c, &table));
        for (size_t t = 0; t < table.count; t++)
            assert_ptr_equal(tensor_find(&table, table.list[t].role, table.list[t].layer), &table.list[t]);
        assert_null(tensor_find(&table, TENSOR_QKV_WEIGHT, c.layers));
        assert_null(tensor_find(&table, TENSOR_QKV_WEIGHT, -1));
        tensor_table_close(context, &table);
    }
}

static void names_of_the_sources(void **state) {
    (void)state;
    layout_item  item;
    canto_config c = tiny("shakespeare-tiny");
    assert_true(layout_item_at(&c, LAYOUT_SOURCE, 2 + 3 + 1, &item));
    assert_string_equal(item.name, "blocks.0.sa.heads.1.query.weight");
    assert_int_equal(item.row, 4);
    assert_int_equal(item.rows, 4);
    c = tiny("gpt2-untied");
    assert_int_equal(layout_for_saving(&c), LAYOUT_HF_GPT2);
    c.dropout_ffn = 0;
    assert_true(layout_item_at(&c, LAYOUT_SOURCE, 10, &item));
    assert_string_equal(item.name, "trf_blocks.0.ff.layers.0.weight");
    assert_string_equal(item.alias, "trf_blocks.0.ff.net.0.weight");
    c.dropout_ffn = 0.1;
    assert_true(layout_item_at(&c, LAYOUT_SOURCE, 10, &item));
    assert_string_equal(item.name, "trf_blocks.0.ff.net.0.weight");
    c = tiny("dante-attention");
    assert_true(layout_item_at(&c, LAYOUT_SOURCE, 1, &item));
    assert_string_equal(item.name, "attention.query.weight");
    c = tiny("gpt-neo-125m");
    assert_int_equal(layout_for_saving(&c), LAYOUT_HF_GPT_NEO);
    assert_true(layout_item_at(&c, LAYOUT_HF_GPT_NEO, 4, &item));
    assert_string_equal(item.name, "transformer.h.0.attn.attention.k_proj.weight");
    assert_string_equal(item.alias, "h.0.attn.attention.k_proj.weight");
    assert_int_equal(item.row, 12);
}

/* -------------------------------------------------------------------------------------------- safetensors */

static void write_raw(const char *name, const char *header, size_t data) {
    unsigned char bytes[4096] = {0};
    size_t        n = strlen(header);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(n >> 8 * i);
    memcpy(bytes + 8, header, n);
    ok(file_write_whole(in_folder(name), bytes, 8 + n + data));
}

static canto_status open_raw(const char *header, size_t data) {
    tensor_source file;
    write_raw("raw", header, data);
    canto_status status = safetensors_open(context, in_folder("raw"), &file);
    source_close(&file);
    return status;
}

static void safetensors_refusals(void **state) {
    (void)state;
    ok(open_raw("{}", 0));
    ok(open_raw("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8));
    ok(open_raw("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},\"__metadata__\":{\"k\":\"v\"}}  ", 4));
    fails(open_raw("{", 0), CANTO_ERROR_FORMAT, "JSON");
    fails(open_raw("[1]", 0), CANTO_ERROR_FORMAT, "object");
    fails(open_raw("{\"a\":3}", 0), CANTO_ERROR_FORMAT, "object");
    fails(open_raw("{\"a\":{\"dtype\":\"F99\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8), CANTO_ERROR_UNSUPPORTED,
          "F99");
    fails(open_raw("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8), CANTO_ERROR_FORMAT, "shape");
    fails(open_raw("{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8), CANTO_ERROR_FORMAT,
          "sizes");
    fails(open_raw("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0),
          CANTO_ERROR_FORMAT, "too large");
    fails(open_raw("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7), CANTO_ERROR_FORMAT,
          "cut short");
    fails(open_raw("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9), CANTO_ERROR_FORMAT,
          "belong to no");
    fails(open_raw("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8), CANTO_ERROR_FORMAT,
          "data_offsets");
    fails(open_raw("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                   "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
                   12),
          CANTO_ERROR_FORMAT, "overlaps");
    fails(open_raw("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                   "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                   8),
          CANTO_ERROR_FORMAT, "JSON");
    ok(file_write_whole(in_folder("raw"), "1234", 4));
    tensor_source file;
    fails(safetensors_open(context, in_folder("raw"), &file), CANTO_ERROR_FORMAT, "4 bytes");
    ok(file_write_whole(in_folder("raw"), "\377\377\377\377\377\377\377\377{}", 10));
    fails(safetensors_open(context, in_folder("raw"), &file), CANTO_ERROR_FORMAT, "header");
    fails(safetensors_open(context, in_folder("absent"), &file), CANTO_ERROR_FILE, "absent");
}

static void safetensors_round_trip(void **state) {
    (void)state;
    safetensors_writer w;
    tensor_source      file;
    const float        x[6] = {1, 2, 3, 4, 5, 6};
    const int64_t      y = -7;
    ok(safetensors_writer_open(&w, in_folder("raw")));
    ok(safetensors_writer_metadata(&w, "format", "pt"));
    ok(safetensors_writer_add(&w, "z", SOURCE_F32, (int64_t[]){2, 3}, 2));
    ok(safetensors_writer_add(&w, "a", SOURCE_I64, NULL, 0));
    ok(safetensors_writer_begin(&w));
    ok(safetensors_writer_data(&w, x, sizeof x));
    ok(safetensors_writer_data(&w, &y, sizeof y));
    ok(safetensors_writer_commit(&w));
    ok(safetensors_open(context, in_folder("raw"), &file));
    assert_int_equal(file.count, 2);
    const source_tensor *z = source_find(&file, "z"), *a = source_find(&file, "a");
    ok(source_expect_shape(&file, z, (int64_t[]){2, 3}, 2));
    fails(source_expect_shape(&file, z, (int64_t[]){3, 2}, 2), CANTO_ERROR_FORMAT, "[2, 3]");
    fails(source_expect_type(&file, a, SOURCE_F32), CANTO_ERROR_UNSUPPORTED, "I64");
    assert_memory_equal(z->data, x, sizeof x);
    assert_memory_equal(a->data, &y, sizeof y);
    assert_int_equal((size_t)(z->data - file.maps[0].data) % 8, 0);
    assert_null(source_find(&file, "b"));
    source_close(&file);
    ok(safetensors_writer_open(&w, in_folder("owing")));
    ok(safetensors_writer_add(&w, "z", SOURCE_F32, (int64_t[]){2, 3}, 2));
    ok(safetensors_writer_begin(&w));
    fails(safetensors_writer_commit(&w), CANTO_ERROR_VALUE, "announced");
    assert_false(file_exists(in_folder("owing")));
}

/* ------------------------------------------------------------------------------------------ configs as JSON */

static void configs_come_back(void **state) {
    (void)state;
    const char *name;
    for (size_t i = 0; (name = canto_preset_name(i, NULL)) != NULL; i++) {
        canto_config c, back;
        ok(canto_preset(name, &c, NULL));
        c.norm_eps = 1.0 / 3e5;
        json_t *object = config_to_json(&c);
        ok(config_from_json(object, "here", &back));
        assert_int_equal(json_object_size(object), 28);
        json_t *again = config_to_json(&back);
        assert_true(json_equal(object, again));
        assert_true(c.norm_eps == back.norm_eps);
        json_object_del(object, "window");
        fails(config_from_json(object, "here", &back), CANTO_ERROR_FORMAT, "window");
        json_object_set_new(again, "norm", json_string("sideways"));
        fails(config_from_json(again, "here", &back), CANTO_ERROR_FORMAT, "sideways");
        json_decref(object);
        json_decref(again);
    }
}

static void hf_configs_come_back(void **state) {
    (void)state;
    static const char *const names[] = {"gpt2", "gpt2-untied", "gpt-neo-125m", "gpt-neo-lite"};
    for (size_t i = 0; i < 4; i++) {
        canto_config c, back;
        layout_kind  kind;
        ok(canto_preset(names[i], &c, NULL));
        json_t *object = hf_config_to_json(&c, layout_for_saving(&c));
        ok(hf_config_from_json(object, "here", &back, &kind));
        assert_int_equal(kind, layout_for_saving(&c));
        strcpy(back.preset, c.preset);
        back.dropout_ffn = c.dropout_ffn; /* Hugging Face has no place for it */
        json_t *want = config_to_json(&c), *have = config_to_json(&back);
        assert_true(json_equal(want, have));
        json_decref(want);
        json_decref(have);
        json_decref(object);
    }
}

static void hf_defaults_and_refusals(void **state) {
    (void)state;
    canto_config c;
    layout_kind  kind;
    json_t      *o = json_pack("{s:s}", "model_type", "gpt2");
    ok(hf_config_from_json(o, "here", &c, &kind));
    assert_int_equal(c.ffn, 3072);
    assert_true(c.tied && c.qkv_bias);
    json_object_set_new(o, "activation_function", json_string("swish"));
    fails(hf_config_from_json(o, "here", &c, &kind), CANTO_ERROR_UNSUPPORTED, "swish");
    json_object_del(o, "activation_function");
    json_object_set_new(o, "scale_attn_by_inverse_layer_idx", json_true());
    fails(hf_config_from_json(o, "here", &c, &kind), CANTO_ERROR_UNSUPPORTED, "inverse");
    json_object_set_new(o, "model_type", json_string("llama"));
    fails(hf_config_from_json(o, "here", &c, &kind), CANTO_ERROR_UNSUPPORTED, "llama");
    json_decref(o);
    o = json_pack("{s:s, s:i, s:[[[s, s], i], [[s], i]]}", "model_type", "gpt_neo", "num_layers", 5, "attention_types",
                  "global", "local", 2, "global", 1);
    ok(hf_config_from_json(o, "here", &c, &kind));
    assert_string_equal(c.pattern, "gl");
    assert_int_equal(c.window, 256);
    json_object_set_new(o, "num_layers", json_integer(6));
    fails(hf_config_from_json(o, "here", &c, &kind), CANTO_ERROR_FORMAT, "attention kinds");
    json_object_set_new(o, "num_layers", json_integer(INT32_MAX)); /* never spelled out */
    fails(hf_config_from_json(o, "here", &c, &kind), CANTO_ERROR_VALUE, "layers");
    json_decref(o);
}

/* -------------------------------------------------------------------------------------------- the folder */

static float *new_weights(const tensor_table *table, uint64_t seed) {
    torch_rng rng;
    float    *block = calloc(table->elements, sizeof *block);
    torch_seed(&rng, seed);
    model_initialize(table, CANTO_INIT_TORCH, &rng, block);
    return block;
}

static void models_come_back(void **state) {
    (void)state;
    const char *name;
    for (size_t i = 0; (name = canto_preset_name(i, NULL)) != NULL; i++) {
        canto_config c = tiny(name);
        tensor_table table;
        canto_model *model, *lent;
        ok(tensor_table_open(context, &c, &table));
        float *block = new_weights(&table, 3);
        ok(model_borrow(context, &c, block, NULL, &lent));
        ok(canto_model_save(lent, folder));
        canto_model_close(lent);
        ok(canto_model_open(context, folder, &model));
        for (size_t t = 0; t < table.count; t++) {
            float *back = calloc(table.list[t].count, sizeof *back);
            model_read(model, table.list[t].role, table.list[t].layer, 0, table.list[t].rows, back);
            assert_memory_equal(back, block + table.list[t].offset, table.list[t].count * sizeof *back);
            free(back);
        }
        assert_int_equal(canto_model_bytes(model), table.parameters * sizeof *block);
        assert_null(canto_model_tokenizer(model));
        assert_string_equal(canto_model_config(model)->preset, c.preset);
        canto_model_close(model);
        free(block);
        tensor_table_close(context, &table);
    }
}

/* GPT-2's own files: names without prefix, buffers along, no canto object. */
static void foreign_names(void **state) {
    (void)state;
    canto_config       c = tiny("gpt2");
    tensor_table       table;
    safetensors_writer w;
    tensor_source      file;
    layout_item        item;
    float              zeros[512] = {0};
    ok(tensor_table_open(context, &c, &table));
    ok(safetensors_writer_open(&w, in_folder("raw")));
    for (size_t i = 0; layout_item_at(&c, LAYOUT_HF_GPT2, i, &item); i++) {
        int64_t shape[2] = {item.transposed ? item.columns : item.rows, item.transposed ? item.rows : item.columns};
        ok(safetensors_writer_add(&w, item.alias, SOURCE_F32, shape, item.vector ? 1 : 2));
    }
    ok(safetensors_writer_add(&w, "h.0.attn.bias", SOURCE_F32, (int64_t[]){1, 1, 8, 8}, 4));
    ok(safetensors_writer_begin(&w));
    for (uint64_t left = w.bytes, n; left > 0; left -= n) {
        n = left < sizeof zeros ? left : sizeof zeros;
        ok(safetensors_writer_data(&w, zeros, (size_t)n));
    }
    ok(safetensors_writer_commit(&w));
    float *block = new_weights(&table, 1);
    ok(safetensors_open(context, in_folder("raw"), &file));
    ok(weights_read(context, &file, &table, LAYOUT_HF_GPT2, block));
    for (size_t i = 0; i < table.elements; i++) assert_true(block[i] == 0);
    fails(weights_read(context, &file, &table, LAYOUT_OWN, block), CANTO_ERROR_FORMAT, "lacks");
    source_close(&file);
    free(block);
    tensor_table_close(context, &table);
}

/* What canto wrote as zeros has been trained by others: it must not get lost. */
static void biases_that_came_to_life(void **state) {
    (void)state;
    canto_config      c = tiny("gpt2"), without;
    tensor_table      table;
    tensor_source     file;
    const layout_kind kind = LAYOUT_HF_GPT2;
    ok(tensor_table_open(context, &c, &table));
    float *block = calloc(table.elements, sizeof *block);
    size_t bias = tensor_find(&table, TENSOR_QKV_BIAS, 1)->offset;
    without = c;
    without.qkv_bias = false;
    for (int lively = 0; lively < 2; lively++) {
        tensor_table smaller;
        block[bias + 3] = (float)lively;
        ok(weights_write(context, in_folder("raw"), &table, kind, block));
        ok(tensor_table_open(context, &without, &smaller));
        float *back = calloc(smaller.elements, sizeof *back);
        ok(safetensors_open(context, in_folder("raw"), &file));
        canto_status status = weights_read(context, &file, &smaller, kind, back);
        if (lively) fails(status, CANTO_ERROR_FORMAT, "h.1.attn.c_attn.bias\" has values");
        else ok(status);
        source_close(&file);
        free(back);
        tensor_table_close(context, &smaller);
    }
    free(block);
    tensor_table_close(context, &table);
}

static void folders_that_are_no_models(void **state) {
    (void)state;
    canto_model *model = NULL;
    canto_config c = tiny("gpt2");
    tensor_table table;
    fails(canto_model_open(context, in_folder("nowhere"), &model), CANTO_ERROR_FILE, "does not exist");
    assert_null(model);
    ok(tensor_table_open(context, &c, &table));
    float *block = new_weights(&table, 3);
    block[tensor_find(&table, TENSOR_FFN_UP_WEIGHT, 1)->offset + 5] = NAN;
    ok(model_folder_save(context, folder, &table, block, NULL));
    ok(canto_model_open(context, folder, &model));
    fails(model_not_finite(context, model), CANTO_ERROR_NUMBER, "mlp.c_fc.weight");
    canto_model_close(model);
    unlink(in_folder("model.safetensors"));
    fails(canto_model_open(context, folder, &model), CANTO_ERROR_FILE, "model.safetensors");
    ok(file_write_whole(in_folder("config.json"), "{\"model_type\": \"bert\"}", 22));
    fails(canto_model_open(context, folder, &model), CANTO_ERROR_UNSUPPORTED, "bert");
    unlink(in_folder("config.json"));
    fails(canto_model_open(context, folder, &model), CANTO_ERROR_FILE, "config.json");
    free(block);
    tensor_table_close(context, &table);
}

static void json_of_a_config(void **state) {
    (void)state;
    canto_config c = tiny("gpt2"), back;
    char        *text;
    json_t      *root;
    ok(canto_config_json(context, &c, &text));
    ok(json_parse(context, text, strlen(text), "text", &root));
    ok(config_from_json(root, "text", &back));
    assert_memory_equal(back.pattern, c.pattern, sizeof c.pattern);
    json_decref(root);
    canto_free(context, text);
}

static void new_models(void **state) {
    (void)state;
    canto_config c = tiny("gpt2");
    tensor_table table;
    canto_model *model;
    torch_rng    random;
    ok(tensor_table_open(context, &c, &table));
    float *block = calloc(table.elements, sizeof *block);
    torch_seed(&random, 5);
    model_initialize(&table, CANTO_INIT_GPT2, &random, block);
    ok(canto_model_new(context, &c, CANTO_INIT_GPT2, 5, &model));
    assert_memory_equal(model->block, block, table.elements * sizeof *block);
    assert_int_equal(canto_model_bytes(model), table.parameters * sizeof *block);
    assert_null(canto_model_tokenizer(model));
    canto_model_close(model);
    c.heads = 5;
    fails(canto_model_new(context, &c, CANTO_INIT_GPT2, 5, &model), CANTO_ERROR_VALUE, "heads");
    assert_null(model);
    free(block);
    tensor_table_close(context, &table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_cover_the_table),    cmocka_unit_test(layouts_are_counted),
        cmocka_unit_test(names_of_the_sources),       cmocka_unit_test(safetensors_refusals),
        cmocka_unit_test(safetensors_round_trip),     cmocka_unit_test(configs_come_back),
        cmocka_unit_test(hf_configs_come_back),       cmocka_unit_test(hf_defaults_and_refusals),
        cmocka_unit_test(models_come_back),           cmocka_unit_test(foreign_names),
        cmocka_unit_test(json_of_a_config),           cmocka_unit_test(biases_that_came_to_life),
        cmocka_unit_test(folders_that_are_no_models), cmocka_unit_test(new_models),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
