/* selftest.c - tiny models, trained a few steps through canto.h alone, against each other: every kernel set against the
 * portable one, many threads against one, a loaded model against the saved one; and PyTorch's first random numbers. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "selftest.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sizes that no vector divides, so that the kernels' edges take part too. */
enum { STEPS = 4, VOCAB = 97, WIDTH = 36, HEADS = 3, LAYERS = 2, CONTEXT = 19, TOKENS = 4000 };

/* What a tiny training comes to. */
typedef struct outcome {
    double losses[STEPS];
    int    steps;
    float  logits[VOCAB];
} outcome;

static bool on_event(void *user, const canto_trainer *trainer, const canto_event *event) {
    outcome *o = user;
    (void)trainer;
    if (event->kind == CANTO_EVENT_STEP && o->steps < STEPS) o->losses[o->steps++] = event->train_loss;
    return true;
}

/* Tokens with a pattern to learn: each follows from the one before, now and then another one. */
static canto_status make_data(canto_context *context, int32_t vocab, canto_data **data) {
    uint32_t ids[TOKENS], x = 1;
    for (int i = 0; i < TOKENS; i++) {
        x = x * 1664525u + 1013904223u;
        ids[i] = (x >> 16) % 5 && i ? (3 * ids[i - 1] + 1) % (uint32_t)vocab : (x >> 8) % (uint32_t)vocab;
    }
    return canto_data_from_ids(context, ids, TOKENS, vocab, data);
}

static canto_status logits_of(canto_context *context, const canto_model *model, float logits[VOCAB]) {
    static const uint32_t prompt[] = {1, 4, 13, 40, 24, 73, 26};
    canto_session        *session = NULL;
    canto_status          status = canto_session_open(context, model, &session);
    if (status.code == CANTO_OK) status = canto_session_logits(session, prompt, sizeof prompt / sizeof *prompt, logits);
    canto_session_close(session);
    return status;
}

/* Trains a model of this config and saves it into folder (NULL: nowhere). outcome NULL: its weights are all that matters. */
static canto_status train(canto_context *context, const canto_config *config, const canto_train_options *training,
                          const char *folder, outcome *o) {
    canto_data    *data = NULL;
    canto_trainer *trainer = NULL;
    canto_status   status = make_data(context, config->vocab, &data);
    if (status.code == CANTO_OK)
        status = canto_trainer_open(context, config, training, NULL, data, NULL, NULL, &trainer);
    if (status.code == CANTO_OK && o) status = canto_trainer_run(trainer, on_event, o);
    if (status.code == CANTO_OK && o) status = logits_of(context, canto_trainer_model(trainer), o->logits);
    if (status.code == CANTO_OK && folder) status = canto_model_save(canto_trainer_model(trainer), folder);
    canto_trainer_close(trainer);
    canto_data_close(data);
    return status;
}

static canto_status open_context(const char *cpu, int threads, canto_context **context) {
    canto_context_options settings = canto_context_options_default();
    settings.cpu = cpu;
    settings.threads = threads;
    return canto_context_open(&settings, context);
}

static canto_status train_tiny(const char *cpu, int threads, uint64_t seed, const char *folder, outcome *o) {
    canto_config        config;
    canto_train_options training;
    canto_context      *context = NULL;
    *o = (outcome){0};
    canto_status status = canto_preset("mini", &config, &training);
    if (status.code != CANTO_OK) return status;
    config.vocab = VOCAB;
    config.width = WIDTH;
    config.heads = HEADS;
    config.layers = LAYERS;
    config.ffn = 2 * WIDTH + 1;
    config.context = CONTEXT;
    canto_config_dropout(&config, 0.1);
    training.seed = seed;
    training.steps = STEPS;
    training.batch = 5;
    training.warmup = 0;
    training.eval_batches = 1;
    status = open_context(cpu, threads, &context);
    if (status.code == CANTO_OK) status = train(context, &config, &training, folder, o);
    canto_context_close(context);
    return status;
}

/* The largest difference of losses and logits; infinite when one is no number. */
static double difference(const outcome *a, const outcome *b) {
    double most = 0;
    for (int i = 0; i < STEPS; i++) most = fmax(most, fabs(a->losses[i] - b->losses[i]));
    for (int i = 0; i < VOCAB; i++) {
        double apart = fabs((double)a->logits[i] - (double)b->logits[i]);
        if (!isfinite(apart)) return INFINITY;
        most = fmax(most, apart);
    }
    for (int i = 0; i < STEPS; i++)
        if (!isfinite(a->losses[i]) || !isfinite(b->losses[i])) return INFINITY;
    return most;
}

