/* test_data.c - token files, splits, windows, epochs, PyTorch's order. */
#include "unit.h"

#include "base/file.h"
#include "data/loader.h"

enum { HEADER = 64, V = 70000 };

/* A token file by hand: count tokens of `width` bytes, token i being i % vocabulary. */
static size_t token_file(unsigned char *file, unsigned width, uint32_t vocabulary, uint32_t count) {
    memset(file, 0, HEADER);
    memcpy(file, "CANTOTOK", 8);
    file[8] = 1;
    file[12] = (unsigned char)width;
    for (unsigned i = 0; i < 4; i++) {
        file[16 + i] = (unsigned char)(vocabulary >> 8 * i);
        file[24 + i] = (unsigned char)(count >> 8 * i);
    }
    for (uint32_t n = 0; n < count; n++)
        for (unsigned i = 0; i < width; i++) file[HEADER + n * width + i] = (unsigned char)(n % vocabulary >> 8 * i);
    return HEADER + (size_t)count * width;
}

/* Data whose token i is i. */
static canto_data *counting(uint32_t count) {
    static unsigned char file[HEADER + 4 * 4096];
    canto_data          *data;
    assert_true(count <= 4096);
    ok(file_write_whole(in_folder("c.tok"), file, token_file(file, 4, V, count)));
    ok(canto_data_open(context, in_folder("c.tok"), &data));
    return data;
}

static void test_ids(void **state) {
    static const uint32_t wide[3] = {0, 69999, 7}, narrow[2] = {1, 0};
    uint32_t              read[3];
    canto_data           *data;
    (void)state;
    ok(canto_data_from_ids(context, wide, 3, V, &data));
    assert_int_equal(canto_data_count(data), 3);
    assert_int_equal(canto_data_vocabulary(data), V);
    assert_int_equal(canto_data_least_vocabulary(data), 70000);
    canto_data_read(data, 0, 3, read);
    assert_memory_equal(read, wide, sizeof wide);
    canto_data_close(data);
    ok(canto_data_from_ids(context, narrow, 2, 2, &data));
    assert_int_equal(canto_data_least_vocabulary(data), 2);
    canto_data_read(data, 0, 2, read);
    assert_memory_equal(read, narrow, sizeof narrow);
    canto_data_close(data);
    fails(canto_data_from_ids(context, wide, 3, 69999, &data), CANTO_ERROR_VALUE, "number 1 is 69999");
    assert_null(data);
    fails(canto_data_from_ids(context, wide, 3, 0, &data), CANTO_ERROR_VALUE, "at least one");
}

static void test_texts_and_file(void **state) {
    static const char *const texts[] = {"abc\xC3\xA9", "cab"};
    const char              *paths[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        paths[i] = in_folder(i ? "2.txt" : "1.txt");
        ok(file_write_whole(paths[i], texts[i], strlen(texts[i])));
    }
    canto_tokenizer      *t;
    canto_data           *data, *again;
    uint32_t              ids[8], read[8];
    static const uint32_t expected[8] = {1, 2, 3, 4, 0, 3, 1, 2};
    ok(canto_tokenizer_train(context, NULL, paths, 2, &t));
    assert_int_equal(canto_tokenizer_vocabulary(t), 5);
    ok(canto_data_from_texts(context, t, paths, 2, &data));
    assert_int_equal(canto_data_count(data), 8);
    assert_int_equal(canto_data_vocabulary(data), 5);
    assert_int_equal(canto_data_source_bytes(data), 9);
    assert_true(canto_data_source_hash(data) == hash_bytes("abc\xC3\xA9\ncab", 9, 0));
    assert_true(canto_data_tokenizer_hash(data) == canto_tokenizer_hash(t));
    canto_data_read(data, 0, 8, ids);
    assert_memory_equal(ids, expected, sizeof ids);

    ok(canto_data_save(data, in_folder("d.tok")));
    assert_true(canto_data_is_token_file(in_folder("d.tok")));
    assert_false(canto_data_is_token_file(paths[0]));
    assert_false(canto_data_is_token_file(in_folder("none")));
    ok(canto_data_open(context, in_folder("d.tok"), &again));
    assert_int_equal(canto_data_count(again), 8);
    assert_int_equal(canto_data_source_bytes(again), 9);
    assert_true(canto_data_source_hash(again) == canto_data_source_hash(data));
    assert_true(canto_data_tokenizer_hash(again) == canto_data_tokenizer_hash(data));
    canto_data_read(again, 0, 8, read);
    assert_memory_equal(ids, read, sizeof ids);
    canto_data_close(again);
    canto_data_close(data);

    ok(file_write_whole(paths[1], "abX", 3));
    fails(canto_data_from_texts(context, t, paths, 2, &data), CANTO_ERROR_TEXT, "2.txt");
    assert_null(data);
    canto_tokenizer_close(t);
}

