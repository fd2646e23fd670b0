/* facts.c - the machine's facts from Linux's /proc and /sys; elsewhere most of them stay unknown. A file that is missing
 * or reads otherwise than expected leaves its fact unknown: nothing here fails. */
#define _GNU_SOURCE
#include "facts.h"

#include <ctype.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The first line of a file without its newline, or NULL. */
static const char *first_line(const char *path, char *line, int room) {
    FILE *file = fopen(path, "r");
    bool  read = file && fgets(line, room, file);
    if (file) fclose(file);
    if (!read) return NULL;
    line[strcspn(line, "\n")] = 0;
    return line;
}

/* A number of bytes in a file of that alone; 0 for "max" and what cannot be read. */
static uint64_t bytes_in(const char *path) {
    char line[64];
    return first_line(path, line, sizeof line) ? strtoull(line, NULL, 10) : 0;
}

/* Those of a cpuinfo line's words that matter to arithmetic on many numbers. The line ends with a newline. */
static void read_instructions(char *out, size_t room, const char *words) {
    static const char *const telling[] = {
        "sse4_2",   "avx",      "avx2",        "fma",         "f16c",        "avx_vnni", "avx512f",  "avx512dq",
        "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8",
        "asimd",    "asimdhp",  "asimddp",     "sve",         "sve2",        "bf16",     "i8mm"};
    size_t used = 0;
    for (size_t i = 0; i < sizeof telling / sizeof *telling; i++) {
        size_t bytes = strlen(telling[i]);
        for (const char *at = words; (at = strstr(at, telling[i])); at += bytes) {
            if ((at > words && !isspace((unsigned char)at[-1])) || !isspace((unsigned char)at[bytes])) continue;
            if (used + bytes + 2 < room) used += (size_t)sprintf(out + used, "%s%s", used ? " " : "", telling[i]);
            break;
        }
    }
}

static void read_processor(facts *f) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    char  line[8192];
    while (file && fgets(line, sizeof line, file)) {
        char *value = strchr(line, ':');
        if (!value) continue;
        value += 1 + strspn(value + 1, " \t");
        bool flags = !strncmp(line, "flags", 5) || !strncmp(line, "Features", 8);
        if (!strncmp(line, "model name", 10) && !*f->processor)
            snprintf(f->processor, sizeof f->processor, "%.*s", (int)strcspn(value, "\n"), value);
        else if (flags && !*f->instructions) read_instructions(f->instructions, sizeof f->instructions, value);
    }
    if (file) fclose(file);
}

static void read_cores(facts *f) {
    char line[128];
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    f->usable = f->cores = online > 0 ? (int)online : 1;
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) f->usable = CPU_COUNT(&set);
#endif
    double quota, period;
    if (first_line("/sys/fs/cgroup/cpu.max", line, sizeof line) && sscanf(line, "%lf %lf", &quota, &period) == 2 &&
        period > 0 && quota / period < f->usable)
        f->core_share = quota / period;
}

static void read_caches(facts *f) {
    for (int i = 0; i < FACTS_CACHES; i++) {
        char path[128], level[32], kind[32], size[32];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        if (!first_line(path, level, sizeof level)) break;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
        if (!first_line(path, kind, sizeof kind)) break;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        if (!first_line(path, size, sizeof size)) break;
        char    *unit;
        uint64_t bytes = strtoull(size, &unit, 10);
        f->caches[f->cache_count].level = atoi(level);
        f->caches[f->cache_count].kind = (char)tolower((unsigned char)*kind);
        f->caches[f->cache_count++].bytes = *unit == 'K' ? bytes << 10 : *unit == 'M' ? bytes << 20 : bytes;
    }
}

static void read_memory(facts *f) {
    FILE *file = fopen("/proc/meminfo", "r");
    char  line[256];
    while (file && fgets(line, sizeof line, file)) {
        unsigned long long kib;
        if (sscanf(line, "MemTotal: %llu kB", &kib) == 1) f->memory_total = kib * 1024;
        else if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1) f->memory_free = kib * 1024;
    }
    if (file) fclose(file);
    uint64_t limit = bytes_in("/sys/fs/cgroup/memory.max"), used = bytes_in("/sys/fs/cgroup/memory.current");
    if (!limit) {
        limit = bytes_in("/sys/fs/cgroup/memory/memory.limit_in_bytes");
        used = bytes_in("/sys/fs/cgroup/memory/memory.usage_in_bytes");
    }
    if (!limit || limit >= f->memory_total) return;
    f->memory_limit = limit;
    uint64_t left = limit > used ? limit - used : 0;
    if (left < f->memory_free) f->memory_free = left;
}

void facts_read(facts *f) {
    struct statvfs disk;
    char           line[128];
    *f = (facts){0};
    read_processor(f);
    read_cores(f);
    read_caches(f);
    read_memory(f);
    if (statvfs(".", &disk) == 0) f->disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
    const char *choice =
        first_line("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof line) ? strchr(line, '[') : NULL;
    if (choice) snprintf(f->huge_pages, sizeof f->huge_pages, "%.*s", (int)strcspn(choice + 1, "]"), choice + 1);
}
