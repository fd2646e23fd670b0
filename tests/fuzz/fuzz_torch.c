/* fuzz_torch.c - the input is a file of torch.save: an archive or its older form, whichever it begins as.
 *
 * What is accepted is a model: its config holds, it gives logits or says which tensor is not finite. Memory is in proportion to the
 * file. The pickle by itself is read too, so that what the archive's own checks would stop is tried. */
#include "fuzz.h"

#include "base/file.h"
#include "format/pickle.h"
#include "model/layouts.h"
#include "store/model.h"
#include "counting.h"
#include "torch_writer.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------- seeds */

static canto_config small(const char *preset) {
    canto_config c;
    fuzz_good(canto_preset(preset, &c, NULL));
    c.vocab = 5;
    c.context = 3;
    c.width = 4;
    c.heads = 2;
    c.layers = 1;
    c.ffn = 6;
    fuzz_good(canto_config_check(&c));
    return c;
}

static size_t elements(const layout_item *item) { return (size_t)(item->rows * item->columns); }

/* The state dictionary of a model; storage i is item i's. */
static blob pickle_of(const canto_config *c, layout_kind kind) {
    blob        words = {0};
    layout_item item;
    pickle_begin(&words);
    for (size_t i = 0; layout_item_at(c, kind, i, &item); i++) {
        char    key[24];
        int64_t shape[2] = {item.transposed ? item.columns : item.rows, item.transposed ? item.rows : item.columns};
        snprintf(key, sizeof key, "%zu", i);
        pickle_whole(&words, item.name, key, shape, item.vector ? 1 : 2);
    }
    pickle_end(&words);
    return words;
}

static void seed_archive(const char *name, const canto_config *c, layout_kind kind) {
    archive      a = {0};
    blob         words = pickle_of(c, kind);
    layout_item  item;
    static float numbers[256];
    archive_add(&a, "m/data.pkl", words.data, words.bytes);
    for (size_t i = 0; layout_item_at(c, kind, i, &item); i++) {
        char entry[40];
        snprintf(entry, sizeof entry, "m/data/%zu", i);
        archive_add(&a, entry, numbers, elements(&item) * sizeof *numbers);
    }
    size_t directory = a.file.bytes;
    archive_end(&a);
    fuzz_seed(name, a.file.data, a.file.bytes, 700);
    /* the directory's bytes in front, as the frame damages what is in front: turned round again by fuzz_one */
    blob turned = {0};
    blob_text(&turned, "turned");
    blob_number(&turned, directory, 4);
    blob_put(&turned, a.file.data + directory, a.file.bytes - directory);
    blob_put(&turned, a.file.data, directory);
    fuzz_seed("directory", turned.data, turned.bytes, 10 + 150);
    blob_free(&turned);
    blob_free(&words);
    blob_free(&a.file);
}

static void seed_older(const canto_config *c, layout_kind kind) {
    blob        file = {0}, words = pickle_of(c, kind);
    layout_item item;
    blob_put(&file, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    blob_put(&file, "\x80\x02M\xe9\x03.\x80\x02}X\x0d\0\0\0little_endian\x88s.", 6 + 4 + 4 + 13 + 3);
    blob_put(&file, words.data, words.bytes);
    blob_put(&file, "\x80\x02](", 4);
    for (size_t i = 0; layout_item_at(c, kind, i, &item); i++) {
        char key[24];
        snprintf(key, sizeof key, "%zu", i);
        pickle_text(&file, key);
    }
    blob_text(&file, "e.");
    for (size_t i = 0; layout_item_at(c, kind, i, &item); i++) {
        blob_number(&file, elements(&item), 8);
        for (size_t k = 0; k < elements(&item); k++) blob_number(&file, 0, 4);
    }
    fuzz_seed("older", file.data, file.bytes, 700);
    blob_free(&words);
    blob_free(&file);
}

static const char PICKLE[] = "\x80\x02}q\0(X\1\0\0\0aK\1X\1\0\0\0b]r\1\0\0\0(J\1\0\0\0G?\xf0\0\0\0\0\0\0Neh\1\x85u.";

void fuzz_seeds(void) {
    canto_config gpt2 = small("gpt2"), shakespeare = small("shakespeare-tiny");
    seed_archive("gpt2", &gpt2, LAYOUT_HF_GPT2);
    seed_archive("shakespeare", &shakespeare, LAYOUT_SOURCE);
    seed_older(&gpt2, LAYOUT_HF_GPT2);
    fuzz_seed("pickle", PICKLE, sizeof PICKLE - 1, SIZE_MAX);
}

/* --------------------------------------------------------------------------------------------------- the trial */

static canto_context *counted(void) {
    static canto_context *context;
    if (context) return context;
    canto_context_options options = canto_context_options_default();
    options.threads = 1;
    options.allocator.resize = counting;
    fuzz_good(canto_context_open(&options, &context));
    return context;
}

static void check_model(const canto_model *m) {
    canto_session *session;
    const uint32_t id = 0;
    fuzz_good(canto_config_check(&m->config));
    if (m->config.vocab > 4096 || m->config.context > 4096) return;
    float *logits = malloc((size_t)m->config.vocab * sizeof *logits);
    CHECK(logits);
    fuzz_good(canto_session_open(m->context, m, &session));
    canto_status status = canto_session_logits(session, &id, 1, logits);
    if (fuzz_accepts(status))
        for (int32_t i = 0; i < m->config.vocab; i++) CHECK(isfinite(logits[i]));
    else CHECK(status.code == CANTO_ERROR_NUMBER);
    canto_session_close(session);
    free(logits);
}

static void check_file(const uint8_t *data, size_t bytes) {
    canto_model        *model;
    canto_model_options how = {.heads = 2};
    fuzz_write("input.pth", data, bytes);
    canto_context *context = counted();
    size_t         before = peak = held;
    canto_status   status = canto_model_open_with(context, fuzz_path("input.pth"), &how, &model);
    CHECK(peak - before <= 80 * bytes + (1 << 16));
    if (fuzz_accepts(status)) check_model(model);
    CHECK(status.code == CANTO_OK || !model);
    canto_model_close(model);
    CHECK(held == before);
}

static void check_pickle(const uint8_t *data, size_t bytes) {
    pickle         p;
    canto_context *context = counted();
    size_t         before = peak = held;
    canto_status   status = pickle_read(context, "input", data, bytes, &p);
    CHECK(peak - before <= 80 * bytes + (1 << 16));
    if (fuzz_accepts(status)) CHECK(p.bytes <= bytes && !pickle_get(&p.root, "no such key"));
    pickle_close(&p);
    CHECK(held == before);
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    if (bytes > 10 && memcmp(data, "turned", 6) == 0) {
        size_t front = data[6] | (size_t)data[7] << 8, rest = bytes - 10;
        if (front > rest) front = rest;
        uint8_t *file = malloc(rest + 1);
        CHECK(file);
        memcpy(file, data + bytes - front, front);
        memcpy(file + front, data + 10, rest - front);
        check_file(file, rest);
        free(file);
        return;
    }
    check_file(data, bytes);
    check_pickle(data, bytes);
}
