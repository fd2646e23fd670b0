/* tuning.c - words for parts of a model, separated by commas:
 *
 *     embeddings   the token table, which is the head too where the two are tied
 *     positions    the table of learned positions
 *     norms        every layer norm
 *     attention    q, k, v and the projection of every block
 *     ffn          the feed-forward part of every block
 *     head         the head and its bias
 *     blocks:A-B   everything in blocks A to B, counted from 0; blocks:A: in one
 *
 * A word that stands for nothing in the model at hand is an error: somebody expects something of it. */
#include "model/tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EMBEDDINGS, POSITIONS, NORMS, ATTENTION, FFN, HEAD, PARTS };

static const char *const words[PARTS] = {"embeddings", "positions", "norms", "attention", "ffn", "head"};

static int part_of(tensor_role role) {
    switch (role) {
    case TENSOR_TOKEN_EMBEDDING:
        return EMBEDDINGS;
    case TENSOR_POSITION_EMBEDDING:
        return POSITIONS;
    case TENSOR_NORM1_WEIGHT:
    case TENSOR_NORM1_BIAS:
    case TENSOR_NORM2_WEIGHT:
    case TENSOR_NORM2_BIAS:
    case TENSOR_FINAL_NORM_WEIGHT:
    case TENSOR_FINAL_NORM_BIAS:
        return NORMS;
    case TENSOR_QKV_WEIGHT:
    case TENSOR_QKV_BIAS:
    case TENSOR_PROJECTION_WEIGHT:
    case TENSOR_PROJECTION_BIAS:
        return ATTENTION;
    case TENSOR_FFN_UP_WEIGHT:
    case TENSOR_FFN_UP_BIAS:
    case TENSOR_FFN_DOWN_WEIGHT:
    case TENSOR_FFN_DOWN_BIAS:
        return FFN;
    case TENSOR_HEAD_WEIGHT:
    case TENSOR_HEAD_BIAS:
        return HEAD;
    default:
        break;
    }
    return PARTS;
}

bool tuning_freezes(const tuning *t, tensor_role role, int32_t layer) {
    if (t->rank > 0) return !tensor_is_adapter(role);
    if (t->parts >> part_of(role) & 1) return true;
    for (int i = 0; i < t->ranges && tensor_role_in_block(role); i++)
        if (layer >= t->from[i] && layer <= t->to[i]) return true;
    return false;
}

/* Whether a model has any tensor of a part. */
static bool is_there(const canto_config *config, int part) {
    int64_t rows, columns;
    bool    vector;
    for (int role = 0; role < TENSOR_ROLES; role++)
        if (part_of((tensor_role)role) == part && tensor_shape(config, (tensor_role)role, &rows, &columns, &vector))
            return true;
    return false;
}

/* A whole number that begins at *text, which moves behind it; -1: there is none. */
static int32_t take_number(const char **text) {
    char *end;
    if (**text < '0' || **text > '9') return -1;
    long number = strtol(*text, &end, 10);
    *text = end;
    return number > INT32_MAX ? INT32_MAX : (int32_t)number;
}

/* "3" or "0-3" of blocks:0-3 */
static canto_status take_blocks(const canto_config *config, const char *word, const char *range, tuning *t) {
    canto_status status = status_ok();
    const char  *at = range;
    int32_t      from = take_number(&at), to = from;
    if (from >= 0 && *at == '-') {
        at++;
        to = take_number(&at);
    }
    if (from < 0 || to < from || *at)
        FAIL(CANTO_ERROR_VALUE, "\"%s\" names no blocks: write blocks:0-3, or blocks:2 for one of them.", word);
    if (to >= config->layers)
        FAIL(CANTO_ERROR_VALUE, "\"%s\" goes beyond the model's blocks, which are 0 to %d.", word, config->layers - 1);
    if (t->ranges == TUNING_RANGES)
        FAIL(CANTO_ERROR_VALUE, "\"%s\" is one too many: at most %d ranges of blocks.", word, TUNING_RANGES);
    t->from[t->ranges] = from;
    t->to[t->ranges++] = to;
done:
    return status;
}

