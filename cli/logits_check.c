/* logits_check.c - see logits_check.h. The tokens are spread over the vocabulary, so that many rows of the embedding take part. */
#include "logits_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POSITIONS = 32 };

/* The logits of one model, position by position. */
typedef struct taken {
    float  *values; /* [positions, V] */
    int64_t vocab;
} taken;

static bool take(void *user, const canto_captured *c) {
    taken *t = user;
    memcpy(t->values + c->first * t->vocab, c->values, (size_t)(c->rows * c->columns) * sizeof *c->values);
    return true;
}

static canto_status take_logits(canto_context *context, const canto_model *model, const uint32_t *ids, size_t count,
                                taken *t) {
    canto_capture_options what = canto_capture_options_default();
    what.points = CANTO_POINT_LOGITS;
    return canto_capture(context, model, ids, count, &what, take, t);
}

static int64_t best_of(const float *logits, int64_t count) {
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

static void compare(const float *a, const float *b, int64_t vocab, logits_check *check) {
    for (int64_t i = 0; i < vocab; i++) {
        double difference = fabs((double)b[i] - a[i]);
        if (difference > check->difference || isnan(difference)) check->difference = difference;
        if (fabsf(a[i]) > check->largest) check->largest = fabsf(a[i]);
    }
    check->same += best_of(a, vocab) == best_of(b, vocab);
}

canto_status logits_check_run(canto_context *context, const canto_model *a, const canto_model *b, logits_check *check) {
    const canto_config *one = canto_model_config(a), *other = canto_model_config(b);
    uint32_t            ids[POSITIONS];
    canto_status        status = {.code = CANTO_ERROR_VALUE};
    int                 count = one->context < POSITIONS ? one->context : POSITIONS;
    *check = (logits_check){.positions = count};
    if (one->vocab != other->vocab || one->context != other->context) {
        snprintf(status.text, sizeof status.text, "the models are not alike: %d tokens and a context of %d, %d and %d",
                 (int)one->vocab, (int)one->context, (int)other->vocab, (int)other->context);
        return status;
    }
    int64_t vocab = one->vocab;
    for (int i = 0; i < count; i++) ids[i] = (uint32_t)((i * INT64_C(2654435761) + 1) % vocab);
    size_t each = (size_t)count * (size_t)vocab;
    float *values = malloc(2 * each * sizeof *values);
    taken  left = {values, vocab}, right = {values ? values + each : NULL, vocab};
    if (!values) {
        status.code = CANTO_ERROR_MEMORY;
        snprintf(status.text, sizeof status.text, "no memory for the logits of both models");
        return status;
    }
    status = take_logits(context, a, ids, (size_t)count, &left);
    if (status.code == CANTO_OK) status = take_logits(context, b, ids, (size_t)count, &right);
    for (int i = 0; i < count && status.code == CANTO_OK; i++)
        compare(left.values + i * vocab, right.values + i * vocab, vocab, check);
    free(left.values);
    return status;
}

json_t *logits_check_json(const logits_check *check) {
    json_t *o = json_object();
    json_object_set_new(o, "largest_difference", json_number(check->difference));
    json_object_set_new(o, "largest_logit", json_number(check->largest));
    json_object_set_new(o, "positions", json_integer(check->positions));
    json_object_set_new(o, "same_best", json_integer(check->same));
    return o;
}