/* Several token files are one stream; where one ends nothing is seen of it. */
static void test_several_files(void **state) {
    static unsigned char  file[HEADER + 4 * 16];
    static const uint32_t counts[5] = {0, 3, 0, 7, 1}, widths[5] = {2, 2, 4, 4, 2};
    const char           *paths[5];
    canto_data           *data, *again;
    uint32_t              expected[11], read[11];
    size_t                n = 0;
    (void)state;
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d.tok", i);
        paths[i] = in_folder(name);
        size_t bytes = token_file(file, widths[i], 50, counts[i]);
        file[32] = (unsigned char)(10 * i); /* source bytes, and their hash */
        file[40] = (unsigned char)i;
        ok(file_write_whole(paths[i], file, bytes));
        for (uint32_t k = 0; k < counts[i]; k++) expected[n++] = k;
    }
    ok(canto_data_open_files(context, paths, 5, &data));
    assert_int_equal(canto_data_count(data), 11);
    assert_int_equal(canto_data_vocabulary(data), 50);
    assert_int_equal(canto_data_least_vocabulary(data), 7);
    assert_int_equal(canto_data_source_bytes(data), 100);
    for (uint64_t from = 0; from < 11; from++)
        for (uint64_t count = 0; from + count <= 11; count++) {
            canto_data_read(data, from, count, read);
            if (count) assert_memory_equal(read, expected + from, count * sizeof *read);
        }
    ok(canto_data_save(data, in_folder("joined.tok")));
    ok(canto_data_open(context, in_folder("joined.tok"), &again));
    canto_data_read(again, 0, 11, read);
    assert_memory_equal(read, expected, sizeof expected);
    assert_true(canto_data_source_hash(again) == canto_data_source_hash(data));
    canto_data_close(again);
    canto_data_close(data);

    const char *turned[2] = {paths[3], paths[1]};
    ok(canto_data_open_files(context, turned, 2, &data));
    ok(canto_data_open_files(context, (const char *[]){paths[1], paths[3]}, 2, &again));
    assert_true(canto_data_source_hash(again) != canto_data_source_hash(data));
    canto_data_close(again);
    canto_data_close(data);

    token_file(file, 2, 51, 2);
    ok(file_write_whole(in_folder("other.tok"), file, HEADER + 4));
    turned[1] = in_folder("other.tok");
    fails(canto_data_open_files(context, turned, 2, &data), CANTO_ERROR_VALUE, "different tokenizers");
    assert_null(data);
    token_file(file, 2, 50, 2);
    file[HEADER + 2] = 50;
    ok(file_write_whole(in_folder("other.tok"), file, HEADER + 4));
    fails(canto_data_open_files(context, turned, 2, &data), CANTO_ERROR_FORMAT, "other.tok': token number 1 is 50");
    fails(canto_data_open_files(context, turned, 0, &data), CANTO_ERROR_VALUE, "at least one");
}

static void test_hostile_headers(void **state) {
    static const struct {
        size_t      at;
        int         byte;
        const char *part;
    } cases[] = {
        {0, 'X', "CANTOTOK"},      {8, 2, "version 2"},
        {12, 3, "width"},          {12, 4, "should hold"},
        {16, 0, "vocabulary"},     {18, 2, "vocabulary"},
        {24, 7, "should hold"},    {31, 0x80, "should hold"},
        {31, 0xFF, "should hold"}, {HEADER + 3, 1, "token number 1"},
    };
    unsigned char file[HEADER + 20];
    canto_data   *data;
    (void)state;
    size_t bytes = token_file(file, 2, 10, 10);
    ok(file_write_whole(in_folder("h.tok"), file, bytes));
    ok(canto_data_open(context, in_folder("h.tok"), &data));
    canto_data_close(data);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        token_file(file, 2, 10, 10);
        file[cases[i].at] = (unsigned char)cases[i].byte;
        ok(file_write_whole(in_folder("h.tok"), file, bytes));
        canto_status status = canto_data_open(context, in_folder("h.tok"), &data);
        fails(status, cases[i].byte == 2 && cases[i].at == 8 ? CANTO_ERROR_UNSUPPORTED : CANTO_ERROR_FORMAT,
              cases[i].part);
        assert_null(data);
    }
    for (size_t cut = 0; cut < bytes; cut++) { /* every truncation is refused */
        token_file(file, 2, 10, 10);
        ok(file_write_whole(in_folder("h.tok"), file, cut));
        fails(canto_data_open(context, in_folder("h.tok"), &data), CANTO_ERROR_FORMAT, "h.tok");
    }
}