static canto_status take_word(const canto_config *config, const char *word, tuning *t) {
    canto_status status = status_ok();
    int          part = 0;
    if (strncmp(word, "blocks:", strlen("blocks:")) == 0) return take_blocks(config, word, word + strlen("blocks:"), t);
    while (part < PARTS && strcmp(words[part], word) != 0) part++;
    if (part == PARTS && !*word)
        FAIL(CANTO_ERROR_VALUE, "The list of frozen parts has a comma with nothing beside it: write attention,ffn.");
    if (part == PARTS)
        FAIL(CANTO_ERROR_VALUE,
             "\"%.60s\" is no part of a model: the parts are embeddings, positions, norms, attention, ffn, head and "
             "blocks:A-B.",
             word);
    if (part == HEAD && config->tied && !config->head_bias)
        FAIL(CANTO_ERROR_VALUE, "This model's head is its token embedding: to freeze both, say embeddings.");
    if (!is_there(config, part)) FAIL(CANTO_ERROR_VALUE, "\"%s\": the model has none.", word);
    t->parts |= 1u << part;
done:
    return status;
}

/* The next of several words with commas between them -> word; NULL behind the last. */
static const char *next_word(const char *rest, char word[CANTO_PARTS_MAX]) {
    size_t n = strcspn(rest, ",");
    memcpy(word, rest, n);
    word[n] = 0;
    return rest[n] ? rest + n + 1 : NULL;
}

static canto_status read_frozen(const canto_config *config, const char *list, tuning *t) {
    canto_status status = status_ok();
    char         word[CANTO_PARTS_MAX];
    for (const char *rest = *list ? list : NULL; rest;) {
        rest = next_word(rest, word);
        TRY(take_word(config, word, t));
    }
done:
    return status;
}

const char *const tuning_targets[4] = {"qkv", "projection", "up", "down"};

static canto_status take_target(const canto_config *config, const char *word, tuning *t) {
    canto_status status = status_ok();
    int64_t      rows, columns;
    bool         vector;
    for (int i = 0; i < 4; i++) {
        if (strcmp(tuning_targets[i], word) != 0) continue;
        if (!tensor_shape(config, tensor_adapted((tensor_role)(TENSOR_QKV_A + 2 * i)), &rows, &columns, &vector))
            FAIL(CANTO_ERROR_VALUE, "\"%s\": the model has no such weights to adapt.", word);
        if (t->rank > (rows < columns ? rows : columns))
            FAIL(CANTO_ERROR_VALUE,
                 "An adapter of rank %d is no smaller than the weights of \"%s\", %lld by %lld: use a rank such as 8.",
                 t->rank, word, (long long)rows, (long long)columns);
        t->adapted |= 1u << i;
        goto done;
    }
    FAIL(CANTO_ERROR_VALUE, "\"%.60s\" cannot have an adapter: those that can are qkv, projection, up and down.", word);
done:
    return status;
}

static canto_status read_adapters(const canto_config *config, const canto_train_options *o, tuning *t) {
    canto_status status = status_ok();
    char         word[CANTO_PARTS_MAX];
    if (o->lora_rank == 0) goto done;
    if (o->freeze[0])
        FAIL(CANTO_ERROR_VALUE, "With adapters the whole model is frozen already: leave \"%s\" out.", o->freeze);
    if (config->layers == 0) FAIL(CANTO_ERROR_VALUE, "The model has no blocks whose weights could have adapters.");
    t->rank = o->lora_rank;
    t->scale = (o->lora_alpha > 0 ? o->lora_alpha : 2.0 * o->lora_rank) / o->lora_rank;
    for (const char *rest = o->lora_targets[0] ? o->lora_targets : "qkv"; rest;) {
        rest = next_word(rest, word);
        TRY(take_target(config, word, t));
    }
done:
    return status;
}

canto_status tuning_read(const canto_config *config, const canto_train_options *options, tuning *t) {
    canto_status status;
    tensor_table table;
    memset(t, 0, sizeof *t);
    TRY(read_adapters(config, options, t));
    if (t->rank > 0) goto done;
    TRY(read_frozen(config, options->freeze, t));
    tensor_table_measure_tuned(config, t, &table);
    if (table.trained == 0)
        FAIL(CANTO_ERROR_VALUE, "\"%s\" freezes the whole model: nothing is left to train.", options->freeze);
done:
    return status;
}
