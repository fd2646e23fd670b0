/* dispatch.c - which kernels run: by name, or the best that this machine has. */
#include "base/context.h"
#include "base/machine.h"
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

static const kernels *const best_first[] = {
#ifdef CANTO_HAVE_AVX512
    &kernels_avx512,
#endif
#ifdef CANTO_HAVE_AVX2
    &kernels_avx2,
#endif
#ifdef CANTO_HAVE_NEON
    &kernels_neon,
#endif
    &kernels_portable,
};

const kernels *kernels_choose(const char *name) {
    bool any = name == NULL || name[0] == '\0';
    for (size_t i = 0; i < sizeof best_first / sizeof best_first[0]; i++)
        if ((any || strcmp(name, best_first[i]->name) == 0) && machine_has_kernels(best_first[i]->name))
            return best_first[i];
    return NULL;
}

const char *canto_kernels_name(size_t index, bool *runs) {
    if (index >= sizeof best_first / sizeof best_first[0]) return NULL;
    if (runs) *runs = machine_has_kernels(best_first[index]->name);
    return best_first[index]->name;
}

const char *canto_context_cpu(const canto_context *context) {
    const kernels *k = kernels_choose(context->cpu);
    return k != NULL ? k->name : "none";
}

/* Room for the largest of the three passes of heads_isa.c: whole heads three times; blocks of up to `lanes` positions, of a
 * chunk of 64 rows, of all positions, and of up to 12 rows from a cache; and the rounding of up to 16 pieces. */
size_t attention_scratch(int64_t T, int64_t D) {
    size_t lanes = 32, t = (size_t)(T + 31) / 32 * 32, d = (size_t)(D + 31) / 32 * 32;
    return 3 * t * d + lanes * (5 * d + 2 * 64) + t + 12 * (64 + d) + 16 * 16;
}

size_t attention_keys(int64_t T, int64_t D) {
    return (size_t)((T + ATTENTION_PANEL - 1) / ATTENTION_PANEL * ATTENTION_PANEL) * (size_t)D;
}

size_t attention_values(int64_t T, int64_t D) { return (size_t)T * (size_t)D + ATTENTION_PANEL; }
