/* adapted.c - opening adapters: their model's weights, each adapted one with the product of its adapter added. */
#include "format/adapted.h"

#include "base/file.h"
#include "format/beside.h"
#include "model/tuning.h"
#include "store/adapters.h"

#include <inttypes.h>

enum { DEEPEST = 8 };

static canto_status check_base(const adapters_about *about, const char *folder, const canto_model *base) {
    canto_status status = status_ok();
    uint64_t     hash;
    if (!about->has_hash) goto done; /* somebody else's adapters */
    TRY(model_weights_hash(base, &hash));
    if (hash != about->hash)
        FAIL(CANTO_ERROR_VALUE,
             "The adapters in '%.150s' stand beside '%.150s', whose weights are others by now (hash %016" PRIx64
             ", then %016" PRIx64 "). Put the old ones back.",
             folder, about->base, hash, about->hash);
done:
    return status;
}

canto_status adapted_open(canto_context *context, const char *folder, int depth, canto_model **model) {
    canto_status     status;
    adapters_about   about;
    canto_model     *base = NULL;
    canto_tokenizer *tokenizer = NULL;
    tensor_table     tuned = {0};
    tuning           wanted;
    *model = NULL;
    if (depth > DEEPEST)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': adapters beside adapters, %d deep: canto convert joins some", folder,
             depth);
    TRY(adapters_read_about(context, folder, &about));
    status = model_open_below(context, about.base, NULL, depth + 1, &base);
    if (status.code != CANTO_OK && depth == 0)
        FAIL(status.code, "The adapters in '%.150s' stand beside a model that does not open: %.250s", folder,
             status.text);
    TRY(status);
    TRY(check_base(&about, folder, base));
    TRY(tuning_read(&base->config, &about.options, &wanted));
    TRY(tensor_table_open_tuned(context, &base->config, &wanted, &tuned));
    TRY(beside_tokenizer(context, folder, true, &tokenizer));
    TRY(model_copy(context, base, folder, model));
    TRY(adapters_merge(context, folder, &tuned, &(*model)->table, (*model)->block));
    (*model)->tokenizer = (*model)->owned_tokenizer = tokenizer;
    tokenizer = NULL;
done:
    if (status.code != CANTO_OK && *model) {
        canto_model_close(*model);
        *model = NULL;
    }
    canto_tokenizer_close(tokenizer);
    tensor_table_close(context, &tuned);
    canto_model_close(base);
    return status;
}
