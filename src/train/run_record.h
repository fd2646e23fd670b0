/* run_record.h - run.json: what a run was begun with, enough to repeat it and to go on with it. */
#ifndef CANTO_RUN_RECORD_H
#define CANTO_RUN_RECORD_H

#include "base/json.h"

/* The model that a run's weights were taken from. */
typedef struct run_origin {
    char     path[4096];   /* the folder or file; "": none, the weights were drawn */
    uint64_t weights_hash; /* model_weights_hash */
} run_origin;

typedef struct run_record {
    char                version[32], cpu[16];
    canto_config        config;
    canto_train_options training;
    uint64_t            tokens, source_bytes, source_hash, tokenizer_hash; /* of the data */
    run_origin          from;
    json_t             *files;   /* of several token files, each by itself; NULL: one, or texts */
    json_t             *command; /* the caller's own record; NULL: none */
} run_record;

/* Writes folder/run.json. command: a JSON object as text, or NULL. */
canto_status run_record_write(canto_context *context, const char *folder, const char *command,
                              const canto_config *config, const canto_train_options *training, const run_origin *from,
                              const canto_data *data, const char *cpu);
/* Reads folder/run.json, every value checked. On failure *record is zeroed. */
canto_status run_record_read(canto_context *context, const char *folder, run_record *record);
void         run_record_close(run_record *record); /* also a zeroed one */

/* The data and its tokenizer are those of the beginning. */
canto_status run_record_check_data(const run_record *record, const char *folder, const canto_data *data);
/* The wanted options differ only in what does not touch the steps already made: limits, and what is looked at on the way.
 * step: how many are made. */
canto_status run_record_check_options(const run_record *record, const canto_train_options *wanted, int64_t step);

#endif
