/* canto.h - build, train, look into and run GPT language models, in C.
 *
 * Usage, from a text to a model that writes:
 *
 *     canto_context *context;
 *     canto_status   status = canto_context_open(NULL, &context);          // NULL: the defaults
 *     const char    *texts[] = {"king-james.txt"};
 *
 *     canto_tokenizer_options symbols = canto_tokenizer_options_default();  // one token a character
 *     canto_tokenizer *tokenizer;
 *     status = canto_tokenizer_train(context, &symbols, texts, 1, &tokenizer);
 *     canto_data *data;
 *     status = canto_data_from_texts(context, tokenizer, texts, 1, &data);
 *
 *     canto_config config;
 *     canto_train_options training;
 *     status = canto_preset("mini", &config, &training);
 *     config.vocab = canto_tokenizer_vocabulary(tokenizer);
 *     canto_trainer *trainer;
 *     status = canto_trainer_open(context, &config, &training, tokenizer, data, "run", NULL, &trainer);
 *     status = canto_trainer_run(trainer, NULL, NULL);                      // writes run/last
 *
 * examples/ has whole programs: train_text.c, write_text.c, and train_and_write.cpp for C++ (handles that close themselves,
 * statuses that are thrown).
 *
 * Rules that hold everywhere:
 *   - Every fallible call returns a canto_status; when its code is not CANTO_OK its text says which file or value is at
 *     fault and what to do. A handle or memory that it was to hand out is then NULL, another output as it was.
 *   - A handle is opened from a context and closed by its own _close, before its context and before what it was made
 *     from: a session before its model, a trainer before its data and tokenizer, a stream before its tokenizer. _close
 *     takes NULL. A const handle that a call returns belongs to what it was asked of, and is not closed.
 *   - Memory handed out by the library is released with canto_free.
 *   - A pointer argument may be NULL only where its declaration says so. Arguments are read during the call alone, but
 *     for handles: texts, options and configs may go as soon as it returns.
 *   - Texts are UTF-8 with a byte length; names and paths end with a zero byte.
 *   - Token ids are uint32_t. Sizes are in elements unless a name says bytes.
 *   - Nothing here exits, prints, reads the environment, or touches signals, locale and working directory.
 *   - No promise of a stable binary interface before 1.0: structs may grow with every minor version, which is why the
 *     shared library's name carries it (libcanto.so.0.1). Begin with the _default functions and canto_preset, and a program
 *     that is compiled anew goes on working.
 *
 * Threads:
 *   - A context and the handles opened from it belong to one thread at a time; two contexts have nothing in common, and any
 *     number of them may work at once.
 *   - Models, tokenizers and data do not change once they are open. Many threads may use one at once wherever it is const,
 *     each with a context, sessions, trainers and streams of its own: canto_session_open(own context, shared model, ...).
 *     Encoding and decoding take memory from the tokenizer's own context: its allocator and progress callback must be
 *     thread-safe then. A trainer's model is the exception: it changes, and stays with its trainer's thread.
 *   - Callbacks come on the thread that made the call. They may use the library, also with the same context, but not the
 *     handle at work (the calls that take a const canto_trainer, and canto_trainer_sample, are made for it), and must return:
 *     no longjmp, no C++ exception.
 *   - After fork() a context with more than one thread is of use in the parent alone.
 */
#ifndef CANTO_H
#define CANTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CANTO_VERSION "0.1.0"

#if defined(__GNUC__)
#define CANTO_API __attribute__((visibility("default")))
#else
#define CANTO_API
#endif

/* ------------------------------------------------------------------------------------------------ status */

typedef enum canto_code {
    CANTO_OK = 0,
    CANTO_ERROR_MEMORY,      /* an allocation failed, or a need is larger than the machine has */
    CANTO_ERROR_FILE,        /* the file system said no: missing, unreadable, full, ... */
    CANTO_ERROR_FORMAT,      /* a file's content is not what it must be */
    CANTO_ERROR_VALUE,       /* an argument or option is out of its range */
    CANTO_ERROR_TEXT,        /* text that cannot be encoded: an unseen symbol, invalid UTF-8 */
    CANTO_ERROR_UNSUPPORTED, /* well-formed, but not something this build can do */
    CANTO_ERROR_NUMBER,      /* a loss or gradient stopped being finite */
    CANTO_STOPPED            /* a callback asked to stop */
} canto_code;

/* A result by value: it needs no memory and belongs to the caller. text is "" when code is CANTO_OK, otherwise
 * one line of UTF-8, a sentence or two, without a newline. */
typedef struct canto_status {
    canto_code code;
    char       text[508];
} canto_status;

/* ----------------------------------------------------------------------------------------------- context */

typedef struct canto_context canto_context;

/* The caller's allocator. resize(user, NULL, n) allocates n > 0 bytes aligned for any type, resize(user, p, n) moves
 * (keeping the smaller of both sizes' bytes), resize(user, p, 0) releases and returns NULL. NULL for n > 0 means "no memory"
 * and leaves p as it was. All of the library's memory comes from here and goes back at the last _close, but for what Jansson
 * (JSON, while a file is read or written) and the C library (threads' stacks, open files) take inside themselves. Called by
 * the threads that call the library, never by its workers: it must be thread-safe when several of those share it. */
typedef struct canto_allocator {
    void *(*resize)(void *user, void *old, size_t bytes);
    void *user;
} canto_allocator;

/* What a call has to say beside its status: text is one line without a newline, valid during the call. */
typedef enum canto_log_level { CANTO_LOG_INFO, CANTO_LOG_WARNING } canto_log_level;
typedef void (*canto_log_fn)(void *user, canto_log_level level, const char *text);

/* Long work that has no callback of its own tells how far it is: training a tokenizer, encoding, opening token files and
 * models, canto_evaluate. what: a few words, such as "encoding 'book.txt'"; valid during the call. share: of it done, 0 .. 1,
 * or -1 when nobody knows how much there is. Return false to stop: the call then returns CANTO_STOPPED and leaves
 * nothing behind. Called every few milliseconds of work,
 * never when the work is shorter. (Writing and training have callbacks of their own: canto_token_fn, canto_event_fn.) */
typedef bool (*canto_progress_fn)(void *user, const char *what, double share);

/* What becomes of text that is not valid UTF-8, wherever a tokenizer of the context reads text: files and prompts. Tokenizers
 * of kind byte take any bytes as they are. */
typedef enum canto_invalid {
    CANTO_INVALID_REFUSE, /* CANTO_ERROR_TEXT, which names the place */
    CANTO_INVALID_REPLACE /* each broken piece (the longest beginning of a character, or one byte) is read as U+FFFD */
} canto_invalid;

