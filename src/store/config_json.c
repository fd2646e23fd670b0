/* config_json.c - one table of fields drives writing and reading.
 *
 * Invariant: every field of canto_config stands in FIELDS once, so a config that is written and read back is the same to
 * the bit (doubles are written with the digits that identify them). */
#include "store/config_json.h"

#include <stdio.h>
#include <string.h>

typedef enum field_kind { TEXT, INTEGER, BOOLEAN, REAL, CHOICE } field_kind;

typedef struct field {
    const char        *key;
    field_kind         kind;
    size_t             offset;
    size_t             size;    /* TEXT: of the array */
    const char *const *choices; /* CHOICE: the words by value, then NULL */
} field;

static const char *const FAMILIES[] = {"gpt2", "gpt-neo", "dante", "shakespeare", NULL};
static const char *const POSITIONS[] = {"learned", "sinusoidal", "none", NULL};
static const char *const NORMS[] = {"pre", "post", "none", NULL};
static const char *const SCALES[] = {"head", "none", "width", NULL};
static const char *const ACTIVATIONS[] = {"gelu-tanh", "gelu-exact", "relu", NULL};

#define AT(member) offsetof(canto_config, member)
#define TEXT_FIELD(member)                                                                                             \
    { #member, TEXT, AT(member), sizeof(((canto_config *)0)->member), NULL }
#define FIELD(kind, member)                                                                                            \
    { #member, kind, AT(member), 0, NULL }
#define CHOICE_FIELD(member, words)                                                                                    \
    { #member, CHOICE, AT(member), 0, words }

static const field FIELDS[] = {
    TEXT_FIELD(preset),
    CHOICE_FIELD(family, FAMILIES),
    FIELD(INTEGER, vocab),
    FIELD(INTEGER, context),
    FIELD(INTEGER, width),
    FIELD(INTEGER, heads),
    FIELD(INTEGER, layers),
    FIELD(INTEGER, ffn),
    CHOICE_FIELD(positions, POSITIONS),
    CHOICE_FIELD(norm, NORMS),
    CHOICE_FIELD(attention_scale, SCALES),
    CHOICE_FIELD(activation, ACTIVATIONS),
    FIELD(BOOLEAN, attention),
    FIELD(BOOLEAN, qkv_bias),
    FIELD(BOOLEAN, projection),
    FIELD(BOOLEAN, projection_bias),
    FIELD(BOOLEAN, residuals),
    FIELD(BOOLEAN, final_norm),
    FIELD(BOOLEAN, tied),
    FIELD(BOOLEAN, head_bias),
    FIELD(INTEGER, window),
    TEXT_FIELD(pattern),
    FIELD(REAL, dropout_embedding),
    FIELD(REAL, dropout_attention),
    FIELD(REAL, dropout_residual),
    FIELD(REAL, dropout_ffn),
    FIELD(REAL, dropout_block),
    FIELD(REAL, norm_eps),
};

/* All enums of the config have the size of int: values start at 0 and are few. */
static int choice_of(const void *at) {
    int value;
    memcpy(&value, at, sizeof value);
    return value;
}
_Static_assert(sizeof(canto_family) == sizeof(int) && sizeof(canto_norm) == sizeof(int), "enums are read as int");

static json_t *field_value(const field *f, const canto_config *config) {
    const void *at = (const char *)config + f->offset;
    switch (f->kind) {
    case TEXT:
        return json_string(at);
    case INTEGER:
        return json_integer(*(const int32_t *)at);
    case BOOLEAN:
        return json_boolean(*(const bool *)at);
    case REAL:
        return json_real(*(const double *)at);
    case CHOICE:
        return json_string(f->choices[choice_of(at)]);
    }
    return NULL;
}

json_t *config_to_json(const canto_config *config) {
    json_build b = json_build_object();
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
        json_build_set(&b, FIELDS[i].key, field_value(&FIELDS[i], config));
    return json_build_end(&b);
}

static canto_status read_text(const json_t *object, const char *file, const field *f, char *out) {
    const char  *text;
    canto_status status = json_get_text(object, file, f->key, &text);
    if (status.code != CANTO_OK) return status;
    if (strlen(text) >= f->size)
        return status_error(CANTO_ERROR_FORMAT, "'%.300s': \"%s\" is longer than %zu bytes", file, f->key, f->size - 1);
    memset(out, 0, f->size);
    memcpy(out, text, strlen(text));
    return status_ok();
}

static canto_status read_choice(const json_t *object, const char *file, const field *f, void *out) {
    const char  *text;
    canto_status status = json_get_text(object, file, f->key, &text);
    if (status.code != CANTO_OK) return status;
    for (int value = 0; f->choices[value]; value++) {
        if (strcmp(f->choices[value], text) != 0) continue;
        memcpy(out, &value, sizeof value);
        return status_ok();
    }
    return status_error(CANTO_ERROR_FORMAT, "'%.300s': \"%s\" is \"%.40s\", which this version does not know", file,
                        f->key, text);
}

static canto_status read_integer(const json_t *object, const char *file, const field *f, int32_t *out) {
    int64_t      number;
    canto_status status = json_get_integer(object, file, f->key, INT32_MIN, INT32_MAX, &number);
    if (status.code == CANTO_OK) *out = (int32_t)number;
    return status;
}

static canto_status read_field(const json_t *object, const char *file, const field *f, canto_config *config) {
    void *at = (char *)config + f->offset;
    switch (f->kind) {
    case TEXT:
        return read_text(object, file, f, at);
    case INTEGER:
        return read_integer(object, file, f, at);
    case BOOLEAN:
        return json_get_bool(object, file, f->key, at);
    case REAL:
        return json_get_real(object, file, f->key, at);
    case CHOICE:
        return read_choice(object, file, f, at);
    }
    return status_ok();
}

canto_status config_from_json(const json_t *object, const char *file, canto_config *config) {
    canto_status status = status_ok();
    canto_config read;
    memset(&read, 0, sizeof read);
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) TRY(read_field(object, file, &FIELDS[i], &read));
    TRY(canto_config_check(&read));
    *config = read;
done:
    return status;
}

static const field *find_field(const char *key) {
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
        if (strcmp(FIELDS[i].key, key) == 0) return &FIELDS[i];
    return NULL;
}

canto_status config_overlay(const json_t *object, const char *file, bool strict, canto_config *config) {
    canto_status status = status_ok();
    const char  *key;
    json_t      *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        const field *f = find_field(key);
        if (f) TRY(read_field(object, file, f, config));
        else if (strict)
            FAIL(CANTO_ERROR_FORMAT, "'%.300s': \"%.60s\" is no setting of a model: docs/models.md lists them", file,
                 key);
    }
done:
    return status;
}

canto_status canto_config_json(canto_context *context, const canto_config *config, char **json) {
    *json = NULL;
    canto_status status = canto_config_check(config); /* also: enums index the words */
    if (status.code != CANTO_OK) return status;
    json_t *object = config_to_json(config);
    if (!object) return context_no_memory(sizeof *config, "the config as JSON");
    status = json_dump(context, object, 2, json);
    json_decref(object);
    return status;
}

/* -------------------------------------------------------------------------------------------------- training on */

/* What a training may change of a model that it goes on from. */
static bool is_free(const field *f) {
    return f->offset == AT(preset) || f->offset == AT(context) ||
           (f->offset >= AT(dropout_embedding) && f->offset <= AT(dropout_block));
}

static bool same_field(const field *f, const canto_config *a, const canto_config *b) {
    const char *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
    switch (f->kind) {
    case TEXT:
        return strcmp(x, y) == 0;
    case INTEGER:
        return *(const int32_t *)x == *(const int32_t *)y;
    case BOOLEAN:
        return *(const bool *)x == *(const bool *)y;
    case REAL:
        return *(const double *)(const void *)x == *(const double *)(const void *)y;
    case CHOICE:
        return choice_of(x) == choice_of(y);
    }
    return false;
}

static void field_text(const field *f, const canto_config *config, char out[CANTO_PATTERN_MAX]) {
    const char *at = (const char *)config + f->offset;
    if (f->kind == INTEGER) snprintf(out, CANTO_PATTERN_MAX, "%d", (int)*(const int32_t *)at);
    else if (f->kind == REAL) snprintf(out, CANTO_PATTERN_MAX, "%g", *(const double *)(const void *)at);
    else if (f->kind == BOOLEAN) snprintf(out, CANTO_PATTERN_MAX, "%s", *(const bool *)at ? "on" : "off");
    else snprintf(out, CANTO_PATTERN_MAX, "%s", f->kind == CHOICE ? f->choices[choice_of(at)] : at);
}

canto_status canto_config_check_from(const canto_config *config, const canto_config *model) {
    canto_status status = status_ok();
    char         wanted[CANTO_PATTERN_MAX], there[CANTO_PATTERN_MAX];
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
        const field *f = &FIELDS[i];
        if (is_free(f) || same_field(f, config, model)) continue;
        field_text(f, config, wanted);
        field_text(f, model, there);
        FAIL(CANTO_ERROR_VALUE,
             "%s is %s, but the model to begin with has %s, and its weights were trained for that: leave it as it is, "
             "or "
             "train a new model.",
             f->key, wanted, there);
    }
    if (model->positions == CANTO_POSITIONS_LEARNED && config->context > model->context)
        FAIL(CANTO_ERROR_VALUE,
             "context is %d, but the model to begin with has learned %d positions: give at most %d; of a shorter "
             "context "
             "it keeps the first positions.",
             config->context, model->context, model->context);
done:
    return status;
}
