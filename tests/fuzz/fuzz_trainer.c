/* fuzz_trainer.c - the input is a loader's state as trainer.json holds it. What is accepted, written and read again is
 * the same; a loader goes on from it, or says that it does not fit. */
#include "fuzz.h"

#include "data/loader.h"

#include <string.h>

enum { LENGTH = 3, BATCH = 2 };

/* A few tokens of an own text. */
static const canto_data *some_data(void) {
    static canto_data *data;
    if (data) return data;
    canto_tokenizer_options options = canto_tokenizer_options_default();
    canto_tokenizer        *t;
    const char             *path = fuzz_path("text");
    fuzz_write("text", "a text of thirty-four symbols here", 34);
    options.kind = "byte";
    fuzz_good(canto_tokenizer_train(fuzz_context(), &options, &path, 1, &t));
    fuzz_good(canto_data_from_texts(fuzz_context(), t, &path, 1, &data));
    canto_tokenizer_close(t);
    return data;
}

static void open_loader(loader *l) {
    const canto_data *data = some_data();
    data_split        all = {0, canto_data_count(data)};
    fuzz_good(loader_open(fuzz_context(), data, all, LENGTH, BATCH, 7, l));
}

static void seed_of(const char *name, const loader_state *state) {
    json_t *object = loader_state_write(state);
    char   *text;
    fuzz_good(json_dump(fuzz_context(), object, 0, &text));
    fuzz_seed_text(name, text);
    canto_free(fuzz_context(), text);
    json_decref(object);
}

void fuzz_seeds(void) {
    loader    l;
    torch_rng parity;
    uint32_t  x[BATCH * LENGTH], y[BATCH * LENGTH];
    int32_t   rows, columns;
    open_loader(&l);
    loader_draw(&l, NULL, x, y);
    seed_of("steps", &l.state);
    fuzz_good(loader_epoch_begin(&l, NULL));
    CHECK(loader_epoch_next(&l, x, y, &rows, &columns));
    seed_of("epochs", &l.state);
    torch_seed(&parity, 3);
    fuzz_good(loader_epoch_begin(&l, &parity));
    seed_of("parity", &l.state);
    loader_close(&l);
}

static void go_on(const loader_state *state) {
    loader   l;
    uint32_t x[BATCH * LENGTH], y[BATCH * LENGTH];
    int32_t  rows, columns;
    open_loader(&l);
    if (fuzz_accepts(loader_restore(&l, state, "trainer.json"))) {
        loader_draw(&l, NULL, x, y);
        while (loader_epoch_next(&l, x, y, &rows, &columns))
            CHECK(rows > 0 && rows <= BATCH && columns > 0 && columns <= LENGTH);
    }
    loader_close(&l);
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    json_t      *root = NULL;
    loader_state state, again;
    if (!fuzz_accepts(json_parse(fuzz_context(), (const char *)data, bytes, "trainer.json", &root))) return;
    if (fuzz_accepts(loader_state_read(root, "trainer.json", &state))) {
        json_t *object = loader_state_write(&state);
        fuzz_good(loader_state_read(object, "trainer.json", &again));
        CHECK(again.random.key == state.random.key && again.random.count == state.random.count);
        CHECK(again.epoch == state.epoch && again.batch == state.batch && again.running == state.running);
        CHECK(again.torch == state.torch && again.shuffle == state.shuffle);
        json_decref(object);
        go_on(&state);
    }
    json_decref(root);
}
