/* quantize.c - canto quantize: the same model in fewer bits. */
#include "command.h"

static const option_entry entries[] = {
    {"out", 'o', OPTION_FOLDER, "OUT", "the model folder to write (needed)", 0, 0},
    {"type", 0, OPTION_CHOICE, "f32|f16|bf16|int8|int4", "how weights are kept (default: int8)", 0, 0},
    {0},
};
static const option_group groups[] = {{"Writing", entries}, {"Common", common_entries}, {0}};

static const char *const names[] = {"f32", "f16", "bf16", "int8", "int4"};

static void tell(const canto_model *from, const canto_model *to, int type, const char *out, bool json) {
    double before = (double)canto_model_bytes(from), after = (double)canto_model_bytes(to);
    if (json) {
        json_t *o = json_object();
        json_object_set_new(o, "type", json_string(names[type]));
        json_object_set_new(o, "bytes_before", json_whole(canto_model_bytes(from)));
        json_object_set_new(o, "bytes", json_whole(canto_model_bytes(to)));
        json_object_set_new(o, "out", json_string(out));
        json_print(o);
        return;
    }
    printf("%s: %s of weights instead of %s, as %s\n", out, number_bytes(after).text, number_bytes(before).text,
           names[type]);
}

static int run_quantize(option_set *options) {
    const char    *out = options_text(options, "out", NULL);
    int            type = CANTO_INT8, code = FAILED;
    canto_context *context = NULL;
    canto_model   *model = NULL, *small = NULL;
    if (options->count != 1) return support_usage("which model? canto quantize MODEL -o OUT");
    if (!out) return support_usage("where to? add -o OUT");
    options_choice(options, "type", &type);
    if (!(context = support_context(options)) ||
        !support_good(canto_model_open(context, options->operands[0], &model)) ||
        !support_good(canto_model_quantize(context, model, (canto_type)type, &small)) ||
        !support_good(canto_model_save(small, out)))
        goto done;
    tell(model, small, type, out, options_flag(options, "json"));
    code = DONE;
done:
    canto_model_close(small);
    canto_model_close(model);
    canto_context_close(context);
    return code;
}

static const char *const examples[] = {
    "canto quantize run -o run-int8",
    "the model in 8 bits a weight: a quarter of the memory, three times as fast",
    "canto quantize run --type int4 -o run-int4 --json",
    "in 4 bits, for another program",
    NULL,
};

const command command_quantize = {
    .name = "quantize",
    .operands = "MODEL -o OUT [--type TYPE]",
    .about = "keep a model's weights in fewer bits",
    .details =
        "OUT is a model folder that every command reads; canto eval says what was lost. f16 and bf16 have 16 bits a "
        "number; int8 and int4 are whole numbers with a scale for every 32 of them, 8.5 and 4.5 bits a weight. "
        "Biases, norms and matrices that are no multiple of 32 wide keep more bits.\n",
    .groups = groups,
    .run = run_quantize,
    .section = "Models",
    .examples = examples,
};