/* An engine for regular expressions, which the library does not have itself: tokenizers whose texts are cut by a pattern of a
 * user's own need one (the program canto brings PCRE2). open and close come on the thread that made the call, find on any. */
typedef struct canto_regex {
    /* Compiles a pattern, UTF-8, whose classes (\w, \s, \p{L}) are Unicode's. false: fault[room] says what is wrong with it. */
    bool (*open)(void *user, const char *pattern, void **compiled, char *fault, size_t room);
    /* The first match of at least one byte in text[bytes] that begins at from or later: 1, and text[*start .. *end); 0: there is
     * none; -1: the search failed. What is no UTF-8 is matched by nothing. */
    int (*find)(void *compiled, const char *text, size_t bytes, size_t from, size_t *start, size_t *end);
    void (*close)(void *compiled);
    void *user;
} canto_regex;

/* How files are read whose names end in a certain way: compressed ones, which the library does not unpack itself (the program
 * canto brings zlib and zstd). Texts for tokenizers and canto_data_prepare are read through it. The functions come on any of
 * the context's threads, one stream on one thread at a time; a failure's text should name the path. */
typedef struct canto_reader {
    const char *suffix; /* ".gz"; NULL: no reader. It must last as long as the context */
    canto_status (*open)(void *user, const char *path, void **stream);
    /* Up to bytes > 0 of what is unpacked; *got is 0 at the end alone. */
    canto_status (*read)(void *stream, void *buffer, size_t bytes, size_t *got);
    /* How many bytes of the file itself have been taken in so far, for the progress. */
    uint64_t (*consumed)(void *stream);
    void (*close)(void *stream);
    void *user;
} canto_reader;

#define CANTO_READERS_MAX 4

typedef struct canto_context_options {
    int               threads;   /* worker threads, the calling one included; 0: the machine's cores. 1 .. 256 */
    const char       *cpu;       /* kernels: NULL (the best this machine runs), "portable", "avx2", "avx512", "neon" */
    canto_allocator   allocator; /* resize NULL: the C library's */
    canto_log_fn      log;       /* NULL: messages are dropped */
    void             *log_user;
    canto_progress_fn progress; /* NULL: nothing is told, nothing can be stopped */
    void             *progress_user;
    canto_invalid     invalid; /* text that is not valid UTF-8 is refused (the default) or replaced */
    canto_regex       regex;   /* open NULL: there is none */
    canto_reader      readers[CANTO_READERS_MAX];
} canto_context_options;

CANTO_API canto_context_options canto_context_options_default(void); /* all of it 0 and NULL */

/* Opens a context: its threads, its choice of kernels, its allocator. options NULL: the defaults. CANTO_ERROR_UNSUPPORTED for
 * kernels that this build or processor lacks. */
CANTO_API canto_status canto_context_open(const canto_context_options *options, canto_context **context);
CANTO_API void         canto_context_close(canto_context *context);
CANTO_API const char  *canto_context_cpu(const canto_context *context); /* the kernels in use, e.g. "avx512" */
CANTO_API int          canto_context_threads(const canto_context *context);
/* The kernels that this build has, number index, the fastest first: a name for canto_context_options, or NULL past the
 * last. *runs (NULL is allowed): whether this processor runs them. */
CANTO_API const char *canto_kernels_name(size_t index, bool *runs);

/* Releases what the library handed out (ids, texts), with the context that it came from or another one with the same
 * allocator, on any thread. memory may be NULL. */
CANTO_API void canto_free(canto_context *context, void *memory);

CANTO_API const char *canto_version(void); /* CANTO_VERSION of the library that is linked */

/* --------------------------------------------------------------------------------------------- tokenizer */

/* Text to token ids and back. */
typedef struct canto_tokenizer canto_tokenizer;

/* Text that is in no file: writes up to room bytes of it into buffer; *bytes is 0 at its end alone. A failure ends the call. */
typedef canto_status (*canto_read_fn)(void *user, char *buffer, size_t room, size_t *bytes);

typedef struct canto_tokenizer_options {
    const char
        *kind; /* NULL or "char": one token a code point; "byte": 256 tokens; "word": white-space separated words;
               * "bpe": byte pairs, any bytes are text */
    const char *numbers; /* word: every run of decimal digits becomes this token, e.g. "<NUM>"; NULL: left alone */
    const char *unknown; /* char, word: a token for everything unseen, e.g. "<UNK>"; NULL: unseen text is an error */
    const char
        *specials; /* comma-separated tokens put at the vocabulary's head, e.g. "<PAD>,<BOS>,<EOS>,<UNK>"; NULL */
    /* Files named .jsonl or .ndjson: a JSON object a line, whose text under this key counts; NULL: plain text. */
    const char *field;
    /* The rest is of kind bpe. The pattern cuts texts into pieces, over which no token reaches: "gpt2" (NULL), "cl100k", "o200k", "none",
     * or a regular expression, every match of which is a piece, and so is what lies between two (canto_context_options.regex). */
    const char *pattern;
    int32_t     size; /* tokens wanted, specials and the 256 bytes included; 0: what the texts bear, 4096 beside the
                         * specials at most */
    int64_t     min_frequency; /* a pair that occurs less often does not become a token; 0: 2, and without a size 50 */
    size_t      memory; /* bytes to get along with, more or less; 0: 256 MiB. Where there are more distinct words than
                                  * fit, the rarest are left out, which a warning says */
    canto_read_fn read; /* one text more, after those of paths; NULL: none */
    void         *read_user;
} canto_tokenizer_options;

CANTO_API canto_tokenizer_options
canto_tokenizer_options_default(void); /* "char" and nothing else: there is nothing to choose */

/* Builds a tokenizer whose vocabulary is that of paths[count], text files, sorted by code point (source 003, 004). Kind "byte"
 * reads none. options NULL: the defaults. CANTO_ERROR_TEXT when a text is not UTF-8, CANTO_ERROR_VALUE when it is empty.
 *
 * Kind "bpe" takes texts of any size: the pair of neighbouring tokens that occurs most often becomes a token, until there are as many as
 * wanted; of several pairs the one with the lower left id, then the lower right id. Ids: the specials, the 256 bytes, then a
 * token a merge. There are fewer than a size wants when nothing is left to merge, which a warning says. Text of special tokens
 * is text like any other. The log says how many bytes a token has, whenever the vocabulary has doubled. The result never depends on the threads. */
CANTO_API canto_status canto_tokenizer_train(canto_context *context, const canto_tokenizer_options *options,
                                             const char *const *paths, size_t count, canto_tokenizer **tokenizer);
