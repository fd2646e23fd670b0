/* fuzz_run.c - the input is a run.json. What is accepted has a config and options that pass their checks, and, written and
 * read again, is the same run. */
#include "fuzz.h"

#include "store/config_json.h"
#include "train/run_record.h"

#include <string.h>

static const canto_data *some_data(void) {
    static canto_data *data;
    if (data) return data;
    canto_tokenizer_options options = canto_tokenizer_options_default();
    canto_tokenizer        *t;
    const char             *path = fuzz_path("text");
    fuzz_write("text", "a small text", 12);
    fuzz_good(canto_tokenizer_train(fuzz_context(), &options, &path, 1, &t));
    fuzz_good(canto_data_from_texts(fuzz_context(), t, &path, 1, &data));
    canto_tokenizer_close(t);
    return data;
}

static void seed_of(const char *name, const char *preset, const char *command, size_t head) {
    canto_config        config;
    canto_train_options training;
    run_origin          from = {.path = "/models/gpt2", .weights_hash = UINT64_MAX};
    if (command == NULL) from.path[0] = 0;
    fuzz_good(canto_preset(preset, &config, &training));
    fuzz_good(
        run_record_write(fuzz_context(), fuzz_folder(), command, &config, &training, &from, some_data(), "portable"));
    fuzz_seed_file(name, "run.json", head);
}

void fuzz_seeds(void) {
    seed_of("mini", "mini", "{\"texts\":[\"a.txt\"],\"width\":16,\"lr\":0.1}", SIZE_MAX);
    seed_of("dante", "dante", NULL, 0);
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    run_record record, again;
    char      *command = NULL;
    fuzz_write("run.json", data, bytes);
    if (!fuzz_accepts(run_record_read(fuzz_context(), fuzz_folder(), &record))) return;
    fuzz_good(canto_config_check(&record.config));
    fuzz_good(canto_train_options_check(&record.training));
    if (record.command) fuzz_good(json_dump(fuzz_context(), record.command, 0, &command));
    fuzz_good(run_record_write(fuzz_context(), fuzz_folder(), command, &record.config, &record.training, &record.from,
                               some_data(), record.cpu));
    fuzz_good(run_record_read(fuzz_context(), fuzz_folder(), &again));
    json_t *want = config_to_json(&record.config), *have = config_to_json(&again.config);
    CHECK(want && have && json_equal(want, have));
    CHECK(strcmp(record.from.path, again.from.path) == 0 && record.from.weights_hash == again.from.weights_hash);
    CHECK(strcmp(record.cpu, again.cpu) == 0 && !record.command == !again.command);
    if (record.command) CHECK(json_equal(record.command, again.command));
    fuzz_good(run_record_check_options(&again, &record.training, 0));
    CHECK(record.training.steps == again.training.steps && record.training.epochs == again.training.epochs);
    json_decref(want);
    json_decref(have);
    canto_free(fuzz_context(), command);
    run_record_close(&record);
    run_record_close(&again);
}