static void fault(selftest_result *r, canto_status status, const char *advice) {
    r->good = false;
    snprintf(r->detail, sizeof r->detail, "%s", status.text);
    snprintf(r->advice, sizeof r->advice, "%s", advice);
}

/* Bit for bit. */
static bool same(const void *a, const void *b, size_t bytes) { return memcmp(a, b, bytes) == 0; }

/* ------------------------------------------------------------------------------------------- the single tests */

static void try_kernels(selftest_result *r, const char *cpu, uint64_t seed, const outcome *truth) {
    outcome      mine;
    canto_status status = train_tiny(cpu, 1, seed, NULL, &mine);
    snprintf(r->name, sizeof r->name, "%s kernels", cpu);
    if (status.code != CANTO_OK) {
        fault(r, status, "compute with the portable ones: CANTO_CPU=portable canto ...");
        return;
    }
    double apart = difference(&mine, truth);
    r->good = apart < 1e-3;
    snprintf(r->detail, sizeof r->detail, "%d steps as with the portable ones, to %.1g", STEPS, apart);
    if (r->good) return;
    snprintf(r->detail, sizeof r->detail, "losses or logits differ by %.2g from those of the portable ones", apart);
    snprintf(r->advice, sizeof r->advice, "compute with CANTO_CPU=portable; compile canto anew on this machine");
}

static void try_threads(selftest_result *r, int threads, uint64_t seed) {
    outcome one, many;
    snprintf(r->name, sizeof r->name, "threads");
    canto_status status = train_tiny(NULL, 1, seed, NULL, &one);
    if (status.code == CANTO_OK) status = train_tiny(NULL, threads, seed, NULL, &many);
    if (status.code != CANTO_OK) {
        fault(r, status, "try --threads 1");
        return;
    }
    r->good = same(one.losses, many.losses, sizeof one.losses) && same(one.logits, many.logits, sizeof one.logits);
    snprintf(r->detail, sizeof r->detail,
             r->good ? "one thread and many give the same bytes" : "one thread and many give different numbers");
    if (!r->good) snprintf(r->advice, sizeof r->advice, "use --threads 1; is this machine's memory sound?");
}

static void try_saving(selftest_result *r, const char *folder, uint64_t seed) {
    outcome        before;
    float          after[VOCAB];
    canto_context *context = NULL;
    canto_model   *model = NULL;
    snprintf(r->name, sizeof r->name, "saving and loading");
    canto_status status = train_tiny(NULL, 1, seed, folder, &before);
    if (status.code == CANTO_OK) status = open_context(NULL, 1, &context);
    if (status.code == CANTO_OK) status = canto_model_open(context, folder, &model);
    if (status.code == CANTO_OK) status = logits_of(context, model, after);
    canto_model_close(model);
    canto_context_close(context);
    if (status.code != CANTO_OK) {
        fault(r, status, "choose another place for temporary files: TMPDIR=FOLDER canto doctor");
        return;
    }
    r->good = same(before.logits, after, sizeof after);
    snprintf(r->detail, sizeof r->detail,
             r->good ? "a loaded model is the saved one, bit for bit"
                     : "a loaded model computes other numbers than the saved one");
    if (!r->good) snprintf(r->advice, sizeof r->advice, "is the disk sound? try TMPDIR=FOLDER on another one");
}