/* A vocabulary that is known by name, and the file that it comes in: the library knows where none lies and fetches none. */
typedef struct canto_encoding {
    const char *name;       /* "gpt2" (also found as "r50k"), "p50k", "cl100k", "o200k" */
    const char *file;       /* what the file is called, "r50k_base.tiktoken" */
    const char *sha256;     /* of the file, 64 hexadecimal digits */
    int32_t     vocabulary; /* number of tokens, V */
} canto_encoding;

CANTO_API bool canto_encoding_find(const char *name, canto_encoding *encoding); /* false: no such name */

/* Reads tokenizer.json: path is that file or a folder with it. Or a vocabulary in another form: one of OpenAI's files of ranks
 * (NAME.tiktoken). */
CANTO_API canto_status canto_tokenizer_open(canto_context *context, const char *path, canto_tokenizer **tokenizer);
/* Writes folder/tokenizer.json and folder/tokenizer_config.json in Hugging Face's form. The folder must exist. */
CANTO_API canto_status canto_tokenizer_save(const canto_tokenizer *tokenizer, const char *folder);
CANTO_API void         canto_tokenizer_close(canto_tokenizer *tokenizer);

CANTO_API int32_t     canto_tokenizer_vocabulary(const canto_tokenizer *tokenizer); /* number of tokens, V */
CANTO_API const char *canto_tokenizer_kind(const canto_tokenizer *tokenizer);       /* "char", "byte", "word", "bpe" */
/* The bytes of a token (of kinds byte and bpe not always whole characters), owned by the tokenizer; *bytes may be NULL. Empty for
 * an id below V that no token has. NULL when id >= V. */
CANTO_API const char *canto_tokenizer_token(const canto_tokenizer *tokenizer, uint32_t id, size_t *bytes);
/* A number that changes with the vocabulary and the kind: token files carry it. */
CANTO_API uint64_t canto_tokenizer_hash(const canto_tokenizer *tokenizer);

/* text[bytes] -> (*ids)[*count], also when *count is 0; release with canto_free. CANTO_ERROR_TEXT names the symbol or word that the
 * vocabulary lacks, and where it stands. */
CANTO_API canto_status canto_tokenizer_encode(const canto_tokenizer *tokenizer, const char *text, size_t bytes,
                                              uint32_t **ids, size_t *count);
/* What becomes of special tokens ("<|endoftext|>") that stand in a text. Only tokenizers of kind "bpe" find any. */
typedef enum canto_special {
    CANTO_SPECIAL_TEXT,  /* they are text like any other: what canto_tokenizer_encode does */
    CANTO_SPECIAL_ALLOW, /* each becomes its token */
    CANTO_SPECIAL_REFUSE /* CANTO_ERROR_TEXT names the first, and where it stands */
} canto_special;

/* canto_tokenizer_encode with special tokens as the caller says. */
CANTO_API canto_status canto_tokenizer_encode_special(const canto_tokenizer *tokenizer, const char *text, size_t bytes,
                                                      canto_special special, uint32_t **ids, size_t *count);
/* ids[count] -> *text (*bytes, and a zero byte after them; bytes may be NULL); release with canto_free. Words are joined by
 * spaces. CANTO_ERROR_VALUE for an id outside the vocabulary. */
CANTO_API canto_status canto_tokenizer_decode(const canto_tokenizer *tokenizer, const uint32_t *ids, size_t count,
                                              char **text, size_t *bytes);

/* A decoder that is fed token by token and gives out whole characters only: the bytes of a character that is
 * split over tokens are held back until it is complete. */
typedef struct canto_stream canto_stream;
CANTO_API canto_status      canto_stream_open(const canto_tokenizer *tokenizer, canto_stream **stream);
/* Appends a token; *text (zero-terminated, maybe "") is what became whole, valid until the next call on the stream. bytes may
 * be NULL. CANTO_ERROR_VALUE for an id outside the vocabulary. */
CANTO_API canto_status canto_stream_push(canto_stream *stream, uint32_t id, const char **text, size_t *bytes);
/* A text at which to stop, UTF-8 of at least one byte; several may be given. It counts in what is pushed from now on, also
 * across tokens: text that may still become it is held back, and what comes out ends before it. */
CANTO_API canto_status canto_stream_stop(canto_stream *stream, const char *text);
/* True once a stop text has been pushed: nothing more comes out. A canto_token_fn returns false then. */
CANTO_API bool canto_stream_stopped(const canto_stream *stream);
/* What is left at the end; an unfinished character comes out as U+FFFD. */
CANTO_API canto_status canto_stream_finish(canto_stream *stream, const char **text, size_t *bytes);
CANTO_API void         canto_stream_close(canto_stream *stream);

/* -------------------------------------------------------------------------------------------------- data */

/* A sequence of tokens, in memory or mapped from token files (docs/formats.md). */
typedef struct canto_data canto_data;

/* Encodes text files in the order given, joined by a newline between them (words: by nothing, white space is
 * no token). The texts are read, never changed. */
CANTO_API canto_status canto_data_from_texts(canto_context *context, const canto_tokenizer *tokenizer,
                                             const char *const *paths, size_t count, canto_data **data);
/* Copies ids[count], every one below vocabulary (1 and up). */
CANTO_API canto_status canto_data_from_ids(canto_context *context, const uint32_t *ids, size_t count,
                                           int32_t vocabulary, canto_data **data);
/* Maps a token file, which must not change while it is open. CANTO_ERROR_FORMAT when its header, size or a token does not fit. */
CANTO_API canto_status canto_data_open(canto_context *context, const char *path, canto_data **data);
/* The same of paths[count], count at least 1: one stream, the files in the order given, nothing between them. All must have
 * been made with the same tokenizer (CANTO_ERROR_VALUE names two that were not). The source hash of several files is the hash
 * of theirs. */
CANTO_API canto_status canto_data_open_files(canto_context *context, const char *const *paths, size_t count,
                                             canto_data **data);
/* Writes a token file (temporary name, then rename). An existing file is replaced whole. */
CANTO_API canto_status canto_data_save(const canto_data *data, const char *path);
CANTO_API void         canto_data_close(canto_data *data);
/* True when the file begins as a token file does; false also when it cannot be read. */
CANTO_API bool canto_data_is_token_file(const char *path);

typedef struct canto_prepare_options {
    /* Files named .jsonl or .ndjson: a JSON object a line, whose text under this key is a document. NULL: plain text. */
    const char *field;
    /* The token between two documents. NULL: the tokenizer's own (<|endoftext|>, <EOS> or </s>), and if it has none, what
     * canto_data_from_texts puts between texts. "": nothing. */
    const char *end_of_text;
} canto_prepare_options;

CANTO_API canto_prepare_options canto_prepare_options_default(void); /* "text" and NULL */

