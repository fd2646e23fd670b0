/* test_chart.c - line charts: every point of a curve where the axes say, in SVG, PNG and a terminal's characters. */
#include "drawn.h"

#include "plot/axis.h"
#include "plot/chart.h"

#include <math.h>

static const double X[] = {0, 1, 2, 3, 4, 5, 6, 7}, Y[] = {9, 5, 7, 2, NAN, 3, 8, 1};

static canto_chart chart_of(const canto_series *series, size_t count) {
    return (canto_chart){.x = {.label = "step", .low = -1, .high = 9},
                         .y = {.label = "loss", .low = 0, .high = 10},
                         .series = series,
                         .series_count = count};
}

static char *draw(const canto_chart *chart, size_t count, const canto_plot_options *how, size_t *bytes) {
    char *data;
    ok(canto_plot_charts(chart, count, 0, how, &data, bytes));
    return data;
}

static void same_place(place got, double x, double y) {
    if (fabs(got.x - x) > 0.01 || fabs(got.y - y) > 0.01) fail_msg("(%g, %g), not (%g, %g)", got.x, got.y, x, y);
}

/* The points from .. to of X and Y are those of p, on axes -1 .. 9 and 0 .. 10 or their logarithms. */
static void same_curve(const path *p, box frame, size_t from, size_t to) {
    assert_int_equal(p->count, to - from);
    for (size_t i = from; i < to; i++)
        same_place(p->points[i - from], frame.x + frame.width * (X[i] + 1) / 10,
                   frame.y + frame.height * (1 - Y[i] / 10));
}

static void every_point_stands_in_the_svg(void **state) {
    (void)state;
    static path        p;
    canto_plot_options how = {.form = CANTO_PLOT_SVG};
    canto_series       curves[] = {{.label = "a", .x = X, .y = Y, .count = 8},
                                   {.x = X, .y = Y, .count = 8, .colour = 1, .stroke = CANTO_STROKE_FAINT},
                                   {.label = "c", .x = X, .y = Y, .count = 3, .colour = 2, .stroke = CANTO_STROKE_DASHED}};
    canto_chart        chart = chart_of(curves, 3);
    for (int dark = 0; dark < 2; dark++) {
        size_t bytes;
        how.dark = dark;
        char *svg = draw(&chart, 1, &how, &bytes);
        assert_int_equal(bytes, strlen(svg));
        assert_non_null(strstr(svg, "width=\"640\" height=\"420\""));
        box frame = frame_of(svg, dark);
        stroked_path(svg, palette_curve(0, dark), 1.6, 0, &p); /* up to the gap */
        same_curve(&p, frame, 0, 4);
        assert_false(p.dashed);
        stroked_path(svg, palette_curve(0, dark), 1.6, 1, &p); /* behind it */
        same_curve(&p, frame, 5, 8);
        stroked_path(svg, palette_curve(1, dark), 0.9, 0, &p);
        same_curve(&p, frame, 0, 4);
        assert_true(fabs(p.opacity - 0.35) < 1e-6);
        stroked_path(svg, palette_curve(2, dark), 1.6, 0, &p);
        same_curve(&p, frame, 0, 3);
        assert_true(p.dashed);
        canto_plot_free(svg);
    }
}

/* A legend stands where it covers no curve: in a free corner, and beside the axes when curves are in all of them, be it only with
 * the line between two points far away. */
