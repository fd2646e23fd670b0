/* unit.c - see unit.h. */
#include "unit.h"

#include "base/file.h"

canto_context *context;
char           folder[64];

int unit_set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/canto-unit-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    canto_context_options options = canto_context_options_default();
    options.threads = 1;
    return canto_context_open(&options, &context).code == CANTO_OK ? 0 : -1;
}

int unit_tear_down(void **state) {
    (void)state;
    canto_context_close(context);
    return folder_remove(folder).code == CANTO_OK ? 0 : -1;
}

void ok(canto_status status) {
    if (status.code != CANTO_OK) print_error("%s\n", status.text);
    assert_int_equal(status.code, CANTO_OK);
}

void fails(canto_status status, canto_code code, const char *part) {
    if (status.code != code) print_error("%s\n", status.text);
    assert_int_equal(status.code, code);
    if (!strstr(status.text, part)) fail_msg("'%s' lacks '%s'", status.text, part);
}

const char *in_folder(const char *name) {
    static char paths[16][256];
    static int  next;
    char       *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *write_file(const char *name, const char *text) {
    const char *path = in_folder(name);
    ok(file_write_whole(path, text, strlen(text)));
    return path;
}
