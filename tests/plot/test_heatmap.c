/* test_heatmap.c - heat maps: every cell where it belongs in the colour of its number, in SVG, PNG and a terminal's characters;
 * labels of every kind. */
#include "drawn.h"

#include "plot/heatmap.h"
#include "plot/label.h"

#include <math.h>

static const float SMALL[3][4] = {{0, 0.1F, 0.25F, 1}, {0.5F, NAN, 0.75F, 0.3F}, {0.95F, 0.6F, 0.05F, 0.45F}};

static canto_sheet sheet_with(const canto_heatmap *maps, size_t count) {
    return (canto_sheet){.maps = maps, .count = count, .low = 0, .high = 1, .unit = "weight"};
}

static char *draw(const canto_sheet *sheet, const canto_plot_options *how, size_t *bytes) {
    char *data;
    ok(canto_plot_heatmaps(sheet, how, &data, bytes));
    return data;
}

static void every_cell_stands_in_the_svg(void **state) {
    (void)state;
    static path        p;
    canto_heatmap      map = {.rows = 3, .columns = 4, .cells = *SMALL, .title = "map"};
    canto_sheet        sheet = sheet_with(&map, 1);
    canto_plot_options how = {.form = CANTO_PLOT_SVG, .title = "all"};
    size_t             bytes, cell = 0;
    char              *svg = draw(&sheet, &how, &bytes);
    box                frame = frame_of(svg, false);
    const char        *at = NULL;
    assert_true(frame.width == 4 * frame.height / 3);
    for (; cell < 12; cell++) {
        if (isnan(SMALL[cell / 4][cell % 4])) continue;
        assert_true(next_path(svg, &at, &p) && p.filled);
        while (p.count < 4) assert_true(next_path(svg, &at, &p)); /* a letter's outline has its own form */
        if (!same_colour(p.fill, palette_heat(SMALL[cell / 4][cell % 4]), 0))
            fail_msg("cell %zu has another colour", cell);
        assert_true(fabs(p.points[0].x - (frame.x + frame.width * (double)(cell % 4) / 4)) < 0.01);
        assert_true(fabs(p.points[0].y - (frame.y + frame.height * (double)(cell / 4) / 3)) < 0.01);
        assert_true(fabs(p.points[2].x - (frame.x + frame.width * (double)(cell % 4 + 1) / 4)) < 0.01);
        assert_true(fabs(p.points[2].y - (frame.y + frame.height * (double)(cell / 4 + 1) / 3)) < 0.01);
    }
    canto_plot_free(svg);
}

/* Each cell of a map in a PNG whose SVG has its frame there. */
static void same_cells(const pixels *p, box frame, double scale, const canto_heatmap *map, bool dark) {
    for (size_t r = 0; r < map->rows; r++)
        for (size_t c = 0; c < map->columns; c++) {
            float cell = map->cells[r * map->columns + c];
            rgb   want = isnan(cell) ? palette_of(dark).paper : palette_heat(cell);
            rgb   got = pixel_at(p, scale * (frame.x + frame.width * ((double)c + 0.5) / (double)map->columns),
                                 scale * (frame.y + frame.height * ((double)r + 0.5) / (double)map->rows));
            if (!same_colour(got, want, 0))
                fail_msg("cell (%zu, %zu) is %02x%02x%02x, not %02x%02x%02x", r, c, got.red, got.green, got.blue,
                         want.red, want.green, want.blue);
        }
}

static void every_cell_stands_in_the_png(void **state) {
    (void)state;
    for (int dark = 0; dark < 2; dark++) {
        canto_heatmap      map = {.rows = 3, .columns = 4, .cells = *SMALL, .row_title = "query"};
        canto_sheet        sheet = sheet_with(&map, 1);
        canto_plot_options how = {.form = CANTO_PLOT_SVG, .dark = dark};
        size_t             bytes;
        char              *svg = draw(&sheet, &how, &bytes);
        box                frame = frame_of(svg, dark);
        canto_plot_free(svg);
        how.form = CANTO_PLOT_PNG;
        char  *png = draw(&sheet, &how, &bytes);
        pixels p = decode_png(png, bytes);
        same_cells(&p, frame, 2, &map, dark);
        free(p.data);
        canto_plot_free(png);
    }
}