typedef struct canto_prepared {
    uint64_t documents, tokens, source_bytes;
    uint64_t resumed; /* tokens of them that were there already */
} canto_prepared;

/* Encodes files of any size into a token file, with all threads and little memory: a document is a text file, or a line of one
 * named .jsonl or .ndjson; names that end as the context's readers say are unpacked. The bytes do not depend on the
 * threads. The file grows as FILE.part with FILE.part.json beside it, and gets its name when it is complete. Stopped by the context's progress
 * callback (CANTO_STOPPED), killed or failed, the same call goes on where it was, as long as the texts have kept size and time:
 * the file becomes that of a call without interruption. options NULL: the defaults; prepared may be NULL. The allocator is called
 * by the context's threads here, but never by two at once. */
CANTO_API canto_status canto_data_prepare(canto_context *context, const canto_tokenizer *tokenizer,
                                          const canto_prepare_options *options, const char *const *paths, size_t count,
                                          const char *file, canto_prepared *prepared);

CANTO_API uint64_t canto_data_count(const canto_data *data);      /* tokens */
CANTO_API int32_t  canto_data_vocabulary(const canto_data *data); /* of its tokenizer: every token is below it */
/* 1 + the largest token in it (0 without any): the smallest vocabulary of a model that can read it. */
CANTO_API int32_t  canto_data_least_vocabulary(const canto_data *data);
CANTO_API uint64_t canto_data_source_bytes(const canto_data *data);   /* bytes of text it came from */
CANTO_API uint64_t canto_data_source_hash(const canto_data *data);    /* of those bytes */
CANTO_API uint64_t canto_data_tokenizer_hash(const canto_data *data); /* canto_tokenizer_hash of its tokenizer */
/* Copies tokens [from, from + count) into ids[count], the caller's. The range must lie inside the data (it is not checked). */
CANTO_API void canto_data_read(const canto_data *data, uint64_t from, uint64_t count, uint32_t *ids);

/* -------------------------------------------------------------------------------------------- the blueprint */

typedef enum canto_positions {
    CANTO_POSITIONS_LEARNED,
    CANTO_POSITIONS_SINUSOIDAL,
    CANTO_POSITIONS_NONE
} canto_positions;
typedef enum canto_norm { CANTO_NORM_PRE, CANTO_NORM_POST, CANTO_NORM_NONE } canto_norm;
typedef enum canto_scale {
    CANTO_SCALE_HEAD,
    CANTO_SCALE_NONE,
    CANTO_SCALE_WIDTH
} canto_scale; /* 1/sqrt(D), 1, 1/sqrt(C) */
typedef enum canto_activation { CANTO_GELU_TANH, CANTO_GELU_EXACT, CANTO_RELU } canto_activation;
/* Whose module names, drawing order of initial weights and order of dropout masks a model follows. */
typedef enum canto_family {
    CANTO_FAMILY_GPT2,       /* sources 001, 002; Hugging Face GPT-2 */
    CANTO_FAMILY_GPT_NEO,    /* source 000; Hugging Face GPT-Neo */
    CANTO_FAMILY_DANTE,      /* source 003 */
    CANTO_FAMILY_SHAKESPEARE /* source 004 */
} canto_family;

#define CANTO_PATTERN_MAX 128

/* What a model is. Plain data: copy it freely. C width, H heads, D = C / H, L layers, V vocabulary, F ffn. */
typedef struct canto_config {
    char             preset[32]; /* where it came from; only for people to read */
    canto_family     family;
    int32_t          vocab;   /* V, 1 .. 2^31 - 1 */
    int32_t          context; /* T, the longest sequence */
    int32_t          width;   /* C */
    int32_t          heads;   /* H, divides C */
    int32_t          layers;  /* L, 0 and up */
    int32_t          ffn;     /* F, the feed-forward width; 0: blocks have no feed-forward */
    canto_positions  positions;
    canto_norm       norm; /* of the blocks */
    canto_scale      attention_scale;
    canto_activation activation;
    bool             attention; /* blocks have attention */
    bool             qkv_bias;
    bool             projection; /* attention ends in an output projection */
    bool             projection_bias;
    bool             residuals; /* x + f(x) rather than f(x) */
    bool             final_norm;
    bool             tied; /* the head is the token embedding */
    bool             head_bias;
    int32_t          window;           /* W of local layers: position i sees j with i - W < j <= i; 0: no local layer */
    char   pattern[CANTO_PATTERN_MAX]; /* 'g' global or 'l' local, layer by layer, repeated: "gl" alternates */
    double dropout_embedding, dropout_attention, dropout_residual, dropout_ffn, dropout_block; /* 0 <= p < 1 */
    double norm_eps;
} canto_config;

typedef enum canto_init { CANTO_INIT_TORCH, CANTO_INIT_GPT2 } canto_init;
typedef enum canto_optimizer { CANTO_ADAMW, CANTO_ADAM } canto_optimizer;
typedef enum canto_schedule { CANTO_SCHEDULE_CONSTANT, CANTO_SCHEDULE_COSINE, CANTO_SCHEDULE_LINEAR } canto_schedule;

#define CANTO_PARTS_MAX 128

/* How a model is trained. Plain data. canto_preset fills it with the source's own settings. */
typedef struct canto_train_options {
    uint64_t   seed;
    bool       parity_torch; /* one PyTorch stream for everything, in the source's order */
    canto_init init;
    int64_t    steps;      /* updates; used when epochs is 0. 0: the model stays untrained */
    int64_t    epochs;     /* passes over the training split; 0: random windows by step */
    int32_t    batch;      /* B, sequences of one micro-batch */
    int32_t    eval_batch; /* B of evaluation; 0: batch */
    int32_t    accumulate; /* micro-batches of one update, at least 1 */
    bool recompute; /* keep only the blocks' inputs, and make the rest again: less memory, more time, no other number */
    canto_optimizer optimizer;
    double          lr, min_lr; /* peak and floor of the schedule */
    canto_schedule  schedule;
    int64_t         warmup; /* updates of linear warm-up: update s (from 0) of them uses lr * (s + 1) / warmup */
    double          beta1, beta2, eps, weight_decay;
    bool            decay_matrices_only; /* otherwise weight decay touches every parameter */
    double          clip;                /* largest global gradient norm; 0: no clipping */
    /* Parts of the model that stay as they are, without gradients and moments: "", or words with commas between them:
     * embeddings, positions, norms, attention, ffn, head, blocks:0-3 (docs/tuning.md). */
    char    freeze[CANTO_PARTS_MAX];
    int32_t lora_rank;  /* r of low-rank adapters beside the frozen weights (LoRA); 0: none */
    double  lora_alpha; /* their product counts alpha / r times; 0: 2 r */
    /* Which weights have adapters: words as above of qkv, projection, up, down; "": qkv. */
    char    lora_targets[CANTO_PARTS_MAX];
    double  split;        /* share of the tokens that is trained on, 0 < split <= 1 */
    int64_t eval_every;   /* updates between evaluations; 0: only at the start and the end */
    int32_t eval_batches; /* batches of each split in one evaluation */
    int64_t save_every;   /* updates between checkpoints; 0: with every evaluation */
    int64_t log_every;    /* updates between rows of metrics.csv, at least 1 */
    int32_t keep;         /* checkpoints kept beside best and last; 0: all */
    double  max_seconds;  /* finish the step and save after this long in one sitting; 0: no limit */
} canto_train_options;

