/* eval_lines.h - questions in lines of JSON, answered by a model. */
#ifndef CANTO_CLI_EVAL_LINES_H
#define CANTO_CLI_EVAL_LINES_H

#include "command.h"

typedef enum eval_form { EVAL_TEXT, EVAL_CHOICES, EVAL_LAST_WORD } eval_form;

/* Puts the questions of files to the model, no more than `most` of them (0: all), and prints what came out: as JSON, and each
 * question's result on a line of its own before it, if so wanted. Says what is wrong and returns false. */
bool eval_lines(canto_context *context, const canto_model *model, eval_form form, char **files, size_t count,
                uint64_t most, bool each, bool json);

#endif