static void test_splits(void **state) {
    (void)state;
    canto_data *data = counting(101);
    data_split  train, validation;
    ok(data_split_make(data, 0.9, 9, &train, &validation));
    assert_int_equal(train.count, 90);
    assert_int_equal(validation.from, 90);
    assert_int_equal(validation.count, 11);
    ok(data_split_make(data, 0.9, 11, &train, &validation)); /* no window of validation: the trainer warns */
    assert_int_equal(validation.count, 11);
    fails(data_split_make(data, 0.1, 11, &train, &validation), CANTO_ERROR_VALUE, "training split has 10");
    fails(data_split_make(data, 0, 9, &train, &validation), CANTO_ERROR_VALUE, "split is 0");
    ok(data_split_make(data, 1, 100, &train, &validation));
    assert_int_equal(validation.count, 0);
    canto_data_close(data);
}

static void test_random_windows(void **state) {
    (void)state;
    canto_data *data = counting(100);
    data_split  part = {10, 20};
    loader      l, m;
    uint32_t    x[12], y[12], x2[12], y2[12];
    bool        seen[16] = {false};
    ok(loader_open(context, data, part, 4, 3, 42, &l));
    for (int n = 0; n < 200; n++) {
        loader_draw(&l, NULL, x, y);
        for (int i = 0; i < 12; i++) {
            assert_int_equal(y[i], x[i] + 1);
            assert_int_equal(x[i], x[i / 4 * 4] + (uint32_t)(i % 4));
            assert_in_range(x[i], 10, 28);
            if (i % 4 == 0) seen[x[i] - 10] = true;
        }
    }
    for (int i = 0; i < 16; i++) assert_true(seen[i]);
    json_t      *saved = loader_state_write(&l.state);
    loader_state read;
    assert_non_null(saved);
    ok(loader_state_read(saved, "state", &read));
    json_decref(saved);
    ok(loader_open(context, data, part, 4, 3, 42, &m));
    ok(loader_restore(&m, &read, "state"));
    loader_draw(&l, NULL, x, y);
    loader_draw(&m, NULL, x2, y2);
    assert_memory_equal(x, x2, sizeof x);

    torch_rng one, two; /* PyTorch's draws, in order */
    torch_seed(&one, 42);
    torch_seed(&two, 42);
    loader_draw(&l, &one, x, y);
    for (int row = 0; row < 3; row++) assert_int_equal(x[row * 4], 10 + torch_randint(&two, 16));
    part.count = 4;
    fails(loader_open(context, data, part, 4, 3, 42, &m), CANTO_ERROR_VALUE, "context 4");
    loader_close(&l);
    loader_close(&m);
    canto_data_close(data);
}

