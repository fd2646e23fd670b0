/* inspect_numbers.c - a saved model's numbers: norm and spread of every tensor, and the difference from another model. Made
 * as JSON first, so that what people and programs see is the same. */
#include <math.h>
#include <string.h>

#include "inspect.h"

static double real_of(const json_t *o, const char *key) {
    const json_t *x = json_object_get(o, key);
    return json_is_number(x) ? json_number_value(x) : NAN; /* null: it is not finite */
}

static const char *name_of(const json_t *o) { return json_string_value(json_object_get(o, "name")); }

/* A name that leaves the rest of 79 columns to numbers, or stands on a line by itself. */
#define NAME 34

static void print_name(const char *name) {
    if (strlen(name) > NAME) printf("%s\n%-*s", name, NAME, "");
    else printf("%-*s", NAME, name);
}

/* ---------------------------------------------------------------------------------------------- statistics */

json_t *statistics_json(const canto_model *model, size_t modules) {
    json_t *all = json_array();
    for (size_t i = 0; i < modules; i++) {
        canto_module     m;
        canto_statistics s;
        if (!support_good(canto_config_module(canto_model_config(model), i, &m)) ||
            !support_good(canto_model_statistics(model, i, &s))) {
            json_decref(all);
            return NULL;
        }
        json_t *o = json_object();
        json_object_set_new(o, "name", json_string(m.name));
        json_object_set_new(o, "norm", json_number(s.norm));
        json_object_set_new(o, "mean", json_number(s.mean));
        json_object_set_new(o, "deviation", json_number(s.deviation));
        json_object_set_new(o, "least", json_number(s.least));
        json_object_set_new(o, "most", json_number(s.most));
        json_object_set_new(o, "zeros", json_whole(s.zeros));
        json_array_append_new(all, o);
    }
    return all;
}

void statistics_print(const json_t *statistics) {
    size_t  i;
    json_t *o;
    double  squares = 0;
    printf("%-*s%9s%9s%9s%9s%9s\n", NAME, "Tensors", "norm", "mean", "std", "least", "most");
    json_array_foreach(statistics, i, o) {
        double norm = real_of(o, "norm");
        squares += norm * norm;
        print_name(name_of(o));
        printf("%9.4g%9.2g%9.2g%9.2g%9.2g\n", norm, real_of(o, "mean"), real_of(o, "deviation"), real_of(o, "least"),
               real_of(o, "most"));
    }
    printf("%-*s%9.4g\n", NAME, "all together", sqrt(squares));
}

/* ---------------------------------------------------------------------------------------------- difference */

/* The members in which two objects differ: {key: [here, there]}. */
static json_t *differing(const json_t *here, const json_t *there) {
    json_t     *all = json_object();
    const char *key;
    json_t     *value;
    json_object_foreach((json_t *)here, key, value) {
        json_t *other = json_object_get(there, key);
        if (!other || json_equal(value, other)) continue;
        json_t *both = json_array();
        json_array_append(both, value);
        json_array_append(both, other);
        json_object_set_new(all, key, both);
    }
    return all;
}

static json_t *config_of(canto_context *context, const canto_model *model) {
    char   *text = NULL;
    json_t *config =
        support_good(canto_config_json(context, canto_model_config(model), &text)) ? json_loads(text, 0, NULL) : NULL;
    canto_free(context, text);
    return config;
}

static json_t *settings_json(canto_context *context, const canto_model *model, const canto_model *other) {
    json_t *here = config_of(context, model), *there = config_of(context, other);
    json_t *settings = here && there ? differing(here, there) : NULL;
    json_decref(here);
    json_decref(there);
    return settings;
}

/* Sums over the modules, from which the whole model's difference is told. */
typedef struct sums {
    double   squares, base, most; /* base: of this model's own numbers */
    uint64_t changed, count;
} sums;

static json_t *numbers_json(const char *name, double norm, double relative, double most, double changed) {
    json_t *o = json_object();
    if (name) json_object_set_new(o, "name", json_string(name));
    json_object_set_new(o, "norm", json_number(norm));
    json_object_set_new(o, "relative", json_number(relative));
    json_object_set_new(o, "most", json_number(most));
    json_object_set_new(o, "changed", json_number(changed));
    return o;
}

static json_t *modules_json(const canto_model *model, const canto_model *other, size_t modules, sums *all) {
    json_t *list = json_array();
    for (size_t i = 0; i < modules; i++) {
        canto_module     m;
        canto_statistics s;
        canto_difference d;
        if (!support_good(canto_config_module(canto_model_config(model), i, &m)) ||
            !support_good(canto_model_difference(model, other, i, &d)) ||
            !support_good(canto_model_statistics(model, i, &s))) {
            json_decref(list);
            return NULL;
        }
        all->squares += d.norm * d.norm;
        all->base += s.norm * s.norm;
        all->most = fmax(all->most, d.most);
        all->changed += d.changed;
        all->count += d.count;
        json_t *o = numbers_json(m.name, d.norm, d.relative, d.most, (double)d.changed / (double)d.count);
        json_object_set_new(o, "cosine", json_number(d.cosine));
        json_array_append_new(list, o);
    }
    return list;
}

json_t *difference_json(canto_context *context, const canto_model *model, const char *path, size_t modules) {
    canto_model *other;
    sums         all = {0};
    if (!support_good(canto_model_open(context, path, &other))) return NULL;
    json_t *settings = settings_json(context, model, other);
    json_t *list = settings ? modules_json(model, other, modules, &all) : NULL, *difference = NULL;
    if (list) {
        difference = json_object();
        double norm = sqrt(all.squares);
        json_object_set_new(difference, "other", json_text(path, strlen(path)));
        json_object_set(difference, "settings", settings);
        json_object_set_new(difference, "total",
                            numbers_json(NULL, norm, norm > 0 ? norm / sqrt(all.base) : 0, all.most,
                                         all.count ? (double)all.changed / (double)all.count : 0));
        json_object_set(difference, "modules", list);
    }
    json_decref(settings);
    json_decref(list);
    canto_model_close(other);
    return difference;
}

static void print_settings(const json_t *settings) {
    const char *key;
    json_t     *both;
    json_object_foreach((json_t *)settings, key, both) {
        printf("%-*s", NAME, key);
        for (size_t i = 0; i < 2; i++) {
            if (i) printf(" -> ");
            json_dumpf(json_array_get(both, i), stdout, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        }
        putchar('\n');
    }
    if (json_object_size(settings)) putchar('\n');
}

static void print_difference(const json_t *o) {
    const json_t *cosine = json_object_get(o, "cosine");
    printf("%9.4g%9.3g%9.2g", real_of(o, "norm"), real_of(o, "relative"), real_of(o, "most"));
    if (cosine) printf("%9.5f", real_of(o, "cosine"));
    else printf("%9s", "");
    printf("%8.1f%%\n", 100 * real_of(o, "changed"));
}

void difference_print(const json_t *difference) {
    size_t  i;
    json_t *o;
    print_settings(json_object_get(difference, "settings"));
    printf("%-*s%9s%9s%9s%9s%9s\n", NAME, "Differences", "norm", "relative", "most", "cosine", "changed");
    json_array_foreach(json_object_get(difference, "modules"), i, o) {
        print_name(name_of(o));
        print_difference(o);
    }
    printf("%-*s", NAME, "all together");
    print_difference(json_object_get(difference, "total"));
}
