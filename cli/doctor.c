/* doctor.c - canto doctor: what this machine offers, what this build is, and whether it computes as it should. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <canto_plot.h>

#include "facts.h"
#include "packed.h"
#include "regex.h"
#include "selftest.h"

static const option_group groups[] = {{"Common", common_entries}, {0}};

/* Something that is wrong (or only not as good as it could be), and the way out. */
typedef struct complaint {
    bool serious;
    char text[900];
} complaint;

enum { COMPLAINTS = 16 };

typedef struct findings {
    facts           machine;
    const char     *chosen; /* the kernels of a context as other commands open it; NULL when none opens */
    char            trouble[512];
    selftest_result tests[SELFTEST_MOST];
    size_t          test_count, complaint_count;
    complaint       complaints[COMPLAINTS];
} findings;

static const char *build_type(void) {
#if defined(__SANITIZE_ADDRESS__)
    return "address sanitizer";
#elif defined(__SANITIZE_THREAD__)
    return "thread sanitizer";
#elif defined(NDEBUG)
    return "release";
#else
    return "debug";
#endif
}

static const char *compiler(void) {
#if defined(__clang__)
    return __VERSION__;
#else
    return "gcc " __VERSION__;
#endif
}

/* Of the library that is linked, where it can tell. */
static const char *jansson(void) {
#if JANSSON_VERSION_HEX >= 0x020d00
    return jansson_version_str();
#else
    return JANSSON_VERSION;
#endif
}

static void complain(findings *all, bool serious, const char *form, ...) TERMINAL_PRINTF(3, 4);
static void complain(findings *all, bool serious, const char *form, ...) {
    if (all->complaint_count == COMPLAINTS) return;
    complaint *one = &all->complaints[all->complaint_count++];
    va_list    values;
    va_start(values, form);
    one->serious = serious;
    vsnprintf(one->text, sizeof one->text, form, values);
    va_end(values);
}

/* ---------------------------------------------------------------------------------------------- looking */

static void look_at_kernels(findings *all) {
    canto_context_options settings = canto_context_options_default();
    canto_context        *context = NULL;
    const char           *wanted = getenv("CANTO_CPU"), *best = NULL, *name;
    bool                  runs;
    for (size_t i = 0; (name = canto_kernels_name(i, &runs)); i++)
        if (runs && !best) best = name;
    if (wanted && *wanted) settings.cpu = wanted;
    canto_status status = canto_context_open(&settings, &context);
    if (status.code != CANTO_OK) {
        complain(all, true, "no context opens: %s%s", status.text,
                 settings.cpu ? "; CANTO_CPU asks for it: unset CANTO_CPU" : "");
        return;
    }
    for (size_t i = 0; (name = canto_kernels_name(i, NULL)); i++)
        if (!strcmp(name, canto_context_cpu(context))) all->chosen = name;
    if (best && all->chosen && strcmp(best, all->chosen) != 0)
        complain(all, false, "CANTO_CPU=%s is slower than the %s kernels that run here: unset CANTO_CPU", wanted, best);
    canto_context_close(context);
}

static void judge(findings *all) {
    const facts *m = &all->machine;
    for (size_t i = 0; i < all->test_count; i++)
        if (!all->tests[i].good)
            complain(all, true, "%s: %s; %s", all->tests[i].name, all->tests[i].detail, all->tests[i].advice);
    if (m->memory_total && m->memory_free < (uint64_t)256 << 20)
        complain(all, false, "little memory is free: close other programs before training anything but a small model");
    if (m->disk_free && m->disk_free < (uint64_t)256 << 20)
        complain(all, false, "little disk is free here: checkpoints need room, choose another place for -o");
    if (m->core_share > 0)
        complain(all, false, "this process gets the time of %.3g cores: --threads %d may be faster", m->core_share,
                 m->core_share > 1 ? (int)m->core_share : 1);
    if (strcmp(build_type(), "release") != 0)
        complain(all, false, "this build (%s) is a slow one: make builds a fast one", build_type());
}

/* --------------------------------------------------------------------------------------------- as JSON */

