/* session.h - a timeline over a model: what it needs, and what of it the tests look at. */
#ifndef CANTO_SESSION_H
#define CANTO_SESSION_H

#include "store/model.h"

#define SESSION_ROWS 256 /* of a prompt go through the model at once, at most */

struct canto_session {
    canto_context     *context;
    const canto_model *model;
    const kernels     *kernels;
    exec               exec;
    void              *base;
    gpt_activations    acts; /* of SESSION_ROWS rows */
    gpt_cache          cache;
    uint32_t          *window; /* [T] the timeline: the last T tokens; the cache holds its first cache.length */
    int32_t            length; /* of the timeline */
    float             *logits; /* [V] the model's */
    float             *chosen; /* [V] the same, for penalty and sampler to change */
    uint8_t           *seen;   /* [V] 1: the repetition penalty's */
};

/* The last T of ids[count] become the timeline; the cache keeps what they share with the one before. */
void session_start(canto_session *session, const uint32_t *ids, size_t count);

/* Bytes that a session of a model of this config allocates when it is opened, on so many threads; nothing later. */
size_t session_bytes(const canto_config *config, int32_t rank, int threads);

#endif