/* Fills config and (when not NULL) training from a named preset (docs/models.md). The error names the nearest one. */
CANTO_API canto_status canto_preset(const char *name, canto_config *config, canto_train_options *training);
/* The name of preset number index, or NULL past the last, and one line about it (about may be NULL). */
CANTO_API const char *canto_preset_name(size_t index, const char **about);
/* Sets the dropout places that the config's own source has to p (0 <= p < 1). */
CANTO_API void canto_config_dropout(canto_config *config, double p);
/* CANTO_OK when every value is in range, heads divide the width, and all sizes fit; otherwise names the value. */
CANTO_API canto_status canto_config_check(const canto_config *config);
CANTO_API canto_status canto_train_options_check(const canto_train_options *options);
/* CANTO_OK when a model of the one config can be trained on as one of the other: everything is the same but for the dropout rates
 * and the context, which learned positions allow to become shorter, not longer. Otherwise names the value. */
CANTO_API canto_status canto_config_check_from(const canto_config *config, const canto_config *model);
/* Settings for training on with a model that is there: 500 updates of 16 sequences at a low rate (docs/tuning.md). */
CANTO_API canto_train_options canto_train_options_tuning(void);

/* ------------------------------------------------------------------------------------------------ looking */

typedef struct canto_module {
    char     name[96];      /* as in the source: "blocks.0.attn.attention.k_proj.weight" */
    int64_t  rows, columns; /* columns 0: a vector of rows elements */
    uint64_t parameters;
} canto_module;

/* What a model of this config is and needs. Nothing is allocated to know it. */
typedef struct canto_report {
    uint64_t total; /* parameters */
    uint64_t without_token_embedding;
    uint64_t without_embeddings; /* neither token nor position table */
    /* The total by parts: both tables; of all blocks together the attention (its projections and biases), the feed-forward
     * and the norms, the final one too; the head, 0 when it is the token embedding but for its bias. */
    uint64_t token_embedding, position_embedding, attention, feed_forward, norms, head;
    uint64_t weights_bytes;                  /* float32 */
    uint64_t gradients_bytes, moments_bytes; /* of training */
    uint64_t activations_bytes;              /* of training at (batch, context), a thread a core */
    uint64_t training_bytes;                 /* the sum of the four */
    double   forward_flops_per_token;        /* at this context, multiply and add counted apart */
    double training_flops_per_token; /* forward and backward, causal: 6(12C^2 L + CV) + 6C(T + 1)L for a GPT-2 block */
    size_t modules;                  /* number of canto_config_module entries */
} canto_report;

/* batch >= 1 sequences of context tokens (0: the config's own context). */
CANTO_API canto_status canto_config_report(const canto_config *config, int32_t batch, int32_t context,
                                           canto_report *report);
/* Parameter tensor number index (0 .. modules - 1 of canto_report) in the source's own order; CANTO_ERROR_VALUE past the last. */
CANTO_API canto_status canto_config_module(const canto_config *config, size_t index, canto_module *module);
/* The config as JSON (the `canto` object of config.json); release with canto_free. */
CANTO_API canto_status canto_config_json(canto_context *context, const canto_config *config, char **json);

typedef enum canto_probe_kind {
    CANTO_PROBE_FMA, /* GFLOP/s of independent float32 multiply-adds in the context's kernels' own vectors */
    CANTO_PROBE_READ /* GB/s (1e9 bytes) read from memory; takes 256 MiB while it runs */
} canto_probe_kind;

/* What this machine reaches at this moment with so many of the context's threads (0: all): the best of short tries,
 * some 30 ms together. Speeds are to be seen beside it. */
CANTO_API canto_status canto_probe(canto_context *context, canto_probe_kind kind, int threads, double *result);

/* ------------------------------------------------------------------------------------------------- models */

/* A loaded model: weights, config and tokenizer, immutable and shared by sessions, also of other threads. */
typedef struct canto_model canto_model;

/* What a file of weights alone does not tell of its model. */
typedef struct canto_model_options {
    int32_t heads; /* 0: as the file says, or config.json beside it */
    /* A JSON file that says what the tensors' names mean (docs/formats.md); NULL: the names are known ones. */
    const char *map;
} canto_model_options;

CANTO_API canto_model_options canto_model_options_default(void); /* 0 and NULL */

/* Opens
 *   - a model folder: canto's own, or one of Hugging Face's GPT-2 or GPT-Neo (model.safetensors or pytorch_model.bin, whole or in
 *     shards; config.json; tokenizer.json, or vocab.json and merges.txt, if there are any);
 *   - a run folder (its best checkpoint, else its last), or a checkpoint folder;
 *   - a .safetensors file, or one of torch.save (.pt, .pth, .bin): a state dictionary, alone or beside other things in a
 *     dictionary. config.json and the tokenizer are taken from the same folder. Without a config.json the names and shapes
 *     of the tensors tell what the model is, but for the number of heads (options, or what the file says beside the weights).
 *   - an archive of NumPy's (.npz) with the same, or canto's own config in it;
 *   - a GGUF file of a GPT-2, with its tokenizer, or a checkpoint of llm.c: both say all of the model, and take no options.
 * A file's form is known by its content, not by its name. Weights may be F32, F16, BF16 or F64, in GGUF also Q8_0 and Q4_0.
 * options may be NULL.
 * CANTO_ERROR_UNSUPPORTED: the file is of another form, or calls for more than tensors; CANTO_ERROR_FORMAT: it is damaged. */
CANTO_API canto_status canto_model_open_with(canto_context *context, const char *path,
                                             const canto_model_options *options, canto_model **model);
/* The same without options. */
CANTO_API canto_status canto_model_open(canto_context *context, const char *path, canto_model **model);
/* A model of this config before its training, without a tokenizer: the weights that a training with this seed begins with. */
CANTO_API canto_status        canto_model_new(canto_context *context, const canto_config *config, canto_init init,
                                              uint64_t seed, canto_model **model);
