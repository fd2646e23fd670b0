/* module_tree.c - the modules of a model as a tree, made from the dotted names of its parameter tensors alone. A node whose
 * children are all tensors is a layer and is printed much as PyTorch prints one; equal neighbours with running numbers are
 * folded: (0-7): 8 x (...). Lines end with the parameters below, flush right. */
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

#define WIDE 79  /* columns of a line, */
#define COUNT 15 /* and of the count at its end */

typedef struct node {
    char     name[96];
    int64_t  rows, columns; /* of a tensor; rows 0: a module */
    uint64_t parameters;    /* below it too */
    size_t   child, next;   /* first child and next sibling; 0: none, the root is nobody's child */
} node;

typedef struct tree {
    node  *nodes;
    size_t count, room;
} tree;

/* The child of parent with this name, made when missing; 0 when memory ran out. */
static size_t child_named(tree *t, size_t parent, const char *name, size_t bytes) {
    size_t last = 0;
    for (size_t i = t->nodes[parent].child; i; i = t->nodes[i].next) {
        if (strlen(t->nodes[i].name) == bytes && !memcmp(t->nodes[i].name, name, bytes)) return i;
        last = i;
    }
    if (t->count == t->room) {
        node *more = realloc(t->nodes, 2 * t->room * sizeof *more);
        if (!more) return 0;
        t->nodes = more;
        t->room *= 2;
    }
    size_t made = t->count++;
    t->nodes[made] = (node){0};
    memcpy(t->nodes[made].name, name, bytes);
    if (last) t->nodes[last].next = made;
    else t->nodes[parent].child = made;
    return made;
}

static bool insert(tree *t, const canto_module *module) {
    size_t      at = 0;
    const char *name = module->name;
    t->nodes[0].parameters += module->parameters;
    while (*name) {
        size_t bytes = strcspn(name, ".");
        at = child_named(t, at, name, bytes);
        if (!at) return false;
        t->nodes[at].parameters += module->parameters;
        name += bytes + (name[bytes] == '.');
    }
    t->nodes[at].rows = module->rows;
    t->nodes[at].columns = module->columns;
    return true;
}

static bool build(tree *t, const canto_config *config, size_t modules) {
    bool memory = false; /* was there enough of it, and something else failed */
    *t = (tree){malloc(256 * sizeof *t->nodes), 1, 256};
    if (t->nodes) t->nodes[0] = (node){0};
    for (size_t i = 0; t->nodes && i < modules; i++) {
        canto_module module;
        bool         known = support_good(canto_config_module(config, i, &module));
        if (known && insert(t, &module)) continue;
        if (!known) memory = true;
        free(t->nodes);
        t->nodes = NULL;
    }
    if (!t->nodes && !memory) terminal_error("out of memory");
    return t->nodes != NULL;
}

/* Whether two nodes have the same things below them. */
static bool alike(const tree *t, size_t a, size_t b) {
    const node *x = &t->nodes[a], *y = &t->nodes[b];
    if (x->rows != y->rows || x->columns != y->columns || x->parameters != y->parameters) return false;
    size_t i = x->child, j = y->child;
    for (; i && j; i = t->nodes[i].next, j = t->nodes[j].next)
        if (strcmp(t->nodes[i].name, t->nodes[j].name) || !alike(t, i, j)) return false;
    return i == j;
}

/* A module's form when all its children are tensors: "Linear(768 -> 2304, no bias)"; false when some are modules. */
static bool layer_form(const tree *t, size_t at, char out[160]) {
    const node *first = &t->nodes[t->nodes[at].child];
    bool        bias = false;
    for (size_t i = t->nodes[at].child; i; i = t->nodes[i].next) {
        if (!t->nodes[i].rows) return false;
        if (i != t->nodes[at].child) bias = true;
    }
    const char *name = t->nodes[at].name;
    bool        table = strstr(name, "emb") || strstr(name, "wte") || strstr(name, "wpe") || strstr(name, "pos");
    if (!first->columns) snprintf(out, 160, "LayerNorm(%lld)", (long long)first->rows);
    else if (table && !bias)
        snprintf(out, 160, "Embedding(%lld, %lld)", (long long)first->rows, (long long)first->columns);
    else
        snprintf(out, 160, "Linear(%lld -> %lld%s)", (long long)first->columns, (long long)first->rows,
                 bias ? "" : ", no bias");
    return true;
}

static void print_line(int depth, const char *head, const char *form, uint64_t parameters) {
    int wide = printf("%*s%s%s", 2 * depth, "", head, form);
    printf("%*s%*s\n", wide < WIDE - COUNT ? WIDE - COUNT - wide : 1, "", COUNT, number_grouped(parameters).text);
}

/* The last of the siblings from at on that are at's equals with running numbers. */
static size_t last_of_run(const tree *t, size_t at) {
    size_t last = at;
    if (strspn(t->nodes[at].name, "0123456789") != strlen(t->nodes[at].name)) return at;
    for (size_t i = t->nodes[at].next; i && alike(t, at, i); i = t->nodes[i].next) {
        if (strtol(t->nodes[i].name, NULL, 10) != strtol(t->nodes[last].name, NULL, 10) + 1) break;
        last = i;
    }
    return last;
}

static void print_children(const tree *t, size_t parent, int depth) {
    for (size_t i = t->nodes[parent].child; i;) {
        size_t      last = last_of_run(t, i);
        const node *one = &t->nodes[i];
        char        head[256], form[160];
        long        times = 1;
        if (last == i) snprintf(head, sizeof head, "(%s): ", one->name);
        else {
            times = strtol(t->nodes[last].name, NULL, 10) - strtol(one->name, NULL, 10) + 1;
            snprintf(head, sizeof head, "(%s-%s): %ld x ", one->name, t->nodes[last].name, times);
        }
        uint64_t parameters = one->parameters * (uint64_t)times;
        if (one->rows) {
            if (one->columns)
                snprintf(form, sizeof form, "Parameter(%lld, %lld)", (long long)one->rows, (long long)one->columns);
            else snprintf(form, sizeof form, "Parameter(%lld)", (long long)one->rows);
            print_line(depth, head, form, parameters);
        } else if (layer_form(t, i, form)) print_line(depth, head, form, parameters);
        else {
            print_line(depth, head, "(", parameters);
            print_children(t, i, depth + 1);
            printf("%*s)\n", 2 * depth, "");
        }
        i = t->nodes[last].next;
    }
}

bool tree_print(const char *name, const canto_config *config, const canto_report *report) {
    tree t;
    if (!build(&t, config, report->modules)) return false;
    print_line(0, name, "(", report->total);
    print_children(&t, 0, 1);
    printf(")\n");
    free(t.nodes);
    return true;
}
