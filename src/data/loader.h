/* loader.h - TOKENS -> BATCHES: splits, random windows by step, epochs of shuffled windows, windows for evaluation.
 *
 * A window of length T at start i gives x = data[i : i+T] and its next tokens y = data[i+1 : i+T+1]. Batches are
 * rectangular: x[rows, columns] and y[rows, columns], row after row. A split is also cut into windows with stride T:
 * its full windows, and one short window (1 <= columns < T) when tokens are left over, always last and a batch of its
 * own. So every token but a split's first is predicted exactly once. */
#ifndef CANTO_LOADER_H
#define CANTO_LOADER_H

#include "base/json.h"
#include "base/rng.h"

typedef struct data_split {
    uint64_t from, count; /* tokens [from, from + count) */
} data_split;

/* The first int(share * count) tokens train, the rest validates (none when share is 1). The training split must hold
 * T + 1 = length + 1 tokens; the other may be of any size. */
canto_status data_split_make(const canto_data *data, double share, int32_t length, data_split *train,
                             data_split *validation);

/* Where a loader stands: enough to go on from, together with data, seed and, in parity mode, the caller's torch_rng. */
typedef struct loader_state {
    stream_rng random;  /* of random windows */
    uint64_t   epoch;   /* epochs finished */
    uint64_t   batch;   /* the next batch of the epoch that is under way */
    bool       running; /* an epoch is under way */
    bool       torch;   /* its order is PyTorch's */
    uint64_t   shuffle; /* what its order was made from */
} loader_state;

typedef struct loader {
    canto_context    *context;
    const canto_data *data;
    data_split        part;
    int32_t           length; /* T */
    int32_t           batch;  /* B */
    uint64_t          seed;
    uint32_t         *order; /* [full windows] of the epoch; NULL before the first */
    loader_state      state;
} loader;

/* part must hold length + 1 tokens. data must outlive the loader. */
canto_status loader_open(canto_context *context, const canto_data *data, data_split part, int32_t length, int32_t batch,
                         uint64_t seed, loader *l);
void         loader_close(loader *l); /* also on a zeroed one */

/* Random windows: x[B, T] and y[B, T] with starts drawn evenly from [0, count - T), from the loader's own stream, or, when
 * parity is not NULL, from it by torch.randint(count - T, (B,)). */
void loader_draw(loader *l, torch_rng *parity, uint32_t *x, uint32_t *y);

/* Epochs. loader_epoch_begin shuffles the full windows: by a stream of (seed, epoch), or, when parity is not NULL, as
 * PyTorch's DataLoader(shuffle=True) does with it. loader_epoch_next gives the epoch's batches, at most
 * [batch, length] each; false (and one epoch more is finished) when there are no more. loader_epoch_end finishes the
 * epoch as soon as its last batch has been given; before that it does nothing. */
canto_status loader_epoch_begin(loader *l, torch_rng *parity);
bool         loader_epoch_next(loader *l, uint32_t *x, uint32_t *y, int32_t *rows, int32_t *columns);
void         loader_epoch_end(loader *l);
uint64_t     loader_epoch_batches(const loader *l);

/* Goes on from a saved state; the order of the epoch under way is made again. */
canto_status loader_restore(loader *l, const loader_state *state, const char *file);
json_t      *loader_state_write(const loader_state *state); /* NULL when there is no memory */
canto_status loader_state_read(const json_t *object, const char *file, loader_state *state);

/* Evaluation, without any state of chance. */
uint64_t loader_windows(data_split part, int32_t length); /* windows with stride T, the short one too */
/* The next batch of windows in order, *window (from 0) being the first; false when there are no more. part may be of any
 * size: less than two tokens have no window. */
bool loader_sequence(const canto_data *data, data_split part, int32_t length, int32_t batch, uint64_t *window,
                     uint32_t *x, uint32_t *y, int32_t *rows, int32_t *columns);
/* Batch number index of `batches` ones whose starts are spread evenly over part: always the same x[B, T] and y[B, T].
 * part must hold length + 1 tokens. */
void loader_spread(const canto_data *data, data_split part, int32_t length, int32_t batch, int32_t batches,
                   int32_t index, uint32_t *x, uint32_t *y);

#endif