CANTO_API void                canto_model_close(canto_model *model);
CANTO_API const canto_config *canto_model_config(const canto_model *model);
/* Bytes of all its weights, a table of tokens that is the head too counted once: what writing one token reads, but for the
 * embeddings, of which it reads a row each. */
CANTO_API uint64_t canto_model_bytes(const canto_model *model);
/* The tokenizer saved with it, owned by the model; NULL when the folder has none. */
CANTO_API const canto_tokenizer *canto_model_tokenizer(const canto_model *model);
/* The folder that it was read from: of a run, its checkpoint's; "" when it came from none. Owned by the model. */
CANTO_API const char *canto_model_folder(const canto_model *model);
/* How the matrices of a model are kept, in memory and in files. The last two are whole numbers with a scale for every 32 of
 * them: blocks of canto's own in a model folder, Q8_0 and Q4_0 in GGUF. */
typedef enum canto_type { CANTO_F32, CANTO_F16, CANTO_BF16, CANTO_INT8, CANTO_INT4 } canto_type;

/* A model with the same weights in another type; biases and norms stay float32, position embeddings and matrices that are no
 * multiple of 32 wide have 16 bits instead of 8 or 4. The tokenizer stays the first model's, which must outlive it. */
CANTO_API canto_status canto_model_quantize(canto_context *context, const canto_model *model, canto_type type,
                                            canto_model **quantized);
/* Writes the model folder, every weight in the type it is kept in: config.json, model.safetensors, tokenizer.json,
 * tokenizer_config.json (the last two when it has a tokenizer). The folder is made when it is missing; each file appears whole. */
CANTO_API canto_status canto_model_save(const canto_model *model, const char *folder);

/* Files that a model is written to (docs/formats.md). */
typedef enum canto_format {
    CANTO_FORMAT_BY_NAME,     /* what canto_format_of says */
    CANTO_FORMAT_FOLDER,      /* a model folder, also Hugging Face's; F32, F16, BF16 */
    CANTO_FORMAT_SAFETENSORS, /* its tensors and its config, in one file; F32, F16, BF16 */
    CANTO_FORMAT_NPZ,         /* the same for NumPy; F32, F16 */
    CANTO_FORMAT_GGUF,        /* llama.cpp's: models of GPT-2's shape with a tokenizer; all types */
    CANTO_FORMAT_LLMC         /* llm.c's checkpoint: models of GPT-2's shape with a tied head; F32, BF16 */
} canto_format;

/* By the name's ending: .safetensors, .npz, .gguf, .bin (llm.c); a folder for any other. */
CANTO_API canto_format canto_format_of(const char *path);

typedef struct canto_export_options {
    canto_format           format;
    canto_type             type;      /* of matrices; GGUF keeps vectors and positions in F32 */
    const canto_tokenizer *tokenizer; /* written with it in place of the model's own; NULL: that one */
} canto_export_options;

CANTO_API canto_export_options canto_export_options_default(void); /* by the name, F32, the model's own tokenizer */

/* Writes the model in the form of a format. A file that is there is replaced whole. What the format has no room for is
 * CANTO_ERROR_UNSUPPORTED, and nothing is written: another shape of model, a type of numbers, a kind of tokenizer; CANTO_ERROR_NUMBER
 * when a weight is too large for the type. context: its memory and progress callback; options NULL: the defaults. */
CANTO_API canto_status canto_model_export(canto_context *context, const canto_model *model, const char *path,
                                          const canto_export_options *options);

/* A tensor's numbers; what is made of one that is not finite is not finite either. */
typedef struct canto_statistics {
    uint64_t count, zeros; /* elements, and how many of them are 0 */
    double   mean, deviation, least, most;
    double   norm; /* the root of the sum of squares */
} canto_statistics;

/* Of canto_config_module number index (0 .. modules - 1 of canto_report); CANTO_ERROR_VALUE past the last. */
CANTO_API canto_status canto_model_statistics(const canto_model *model, size_t index, canto_statistics *statistics);

/* How a tensor b differs from a tensor a. */
typedef struct canto_difference {
    uint64_t count, changed; /* elements, and those that are not the same */
    double   norm;           /* of b - a */
    double   relative;       /* that norm over a's; 0 when nothing differs */
    double   most;           /* the largest |b - a| */
    double   cosine;         /* of the angle between both; 1 when nothing differs, not a number beside zeros alone */
} canto_difference;

/* Module number index of other (b) against the model's (a). CANTO_ERROR_VALUE past the last, and when the two have not one
 * name and one shape. */
CANTO_API canto_status canto_model_difference(const canto_model *model, const canto_model *other, size_t index,
                                              canto_difference *difference);

/* ------------------------------------------------------------------------------------------------ writing */

/* One mutable timeline over a model: at most T tokens, and what the model has computed of them (the keys and values of
 * its attention). Each call says with which tokens it begins; those that are the timeline's already are not computed
 * again. So a prompt goes through the model once and every further token is one row; a second call with the same
 * prompt, a longer one, or one with another end costs what is new, and a shorter one goes back. Results do not depend on
 * it. All memory is taken when the session is opened. */
typedef struct canto_session canto_session;

/* How the next token is chosen. With l the model's logits, in this order: the repetition penalty changes l; p = softmax(l /
 * temperature); top_k, then top_p, then min_p each set some p to 0 and the rest is scaled to sum 1; a token is drawn from
 * p. Greedy takes the largest l after the penalty. Ties at the edge of a filter are kept all of them. */
typedef struct canto_generate_options {
    int64_t  tokens;         /* how many to write */
    double   temperature;    /* > 0; 0 is greedy */
    int32_t  top_k;          /* keep the k likeliest; 0: all */
    double   top_p;          /* keep the smallest set of the likeliest whose probability reaches p; 1: all */
    double   min_p;          /* keep those with at least min_p times the largest probability; 0: all */
    double   repeat_penalty; /* r: l > 0 becomes l / r, other l become l r, for tokens of prompt and text; 1: none */
    int32_t  repeat_window;  /* the penalty looks at the last so many tokens, at most T; 0: at all */
    bool     greedy;         /* the largest, lowest id on ties */
    uint64_t seed;
    bool     parity_torch; /* sample with PyTorch's own stream */
} canto_generate_options;

/* 200 tokens, temperature 1, no filter and no penalty, seed 1337 */
CANTO_API canto_generate_options canto_generate_options_default(void);

/* Called once a token, in order; return false to stop (canto_generate then returns CANTO_STOPPED). logprob: the natural
 * logarithm of the token's probability as the model gives it, before penalty, temperature and filters. */
