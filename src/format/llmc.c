/* llmc.c - llm.c's checkpoints, gpt2_124M.bin and its kin: 256 int32, then the tensors one kind after the other, each of all
 * layers, all linear weights [out, in].
 *
 *   header: 20240326, version, T, V, L, H, C, Vp, zeros
 *   version 1: float32, and the token embedding has V rows; 3: float32, 5: bfloat16, and it has Vp, of which the first V count
 *
 * The names that its tensors get are canto's own, whose table has the same tensors. Source: llm.c's train_gpt2.py and train_gpt2.c. */
#include "format/llmc.h"

#include "format/formats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const tensor_role LLMC_ORDER[LLMC_TENSORS] = {
    TENSOR_TOKEN_EMBEDDING, TENSOR_POSITION_EMBEDDING, TENSOR_NORM1_WEIGHT,      TENSOR_NORM1_BIAS,
    TENSOR_QKV_WEIGHT,      TENSOR_QKV_BIAS,           TENSOR_PROJECTION_WEIGHT, TENSOR_PROJECTION_BIAS,
    TENSOR_NORM2_WEIGHT,    TENSOR_NORM2_BIAS,         TENSOR_FFN_UP_WEIGHT,     TENSOR_FFN_UP_BIAS,
    TENSOR_FFN_DOWN_WEIGHT, TENSOR_FFN_DOWN_BIAS,      TENSOR_FINAL_NORM_WEIGHT, TENSOR_FINAL_NORM_BIAS,
};

static int32_t number_at(const unsigned char *data, size_t index) {
    int32_t number;
    memcpy(&number, data + index * sizeof number, sizeof number);
    return number;
}

bool llmc_detect(const unsigned char *data, size_t bytes) {
    return bytes >= sizeof(int32_t) && number_at(data, 0) == LLMC_MAGIC;
}

/* The shape of the model, the rows of its token embedding and its type of numbers. */
static canto_status read_header(const file_map *map, const char *path, canto_config *c, int32_t *rows,
                                source_type *type) {
    canto_status status;
    if (map->bytes < LLMC_HEADER)
        FAIL(CANTO_ERROR_FORMAT,
             "'%.300s' is cut short: a checkpoint of llm.c has a header of %d bytes, the file has %zu", path,
             LLMC_HEADER, map->bytes);
    int32_t version = number_at(map->data, 1);
    if (version != 1 && version != 3 && version != 5)
        FAIL(CANTO_ERROR_UNSUPPORTED,
             "'%.300s' is llm.c's version %" PRId32 ", and 1, 3 (float32) and 5 (bfloat16) are read here: write it "
             "anew with llm.c",
             path, version);
    *type = version == 5 ? SOURCE_BF16 : SOURCE_F32;
    TRY(canto_preset("gpt2", c, NULL));
    memset(c->preset, 0, sizeof c->preset);
    canto_config_dropout(c, 0);
    c->context = number_at(map->data, 2);
    c->vocab = number_at(map->data, 3);
    c->layers = number_at(map->data, 4);
    c->heads = number_at(map->data, 5);
    c->width = number_at(map->data, 6);
    c->ffn = c->width > 0 && c->width <= INT32_MAX / 4 ? 4 * c->width : -1;
    *rows = version == 1 ? c->vocab : number_at(map->data, 7);
    status = canto_config_check(c);
    if (status.code != CANTO_OK) FAIL(CANTO_ERROR_FORMAT, "'%.150s': %.340s", path, status.text);
    if (*rows < c->vocab)
        FAIL(CANTO_ERROR_FORMAT,
             "'%.300s' is damaged: its token embedding has %" PRId32 " rows, and the vocabulary %" PRId32 " tokens",
             path, *rows, c->vocab);
done:
    return status;
}

/* Exactly so long must the file be, before anything is allocated for what its header says. */
static canto_status check_length(const file_map *map, const char *path, const canto_config *c, int32_t rows,
                                 source_type type) {
    tensor_table table;
    tensor_table_measure(c, &table); /* at most 2^60 parameters */
    uint64_t wanted = table.parameters + (uint64_t)(rows - c->vocab) * (uint64_t)c->width;
    uint64_t bytes = map->bytes - LLMC_HEADER, each = source_type_bytes(type);
    if (bytes / each == wanted && bytes % each == 0) return status_ok();
    return status_error(CANTO_ERROR_FORMAT,
                        "'%.300s' is cut short or damaged: by its header it has %" PRIu64 " numbers of %" PRIu64
                        " bytes, and there are %" PRIu64 " bytes behind it",
                        path, wanted, each, bytes);
}

/* One tensor, of which the file has `rows` rows; *at goes on behind it. */
static canto_status add(tensor_source *source, const canto_config *c, tensor_role role, int32_t layer, int32_t padded,
                        source_type type, const unsigned char **at) {
    char          name[96];
    bool          vector;
    int64_t       rows, columns;
    source_tensor t = {.name = name, .type = type};
    tensor_name(role, layer, name);
    tensor_shape(c, role, &rows, &columns, &vector);
    t.rank = vector ? 1 : 2;
    t.shape[0] = rows;
    if (!vector) t.shape[1] = columns;
    source_row_major(&t);
    t.data = *at;
    t.bytes = (size_t)(rows * columns) * source_type_bytes(type);
    *at += (size_t)((role == TENSOR_TOKEN_EMBEDDING ? padded : rows) * columns) * source_type_bytes(type);
    return source_add(source, &t);
}

canto_status llmc_read(canto_context *context, const char *path, model_parts *parts) {
    canto_status    status;
    int32_t         rows = 0;
    source_type     type = SOURCE_F32;
    const file_map *map;
    canto_config   *c = &parts->config;
    parts->kind = LAYOUT_OWN;
    source_begin(context, path, &parts->source);
    TRY(source_map(&parts->source, path, &map));
    TRY(read_header(map, path, c, &rows, &type));
    TRY(check_length(map, path, c, rows, type));
    const unsigned char *at = map->data + LLMC_HEADER;
    for (size_t i = 0; i < LLMC_TENSORS; i++) {
        bool block = tensor_role_in_block(LLMC_ORDER[i]);
        for (int32_t layer = block ? 0 : -1; layer < (block ? c->layers : 0); layer++)
            TRY(add(&parts->source, c, LLMC_ORDER[i], layer, rows, type, &at));
    }
    TRY(source_end(&parts->source));
done:
    return status;
}