static void a_legend_covers_no_curve(void **state) {
    (void)state;
    static path         p;
    static const double x[] = {0, 10}, rising[] = {0, 10}, falling[] = {10, 0};
    canto_plot_options  how = {.form = CANTO_PLOT_SVG};
    canto_series        curves[] = {{.label = "rising", .x = x, .y = rising, .count = 2},
                                    {.label = "falling", .x = x, .y = falling, .count = 2, .colour = 1}};
    for (size_t count = 1; count <= 2; count++) {
        canto_chart chart = {
            .x = {.low = 0, .high = 10}, .y = {.low = 0, .high = 10}, .series = curves, .series_count = count};
        size_t bytes;
        char  *svg = draw(&chart, 1, &how, &bytes);
        box    frame = frame_of(svg, false);
        stroked_path(svg, palette_curve(0, false), 1.6, 1,
                     &p); /* the curve is 0, this is what the legend shows of it */
        assert_int_equal(p.count, 2);
        if (count == 1) { /* the upper left is free */
            assert_true(p.points[0].x > frame.x && p.points[1].x < frame.x + frame.width / 2);
            assert_true(p.points[0].y < frame.y + frame.height / 2);
        } else {
            assert_true(p.points[0].x > frame.x + frame.width);
            assert_true(p.points[1].x < 640);
        }
        canto_plot_free(svg);
    }
}

static void logarithmic_axes(void **state) {
    (void)state;
    static path         p;
    static const double x[] = {1, 10, 30, 0, 1000}, y[] = {0.01, 5, 0.3, 4, 10};
    canto_plot_options  how = {.form = CANTO_PLOT_SVG};
    canto_series        curve = {.x = x, .y = y, .count = 5};
    canto_chart         chart = {.x = {.log = true, .low = 1, .high = 1000},
                                 .y = {.log = true, .low = 0.01, .high = 10},
                                 .series = &curve,
                                 .series_count = 1};
    size_t              bytes;
    char               *svg = draw(&chart, 1, &how, &bytes);
    box                 frame = frame_of(svg, false);
    stroked_path(svg, palette_curve(0, false), 1.6, 0, &p); /* x = 0 has no place: the curve ends before it */
    assert_int_equal(p.count, 3);
    for (size_t i = 0; i < 3; i++)
        same_place(p.points[i], frame.x + frame.width * log10(x[i]) / 3,
                   frame.y + frame.height * (1 - (log10(y[i]) + 2) / 3));
    canto_plot_free(svg);
}

/* Of very many points the lowest and the highest of each place are there, and the ends. */
static void many_points_keep_their_peaks(void **state) {
    (void)state;
    static double      x[200000], y[200000];
    static path        p;
    canto_plot_options how = {.form = CANTO_PLOT_SVG};
    canto_series       curve = {.x = x, .y = y, .count = 200000};
    canto_chart        chart = {
               .x = {.low = 0, .high = 200000}, .y = {.low = -2, .high = 2}, .series = &curve, .series_count = 1};
    size_t bytes;
    double top = 1e9, bottom = -1e9;
    for (size_t i = 0; i < 200000; i++)
        x[i] = (double)i, y[i] = i == 77777 ? 1.5 : i == 123456 ? -1.25 : sin((double)i);
    char *svg = draw(&chart, 1, &how, &bytes);
    box   frame = frame_of(svg, false);
    stroked_path(svg, palette_curve(0, false), 1.6, 0, &p);
    assert_true(p.count > 500 && p.count < 3000);
    for (size_t i = 0; i < p.count; i++) top = fmin(top, p.points[i].y), bottom = fmax(bottom, p.points[i].y);
    assert_true(fabs(top - (frame.y + frame.height * 0.125)) < 0.01);
    assert_true(fabs(bottom - (frame.y + frame.height * 0.8125)) < 0.01);
    same_place(p.points[0], frame.x, frame.y + frame.height / 2);
    same_place(p.points[p.count - 1], frame.x + frame.width * 199999 / 200000,
               frame.y + frame.height * (2 - y[199999]) / 4);
    canto_plot_free(svg);
}