typedef bool (*canto_token_fn)(void *user, uint32_t id, double logprob);

/* context: the threads, kernels and memory of this session; it may differ from the model's own. The model must outlive it. */
CANTO_API canto_status canto_session_open(canto_context *context, const canto_model *model, canto_session **session);
CANTO_API void         canto_session_close(canto_session *session);
/* Continues prompt[count] (count >= 1). The model sees the last T tokens, and dropout is off. Once there are more than T,
 * every token has moved to another position, and each further token costs a pass over T rows. CANTO_ERROR_NUMBER when a
 * logit is not finite. options NULL: the defaults. on_token may be NULL. */
CANTO_API canto_status canto_generate(canto_session *session, const uint32_t *prompt, size_t count,
                                      const canto_generate_options *options, canto_token_fn on_token, void *user);
/* Logits of the last position after ids[count] (count >= 1), cropped to the last T: logits[V], the caller's. CANTO_ERROR_NUMBER
 * when one is not finite. */
CANTO_API canto_status canto_session_logits(canto_session *session, const uint32_t *ids, size_t count, float *logits);
/* How likely the model finds ids[from .. count) after what stands before them, 1 <= from < count: the natural logarithms of their
 * probabilities, each given all tokens before it -> logprobs[count - from], the caller's; and whether each is the token that greedy
 * writing would choose there -> greedy[count - from], or NULL. The model sees the last T of ids[count - 1]: CANTO_ERROR_VALUE
 * when token from - 1 is not among them. CANTO_ERROR_NUMBER when a logit is not finite. */
CANTO_API canto_status canto_session_score(canto_session *session, const uint32_t *ids, size_t count, size_t from,
                                           double *logprobs, bool *greedy);

/* ---------------------------------------------------------------------------------------------- capturing */

/* What a forward pass over one sequence of T tokens can be asked for. Points can be joined with |. */
typedef enum canto_point {
    CANTO_POINT_EMBEDDING = 1, /* [T, C] the first block's input: token embeddings with their positions */
    CANTO_POINT_ATTENTION =
        2,                   /* [T, T] a layer and head: row i is how position i weighs each position; it sums to 1 and
                                * is 0 for what i does not see */
    CANTO_POINT_BLOCK = 4,   /* [T, C] a layer's output */
    CANTO_POINT_FINAL = 8,   /* [T, C] what the head reads: the last output after the final norm */
    CANTO_POINT_LOGITS = 16, /* [T, V] */
    CANTO_POINT_ALL = 31
} canto_point;

/* Some rows of one matrix. */
typedef struct canto_captured {
    canto_point  point;
    int32_t      layer; /* ATTENTION, BLOCK: from 0; otherwise -1 */
    int32_t      head;  /* ATTENTION: from 0; otherwise -1 */
    int64_t      first; /* these are rows [first, first + rows) of T */
    int64_t      rows, columns;
    const float *values; /* [rows, columns], row by row, valid during the call */
} canto_captured;

/* Called for each piece; return false to stop: canto_capture then returns CANTO_STOPPED. */
typedef bool (*canto_capture_fn)(void *user, const canto_captured *captured);

typedef struct canto_capture_options {
    int     points; /* of canto_point, joined */
    int32_t layer;  /* of ATTENTION and BLOCK this layer alone, from 0; -1: all */
    int32_t head;   /* of ATTENTION this head alone, from 0; -1: all */
} canto_capture_options;

CANTO_API canto_capture_options canto_capture_options_default(void); /* all points, layers and heads */

/* Sends ids[count] (1 .. T) through the model, without dropout, and shows what arises on the way: the embedding, then layer by
 * layer the heads' weights and the output, then what the head reads, then the logits. A large matrix comes in several
 * pieces, whose rows are in order. A point that the model does not have (attention in a model without) never comes; the pass ends when
 * nothing more is wanted. Values are the model's own, whether finite or not. CANTO_ERROR_VALUE for a layer, head, token
 * or count that the model does not have, CANTO_ERROR_MEMORY, with the numbers, for more than the machine has: a pass holds one
 * layer's activations, and of weights and logits a few rows. Other passes cost nothing more for it. options NULL: the defaults. */
CANTO_API canto_status canto_capture(canto_context *context, const canto_model *model, const uint32_t *ids,
                                     size_t count, const canto_capture_options *options, canto_capture_fn on_captured,
                                     void *user);

/* --------------------------------------------------------------------------------------------- evaluating */

typedef struct canto_evaluation {
    double   loss;          /* mean cross-entropy of the next token, in nats */
    double   perplexity;    /* exp(loss) */
    double   bits_per_byte; /* of the source text; 0 when its size is not known */
    uint64_t tokens;        /* predicted tokens */
} canto_evaluation;

typedef struct canto_evaluate_options {
    int32_t stride; /* from a window to the next, 1 .. T; 0: T */
} canto_evaluate_options;

/* Every token of the data but the first is predicted once, in windows of T + 1 tokens that begin stride tokens apart, the last
 * one short. Of each window but the first the predictions count that the one before did not have: with a short stride each is
 * made from at least T - stride + 1 tokens, and the passes cost T / stride times as much. CANTO_ERROR_VALUE unless data holds at
 * least two tokens, all below the model's V, and for a stride outside its range; CANTO_ERROR_NUMBER when a loss is not finite.
 * options NULL: the defaults. */
CANTO_API canto_status canto_evaluate(canto_context *context, const canto_model *model, const canto_data *data,
                                      const canto_evaluate_options *options, canto_evaluation *evaluation);

/* ----------------------------------------------------------------------------------------------- training */

typedef struct canto_trainer canto_trainer;

typedef enum canto_event_kind {
    CANTO_EVENT_STEP,       /* an update is done */
    CANTO_EVENT_EVALUATION, /* losses over fixed windows of both splits */
    CANTO_EVENT_EPOCH,      /* a pass over the training split is done */
    CANTO_EVENT_CHECKPOINT, /* a checkpoint folder has appeared: path */
    CANTO_EVENT_DONE        /* the last checkpoint is written */
} canto_event_kind;

/* Numbers that an event does not have are NAN. */
typedef struct canto_event {
    canto_event_kind kind;
    int64_t          step, steps;   /* updates done, and planned */
    int64_t          epoch, epochs; /* epochs done, and planned (0 when training by steps) */
    uint64_t         tokens;        /* trained on so far */
    double      train_loss; /* STEP: of this update's batch, before the update. EPOCH: mean over the epoch's tokens */
    double      eval_train_loss, val_loss;
    double      lr, grad_norm; /* grad_norm: global, before clipping */
    double      tokens_per_second;
    double      seconds;      /* that the run has taken so far, over all sittings. EPOCH: of this epoch */
    double      seconds_left; /* an estimate, by steps or by max_seconds */
    const char *path;         /* CHECKPOINT, DONE: the folder; valid during the call */
} canto_event;