/* 1024 tokens: labels are thinned out, and one cell among a million is seen; 3000: the greatest of several is. */
static void large_maps_keep_their_peaks(void **state) {
    (void)state;
    for (size_t n = 1024; n <= 3000; n += 1976) {
        float            *cells = calloc(n * n, sizeof *cells);
        canto_plot_label *labels = calloc(n, sizeof *labels);
        assert_non_null(cells);
        assert_non_null(labels);
        for (size_t i = 0; i < n; i++) labels[i] = (canto_plot_label){"token", 5};
        size_t row = n - 24, column = 7;
        cells[row * n + column] = 1;
        canto_heatmap map = {.rows = n, .columns = n, .cells = cells, .row_labels = labels, .column_labels = labels};
        canto_sheet   sheet = sheet_with(&map, 1);
        canto_plot_options how = {.form = CANTO_PLOT_PNG};
        size_t             bytes, bright = 0, x = 0, y = 0;
        char              *png = draw(&sheet, &how, &bytes);
        pixels             p = decode_png(png, bytes);
        assert_true(p.width >= n / 3 && p.width <= 1500 && p.height <= 1500);
        for (size_t i = 0; i < p.height; i++)
            for (size_t j = 0; j < 1120; j++)
                if (same_colour(pixel_at(&p, (double)j, (double)i), palette_heat(1), 0)) bright++, x = j, y = i;
        assert_int_equal(bright, 1);
        /* the map's own corner: the first pixel of the lowest colour on its diagonal from below */
        assert_true(y > p.height / 2 && x < p.width / 3);
        free(p.data);
        canto_plot_free(png);
        how.form = CANTO_PLOT_SVG;
        char *svg = draw(&sheet, &how, &bytes);
        assert_non_null(strstr(svg, "<image "));
        assert_true(bytes < 1000000);
        canto_plot_free(svg);
        free(labels);
        free(cells);
    }
}

/* A sheet of twelve: each map is where its place in the sheet says, with its own cells. */
static void sheets(void **state) {
    (void)state;
    static path        p;
    float              cells[12][2][2];
    canto_heatmap      maps[12];
    canto_sheet        sheet = sheet_with(maps, 12);
    canto_plot_options how = {.form = CANTO_PLOT_SVG};
    size_t             bytes, found = 0;
    const char        *at = NULL;
    for (int i = 0; i < 12; i++) {
        for (int k = 0; k < 4; k++) cells[i][k / 2][k % 2] = (float)(4 * i + k) / 48;
        maps[i] = (canto_heatmap){.rows = 2, .columns = 2, .cells = *cells[i]};
    }
    sheet.columns = 4;
    char *svg = draw(&sheet, &how, &bytes);
    box   first = {0}, cell;
    while (found < 48 && next_path(svg, &at, &p)) {
        if (!p.filled || p.count < 4 || !same_colour(p.fill, palette_heat((double)found / 48), 0)) continue;
        cell = (box){p.points[0].x, p.points[0].y, p.points[1].x - p.points[0].x, p.points[2].y - p.points[1].y};
        if (found == 0) first = cell;
        double map = (double)(found / 4), across = fmod(map, 4), below = floor(map / 4);
        assert_true(cell.width == first.width && cell.height == first.height && cell.width == cell.height);
        double inside_x = (double)(found % 2) * cell.width, inside_y = (double)(found / 2 % 2) * cell.height;
        assert_true(fabs(cell.x - first.x - inside_x - across * (2 * cell.width + 10)) < 0.01);
        assert_true(fabs(cell.y - first.y - inside_y - below * (2 * cell.height + 10)) < 0.01);
        found++;
    }
    assert_int_equal(found, 48);
    canto_plot_free(svg);
}

/* ------------------------------------------------------------------------------------------------ terminal */

static void same_text(const char *got, const char *want) {
    if (strcmp(got, want)) fail_msg("not\n%sbut\n%s", want, got);
}

static void characters_of_the_terminal(void **state) {
    (void)state;
    static const canto_plot_label rows[] = {{"a", 1}, {" b", 2}, {"\n", 1}};
    canto_heatmap                 map = {.rows = 3, .columns = 4, .cells = *SMALL, .row_labels = rows, .title = "map"};
    canto_sheet                   sheet = sheet_with(&map, 1);
    canto_plot_options            how = {.width = 40};
    size_t                        bytes;
    char                         *text = draw(&sheet, &how, &bytes);
    same_text(text, "map\n"
                    "   0 a  \xC2\xB7\xC2\xB7..::@@\n"
                    "   1 \xE2\x90\xA3"
                    "b ++  ##--\n"
                    "   2 \xE2\x86\xB5  @@**\xC2\xB7\xC2\xB7==\n"
                    "        0\n\n"
                    "0 \xC2\xB7\xC2\xB7..::--==++**##%%@@ 1 weight\n");
    canto_plot_free(text);
    how.colours = 1 << 24;
    text = draw(&sheet, &how, &bytes);
    char want[64];
    rgb  c = palette_heat(SMALL[2][0]);
    snprintf(want, sizeof want, "\033[48;2;%d;%d;%dm  ", c.red, c.green, c.blue);
    assert_non_null(strstr(text, want));
    canto_plot_free(text);
}

