/* product_peers.c - OpenBLAS, oneDNN and libxsmm behind one face. Each is there when CMake found it; libcanto needs none. */
#include "product_peers.h"

#include <stddef.h>
#include <stdio.h>

#if defined(CANTO_PEER_OPENBLAS) || defined(CANTO_PEER_ONEDNN) || defined(CANTO_PEER_XSMM)
/* Leading dimensions: a is [m, k], or [k, m] for FORM_WEIGHT; b is [k, n], or [n, k] for FORM_FORWARD. */
static int64_t lead_a(const product_call *p) { return p->form == FORM_WEIGHT ? p->m : p->k; }

static int64_t lead_b(const product_call *p) { return p->form == FORM_FORWARD ? p->k : p->n; }
#endif

#ifdef CANTO_PEER_OPENBLAS
#include <cblas.h>

static const char *openblas_about(void) {
    static char text[256];
    snprintf(text, sizeof text, "%s, core %s", openblas_get_config(), openblas_get_corename());
    return text;
}

static bool openblas_run(const product_call *p) {
    cblas_sgemm(CblasRowMajor, p->form == FORM_WEIGHT ? CblasTrans : CblasNoTrans,
                p->form == FORM_FORWARD ? CblasTrans : CblasNoTrans, (int)p->m, (int)p->n, (int)p->k, 1, p->a,
                (int)lead_a(p), p->b, (int)lead_b(p), p->form == FORM_WEIGHT ? 1 : 0, p->c, (int)p->n);
    return true;
}
#endif

#ifdef CANTO_PEER_ONEDNN
#include <dnnl.h>
#include <omp.h>

static const char *onednn_about(void) {
    static char           text[64];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d, instruction sets %#x", v->major, v->minor, v->patch,
             (unsigned)dnnl_get_effective_cpu_isa());
    return text;
}

static bool onednn_run(const product_call *p) {
    return dnnl_sgemm(p->form == FORM_WEIGHT ? 'T' : 'N', p->form == FORM_FORWARD ? 'T' : 'N', p->m, p->n, p->k, 1,
                      p->a, lead_a(p), p->b, lead_b(p), p->form == FORM_WEIGHT ? 1 : 0, p->c, p->n) == dnnl_success;
}
#endif

#ifdef CANTO_PEER_XSMM
#include <libxsmm.h>

static const char *xsmm_about(void) {
    static char text[64];
    snprintf(text, sizeof text, "%s, %s", LIBXSMM_VERSION, libxsmm_get_target_arch());
    return text;
}

/* Its generated kernels are column-major: c^T = b^T a^T. Transposed inputs it has or has not, as its dispatch says. */
static bool xsmm_run(const product_call *p) {
    int   lda = (int)lead_b(p), ldb = (int)lead_a(p), ldc = (int)p->n, flags = LIBXSMM_GEMM_FLAG_NONE;
    float alpha = 1, beta = p->form == FORM_WEIGHT ? 1 : 0;
    if (p->form == FORM_FORWARD) flags = LIBXSMM_GEMM_FLAG_TRANS_A;
    if (p->form == FORM_WEIGHT) flags = LIBXSMM_GEMM_FLAG_TRANS_B;
    libxsmm_smmfunction f =
        libxsmm_smmdispatch((int)p->n, (int)p->m, (int)p->k, &lda, &ldb, &ldc, &alpha, &beta, &flags, NULL);
    if (f == NULL) return false;
    f(p->b, p->a, p->c);
    return true;
}
#endif

const product_peer product_peers[] = {
#ifdef CANTO_PEER_OPENBLAS
    {"OpenBLAS", openblas_about, openblas_set_num_threads, openblas_run},
#endif
#ifdef CANTO_PEER_ONEDNN
    {"oneDNN", onednn_about, omp_set_num_threads, onednn_run},
#endif
#ifdef CANTO_PEER_XSMM
    {"libxsmm", xsmm_about, NULL, xsmm_run},
#endif
    {NULL, NULL, NULL, NULL},
};
