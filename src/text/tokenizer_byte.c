/* tokenizer_byte.c - 256 tokens, each a byte whose value is its id. Any bytes can be encoded. JSON holds texts only, so in
 * tokenizer.json a byte stands as a character (byte_level.h); the file is that of byte pairs of which there are none, and is read
 * as such. */
#include "text/byte_level.h"

static canto_status begin(canto_tokenizer *t) {
    for (unsigned byte = 0; byte < 256; byte++) {
        char         token = (char)(unsigned char)byte;
        canto_status status = vocabulary_add(&t->tokens, &token, 1, NULL);
        if (status.code != CANTO_OK) return status;
    }
    return status_ok();
}

static size_t cut(const canto_tokenizer *t, const char *text, size_t bytes) {
    (void)t;
    (void)text;
    return bytes;
}

static canto_status encode(const canto_tokenizer *t, const char *text, size_t bytes, const char *from, id_list *ids) {
    progress     p = tokenizer_progress(t, "encoding", bytes, from);
    canto_status status = status_ok();
    for (size_t at = 0; at < bytes; at++) {
        if (progress_due(&p, at)) TRY(progress_tell(&p, at));
        TRY(id_list_add(ids, (unsigned char)text[at]));
    }
done:
    return status;
}

static json_t *pre_tokenizer(bool add_prefix) {
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", (int)add_prefix, "trim_offsets",
                     1, "use_regex", 0);
}

static bool write(const canto_tokenizer *t, json_t *root) {
    char    names[256][4];
    json_t *vocab = json_object();
    bool    good = vocab != NULL;
    (void)t;
    byte_level_names(names);
    for (int byte = 0; byte < 256 && good; byte++)
        good = json_object_set_new(vocab, names[byte], json_integer(byte)) == 0;
    json_t *model = json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:[]}", "type", "BPE", "dropout",
                              "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0,
                              "byte_fallback", 0, "ignore_merges", 0, "vocab", vocab, "merges");
    good = json_object_set_new(root, "model", model) == 0 && good; /* first: it is made already, and goes with root */
    return good && json_object_set_new(root, "pre_tokenizer", pre_tokenizer(false)) == 0 &&
           json_object_set_new(root, "decoder", pre_tokenizer(false)) == 0;
}

const tokenizer_kind tokenizer_byte = {.name = "byte",
                                       .joint = "",
                                       .text_separator = "\n",
                                       .takes_bytes = true,
                                       .begin = begin,
                                       .encode = encode,
                                       .cut = cut,
                                       .write = write};