/* Two rows share a line: the upper one is the block's ink, the lower one what is behind it. */
static void half_lines(void **state) {
    (void)state;
    float              cells[2][70];
    canto_heatmap      map = {.rows = 2, .columns = 70, .cells = *cells};
    canto_sheet        sheet = sheet_with(&map, 1);
    canto_plot_options how = {.width = 90, .colours = 1 << 24};
    size_t             bytes;
    char               want[96];
    for (int i = 0; i < 70; i++) cells[0][i] = 0.2F, cells[1][i] = 0.8F;
    char *text = draw(&sheet, &how, &bytes);
    rgb   upper = palette_heat(0.2F), lower = palette_heat(0.8F);
    snprintf(want, sizeof want, "\033[38;2;%d;%d;%dm\033[48;2;%d;%d;%dm\xE2\x96\x80\xE2\x96\x80", upper.red,
             upper.green, upper.blue, lower.red, lower.green, lower.blue);
    assert_non_null(strstr(text, want));
    canto_plot_free(text);
}

/* -------------------------------------------------------------------------------------------------- labels */

static void shows(const char *text, size_t bytes, const char *want, size_t columns) {
    char got[LABEL_MAX];
    label_visible(text, bytes, got);
    assert_string_equal(got, want);
    assert_int_equal(label_columns(got), columns);
}

static void labels_that_people_can_see(void **state) {
    (void)state;
    shows("word", 4, "word", 4);
    shows(" the cat ", 9, "\xE2\x90\xA3the cat\xE2\x90\xA3", 9);
    shows("  ", 2, "\xE2\x90\xA3\xE2\x90\xA3", 2);
    shows("\n", 1, "\xE2\x86\xB5", 1);
    shows("\ta\r", 3,
          "\xE2\x87\xA5"
          "a\xE2\x86\x90",
          3);
    shows("a\0b", 3, "a\\x00b", 6);
    shows("\xFF\xE4\xB8", 3, "\\xFF\\xE4\\xB8", 12);
    shows("e\xCC\x81", 3, "e\xCC\x81", 1); /* e with an acute accent */
    shows("\xCC\x81"
          "a",
          3,
          "\xE2\x97\x8C\xCC\x81"
          "a",
          2);                                                            /* the accent alone */
    shows("\xE6\xBC\xA2\xE5\xAD\x97", 6, "\xE6\xBC\xA2\xE5\xAD\x97", 4); /* two ideographs */
    shows("\xD7\xA9\xD7\x9C", 4, "\xD7\xA9\xD7\x9C", 2);                 /* Hebrew */
    shows("\xF0\x9F\x98\x80", 4, "\xF0\x9F\x98\x80", 2);                 /* an emoji */
    shows("\xC2\xA0\xE2\x80\x8B", 5, "U+00A0U+200B", 12);                /* blanks that are not seen as such */
    shows("\033[31m", 5, "\\x1B[31m", 8);
    shows("", 0, "", 0);
    char long_text[1000], got[LABEL_MAX];
    memset(long_text, 'x', sizeof long_text);
    label_visible(long_text, sizeof long_text, got);
    assert_string_equal(got + strlen(got) - 4, "x\xE2\x80\xA6");
    for (size_t room = 0; room <= 5; room++) {
        size_t taken = label_fit("\xE6\xBC\xA2\xE5\xAD\x97", room, got, sizeof got);
        assert_true(taken <= room && taken == label_columns(got));
    }
    assert_string_equal(got, "\xE6\xBC\xA2\xE5\xAD\x97");
}

