/* convert.c - canto convert: a model in the form of another program. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "logits_check.h"

static const option_entry convert_entries[] = {
    {"type", 0, OPTION_CHOICE, "f32|f16|bf16|int8|int4",
     "what its numbers are kept in; int8 and int4 are for .gguf alone (default: f32)", 0, 0},
    {"tokenizer", 0, OPTION_PATH, "gpt2|PATH", "the tokenizer that goes with it (default: the model's own)", 0, 0},
    {"check", 0, OPTION_FLAG, NULL, "load both ends and print the largest difference of logits", 0, 0},
    {"overwrite", 0, OPTION_FLAG, NULL, "replace what is there", 0, 0},
    {0},
};
static const option_group groups[] = {{"Converting", convert_entries}, {"Common", common_entries}, {0}};

static const char *format_name(canto_format format) {
    switch (format) {
    case CANTO_FORMAT_SAFETENSORS:
        return "safetensors";
    case CANTO_FORMAT_NPZ:
        return "npz";
    case CANTO_FORMAT_GGUF:
        return "gguf";
    case CANTO_FORMAT_LLMC:
        return "llm.c";
    default:
        return "folder";
    }
}

/* Says so and returns false when something is there that --overwrite does not allow to replace. */
static bool may_write(const option_set *options, const char *to) {
    struct stat info;
    char        inside[4200];
    bool        folder = canto_format_of(to) == CANTO_FORMAT_FOLDER;
    if (stat(to, &info) != 0) return true;
    if (folder != (S_ISDIR(info.st_mode) != 0)) {
        terminal_error(
            folder ? "%s is a file; end the name in .gguf, .safetensors, .npz or .bin for a file, or name a folder"
                   : "%s is a folder; remove it, or take another name",
            to);
        return false;
    }
    snprintf(inside, sizeof inside, "%s/config.json", to);
    if (options_flag(options, "overwrite") || (folder && stat(inside, &info) != 0)) return true;
    terminal_error("%s is there already; add --overwrite to replace it, or take another name", to);
    return false;
}

static void print_result(const option_set *options, const char *from, const char *to, const logits_check *check) {
    canto_format format = canto_format_of(to);
    const char  *type = options_text(options, "type", "f32");
    if (options_flag(options, "json")) {
        json_t *o =
            json_pack("{s:s, s:s, s:s, s:s}", "from", from, "to", to, "format", format_name(format), "type", type);
        if (check) json_object_set_new(o, "check", logits_check_json(check));
        json_print(o);
        return;
    }
    terminal_note("%s: %s, %s", to, format_name(format), type);
    if (!check) return;
    printf("largest difference of logits  %.9g\n", check->difference);
    printf("among logits up to            %.6g\n", check->largest);
    printf("same likeliest token          %d of %d positions\n", check->same, check->positions);
}

static bool export(canto_context *context, const option_set *options, const canto_model *model, const char *to) {
    canto_export_options how = canto_export_options_default();
    canto_tokenizer     *tokenizer = NULL;
    const char          *name = options_text(options, "tokenizer", NULL);
    int                  type = 0;
    options_choice(options, "type", &type);
    how.type = (canto_type)type; /* the words are in the enum's order */
    bool good = !name || support_tokenizer_open(context, name, &tokenizer);
    how.tokenizer = tokenizer;
    good = good && support_good(canto_model_export(context, model, to, &how));
    canto_tokenizer_close(tokenizer);
    return good;
}

static int run_convert(option_set *options) {
    if (options->count != 2) return support_usage("from where, and where to? canto convert FROM TO");
    const char    *from = options->operands[0], *to = options->operands[1];
    canto_model   *model = NULL, *written = NULL;
    logits_check   check;
    bool           checked = options_flag(options, "check");
    int            code = FAILED;
    canto_context *context = may_write(options, to) ? support_context(options) : NULL;
    if (!context) return FAILED;
    support_catch_interrupts();
    if (!support_good(canto_model_open(context, from, &model)) || !export(context, options, model, to)) goto done;
    if (checked && (!support_good(canto_model_open(context, to, &written)) ||
                    !support_good(logits_check_run(context, model, written, &check))))
        goto done;
    print_result(options, from, to, checked ? &check : NULL);
    code = checked && !isfinite(check.difference) ? FAILED : DONE;
done:
    canto_model_close(written);
    canto_model_close(model);
    canto_context_close(context);
    return code;
}

static const char *const examples[] = {
    "canto convert run model.gguf --check",
    "for llama.cpp; both are loaded and compared",
    "canto convert run half --type f16",
    "a model folder with numbers of 16 bits, half as large",
    "canto convert run weights.npz",
    "its tensors for NumPy",
    NULL,
};

const command command_convert = {
    .name = "convert",
    .operands = "FROM TO [OPTIONS]",
    .about = "write a model in another program's form",
    .details =
        "FROM is any model that canto reads. TO says by its name what it becomes: NAME.gguf for llama.cpp (models of "
        "GPT-2's "
        "shape, with byte pairs, bytes or characters of ASCII), NAME.bin a checkpoint of llm.c (GPT-2's shape with a "
        "tied "
        "head), NAME.npz for NumPy, NAME.safetensors the tensors alone, any other name a model folder, which "
        "Hugging Face's libraries open too when it has the shape of a GPT-2 or GPT-Neo.\n"
        "What a form has no room for is refused, and nothing is written. The files appear whole or not at all.\n",
    .groups = groups,
    .run = run_convert,
    .section = "Models",
    .examples = examples,
};
