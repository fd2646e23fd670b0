/* encodings.c - OpenAI's vocabularies: the file of each, and what the file leaves unsaid. */
#include "text/encodings.h"

#include "base/file.h"

#include <string.h>

static const encoding_facts known[] = {
    {.face = {"gpt2", "r50k_base.tiktoken", "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930", 50257},
     .hash = UINT64_C(0xE0E2BBD2662BA6C1),
     .pattern = "gpt2",
     .specials = {{"<|endoftext|>", 50256}}},
    {.face = {"p50k", "p50k_base.tiktoken", "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069", 50281},
     .hash = UINT64_C(0x215D34D3FDD23324),
     .pattern = "gpt2",
     .specials = {{"<|endoftext|>", 50256}}},
    {.face = {"cl100k", "cl100k_base.tiktoken", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
              100277},
     .hash = UINT64_C(0xF78A5BAA2EBEECC7),
     .pattern = "cl100k",
     .specials = {{"<|endoftext|>", 100257},
                  {"<|fim_prefix|>", 100258},
                  {"<|fim_middle|>", 100259},
                  {"<|fim_suffix|>", 100260},
                  {"<|endofprompt|>", 100276}}},
    {.face = {"o200k", "o200k_base.tiktoken", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
              200019},
     .hash = UINT64_C(0x1314FADEA12F5A9F),
     .pattern = "o200k",
     .specials = {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
};
enum { KNOWN = sizeof known / sizeof known[0] };

bool canto_encoding_find(const char *name, canto_encoding *encoding) {
    if (strcmp(name, "r50k") == 0) name = "gpt2";
    for (size_t i = 0; i < KNOWN; i++) {
        if (strcmp(known[i].face.name, name) != 0) continue;
        *encoding = known[i].face;
        return true;
    }
    return false;
}

/* A hash of all bytes in four chains, for a file is read every time that a vocabulary is opened. */
static uint64_t hash_of(const unsigned char *data, size_t bytes) {
    uint64_t chains[4] = {bytes, 1, 2, 3}, words[4] = {0}, hash = 0;
    for (; bytes; data += sizeof words) {
        size_t count = bytes < sizeof words ? bytes : sizeof words;
        if (count < sizeof words) memset(words, 0, sizeof words);
        memcpy(words, data, count);
        for (size_t i = 0; i < 4; i++) {
            chains[i] = (chains[i] ^ words[i]) * UINT64_C(0x9E3779B97F4A7C15);
            chains[i] ^= chains[i] >> 32;
        }
        bytes -= count;
    }
    for (size_t i = 0; i < 4; i++) hash = (hash ^ chains[i]) * UINT64_C(0xD6E8FEB86659FD93);
    return hash ^ hash >> 32;
}

const encoding_facts *encoding_of(const void *data, size_t bytes) {
    uint64_t hash = hash_of(data, bytes);
    for (size_t i = 0; i < KNOWN; i++)
        if (known[i].hash == hash) return &known[i];
    return NULL;
}

const char *encoding_special_at(const encoding_facts *facts, uint32_t id) {
    for (const encoding_special *s = facts->specials; s->text; s++)
        if (s->id == id) return s->text;
    return NULL;
}
