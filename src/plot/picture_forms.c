/* picture_forms.c - the public calls: they look at what they are asked for, and hand it to paper or screen. */
#include "base/file.h"
#include "plot/canvas.h"
#include "plot/chart.h"
#include "plot/heatmap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

canto_plot_options canto_plot_options_default(void) { return (canto_plot_options){.form = CANTO_PLOT_TERMINAL}; }

const char *canto_plot_drawing(void) { return canvas_engine(); }

canto_status canto_plot_form_of(const char *path, canto_plot_form *form) {
    const char *end = strrchr(path, '.');
    if (end && !strcasecmp(end, ".svg")) *form = CANTO_PLOT_SVG;
    else if (end && !strcasecmp(end, ".png")) *form = CANTO_PLOT_PNG;
    else return status_error(CANTO_ERROR_VALUE, "%s: a picture's name must end with .svg or .png", path);
    return status_ok();
}

canto_status canto_plot_save(const char *path, const char *data, size_t bytes) {
    return file_write_whole(path, data, bytes);
}

void canto_plot_free(char *data) { free(data); }

static canto_status look_at_options(const canto_plot_options *o) {
    bool   paper = o->form != CANTO_PLOT_TERMINAL;
    double most = paper ? 32767 : 2000, least = paper ? 60 : 20;
    if ((o->width != 0 && !(o->width >= least && o->width <= most)) ||
        (o->height != 0 && !(o->height >= (paper ? 60 : 6) && o->height <= most)))
        return status_error(
            CANTO_ERROR_VALUE,
            "a picture of %.10g x %.10g %s; its width must be %.0f to %.0f, its height %d to %.0f, or 0 for either",
            o->width, o->height, paper ? "points" : "columns and lines", least, most, paper ? 60 : 6, most);
    if (o->scale != 0 && !(o->scale >= 0.25 && o->scale <= 8))
        return status_error(CANTO_ERROR_VALUE, "a scale of %.10g pixels a point; it must be 0.25 to 8", o->scale);
    return status_ok();
}

canto_status canto_plot_heatmaps(const canto_sheet *asked, const canto_plot_options *options, char **data,
                                 size_t *bytes) {
    canto_status status;
    sheet_view   s;
    *data = NULL;
    TRY(look_at_options(options));
    TRY(sheet_of(asked, options, &s));
    TRY(options->form == CANTO_PLOT_TERMINAL ? heatmap_screen_draw(&s, data, bytes)
                                             : heatmap_paper_draw(&s, data, bytes));
done:
    return status;
}

canto_status canto_plot_charts(const canto_chart *charts, size_t count, size_t columns,
                               const canto_plot_options *options, char **data, size_t *bytes) {
    canto_status status;
    chart_page   page = {0};
    *data = NULL;
    TRY(look_at_options(options));
    TRY(chart_page_of(charts, count, columns, options, &page));
    TRY(options->form == CANTO_PLOT_TERMINAL ? chart_screen_draw(&page, data, bytes)
                                             : chart_paper_draw(&page, data, bytes));
done:
    chart_page_close(&page);
    return status;
}