/* Pango has a picture for each character, and sets what runs leftwards from the right. */
static void labels_on_paper(void **state) {
    (void)state;
    static const char *const texts[] = {"\xE2\x90\xA3the",
                                        "\xE2\x86\xB5\xE2\x87\xA5\xE2\x86\x90",
                                        "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D",
                                        "\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7",
                                        "e\xCC\x81",
                                        "\xE2\x97\x8C\xCC\x81",
                                        "\xE2\x88\x92",
                                        "\xE6\xBC\xA2\xE5\xAD\x97"};
    writing_style            how = {.size = 10};
    canvas                  *c;
    char                    *svg;
    size_t                   bytes, count = sizeof texts / sizeof *texts;
    FILE                    *ideographs = fopen("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", "r");
    if (ideographs) fclose(ideographs);
    else count--;
    ok(canvas_open(false, 100, 100, 1, (rgb){255, 255, 255}, &c));
    for (size_t i = 0; i < count; i++) {
        canvas_text(c, texts[i], (place){0, 10 * (double)i}, &how);
        if (canvas_unknown(c)) fail_msg("there is no picture for '%s'", texts[i]);
    }
    place two = canvas_measure(c, "ii", &how), wide = canvas_measure(c, "iiiiiiiiiiiiiiiiiiii", &how);
    assert_true(two.x > 0 && wide.x > 9 * two.x);
    how.room = 30;
    assert_true(canvas_measure(c, "iiiiiiiiiiiiiiiiiiii", &how).x <= 30);
    how.upright = true;
    assert_true(canvas_measure(c, "iiiiiiiiiiiiiiiiiiii", &how).y <= 30);
    canvas_discard(c);

    /* Alef alone, then alef and bet: the second one's leftmost letter is not alef, its other one is. */
    how = (writing_style){.size = 10};
    ok(canvas_open(false, 100, 100, 1, (rgb){255, 255, 255}, &c));
    canvas_text(c, "\xD7\x90", (place){0, 0}, &how);
    canvas_text(c, "\xD7\x90\xD7\x91", (place){50, 50}, &how);
    ok(canvas_finish(c, &svg, &bytes));
    const char *at = svg;
    double      x[3];
    int         glyph[3];
    for (int i = 0; i < 3; i++) {
        at = strstr(at, "<use xlink:href=\"#glyph");
        assert_non_null(at);
        assert_int_equal(sscanf(at, "<use xlink:href=\"#glyph%*d-%d\" x=\"%lf\"", &glyph[i], &x[i]), 2);
        at++;
    }
    int left = x[1] < x[2] ? 1 : 2, right = 3 - left;
    assert_int_equal(glyph[right], glyph[0]);
    assert_int_not_equal(glyph[left], glyph[0]);
    canto_plot_free(svg);
}

/* Of labels that are thinned out each has its number before it, and room for it, whatever made the cells small. */
static void thinned_labels_have_room(void **state) {
    (void)state;
    enum { N = 30 };
    static float     cells[N][N];
    canto_plot_label labels[N];
    double           left[2];
    for (size_t i = 0; i < N; i++) labels[i] = (canto_plot_label){.text = "i", .bytes = 1};
    cells[0][0] = 1;
    canto_heatmap map = {.rows = N, .columns = N, .cells = *cells, .row_labels = labels};
    canto_sheet   sheet = {.maps = &map, .count = 1};
    for (int i = 0; i < 2; i++) {
        canto_plot_options how = {.form = CANTO_PLOT_SVG, .width = i == 0 ? 600 : 250};
        char              *svg;
        size_t             bytes;
        ok(canto_plot_heatmaps(&sheet, &how, &svg, &bytes));
        left[i] = frame_of(svg, false).x;
        canto_plot_free(svg);
    }
    assert_true(left[1] >= left[0] + 20);
}

/* -------------------------------------------------------------------------------------------------- errors */

static void what_cannot_be_drawn(void **state) {
    (void)state;
    static const float none[] = {NAN, INFINITY, -INFINITY, NAN}, one[] = {3};
    canto_heatmap      map = {.rows = 2, .columns = 2, .cells = none}, many[64];
    canto_sheet        sheet = {.maps = &map, .count = 1};
    canto_plot_options how = {.width = 40};
    char              *data;
    size_t             bytes;
    fails(canto_plot_heatmaps(&sheet, &how, &data, &bytes), CANTO_ERROR_VALUE, "no cell");
    assert_null(data);
    map.rows = 0;
    fails(canto_plot_heatmaps(&sheet, &how, &data, &bytes), CANTO_ERROR_VALUE, "0 rows");
    map.rows = 16385;
    fails(canto_plot_heatmaps(&sheet, &how, &data, &bytes), CANTO_ERROR_VALUE, "16385 rows");
    sheet.count = 0;
    fails(canto_plot_heatmaps(&sheet, &how, &data, &bytes), CANTO_ERROR_VALUE, "0 heat maps");
    map = (canto_heatmap){.rows = 1, .columns = 1, .cells = one};
    sheet = (canto_sheet){.maps = &map, .count = 1, .low = 2, .high = 1};
    fails(canto_plot_heatmaps(&sheet, &how, &data, &bytes), CANTO_ERROR_VALUE, "from 2 to 1");
    sheet = (canto_sheet){.maps = &map, .count = 1}; /* one number alone has a scale too */
    ok(canto_plot_heatmaps(&sheet, &how, &data, &bytes));
    canto_plot_free(data);
    for (size_t i = 0; i < 64; i++) many[i] = map;
    sheet = (canto_sheet){.maps = many, .count = 64, .columns = 64};
    fails(canto_plot_heatmaps(&sheet, &how, &data, &bytes), CANTO_ERROR_VALUE, "64 heat maps side by side");
    if (!canto_plot_drawing()) return;
    static float large[100][100];
    for (size_t i = 0; i < 64; i++) many[i] = (canto_heatmap){.rows = 100, .columns = 100, .cells = *large};
    how = (canto_plot_options){.form = CANTO_PLOT_PNG, .scale = 8};
    fails(canto_plot_heatmaps(&sheet, &how, &data, &bytes), CANTO_ERROR_VALUE, "32767");
    how = (canto_plot_options){.form = CANTO_PLOT_SVG, .width = 60};
    fails(canto_plot_heatmaps(&sheet, &how, &data, &bytes), CANTO_ERROR_VALUE, "no room");
}