static json_t *kernels_json(const findings *all) {
    json_t     *o = json_object(), *built = json_array(), *usable = json_array();
    const char *name;
    bool        runs;
    for (size_t i = 0; (name = canto_kernels_name(i, &runs)); i++) {
        json_array_append_new(built, json_string(name));
        if (runs) json_array_append_new(usable, json_string(name));
    }
    json_object_set_new(o, "chosen", all->chosen ? json_string(all->chosen) : json_null());
    json_object_set_new(o, "built", built);
    json_object_set_new(o, "usable", usable);
    return o;
}

static json_t *machine_json(const facts *m) {
    json_t *o = json_object(), *caches = json_array(), *sets = json_array();
    for (int i = 0; i < m->cache_count; i++) {
        char    kind[2] = {m->caches[i].kind, 0};
        json_t *cache = json_object();
        json_object_set_new(cache, "level", json_integer(m->caches[i].level));
        json_object_set_new(cache, "kind", json_string(kind));
        json_object_set_new(cache, "bytes", json_whole(m->caches[i].bytes));
        json_array_append_new(caches, cache);
    }
    for (const char *word = m->instructions; *word; word += strcspn(word, " "), word += *word == ' ')
        json_array_append_new(sets, json_stringn(word, strcspn(word, " ")));
    json_object_set_new(o, "processor", *m->processor ? json_text(m->processor, strlen(m->processor)) : json_null());
    json_object_set_new(o, "cores", json_integer(m->cores));
    json_object_set_new(o, "usable_cores", json_integer(m->usable));
    json_object_set_new(o, "instruction_sets", sets);
    json_object_set_new(o, "caches", caches);
    json_object_set_new(o, "memory_bytes", json_whole(m->memory_total));
    json_object_set_new(o, "free_memory_bytes", json_whole(m->memory_free));
    json_object_set_new(o, "memory_limit_bytes", m->memory_limit ? json_whole(m->memory_limit) : json_null());
    json_object_set_new(o, "free_disk_bytes", json_whole(m->disk_free));
    json_object_set_new(o, "huge_pages", *m->huge_pages ? json_string(m->huge_pages) : json_null());
    return o;
}

static void print_json(const findings *all, bool good) {
    json_t *o = json_object(), *build = json_object(), *tests = json_array(), *problems = json_array(),
           *notes = json_array();
    json_object_set_new(build, "version", json_string(canto_version()));
    json_object_set_new(build, "compiler", json_string(compiler()));
    json_object_set_new(build, "type", json_string(build_type()));
    json_object_set_new(build, "jansson", json_string(jansson()));
    json_object_set_new(build, "zlib", json_string(packed_zlib()));
    json_object_set_new(build, "zstd", json_string(packed_zstd()));
    json_object_set_new(build, "pcre2", json_string(regex_version()));
    json_object_set_new(build, "pictures", canto_plot_drawing() ? json_string(canto_plot_drawing()) : json_null());
    for (size_t i = 0; i < all->test_count; i++) {
        json_t *test = json_object();
        json_object_set_new(test, "name", json_string(all->tests[i].name));
        json_object_set_new(test, "ok", json_boolean(all->tests[i].good));
        json_object_set_new(test, "detail", json_text(all->tests[i].detail, strlen(all->tests[i].detail)));
        json_array_append_new(tests, test);
    }
    for (size_t i = 0; i < all->complaint_count; i++) {
        const complaint *one = &all->complaints[i];
        json_array_append_new(one->serious ? problems : notes, json_text(one->text, strlen(one->text)));
    }
    json_object_set_new(o, "ok", json_boolean(good));
    json_object_set_new(o, "machine", machine_json(&all->machine));
    json_object_set_new(o, "kernels", kernels_json(all));
    json_object_set_new(o, "build", build);
    json_object_set_new(o, "tests", tests);
    json_object_set_new(o, "problems", problems);
    json_object_set_new(o, "notes", notes);
    json_print(o);
}

/* ---------------------------------------------------------------------------------------- for reading */