/* An epoch over [0, count): every token but the first is predicted once; restoring in the middle changes nothing. */
static void check_epoch(uint32_t count, int32_t length, int32_t batch) {
    canto_data *data = counting(count);
    data_split  part = {0, count};
    loader      l, m;
    uint32_t   *x = calloc((size_t)batch * (size_t)length, sizeof *x),
             *y = calloc((size_t)batch * (size_t)length, sizeof *y);
    uint32_t *firsts = calloc(count, sizeof *firsts), *times = calloc(count, sizeof *times);
    int32_t   rows, columns;
    uint64_t  batches = 0;
    assert_true(x && y && firsts && times);
    ok(loader_open(context, data, part, length, batch, 7, &l));
    ok(loader_open(context, data, part, length, batch, 7, &m));
    ok(loader_epoch_begin(&l, NULL));
    while (loader_epoch_next(&l, x, y, &rows, &columns)) {
        assert_in_range(rows, 1, batch);
        for (int32_t i = 0; i < rows * columns; i++) {
            assert_int_equal(y[i], x[i] + 1);
            times[y[i]]++;
        }
        firsts[batches++] = x[0];
        ok(loader_restore(&m, &l.state, "state"));
    }
    assert_int_equal(batches, loader_epoch_batches(&l));
    assert_int_equal(l.state.epoch, 1);
    assert_int_equal(times[0], 0);
    for (uint32_t i = 1; i < count; i++) assert_int_equal(times[i], 1);

    loader_state half = m.state;
    half.batch = batches / 2;
    ok(loader_restore(&m, &half, "state"));
    for (uint64_t i = batches / 2; i < batches; i++) {
        assert_true(loader_epoch_next(&m, x, y, &rows, &columns));
        assert_int_equal(x[0], firsts[i]);
    }
    half.batch = batches + 1;
    fails(loader_restore(&m, &half, "run.json"), CANTO_ERROR_FORMAT, "run.json");

    uint64_t window = 0, tokens = 0; /* the same windows in order */
    while (loader_sequence(data, part, length, batch, &window, x, y, &rows, &columns))
        for (int32_t i = 0; i < rows * columns; i++) assert_int_equal(x[i], tokens++);
    assert_int_equal(tokens, count - 1);
    assert_int_equal(window, loader_windows(part, length));
    free(x);
    free(y);
    free(firsts);
    free(times);
    loader_close(&l);
    loader_close(&m);
    canto_data_close(data);
}

static void test_epochs(void **state) {
    (void)state;
    check_epoch(1000, 8, 4);
    check_epoch(97, 8, 5); /* 12 windows and none short */
    check_epoch(98, 8, 5); /* a short window of one */
    check_epoch(9, 8, 3);
    check_epoch(10, 1, 1);
    canto_data *data = counting(97);
    data_split  one = {3, 1}, none = {3, 0};
    uint64_t    window = 0;
    uint32_t    x[4], y[4];
    int32_t     rows, columns;
    assert_false(loader_sequence(data, one, 4, 1, &window, x, y, &rows, &columns));
    assert_false(loader_sequence(data, none, 4, 1, &window, x, y, &rows, &columns));
    canto_data_close(data);
}

static void test_pytorch_order(void **state) {
    static const uint32_t expected[2][23] = {
        {19, 2, 14, 6, 18, 21, 10, 8, 13, 16, 20, 22, 11, 1, 0, 4, 5, 15, 17, 9, 12, 7, 3},
        {18, 8, 19, 14, 20, 12, 16, 22, 9, 2, 15, 11, 3, 4, 1, 5, 0, 7, 6, 21, 17, 10, 13}};
    (void)state;
    canto_data *data = counting(23 * 4 + 1);
    data_split  part = {0, 23 * 4 + 1};
    loader      l;
    torch_rng   random;
    uint32_t    x[20], y[20];
    int32_t     rows, columns;
    torch_seed(&random, 42);
    ok(loader_open(context, data, part, 4, 5, 42, &l));
    for (int epoch = 0; epoch < 2; epoch++) {
        int at = 0;
        ok(loader_epoch_begin(&l, &random));
        while (loader_epoch_next(&l, x, y, &rows, &columns)) {
            ok(loader_restore(&l,
                              &(loader_state){l.state.random, l.state.epoch, l.state.batch, l.state.running,
                                              l.state.torch, l.state.shuffle},
                              "state"));
            for (int32_t row = 0; row < rows; row++) assert_int_equal(x[row * 4], expected[epoch][at++] * 4);
        }
        assert_int_equal(at, 23);
        assert_int_equal(rows, 3); /* the last, short batch is kept */
    }
    loader_close(&l);
    canto_data_close(data);
}

static void test_spread(void **state) {
    (void)state;
    canto_data *data = counting(100);
    data_split  part = {20, 50};
    uint32_t    x[12], y[12];
    loader_spread(data, part, 4, 3, 2, 0, x, y);
    assert_int_equal(x[0], 20);
    assert_int_equal(x[4], 20 + 45 / 5);
    loader_spread(data, part, 4, 3, 2, 1, x, y);
    assert_int_equal(x[8], 65);
    assert_int_equal(y[11], 69);
    loader_spread(data, part, 4, 1, 1, 0, x, y);
    assert_int_equal(x[0], 20);
    canto_data_close(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_and_file),
        cmocka_unit_test(test_several_files),
        cmocka_unit_test(test_hostile_headers),
        cmocka_unit_test(test_splits),
        cmocka_unit_test(test_random_windows),
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_pytorch_order),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_ids),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