/* The same layout at three pixels a point: the curve's colour on the curve, the paper's beside it. */
static void pixels_of_the_png(void **state) {
    (void)state;
    static const double flat[] = {5, 5, 5, 5, 5, 5, 5, 5};
    canto_series        curve = {.x = X, .y = flat, .count = 8, .colour = 1};
    canto_chart         chart = chart_of(&curve, 1);
    for (int dark = 0; dark < 2; dark++) {
        canto_plot_options how = {.form = CANTO_PLOT_SVG, .dark = dark, .width = 300, .height = 200, .title = "T"};
        size_t             bytes;
        char              *svg = draw(&chart, 1, &how, &bytes);
        box                frame = frame_of(svg, dark);
        canto_plot_free(svg);
        how.form = CANTO_PLOT_PNG;
        how.scale = 3;
        char  *png = draw(&chart, 1, &how, &bytes);
        pixels p = decode_png(png, bytes);
        assert_int_equal(p.width, 900);
        assert_int_equal(p.height, 600);
        assert_true(same_colour(pixel_at(&p, 2, 2), palette_of(dark).paper, 0));
        double middle = 3 * (frame.y + frame.height / 2);
        for (double share = 0.12; share < 0.79; share += 0.01)
            assert_true(
                same_colour(pixel_at(&p, 3 * (frame.x + frame.width * share), middle), palette_curve(1, dark), 2));
        assert_true(
            same_colour(pixel_at(&p, 3 * (frame.x + frame.width * 0.87), middle - 9), palette_of(dark).paper, 0));
        free(p.data);
        canto_plot_free(png);
    }
}

static void no_drawing_library(void **state) {
    (void)state;
    canto_plot_options how = {.form = CANTO_PLOT_SVG};
    canto_series       curve = {.x = X, .y = Y, .count = 8};
    canto_chart        chart = chart_of(&curve, 1);
    char              *data;
    size_t             bytes;
    fails(canto_plot_charts(&chart, 1, 0, &how, &data, &bytes), CANTO_ERROR_UNSUPPORTED, "libcairo2-dev");
    assert_null(data);
}

/* ------------------------------------------------------------------------------------------------ terminal */

static void same_text(const char *got, const char *want) {
    if (strcmp(got, want)) fail_msg("not\n%sbut\n%s", want, got);
}

static void characters_of_the_terminal(void **state) {
    (void)state;
    static const double x[] = {0, 10}, up[] = {0, 10}, down[] = {10, 0};
    canto_plot_options  how = {.width = 25, .height = 10};
    canto_series        curves[] = {{.label = "up", .x = x, .y = up, .count = 2},
                                    {.label = "down", .x = x, .y = down, .count = 2, .colour = 1}};
    canto_chart         chart = {
                .x = {.label = "step", .low = 0, .high = 10}, .y = {.low = 0, .high = 10}, .series = curves, .series_count = 1};
    size_t bytes;
    char  *text = draw(&chart, 1, &how, &bytes);
    same_text(text, "── up\n"
                    "10┤                  ⢀⡠⠔⠊\n"
                    "  │              ⢀⡠⠔⠊⠁\n"
                    "  │           ⣀⠤⠒⠁\n"
                    "  │       ⢀⠤⠒⠉\n"
                    "  │   ⢀⡠⠔⠊⠁\n"
                    " 0┤⡠⠔⠊⠁\n"
                    "  └┴────────────────────┴\n"
                    "   0                   10\n"
                    "            step\n");
    canto_plot_free(text);
    chart.series_count = 2; /* two curves without colours: a letter each */
    text = draw(&chart, 1, &how, &bytes);
    assert_non_null(strstr(text, "*  up  +  down\n"));
    assert_non_null(strstr(text, "10┤++++              ****\n"));
    assert_non_null(strstr(text, " 0┤****              ++++\n"));
    assert_null(strchr(text, '\033'));
    canto_plot_free(text);
    how.colours = 256;
    text = draw(&chart, 1, &how, &bytes);
    assert_non_null(strstr(text, "\033[38;5;"));
    canto_plot_free(text);
    how.colours = 1 << 24;
    text = draw(&chart, 1, &how, &bytes);
    assert_non_null(strstr(text, "\033[38;2;0;114;178m"));
    canto_plot_free(text);
}