/* Each allocation of our own fails once: an error of memory, and nothing is left behind (the sanitizer sees to that). */
static void every_allocation_may_fail(void **state) {
    (void)state;
    canto_heatmap map = {.rows = 3, .columns = 4, .cells = *SMALL};
    canto_sheet   sheet = sheet_with(&map, 1);
    for (int form = CANTO_PLOT_TERMINAL; form <= (canto_plot_drawing() ? CANTO_PLOT_PNG : CANTO_PLOT_TERMINAL);
         form++) {
        canto_plot_options how = {.form = (canto_plot_form)form};
        canto_status       status = {.code = CANTO_ERROR_MEMORY};
        long               failed = 0;
        for (; status.code != CANTO_OK && failed < 100; failed++) {
            char  *data;
            size_t bytes;
            allocations_left = failed;
            status = canto_plot_heatmaps(&sheet, &how, &data, &bytes);
            allocations_left = -1;
            if (status.code != CANTO_OK) fails(status, CANTO_ERROR_MEMORY, "no memory"), assert_null(data);
            else canto_plot_free(data);
        }
        assert_in_range(failed, 3, 99);
    }
}

/* Lightness rises all the way: the colours keep their order without hue. */
static void colours_in_order(void **state) {
    (void)state;
    double before = -1;
    for (int i = 0; i <= 100; i++) {
        rgb    c = palette_heat(i / 100.0);
        double r = pow(c.red / 255.0, 2.2), g = pow(c.green / 255.0, 2.2), b = pow(c.blue / 255.0, 2.2),
               light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        if (light < before) fail_msg("colour %d is darker than the one before it", i);
        before = light;
    }
    rgb low = palette_heat(0), middle = palette_heat(0.5), high = palette_heat(1);
    assert_true(low.blue > low.red && low.red > low.green && low.blue < 110);
    assert_true(middle.green > 120 && middle.blue > 120 && middle.red < 60);
    assert_true(high.red > 220 && high.green > 220 && high.blue < 110);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < i; j++)
            for (int dark = 0; dark < 2; dark++)
                assert_false(same_colour(palette_curve(i, dark), palette_curve(j, dark), 40));
    assert_int_equal(palette_256((rgb){0, 0, 0}), 16);
    assert_int_equal(palette_256((rgb){255, 0, 0}), 196);
    assert_int_equal(palette_256((rgb){128, 128, 128}), 244);
}

int main(void) {
    const struct CMUnitTest everywhere[] = {
        cmocka_unit_test(characters_of_the_terminal), cmocka_unit_test(half_lines),
        cmocka_unit_test(labels_that_people_can_see), cmocka_unit_test(what_cannot_be_drawn),
        cmocka_unit_test(every_allocation_may_fail),  cmocka_unit_test(colours_in_order)};
    const struct CMUnitTest drawn[] = {cmocka_unit_test(every_cell_stands_in_the_svg),
                                       cmocka_unit_test(every_cell_stands_in_the_png),
                                       cmocka_unit_test(large_maps_keep_their_peaks),
                                       cmocka_unit_test(sheets),
                                       cmocka_unit_test(labels_on_paper),
                                       cmocka_unit_test(thinned_labels_have_room)};
    int                     failures = cmocka_run_group_tests(everywhere, NULL, NULL);
    return failures + (canto_plot_drawing() ? cmocka_run_group_tests(drawn, NULL, NULL) : 0);
}
