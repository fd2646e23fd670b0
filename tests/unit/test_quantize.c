/* test_quantize.c - models kept in fewer bits: near the first one, the same after a way over the disk, and with a session's
 * cache what the whole pass gives, to the bit. */
#include "infer/session.h"
#include "unit.h"

#include <math.h>
#include <unistd.h>

static const char *const names[] = {"f32", "f16", "bf16", "int8", "int4"};
/* How far logits may be from those of float32, relative to the largest. */
static const double near[] = {0, 1e-3, 1e-2, 0.03, 0.3};

static canto_config small(canto_family family, int32_t width) {
    canto_config c;
    ok(canto_preset(family == CANTO_FAMILY_GPT2 ? "gpt2" : "shakespeare-tiny", &c, NULL));
    c.vocab = 83, c.context = 24, c.width = width, c.heads = 4, c.layers = 2, c.ffn = 3 * width;
    ok(canto_config_check(&c));
    return c;
}

static void logits_of(const canto_model *model, const uint32_t *ids, size_t count, float *logits) {
    canto_session *session;
    ok(canto_session_open(context, model, &session));
    ok(canto_session_logits(session, ids, count, logits));
    canto_session_close(session);
}

/* A prompt in one call, against its tokens one by one. */
static void check_cache(const canto_model *model, const uint32_t *ids, size_t count, const float *expected) {
    canto_session *session;
    float          logits[83];
    ok(canto_session_open(context, model, &session));
    for (size_t n = 1; n <= count; n++) ok(canto_session_logits(session, ids, n, logits));
    assert_memory_equal(logits, expected, sizeof logits);
    canto_session_close(session);
}

static void check(const canto_config *c, canto_type type) {
    canto_model *model, *kept, *back;
    uint32_t     ids[20];
    float        exact[83], logits[83], again[83], most = 0;
    char         place[] = "/tmp/canto-quantize-XXXXXX";
    assert_non_null(mkdtemp(place));
    for (uint32_t i = 0; i < 20; i++) ids[i] = i * 37 % 83;
    ok(canto_model_new(context, c, CANTO_INIT_TORCH, 3, &model));
    ok(canto_model_quantize(context, model, type, &kept));
    logits_of(model, ids, 20, exact);
    logits_of(kept, ids, 20, logits);
    for (int i = 0; i < 83; i++) most = fmaxf(most, fabsf(exact[i]));
    for (int i = 0; i < 83; i++)
        if (!(fabs((double)logits[i] - (double)exact[i]) <= near[type] * (double)most))
            fail_msg("%s, width %d: logit %d is %g instead of %g", names[type], (int)c->width, i, (double)logits[i],
                     (double)exact[i]);
    if (type != CANTO_F32) assert_memory_not_equal(logits, exact, sizeof logits);
    check_cache(kept, ids, 20, logits);
    ok(canto_model_save(kept, place));
    ok(canto_model_open(context, place, &back));
    assert_int_equal(canto_model_bytes(back), canto_model_bytes(kept));
    logits_of(back, ids, 20, again);
    assert_memory_equal(again, logits, sizeof logits);
    check_cache(back, ids, 20, logits);
    ok(canto_model_save(back, place)); /* over the file that it looks at */
    canto_model_close(back);
    ok(canto_model_open(context, place, &back));
    logits_of(back, ids, 20, again);
    assert_memory_equal(again, logits, sizeof logits);
    canto_model_close(back), canto_model_close(kept), canto_model_close(model);
    char path[128];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", place, i ? "config.json" : "model.safetensors");
        unlink(path);
    }
    rmdir(place);
}

static void kept_in_fewer_bits(void **state) {
    (void)state;
    for (int type = CANTO_F32; type <= CANTO_INT4; type++)
        for (int way = 0; way < 4; way++) {
            canto_config c = small(way % 2 ? CANTO_FAMILY_SHAKESPEARE : CANTO_FAMILY_GPT2, way < 2 ? 64 : 36);
            check(&c, (canto_type)type);
        }
}

static void sizes(void **state) {
    (void)state;
    canto_config c = small(CANTO_FAMILY_GPT2, 64);
    canto_model *model, *kept;
    ok(canto_model_new(context, &c, CANTO_INIT_TORCH, 3, &model));
    uint64_t before = canto_model_bytes(model);
    ok(canto_model_quantize(context, model, CANTO_INT8, &kept));
    assert_true(canto_model_bytes(kept) < before * 3 / 10);
    canto_model_close(kept);
    fails(canto_model_quantize(context, model, (canto_type)5, &kept), CANTO_ERROR_VALUE, "type");
    assert_null(kept);
    canto_model_close(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(kept_in_fewer_bits), cmocka_unit_test(sizes)};
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