/* ---------------------------------------------------------------------------------------------------- axes */

static void has_ticks(axis a, size_t wanted, const char *want) {
    char  got[512] = "";
    ticks t;
    axis_ticks(&a, wanted, &t);
    for (size_t i = 0, used = 0; i < t.count; i++) {
        double share = axis_share(&a, t.all[i].at);
        assert_true(share >= -1e-9 && share <= 1 + 1e-9);
        if (*t.all[i].text)
            used += (size_t)snprintf(got + used, sizeof got - used, "%s%s", used ? " " : "", t.all[i].text);
    }
    assert_string_equal(got, want);
}

static void round_numbers(void **state) {
    (void)state;
    has_ticks((axis){0, 1, false}, 7, "0 0.2 0.4 0.6 0.8 1");
    has_ticks((axis){-3, 7, false}, 7,
              "\xE2\x88\x92"
              "2 0 2 4 6");
    has_ticks((axis){0, 200000, false}, 7, "0 50k 100k 150k 200k");
    has_ticks((axis){0, 3e9, false}, 7, "0 0.5G 1G 1.5G 2G 2.5G 3G");
    has_ticks((axis){0, 0.001, false}, 7, "0 0.0002 0.0004 0.0006 0.0008 0.001");
    has_ticks((axis){0, 0.0005, false}, 7, "0 1e-4 2e-4 3e-4 4e-4 5e-4");
    has_ticks((axis){1.2, 4.4, true}, 7, "1.5 2 2.5 3 3.5 4");
    has_ticks((axis){1.2, 44, true}, 7, "2 5 10 20");
    has_ticks((axis){1e-12, 1e9, true}, 7, "1e-12 1e-8 0.0001 1 10000 1e8");
    for (int e = -300; e <= 300; e += 7) { /* any numbers: some ticks, all on the axis */
        ticks t;
        for (int log = 0; log < 2; log++) {
            axis a = axis_around(pow(10, e), 7 * pow(10, e), log, 0.05);
            axis_ticks(&a, 7, &t);
            assert_true(t.count >= 2);
            a = axis_around(pow(10, e), pow(10, e), log, 0.05);
            assert_true(a.low < a.high && axis_share(&a, pow(10, e)) > 0.3 && axis_share(&a, pow(10, e)) < 0.7);
        }
    }
    axis a = axis_around(-1.7e308, 1.7e308, false, 0.05);
    assert_true(isfinite(a.high - a.low));
}

/* -------------------------------------------------------------------------------------------------- errors */