/* A model that is nothing but its token table, drawn by PyTorch's default: torch.manual_seed(42); torch.randn(7, 11). */
static void try_stream(selftest_result *r, const char *folder) {
    enum { ROWS = 7, COLUMNS = 11, KNOWN = 8 };
    static const float  torch[KNOWN] = {1.9269152879714966f,   1.4872840642929077f, 0.9007171988487244f,
                                        -2.1055209636688232f,  0.6784184575080872f, -1.2345448732376099f,
                                        -0.04306747764348984f, -1.6046669483184814f};
    float               weights[ROWS * COLUMNS];
    char                path[4200];
    canto_config        config;
    canto_train_options training;
    canto_context      *context = NULL;
    snprintf(r->name, sizeof r->name, "PyTorch's random stream");
    canto_status status = canto_preset("mini", &config, &training);
    config.vocab = ROWS;
    config.width = COLUMNS;
    config.heads = 1;
    config.layers = 0;
    config.context = 4;
    config.positions = CANTO_POSITIONS_NONE;
    config.final_norm = false;
    config.tied = true;
    training.init = CANTO_INIT_TORCH;
    training.seed = 42;
    training.steps = 0;
    if (status.code == CANTO_OK) status = open_context(NULL, 1, &context);
    if (status.code == CANTO_OK) status = train(context, &config, &training, folder, NULL);
    canto_context_close(context);
    if (status.code != CANTO_OK) {
        fault(r, status, "choose another place for temporary files: TMPDIR=FOLDER canto doctor");
        return;
    }
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    FILE *file = fopen(path, "rb"); /* the one tensor's numbers are its last bytes */
    bool  read = file && !fseek(file, -(long)sizeof weights, SEEK_END) && fread(weights, sizeof weights, 1, file) == 1;
    if (file) fclose(file);
    r->good = read && same(weights, torch, sizeof torch);
    if (r->good) snprintf(r->detail, sizeof r->detail, "the numbers of torch.manual_seed(42), bit for bit");
    else if (!read) snprintf(r->detail, sizeof r->detail, "%.400s: %s", path, strerror(errno));
    for (int i = 0; read && !r->good && i < KNOWN && !*r->detail; i++)
        if (weights[i] != torch[i])
            snprintf(r->detail, sizeof r->detail, "number %d is %.9g, PyTorch's is %.9g", i + 1, (double)weights[i],
                     (double)torch[i]);
    if (!r->good) snprintf(r->advice, sizeof r->advice, "compile canto anew, without -ffast-math or the like");
}

/* ------------------------------------------------------------------------------------------------------- all */

static void remove_folder(const char *folder) {
    DIR           *entries = opendir(folder);
    struct dirent *entry;
    char           path[4500];
    while (entries && (entry = readdir(entries))) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) unlink(path);
    }
    if (entries) closedir(entries);
    rmdir(folder);
}

size_t selftest_run(selftest_result results[SELFTEST_MOST], int threads, uint64_t seed) {
    const char *place = getenv("TMPDIR"), *cpu;
    char        folder[4000];
    outcome     truth;
    bool        runs;
    size_t      count = 0;
    memset(results, 0, SELFTEST_MOST * sizeof *results);
    if (!place || !*place) place = "/tmp";
    if (snprintf(folder, sizeof folder, "%s/canto-doctor-XXXXXX", place) >= (int)sizeof folder || !mkdtemp(folder)) {
        snprintf(results[0].name, sizeof results[0].name, "temporary files");
        snprintf(results[0].detail, sizeof results[0].detail, "%.200s: %s", place, strerror(errno));
        snprintf(results[0].advice, sizeof results[0].advice,
                 "choose another place for them: TMPDIR=FOLDER canto doctor");
        return 1;
    }
    canto_status status = train_tiny("portable", 1, seed, NULL, &truth);
    snprintf(results[count].name, sizeof results[count].name, "portable kernels");
    results[count].good = status.code == CANTO_OK && truth.losses[STEPS - 1] < truth.losses[0];
    if (status.code != CANTO_OK) fault(&results[count], status, "close other programs, or compile canto anew");
    else
        snprintf(results[count].detail, sizeof results[count].detail, "the loss goes from %.4f to %.4f in %d steps",
                 truth.losses[0], truth.losses[STEPS - 1], STEPS);
    if (!results[count].good && !*results[count].advice)
        snprintf(results[count].advice, sizeof results[count].advice, "compile canto anew, with another compiler");
    count++;
    for (size_t i = 0; (cpu = canto_kernels_name(i, &runs)) && count < SELFTEST_MOST - 3; i++)
        if (runs && strcmp(cpu, "portable") != 0) try_kernels(&results[count++], cpu, seed, &truth);
    try_threads(&results[count++], threads, seed);
    try_saving(&results[count++], folder, seed);
    remove_folder(folder);
    if (mkdir(folder, 0700) == 0) {
        try_stream(&results[count++], folder);
        remove_folder(folder);
    }
    return count;
}
