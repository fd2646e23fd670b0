/* loader.c - which windows, in which order. Its state is a few numbers: an epoch's order is made again from them. */
#include "data/loader.h"

#include <string.h>

canto_status data_split_make(const canto_data *data, double share, int32_t length, data_split *train,
                             data_split *validation) {
    uint64_t count = canto_data_count(data), need = (uint64_t)length + 1;
    if (!(share > 0) || share > 1)
        return status_error(CANTO_ERROR_VALUE,
                            "split is %g; the share of tokens to train on must lie above 0 and be at most 1", share);
    uint64_t first = (uint64_t)(share * (double)count);
    if (first > count) first = count;
    train->from = 0;
    train->count = first;
    validation->from = first;
    validation->count = count - first;
    if (train->count < need)
        return status_error(
            CANTO_ERROR_VALUE,
            "the training split has %llu of the %llu tokens, but a window of context %d needs %llu; lower the "
            "context or give more text",
            (unsigned long long)train->count, (unsigned long long)count, length, (unsigned long long)need);
    return status_ok();
}

/* Row `row` of a batch of width T: the window that starts at `start` of the split. */
static void read_window(const canto_data *data, data_split part, uint64_t start, int32_t length, size_t row,
                        uint32_t *x, uint32_t *y) {
    canto_data_read(data, part.from + start, (uint64_t)length, x + row * (size_t)length);
    canto_data_read(data, part.from + start + 1, (uint64_t)length, y + row * (size_t)length);
}

static uint64_t full_windows(data_split part, int32_t length) {
    return part.count < 2 ? 0 : (part.count - 1) / (uint64_t)length;
}

/* The length of the short window; 0: there is none. */
static int32_t short_length(data_split part, int32_t length) {
    return part.count < 2 ? 0 : (int32_t)((part.count - 1) % (uint64_t)length);
}

uint64_t loader_windows(data_split part, int32_t length) {
    return full_windows(part, length) + (short_length(part, length) > 0);
}

canto_status loader_open(canto_context *context, const canto_data *data, data_split part, int32_t length, int32_t batch,
                         uint64_t seed, loader *l) {
    memset(l, 0, sizeof *l);
    if (length < 1 || batch < 1)
        return status_error(CANTO_ERROR_VALUE, "context is %d and batch is %d; both must be at least 1", length, batch);
    if (part.count < (uint64_t)length + 1)
        return status_error(CANTO_ERROR_VALUE,
                            "%llu tokens are too few for one window of context %d; lower the context or give more text",
                            (unsigned long long)part.count, length);
    l->context = context;
    l->data = data;
    l->part = part;
    l->length = length;
    l->batch = batch;
    l->seed = seed;
    l->state.random = stream_seed(seed, RNG_BATCHES);
    return status_ok();
}

void loader_close(loader *l) {
    if (l->order) context_release(l->context, l->order);
    memset(l, 0, sizeof *l);
}

static uint64_t random_start(loader *l, torch_rng *parity) {
    uint64_t starts = l->part.count - (uint64_t)l->length;
    if (!parity) return stream_below(&l->state.random, starts);
    if (starts <= UINT32_MAX) return torch_randint(parity, (uint32_t)starts);
    return torch_u64(parity) % starts; /* torch.randint draws 64 bits for ranges from 2^32 on */
}

void loader_draw(loader *l, torch_rng *parity, uint32_t *x, uint32_t *y) {
    for (int32_t row = 0; row < l->batch; row++)
        read_window(l->data, l->part, random_start(l, parity), l->length, (size_t)row, x, y);
}

/* ------------------------------------------------------------------------------------------------- epochs */

/* Makes the order of the epoch that state tells of. */
static canto_status make_order(loader *l) {
    uint64_t windows = full_windows(l->part, l->length);
    size_t   bytes = (size_t)windows * sizeof *l->order;
    if (windows >= UINT32_MAX || windows > SIZE_MAX / sizeof *l->order)
        return status_error(CANTO_ERROR_VALUE, "an epoch would have %llu windows; train by steps, or raise the context",
                            (unsigned long long)windows);
    if (!l->order) l->order = context_allocate(l->context, bytes);
    if (!l->order) return context_no_memory(bytes, "the order of an epoch");
    if (l->state.torch) {
        torch_rng random;
        torch_seed(&random, l->state.shuffle);
        torch_randperm(&random, l->order, (uint32_t)windows);
        return status_ok();
    }
    stream_rng random = {l->state.shuffle, 0};
    for (uint32_t i = 0; i < windows; i++) l->order[i] = i;
    for (uint32_t i = (uint32_t)windows - 1; i > 0; i--) { /* Fisher-Yates */
        uint32_t j = (uint32_t)stream_below(&random, (uint64_t)i + 1);
        uint32_t held = l->order[i];
        l->order[i] = l->order[j];
        l->order[j] = held;
    }
    return status_ok();
}

