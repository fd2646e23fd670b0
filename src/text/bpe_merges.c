/* bpe_merges.c - the merges of a byte-pair encoding as a list, which files of others want.
 *
 * A vocabulary of ranks has none: one is made of it, for every token the pair that its bytes come to before the last step,
 * or, where they do not come to two tokens, every pair that makes it up. */
#include "text/tokenizer_bpe.h"

/* Every pair of tokens that makes up token id, where ranks are ids. */
static canto_status each_split(const canto_tokenizer *t, uint32_t id, bpe_merge_fn each, void *user) {
    canto_status status = status_ok();
    size_t       bytes;
    const char  *token = vocabulary_token(&t->tokens, id, &bytes);
    for (size_t i = 1; i < bytes; i++) {
        uint32_t left = vocabulary_find(&t->tokens, token, i),
                 right = vocabulary_find(&t->tokens, token + i, bytes - i);
        if (left == VOCABULARY_NONE || right == VOCABULARY_NONE) continue;
        if (bpe_find(&t->bpe->joiner, left, right) == id) TRY(each(user, left, right));
    }
done:
    return status;
}

canto_status tokenizer_bpe_each_merge(const canto_tokenizer *t, bpe_merge_fn each, void *user) {
    const bpe_tokenizer *b = t->bpe;
    canto_status         status = status_ok();
    for (size_t i = 0; i < b->merge_count; i++) TRY(each(user, b->merges[i].left, b->merges[i].right));
    for (uint32_t id = 0; !b->merges && id < t->tokens.count; id++) {
        uint32_t    parts[BPE_SHORT];
        size_t      bytes;
        const char *token = vocabulary_token(&t->tokens, id, &bytes);
        bpe_job     job = {token, bytes, 0, parts};
        if (bytes < 2 || !(b->flags[id] & BPE_WHOLE)) continue;
        if (bytes <= BPE_SHORT) bpe_join_shorts(&b->joiner, &job, 1, id);
        if (job.count == 2) TRY(each(user, parts[0], parts[1]));
        else TRY(each_split(t, id, each, user));
    }
done:
    return status;
}
