/* fuzz_config.c - the input is a config.json, with canto's own object or of Hugging Face's form.
 *
 * What is accepted passes canto_config_check, can be counted and listed, and, written and read again, is the same. A
 * model of it, whose weights are missing, is refused before anything large is allocated. */
#include "fuzz.h"

#include "base/file.h"
#include "base/json.h"
#include "store/config_json.h"
#include "store/hf_config.h"
#include "store/model_folder.h"

#include <string.h>

/* What canto itself writes. */
static void write_config(const char *name, const canto_config *config) {
    json_t *root = hf_config_to_json(config, layout_for_saving(config));
    CHECK(root && json_object_set_new(root, "canto", config_to_json(config)) == 0);
    fuzz_good(json_write_file(fuzz_path(name), root));
    json_decref(root);
}

void fuzz_seeds(void) {
    static const char *const presets[] = {"dante", "gpt2", "gpt-neo-125m", "shakespeare-tiny"};
    canto_config             c;
    for (size_t i = 0; i < 4; i++) {
        fuzz_good(canto_preset(presets[i], &c, NULL));
        write_config("seed", &c);
        fuzz_seed_file(presets[i], "seed", i == 0 ? SIZE_MAX : 0);
    }
    fuzz_seed_text("hf-gpt2", "{\"model_type\":\"gpt2\",\"vocab_size\":50257,\"n_positions\":1024,\"n_embd\":768,"
                              "\"n_layer\":12,\"n_head\":12,\"n_inner\":null,\"activation_function\":\"gelu_new\","
                              "\"resid_pdrop\":0.1,\"layer_norm_epsilon\":1e-05,\"scale_attn_weights\":true}");
    fuzz_seed_text("hf-neo", "{\"model_type\":\"gpt_neo\",\"vocab_size\":50257,\"max_position_embeddings\":2048,"
                             "\"hidden_size\":768,\"num_layers\":12,\"num_heads\":12,\"window_size\":256,"
                             "\"attention_types\":[[[\"global\",\"local\"],6]],\"intermediate_size\":null}");
    fuzz_seed_text("hf-layers", "{\"model_type\":\"gpt_neo\",\"num_layers\":3,\"num_heads\":2,\"hidden_size\":8,"
                                "\"attention_layers\":[\"global\",\"local\",\"global\"]}");
}

static void check_listing(const canto_config *c, layout_kind kind) {
    canto_report report;
    canto_module module;
    layout_item  item;
    for (size_t i = 0; i < 300 && layout_item_at(c, kind, i, &item); i++)
        CHECK(item.name[0] && item.rows > 0 && item.columns > 0 && memchr(item.name, 0, sizeof item.name));
    if (c->layers > 1000 || c->heads > 1000) return; /* a report counts them one by one */
    if (!fuzz_accepts(canto_config_report(c, 1, 0, &report))) return;
    CHECK(report.modules > 0 && report.total >= report.without_token_embedding);
    fuzz_good(canto_config_module(c, report.modules - 1, &module));
    CHECK(canto_config_module(c, report.modules, &module).code == CANTO_ERROR_VALUE);
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    canto_config c, back;
    layout_kind  kind, kind_back;
    canto_model *model;
    fuzz_write("config.json", data, bytes);
    if (!fuzz_accepts(model_folder_read_config(fuzz_context(), fuzz_folder(), &c, &kind, NULL))) return;
    fuzz_good(canto_config_check(&c));
    check_listing(&c, kind);
    CHECK(!fuzz_accepts(canto_model_open(fuzz_context(), fuzz_folder(), &model)) && !model);
    if (c.layers > 10000) return; /* GPT-Neo's form names every layer */
    write_config("config.json", &c);
    fuzz_good(model_folder_read_config(fuzz_context(), fuzz_folder(), &back, &kind_back, NULL));
    json_t *want = config_to_json(&c), *have = config_to_json(&back);
    CHECK(want && have && json_equal(want, have));
    json_decref(want);
    json_decref(have);
}