canto_status loader_epoch_begin(loader *l, torch_rng *parity) {
    l->state.torch = parity != NULL;
    if (parity) {
        torch_random_i64(parity); /* the DataLoader's base seed, of no use here */
        l->state.shuffle = torch_random_i64(parity);
    } else {
        l->state.shuffle = rng_mix(stream_seed(l->seed, RNG_SHUFFLE).key, l->state.epoch);
    }
    canto_status status = make_order(l);
    if (status.code != CANTO_OK) return status;
    l->state.batch = 0;
    l->state.running = true;
    return status;
}

static uint64_t full_batches(const loader *l) {
    uint64_t windows = full_windows(l->part, l->length), batch = (uint64_t)l->batch;
    return windows / batch + (windows % batch != 0);
}

uint64_t loader_epoch_batches(const loader *l) { return full_batches(l) + (short_length(l->part, l->length) > 0); }

void loader_epoch_end(loader *l) {
    if (!l->state.running || l->state.batch < loader_epoch_batches(l)) return;
    l->state.running = false;
    l->state.batch = 0;
    l->state.epoch++;
}

bool loader_epoch_next(loader *l, uint32_t *x, uint32_t *y, int32_t *rows, int32_t *columns) {
    uint64_t windows = full_windows(l->part, l->length), batch = (uint64_t)l->batch, first = l->state.batch * batch;
    loader_epoch_end(l);
    if (!l->state.running) return false;
    if (l->state.batch == full_batches(l)) {
        *rows = 1;
        *columns = short_length(l->part, l->length);
        read_window(l->data, l->part, windows * (uint64_t)l->length, *columns, 0, x, y);
    } else {
        *rows = (int32_t)(windows - first < batch ? windows - first : batch);
        *columns = l->length;
        for (int32_t row = 0; row < *rows; row++)
            read_window(l->data, l->part, (uint64_t)l->order[first + (uint64_t)row] * (uint64_t)l->length, l->length,
                        (size_t)row, x, y);
    }
    l->state.batch++;
    return true;
}

canto_status loader_restore(loader *l, const loader_state *state, const char *file) {
    if (state->batch > loader_epoch_batches(l))
        return status_error(
            CANTO_ERROR_FORMAT,
            "'%.300s' stands at batch %llu of an epoch that has %llu; the data or the batch has changed", file,
            (unsigned long long)state->batch, (unsigned long long)loader_epoch_batches(l));
    l->state = *state;
    return state->running ? make_order(l) : status_ok();
}

json_t *loader_state_write(const loader_state *state) {
    return json_pack("{s:o, s:o, s:I, s:I, s:b, s:b, s:o}", "random_key", json_new_u64(state->random.key),
                     "random_count", json_new_u64(state->random.count), "epoch", (json_int_t)state->epoch, "batch",
                     (json_int_t)state->batch, "running", (int)state->running, "torch", (int)state->torch, "shuffle",
                     json_new_u64(state->shuffle));
}

canto_status loader_state_read(const json_t *object, const char *file, loader_state *state) {
    int64_t      epoch, batch;
    canto_status status;
    memset(state, 0, sizeof *state);
    TRY(json_get_u64(object, file, "random_key", &state->random.key));
    TRY(json_get_u64(object, file, "random_count", &state->random.count));
    TRY(json_get_integer(object, file, "epoch", 0, INT64_MAX, &epoch));
    TRY(json_get_integer(object, file, "batch", 0, INT64_MAX, &batch));
    TRY(json_get_bool(object, file, "running", &state->running));
    TRY(json_get_bool(object, file, "torch", &state->torch));
    TRY(json_get_u64(object, file, "shuffle", &state->shuffle));
    state->epoch = (uint64_t)epoch;
    state->batch = (uint64_t)batch;
done:
    return status;
}

/* --------------------------------------------------------------------------------------------- evaluation */

bool loader_sequence(const canto_data *data, data_split part, int32_t length, int32_t batch, uint64_t *window,
                     uint32_t *x, uint32_t *y, int32_t *rows, int32_t *columns) {
    uint64_t windows = full_windows(part, length);
    if (*window >= loader_windows(part, length)) return false;
    *rows = 1;
    *columns = short_length(part, length);
    if (*window < windows) {
        *rows = (int32_t)(windows - *window < (uint64_t)batch ? windows - *window : (uint64_t)batch);
        *columns = length;
    }
    for (int32_t row = 0; row < *rows; row++)
        read_window(data, part, (*window + (uint64_t)row) * (uint64_t)length, *columns, (size_t)row, x, y);
    *window += (uint64_t)*rows;
    return true;
}

void loader_spread(const canto_data *data, data_split part, int32_t length, int32_t batch, int32_t batches,
                   int32_t index, uint32_t *x, uint32_t *y) {
    uint64_t last = part.count - (uint64_t)length - 1; /* the last start */
    uint64_t gaps = (uint64_t)batch * (uint64_t)batches - 1;
    for (int32_t row = 0; row < batch; row++) {
        uint64_t k = (uint64_t)index * (uint64_t)batch + (uint64_t)row;
        uint64_t start = gaps ? last / gaps * k + last % gaps * k / gaps : 0; /* last * k / gaps */
        read_window(data, part, start < last ? start : last, length, (size_t)row, x, y);
    }
}