static void print_machine(const findings *all) {
    const facts *m = &all->machine;
    const char  *name;
    bool         runs, some = false;
    printf("Machine\n  processor         %s\n  cores             %d", *m->processor ? m->processor : "?", m->cores);
    if (m->usable != m->cores) printf(", %d of them for this program", m->usable);
    printf("\n  instruction sets  %s\n  kernels           ", *m->instructions ? m->instructions : "?");
    for (size_t i = 0; (name = canto_kernels_name(i, &runs)); i++) {
        const char *how = all->chosen && !strcmp(name, all->chosen) ? " (in use)"
                          : runs                                    ? ""
                                                                    : " (not on this machine)";
        printf("%s%s%s", some ? ", " : "", name, how);
        some = true;
    }
    printf("\n  caches            ");
    for (int i = 0; i < m->cache_count; i++) {
        const char kind[2] = {m->caches[i].kind == 'u' ? 0 : m->caches[i].kind, 0};
        printf("%sL%d%s %s", i ? ", " : "", m->caches[i].level, kind, number_bytes((double)m->caches[i].bytes).text);
    }
    printf("%s\n  memory            %s, %s of it free", m->cache_count ? "" : "?",
           number_bytes((double)m->memory_total).text, number_bytes((double)m->memory_free).text);
    if (m->memory_limit) printf(", limited to %s", number_bytes((double)m->memory_limit).text);
    printf("\n  disk here         %s free\n  huge pages        %s\n", number_bytes((double)m->disk_free).text,
           *m->huge_pages ? m->huge_pages : "?");
}

static void print_findings(const findings *all, bool good) {
    print_machine(all);
    printf("\nBuild\n  canto             %s, %s\n  compiler          %s\n  libraries         jansson %s, zlib %s, zstd "
           "%s, pcre2 %s\n  pictures          %s\n",
           canto_version(), build_type(), compiler(), jansson(), packed_zlib(), packed_zstd(), regex_version(),
           canto_plot_drawing() ? canto_plot_drawing() : "in the terminal alone");
    printf("\nSelf-test\n");
    for (size_t i = 0; i < all->test_count; i++)
        printf("  %-24s %-6s %s\n", all->tests[i].name, all->tests[i].good ? "ok" : "WRONG", all->tests[i].detail);
    for (int serious = 1; serious >= 0; serious--)
        for (size_t i = 0, first = 1; i < all->complaint_count; i++) {
            if (all->complaints[i].serious != (bool)serious) continue;
            if (first) printf("\n%s\n", serious ? "Problems" : "Notes");
            printf("  - %s\n", all->complaints[i].text);
            first = 0;
        }
    printf("\n%s\n", good ? "All is well." : "Something is wrong, see above.");
}

/* ---------------------------------------------------------------------------------------------- command */

static int run_doctor(option_set *options) {
    int32_t threads = 0;
    int64_t seed = 1337;
    if (options->count) return support_usage("doctor takes options alone");
    options_int32(options, "threads", &threads);
    options_int64(options, "seed", &seed);
    findings *all = calloc(1, sizeof *all);
    if (!all) {
        terminal_error("out of memory");
        return FAILED;
    }
    facts_read(&all->machine);
    look_at_kernels(all);
    all->test_count = selftest_run(all->tests, threads, (uint64_t)seed);
    judge(all);
    bool good = true;
    for (size_t i = 0; i < all->complaint_count; i++) good = good && !all->complaints[i].serious;
    if (options_flag(options, "json")) print_json(all, good);
    else print_findings(all, good);
    free(all);
    return good ? DONE : FAILED;
}

static const char *const examples[] = {
    "canto doctor",
    "the first thing to try when numbers look wrong or training is slow",
    "canto doctor --json",
    "the same for another program",
    NULL,
};

const command command_doctor = {
    .name = "doctor",
    .operands = "[OPTIONS]",
    .about = "tell what this machine offers and whether canto works on it",
    .details =
        "Processor, caches, memory, disk, the kernels that this build has and the ones in use; then a self-test of a "
        "second or two: tiny models are trained with every set of kernels, saved and loaded, and PyTorch's random "
        "numbers are compared with known ones. The exit status is 1 when something is wrong, and the way out is "
        "named.\n",
    .groups = groups,
    .run = run_doctor,
    .section = "This program",
    .examples = examples,
    .completes = OPERANDS_NONE,
};
