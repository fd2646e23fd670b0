/* train_text.c - trains a small model on a text, from C.
 *
 *     cc train_text.c $(pkg-config --cflags --libs canto) -o train_text
 *     ./train_text book.txt run 2000        # 2000 steps; Ctrl-C finishes the step and saves
 *     ./write_text run "It was"             # the other example
 *
 * The whole way is in main: text -> tokenizer -> tokens -> model and its training -> checkpoints in the folder `run`. */
#include <canto.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* Ctrl-C only raises a flag; the callbacks below look at it, and the library ends in good order. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
    (void)number;
    interrupted = 1;
}

/* Every call that can fail returns a status by value. Its text says what is wrong, and what to do. */
static bool failed(canto_status status) {
    if (status.code == CANTO_OK) return false;
    fprintf(stderr, "\ntrain_text: %s\n", status.text);
    return true;
}

/* What the library wants to say on its own, such as a warning about a text that is short for the model. */
static void on_log(void *user, canto_log_level level, const char *text) {
    (void)user;
    fprintf(stderr, "\n%s%s\n", level == CANTO_LOG_WARNING ? "warning: " : "", text);
}

/* Long preparation: reading and encoding the text. Returning false stops it. */
static bool on_progress(void *user, const char *what, double share) {
    (void)user;
    fprintf(stderr, "\r%s: %2.0f %%", what, 100 * share);
    return !interrupted;
}

/* What the training callback remembers from one event to the next. */
typedef struct journey {
    double loss; /* of the last step */
} journey;

/* Training: called after every step, evaluation and checkpoint. Returning false finishes the step and saves. */
static bool on_event(void *user, const canto_trainer *trainer, const canto_event *event) {
    journey *j = user;
    (void)trainer; /* canto_trainer_model(trainer) could write a sample here */
    switch (event->kind) {
    case CANTO_EVENT_STEP:
        j->loss = event->train_loss;
        fprintf(stderr, "\rstep %lld of %lld, loss %.3f, %.0f s left   ", (long long)event->step,
                (long long)event->steps, j->loss, event->seconds_left);
        break;
    case CANTO_EVENT_EVALUATION:
        printf("step %lld: loss %.3f on the text, %.3f on its unseen end\n", (long long)event->step,
               event->eval_train_loss, event->val_loss); /* numbers that an event does not have are NAN */
        break;
    case CANTO_EVENT_CHECKPOINT:
        printf("saved %s\n", event->path);
        break;
    default:
        break;
    }
    return !interrupted;
}

int main(int count, char **words) {
    canto_context_options options = canto_context_options_default();
    canto_config          config;
    canto_train_options   training;
    canto_context        *context = NULL;
    canto_tokenizer      *tokenizer = NULL;
    canto_data           *data = NULL;
    canto_trainer        *trainer = NULL;
    journey               j = {NAN};
    int                   code = EXIT_FAILURE;
    if (count < 3) {
        fprintf(stderr, "usage: train_text TEXT FOLDER [STEPS]\n");
        return EXIT_FAILURE;
    }
    const char *texts[] = {words[1]}, *folder = words[2];
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);

    /* The context owns the threads, the choice of kernels and the callbacks. */
    options.log = on_log;
    options.progress = on_progress;
    if (failed(canto_context_open(&options, &context))) goto done;

    /* One token a character, those of the text; then the text as tokens. NULL: the default options. */
    if (failed(canto_tokenizer_train(context, NULL, texts, 1, &tokenizer)) ||
        failed(canto_data_from_texts(context, tokenizer, texts, 1, &data)))
        goto done;

    /* A named preset is a whole model and a whole training; both are plain structs to change at will. */
    if (failed(canto_preset("mini", &config, &training))) goto done;
    config.vocab = canto_tokenizer_vocabulary(tokenizer);
    config.context = 64;
    config.width = 64;
    config.ffn = 4 * config.width;
    config.layers = 2;
    training.steps = count > 3 ? strtoll(words[3], NULL, 10) : 500;
    training.batch = 8;
    training.eval_every = 250;
    training.eval_batches = 2;
    printf("%llu tokens of %d different symbols, %d threads, %s kernels\n", (unsigned long long)canto_data_count(data),
           (int)config.vocab, canto_context_threads(context), canto_context_cpu(context));

    /* Opening checks everything, takes all memory and makes the folder; running trains. */
    if (failed(canto_trainer_open(context, &config, &training, tokenizer, data, folder, NULL, &trainer))) goto done;
    canto_status status = canto_trainer_run(trainer, on_event, &j);
    if (status.code == CANTO_STOPPED) printf("\nstopped, and saved in %s\n", folder);
    else if (failed(status)) goto done;
    printf("the last loss was %.3f; let it write: write_text %s\n", j.loss, folder);
    code = EXIT_SUCCESS;
done: /* what was never opened is NULL, which every _close takes; the context goes last */
    canto_trainer_close(trainer);
    canto_data_close(data);
    canto_tokenizer_close(tokenizer);
    canto_context_close(context);
    return code;
}
