/* fuzz_trainer.c - the input is a trainer.json. What is accepted, written and read again is the same; a loader goes on from
 * it, or says that it does not fit. */
#include "fuzz.h"

#include "base/file.h"
#include "train/run_state.h"

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

static void seed_of(const char *name, const run_state *state) {
    fuzz_good(run_state_write(fuzz_path("seed"), state));
    fuzz_seed_file(name, "seed", state->has_torch ? 300 : SIZE_MAX);
}

void fuzz_seeds(void) {
    loader    l;
    run_state state;
    uint32_t  x[BATCH * LENGTH], y[BATCH * LENGTH];
    int32_t   rows, columns;
    open_loader(&l);
    run_state_begin(&state);
    seed_of("untrained", &state);
    loader_draw(&l, NULL, x, y);
    fuzz_good(loader_epoch_begin(&l, NULL));
    CHECK(loader_epoch_next(&l, x, y, &rows, &columns));
    state.step = 3;
    state.tokens = 18;
    state.best_loss = 2.5;
    state.has_loader = true;
    state.loader = l.state;
    seed_of("epochs", &state);
    state.has_torch = true;
    torch_seed(&state.torch, 3);
    fuzz_good(loader_epoch_begin(&l, &state.torch));
    state.loader = l.state;
    seed_of("parity", &state);
    loader_close(&l);
}

static void go_on(const run_state *state) {
    loader   l;
    uint32_t x[BATCH * LENGTH], y[BATCH * LENGTH];
    int32_t  rows, columns;
    open_loader(&l);
    if (fuzz_accepts(loader_restore(&l, &state->loader, "trainer.json"))) {
        loader_draw(&l, NULL, x, y);
        while (loader_epoch_next(&l, x, y, &rows, &columns))
            CHECK(rows > 0 && rows <= BATCH && columns > 0 && columns <= LENGTH);
    }
    loader_close(&l);
}

/* Drawing goes on from the stream, wherever it stands. */
static void draw(torch_rng *rng) {
    for (int i = 0; i < 700; i++) CHECK(torch_randint(rng, 10) < 10);
}

/* The two files have the same bytes. */
static bool same_files(const char *a, const char *b) {
    file_map one, two;
    fuzz_good(file_map_open(fuzz_path(a), &one));
    fuzz_good(file_map_open(fuzz_path(b), &two));
    bool same = one.bytes == two.bytes && memcmp(one.data, two.data, one.bytes) == 0;
    file_map_close(&one);
    file_map_close(&two);
    return same;
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    run_state state, again;
    fuzz_write("input", data, bytes);
    if (!fuzz_accepts(run_state_read(fuzz_context(), fuzz_path("input"), &state))) return;
    fuzz_good(run_state_write(fuzz_path("one"), &state));
    fuzz_good(run_state_read(fuzz_context(), fuzz_path("one"), &again));
    fuzz_good(run_state_write(fuzz_path("two"), &again));
    CHECK(same_files("one", "two") && again.step == state.step && again.tokens == state.tokens);
    if (state.has_loader) go_on(&state);
    if (state.has_torch) draw(&state.torch);
}
