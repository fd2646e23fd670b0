/* logits_check.h - whether two models that should be one give the same logits. */
#ifndef CANTO_CLI_LOGITS_CHECK_H
#define CANTO_CLI_LOGITS_CHECK_H

#include "command.h"

typedef struct logits_check {
    double difference;      /* the largest |b - a| of a logit; not finite when one is */
    double largest;         /* |a| */
    int    positions, same; /* where logits were compared, and where both have the same largest one */
} logits_check;

/* Sends the same tokens through both, as many as the context has, 32 at most. */
canto_status logits_check_run(canto_context *context, const canto_model *a, const canto_model *b, logits_check *check);
json_t      *logits_check_json(const logits_check *check);

#endif