static void what_cannot_be_drawn(void **state) {
    (void)state;
    static const double none[] = {NAN, INFINITY}, below[] = {-1, 0};
    canto_plot_options  how = {.width = 80};
    canto_series        curve = {.x = X, .y = none, .count = 2};
    canto_chart         chart = {.series = &curve, .series_count = 1}, many[65] = {0};
    char               *data;
    size_t              bytes;
    fails(canto_plot_charts(&chart, 1, 0, &how, &data, &bytes), CANTO_ERROR_VALUE, "no point");
    assert_null(data);
    curve.y = below;
    chart.y.log = true;
    fails(canto_plot_charts(&chart, 1, 0, &how, &data, &bytes), CANTO_ERROR_VALUE, "logarithmic");
    chart.series_count = 0;
    fails(canto_plot_charts(&chart, 1, 0, &how, &data, &bytes), CANTO_ERROR_VALUE, "no point");
    chart = chart_of(&curve, 1);
    curve.y = Y;
    chart.x.high = -2;
    fails(canto_plot_charts(&chart, 1, 0, &how, &data, &bytes), CANTO_ERROR_VALUE,
          "the x axis of chart 0 from -1 to -2");
    chart.x.high = 9;
    fails(canto_plot_charts(&chart, 0, 0, &how, &data, &bytes), CANTO_ERROR_VALUE, "0 charts");
    fails(canto_plot_charts(many, 65, 0, &how, &data, &bytes), CANTO_ERROR_VALUE, "65 charts");
    how.height = 6;
    fails(canto_plot_charts(&chart, 1, 0, &how, &data, &bytes), CANTO_ERROR_VALUE, "too small");
    how.width = 5;
    fails(canto_plot_charts(&chart, 1, 0, &how, &data, &bytes), CANTO_ERROR_VALUE, "width must be 20 to 2000");
    if (!canto_plot_drawing()) return;
    how = (canto_plot_options){.form = CANTO_PLOT_PNG, .scale = 9};
    fails(canto_plot_charts(&chart, 1, 0, &how, &data, &bytes), CANTO_ERROR_VALUE, "0.25 to 8");
    how = (canto_plot_options){.form = CANTO_PLOT_PNG, .scale = 8, .width = 8000};
    fails(canto_plot_charts(&chart, 1, 0, &how, &data, &bytes), CANTO_ERROR_VALUE, "smaller scale");
    how = (canto_plot_options){.form = CANTO_PLOT_SVG, .width = 70, .height = 70};
    fails(canto_plot_charts(&chart, 1, 0, &how, &data, &bytes), CANTO_ERROR_VALUE, "too small for a chart");
    canto_plot_form form;
    ok(canto_plot_form_of("a.b/loss.SVG", &form));
    assert_int_equal(form, CANTO_PLOT_SVG);
    fails(canto_plot_form_of("loss.pdf", &form), CANTO_ERROR_VALUE, "loss.pdf");
    fails(canto_plot_form_of("png", &form), CANTO_ERROR_VALUE, ".png");
    fails(canto_plot_save("/nowhere/at/all.svg", "x", 1), CANTO_ERROR_FILE, "/nowhere/at/all.svg");
}

/* Each allocation of our own fails once: an error of memory, and nothing is left behind (the sanitizer sees to that). */
static void every_allocation_may_fail(void **state) {
    (void)state;
    canto_series curve = {.label = "a", .x = X, .y = Y, .count = 8};
    canto_chart  chart = chart_of(&curve, 1);
    for (int form = CANTO_PLOT_TERMINAL; form <= (canto_plot_drawing() ? CANTO_PLOT_PNG : CANTO_PLOT_TERMINAL);
         form++) {
        canto_plot_options how = {.form = (canto_plot_form)form};
        canto_status       status = {.code = CANTO_ERROR_MEMORY};
        long               failed = 0;
        for (; status.code != CANTO_OK && failed < 100; failed++) {
            char  *data;
            size_t bytes;
            allocations_left = failed;
            status = canto_plot_charts(&chart, 1, 0, &how, &data, &bytes);
            allocations_left = -1;
            if (status.code != CANTO_OK) fails(status, CANTO_ERROR_MEMORY, "no memory"), assert_null(data);
            else canto_plot_free(data);
        }
        assert_in_range(failed, 4, 99);
    }
}

int main(void) {
    const struct CMUnitTest everywhere[] = {cmocka_unit_test(characters_of_the_terminal),
                                            cmocka_unit_test(round_numbers), cmocka_unit_test(what_cannot_be_drawn),
                                            cmocka_unit_test(every_allocation_may_fail)};
    const struct CMUnitTest drawn[] = {cmocka_unit_test(every_point_stands_in_the_svg),
                                       cmocka_unit_test(a_legend_covers_no_curve), cmocka_unit_test(logarithmic_axes),
                                       cmocka_unit_test(many_points_keep_their_peaks),
                                       cmocka_unit_test(pixels_of_the_png)};
    const struct CMUnitTest bare[] = {cmocka_unit_test(no_drawing_library)};
    int                     failures = cmocka_run_group_tests(everywhere, NULL, NULL);
    return failures + (canto_plot_drawing() ? cmocka_run_group_tests(drawn, NULL, NULL)
                                            : cmocka_run_group_tests(bare, NULL, NULL));
}
