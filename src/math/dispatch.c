/* dispatch.c - which kernels run: by name, or the best that this machine has. */
#include "base/context.h"
#include "math/kernels.h"

#include <string.h>

extern const kernels kernels_portable;
#ifdef CANTO_HAVE_AVX2
extern const kernels kernels_avx2;
#endif
#ifdef CANTO_HAVE_AVX512
extern const kernels kernels_avx512;
#endif
#ifdef CANTO_HAVE_NEON
extern const kernels kernels_neon;
#endif

#ifdef CANTO_HAVE_AVX512
static bool machine_has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}
#endif

#ifdef CANTO_HAVE_AVX2
static bool machine_has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

const kernels *kernels_choose(const char *name) {
    bool any = name == NULL || name[0] == '\0';
#ifdef CANTO_HAVE_AVX512
    if ((any || strcmp(name, "avx512") == 0) && machine_has_avx512()) return &kernels_avx512;
#endif
#ifdef CANTO_HAVE_AVX2
    if ((any || strcmp(name, "avx2") == 0) && machine_has_avx2()) return &kernels_avx2;
#endif
#ifdef CANTO_HAVE_NEON
    if (any || strcmp(name, "neon") == 0) return &kernels_neon;
#endif
    return any || strcmp(name, "portable") == 0 ? &kernels_portable : NULL;
}

const char *canto_context_cpu(const canto_context *context) {
    const kernels *k = kernels_choose(context->cpu);
    return k != NULL ? k->name : "none";
}

size_t attention_scratch(int64_t T, int64_t D) {
    size_t t = (size_t)(T + 31) / 32 * 32, d = (size_t)(D + 31) / 32 * 32, block = 2 * 12;
    return 2 * t * (size_t)D + 4 * d * (size_t)T + block * (3 * t + 3 * d) + 64;
}

size_t attention_keys(int64_t T, int64_t D) {
    return (size_t)((T + ATTENTION_PANEL - 1) / ATTENTION_PANEL * ATTENTION_PANEL) * (size_t)D;
}