/* What a run of training needs, in bytes, and what there is. */
typedef struct canto_plan {
    uint64_t parameters;
    uint64_t trained;           /* of them: the others are frozen, and have no gradients and no moments */
    uint64_t weights_bytes;     /* float32, as all of them */
    uint64_t gradients_bytes;   /* one block, or several for a small model whose batch is cut into lanes */
    uint64_t moments_bytes;     /* of the optimizer */
    uint64_t activations_bytes; /* of the larger of batch and eval_batch; of a small model: of each thread's part */
    uint64_t other_bytes;       /* batches, dropout masks, an epoch's order, the threads' scratch memory, saving */
    uint64_t present_bytes;     /* what the process holds already: program, tokenizer, tokens; 0: not known */
    uint64_t peak_bytes;        /* the most that the process will hold in memory */
    uint64_t session_bytes;     /* what a canto_session over the model would add, as for samples on the way */
    uint64_t available_bytes;   /* what it can still take, by the system, control groups and limits; 0: not known */
    uint64_t checkpoint_bytes;  /* one checkpoint on disk */
    uint64_t disk_bytes;        /* the run folder at its end, and the checkpoint being written */
    uint64_t updates;           /* of the whole run; 0: hangs on data that is not known */
    uint64_t evaluations;       /* on the way, each of eval_batches of both splits */
    double   tokens;            /* that all updates see */
    bool     fits;              /* canto_trainer_open would not refuse it */
    char     advice[160];       /* what would fit; "" when it does */
} canto_plan;

/* Plans what canto_trainer_open and canto_trainer_run would do with the same arguments, and allocates nothing. tokenizer
 * and data may be NULL: what hangs on them (an epoch's length, the saved vocabulary) is then left out. The process is
 * taken as it stands: open tokenizer and data before planning to have them counted. CANTO_ERROR_VALUE for settings that
 * canto_trainer_open would refuse, but CANTO_OK for a need that is too large. */
CANTO_API canto_status canto_train_plan(canto_context *context, const canto_config *config,
                                        const canto_train_options *options, const canto_tokenizer *tokenizer,
                                        const canto_data *data, canto_plan *plan);

/* Return false to stop: the step is finished, a checkpoint saved, and canto_trainer_run returns CANTO_STOPPED. */
typedef bool (*canto_event_fn)(void *user, const canto_trainer *trainer, const canto_event *event);

/* Prepares a run: allocates one block each for weights, gradients and moments, initializes the weights from the
 * seed, and creates the run folder with run.json. A need beyond the memory that is available is refused before anything
 * is allocated (CANTO_ERROR_MEMORY, with the numbers and what would fit). tokenizer may be NULL (ids only); both it and
 * data must outlive the trainer. folder NULL: nothing is written. record: a JSON object put into run.json as "command",
 * or NULL. */
CANTO_API canto_status canto_trainer_open(canto_context *context, const canto_config *config,
                                          const canto_train_options *options, const canto_tokenizer *tokenizer,
                                          const canto_data *data, const char *folder, const char *record,
                                          canto_trainer **trainer);
/* As canto_trainer_open, but the weights are those that a model has, and the optimizer begins anew: fine-tuning. config: the model's
 * own, or another one that canto_config_check_from takes. When the model has a tokenizer, a tokenizer and data of another one
 * are CANTO_ERROR_VALUE: its tokens mean something else. The weights are copied: `from` need not outlive the trainer (but what
 * canto_model_tokenizer returned belongs to it). run.json records its path and a hash of its weights. from NULL: canto_trainer_open. */
CANTO_API canto_status canto_trainer_open_from(canto_context *context, const canto_model *from,
                                               const canto_config *config, const canto_train_options *options,
                                               const canto_tokenizer *tokenizer, const canto_data *data,
                                               const char *folder, const char *record, canto_trainer **trainer);
/* Goes on with the run in folder, from its newest whole checkpoint, or from step 0 when it has none: the weights, metrics.csv
 * and samples.txt become those of a run without interruption, byte for byte (times and speeds apart). A damaged checkpoint
 * is passed over for the one before it, with a warning. options: those of run.json with other limits, or NULL. steps,
 * epochs, recompute, save_every, log_every, keep and max_seconds may change, and unless parity_torch also eval_batch, eval_every and
 * eval_batches; another change is CANTO_ERROR_VALUE, as are a tokenizer and data with other hashes. record: put into
 * run.json in place of the old one; NULL keeps that. */
CANTO_API canto_status canto_trainer_resume(canto_context *context, const char *folder,
                                            const canto_train_options *options, const canto_tokenizer *tokenizer,
                                            const canto_data *data, const char *record, canto_trainer **trainer);
/* The same of a run that canto_trainer_open_from has begun, when the model is at hand: a run that was interrupted before its first
 * checkpoint needs it. A model with other weights than the run's is CANTO_ERROR_VALUE. from NULL: canto_trainer_resume. */
CANTO_API canto_status canto_trainer_resume_from(canto_context *context, const char *folder, const canto_model *from,
                                                 const canto_train_options *options, const canto_tokenizer *tokenizer,
                                                 const canto_data *data, const char *record, canto_trainer **trainer);
/* What a run was begun with: its run.json. config, options and record may be NULL; *record is the record as JSON text (NULL
 * when it has none), to be released with canto_free. */
CANTO_API canto_status canto_run_read(canto_context *context, const char *folder, canto_config *config,
                                      canto_train_options *options, char **record);
/* Trains to the end of the options, evaluating, journaling and saving on the way. An open trainer holds a lock on its folder,
 * which ends with the process. After CANTO_STOPPED it may be called again. on_event may be NULL. */
CANTO_API canto_status canto_trainer_run(canto_trainer *trainer, canto_event_fn on_event, void *user);
CANTO_API void         canto_trainer_close(canto_trainer *trainer);
/* Adds a text that the model wrote to samples.txt, under the number of the step. To be called on CANTO_EVENT_STEP: then a run
 * that is interrupted and goes on has every sample once. A failure also ends canto_trainer_run. */
CANTO_API canto_status canto_trainer_sample(canto_trainer *trainer, const char *text, size_t bytes);
CANTO_API int64_t      canto_trainer_step(const canto_trainer *trainer); /* updates done */
/* The trainer's weights as a model, for sampling on the way: borrowed, and changing with every update. */
CANTO_API const canto_model *canto_trainer_model(const canto_trainer *trainer);

#ifdef __cplusplus
}
#endif
#endif
