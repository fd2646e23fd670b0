/* facts.h - what this machine is, as its operating system tells; for canto doctor. */
#ifndef CANTO_CLI_FACTS_H
#define CANTO_CLI_FACTS_H

#include <stdint.h>

#define FACTS_CACHES 8

/* What is not known is "" or 0. */
typedef struct facts {
    char     processor[128];
    int      cores, usable; /* of the machine, and those that this process may run on */
    double   core_share;    /* a limit on their time, in cores; 0: none */
    char     instructions[256];
    uint64_t memory_total, memory_free; /* bytes; what a limit of the process's group leaves is taken into account */
    uint64_t memory_limit;              /* of that group; 0: none */
    uint64_t disk_free;                 /* where the program was started */
    char     huge_pages[16];            /* transparent ones: "always", "madvise", "never" */
    struct {
        int      level;
        char     kind; /* 'd' data, 'i' instructions, 'u' both */
        uint64_t bytes;
    } caches[FACTS_CACHES];
    int cache_count;
} facts;

void facts_read(facts *f);

#endif
