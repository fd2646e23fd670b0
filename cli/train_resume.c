/* train_resume.c - a run's own record: written when it begins, read when it goes on.
 *
 * Invariant: what the steps already made were made with cannot be given again; everything else can. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#include "train_resume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train_options.h"

/* Beside the texts, which are recognized by their hash. */
static const char *const may_change[] = {"resume",        "from",       "steps",        "epochs",     "max-time",
                                         "keep",          "save-every", "log-every",    "eval-every", "eval-batches",
                                         "eval-batch",    "threads",    "sample-every", "json",       "quiet",
                                         "sample-prompt", "recompute"};

static bool is_free(const char *name) {
    for (size_t i = 0; i < sizeof may_change / sizeof *may_change; i++)
        if (!strcmp(may_change[i], name)) return true;
    return false;
}

static void refuse(const char *name) {
    terminal_error("--%s cannot change when a run goes on: the steps already made were made without it. These may: "
                   "--steps, --epochs, --max-time, --keep, --save-every, --log-every, --eval-every, --eval-batches, "
                   "--eval-batch, --recompute, --sample-every, --sample-prompt",
                   name);
}

/* The seed may be said again, as every command takes one. */
static bool only_limits(const option_set *options, uint64_t seed) {
    int64_t again;
    for (size_t i = 0; i < options->total; i++) {
        const option_value *value = &options->values[i];
        if (!value->given || is_free(value->entry->name)) continue;
        if (!strcmp(value->entry->name, "seed") && options_int64(options, "seed", &again) && (uint64_t)again == seed)
            continue;
        if (!strcmp(value->entry->name, "output")) terminal_error("-o and --resume are two runs: give one of them");
        else refuse(value->entry->name);
        return false;
    }
    return true;
}

/* What the command line of the beginning said joins the options, but for what concerns one sitting alone. */
static bool take_record(option_set *options, const char *text, const char *folder) {
    static const char *const sitting[] = {"output", "json", "quiet", "resume"};
    char                     path[4200];
    json_t                  *record = json_loads(text, 0, NULL);
    for (size_t i = 0; i < sizeof sitting / sizeof *sitting; i++) json_object_del(record, sitting[i]);
    snprintf(path, sizeof path, "%s/run.json", folder);
    bool good = record && options_take(options, record, path);
    if (!record) terminal_error("%s: \"command\" cannot be read", path);
    json_decref(record);
    return good;
}

int train_resume_read(canto_context *context, option_set *options, const char *folder, canto_config *config,
                      canto_train_options *settings) {
    char *record = NULL;
    int   code = FAILED;
    if (!support_good(canto_run_read(context, folder, config, settings, &record))) return FAILED;
    if (!only_limits(options, settings->seed)) code = WRONG_USAGE;
    else if (!record) terminal_error("%s/run.json says nothing of its texts: it was not made by canto train", folder);
    else if (!train_options_apply(options, settings)) code = WRONG_USAGE; /* the limits alone: the record comes after */
    else if (take_record(options, record, folder)) code = DONE;
    canto_free(context, record);
    return code;
}

/* ---------------------------------------------------------------------------------------------- the record */

/* A path that is there becomes absolute: the run may go on from another folder. */
static json_t *absolute(const json_t *path) {
    char   *whole = realpath(json_string_value(path), NULL);
    json_t *text = json_string(whole ? whole : json_string_value(path));
    free(whole);
    return text;
}

/* Of a run the checkpoint that is its best one now: tomorrow that may be another. */
static json_t *absolute_model(const json_t *path) {
    static const char *const inside[] = {"best", "last"};
    char                     tried[4200];
    for (int i = 0; i < 2; i++) {
        if (snprintf(tried, sizeof tried, "%s/%s", json_string_value(path), inside[i]) >= (int)sizeof tried) break;
        char *whole = realpath(tried, NULL);
        if (!whole) continue;
        json_t *text = json_string(whole);
        free(whole);
        return text;
    }
    return absolute(path);
}

char *train_resume_record(const option_set *options, const char *kind) {
    json_t *record = options_record(options), *texts = json_object_get(record, "texts");
    bool    prepared = options->count && canto_data_is_token_file(options->operands[0]); /* with its own beside it */
    json_object_del(record, "resume");
    if (kind && !prepared && !json_object_get(record, "tokenizer"))
        json_object_set_new(record, "tokenizer", json_string(kind));
    if (json_object_get(record, "from"))
        json_object_set_new(record, "from", absolute_model(json_object_get(record, "from")));
    for (size_t i = 0; i < json_array_size(texts); i++)
        json_array_set_new(texts, i, absolute(json_array_get(texts, i)));
    const char *taken = json_string_value(json_object_get(record, "tokenizer"));
    if (taken && !support_is_kind(taken))
        json_object_set_new(record, "tokenizer", absolute(json_object_get(record, "tokenizer")));
    char *text = record ? json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(record);
    if (!text) terminal_error("the options cannot be recorded: out of memory, or a path is not UTF-8");
    return text;
}

/* --------------------------------------------------------------------------------------------- the command */

/* path in quotes if a shell would not take it as it is; cut to fit, which out is large enough for. */
static void quote(const char *path, char *out, size_t room) {
    size_t at = 0;
    if (*path && !path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%=")]) {
        snprintf(out, room, "%s", path);
        return;
    }
    out[at++] = '\'';
    for (; *path && at + 6 < room; path++) {
        if (*path == '\'') at += (size_t)snprintf(out + at, room - at, "'\\''");
        else out[at++] = *path;
    }
    out[at++] = '\'';
    out[at] = 0;
}

const char *train_resume_command(const char *folder) {
    static char texts[2][4 * 4096 + 64];
    static int  next;
    char       *text = texts[next++ % 2], quoted[4 * 4096];
    quote(folder, quoted, sizeof quoted);
    snprintf(text, sizeof texts[0], "canto train --resume %s", quoted);
    return text;
}
