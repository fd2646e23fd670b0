/* machine_memory.c - how much memory this process may still take, and how much it holds.
 *
 * Free is the least of what the system has without swapping (MemAvailable), what the control groups of the process and
 * those above it leave (version 2, and 1), and what is left of its own address space (ulimit -v). What a group holds of
 * files that nobody uses can be had back, so it counts as free. */
#include "base/machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The number behind key ("" : the file's first) in a file of "key number" lines; false when there is none. */
static bool read_number(const char *path, const char *key, uint64_t *number) {
    char               line[256];
    unsigned long long found;
    bool               is = false;
    size_t             length = strlen(key);
    FILE              *file = fopen(path, "r");
    if (!file) return false;
    while (!is && fgets(line, sizeof line, file))
        is = strncmp(line, key, length) == 0 && sscanf(line + length, " %llu", &found) == 1;
    fclose(file);
    if (is) *number = found;
    return is;
}

typedef struct group_files {
    const char *limit, *usage, *cache; /* names, and the key of memory.stat */
} group_files;

/* What one control group leaves; UINT64_MAX: it has no limit. */
static uint64_t group_room(const char *folder, const group_files *names) {
    char     path[4400];
    uint64_t limit, usage, cache = 0;
    snprintf(path, sizeof path, "%s/%s", folder, names->limit);
    if (!read_number(path, "", &limit)) return UINT64_MAX; /* "max" is no number */
    snprintf(path, sizeof path, "%s/%s", folder, names->usage);
    if (!read_number(path, "", &usage)) return UINT64_MAX;
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    read_number(path, names->cache, &cache);
    usage -= least(cache, usage);
    return limit > usage ? limit - usage : 0;
}

/* The least of a group and all above it. group is cut on the way. */
static uint64_t groups_room(const char *root, char *group, const group_files *names) {
    char     folder[4352];
    uint64_t room = UINT64_MAX;
    for (;;) {
        snprintf(folder, sizeof folder, "%s%s", root, group);
        room = least(room, group_room(folder, names));
        char *slash = strrchr(group, '/');
        if (!slash) return room;
        *slash = 0;
    }
}

/* Lines of /proc/self/cgroup: "0::/path" of version 2, "4:memory:/path" of version 1. */
static uint64_t all_groups_room(const char *proc, const char *groups) {
    static const group_files version1 = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "};
    static const group_files version2 = {"memory.max", "memory.current", "inactive_file "};
    char                     path[256], line[4200], old[256];
    uint64_t                 room = UINT64_MAX;
    snprintf(path, sizeof path, "%s/self/cgroup", proc);
    snprintf(old, sizeof old, "%s/memory", groups);
    FILE *file = fopen(path, "r");
    if (!file) return room;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        char *kind = strchr(line, ':'), *group = kind ? strchr(kind + 1, ':') : NULL;
        if (!group) continue;
        *group++ = 0;
        if (kind[1] == 0) room = least(room, groups_room(groups, group, &version2));
        else if (strstr(kind + 1, "memory")) room = least(room, groups_room(old, group, &version1));
    }
    fclose(file);
    return room;
}

/* The pages of /proc/self/statm: of the address space, and in memory. */
static bool own_pages(uint64_t *space, uint64_t *resident) {
    unsigned long long pages[2];
    FILE              *file = fopen("/proc/self/statm", "r");
    if (!file) return false;
    bool good = fscanf(file, "%llu %llu", &pages[0], &pages[1]) == 2;
    fclose(file);
    uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE);
    if (good) *space = pages[0] * size, *resident = pages[1] * size;
    return good;
}

static uint64_t address_room(void) {
    struct rlimit limit;
    uint64_t      space, resident;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
    if (!own_pages(&space, &resident)) return limit.rlim_cur;
    return limit.rlim_cur > space ? limit.rlim_cur - space : 0;
}

uint64_t machine_free_below(const char *proc, const char *groups) {
    char     path[256];
    uint64_t kib = 0, room = UINT64_MAX;
    snprintf(path, sizeof path, "%s/meminfo", proc);
    if (read_number(path, "MemAvailable:", &kib)) room = kib * 1024;
    return least(room, all_groups_room(proc, groups));
}

uint64_t machine_available_memory(void) {
    uint64_t room = least(machine_free_below("/proc", "/sys/fs/cgroup"), address_room());
    if (room == UINT64_MAX) return 0;
    return room ? room : 1;
}

uint64_t machine_resident_memory(void) {
    uint64_t space, resident;
    return own_pages(&space, &resident) ? resident : 0;
}

uint64_t machine_peak_memory(void) {
    uint64_t kib;
    return read_number("/proc/self/status", "VmHWM:", &kib) ? kib * 1024 : 0;
}
