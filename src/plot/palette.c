/* palette.c - colours that keep apart for eyes with any kind of colour blindness.
 *
 * Curves: the eight colours of Okabe and Ito, "Color Universal Design" (2008), but for yellow, which is weak on white, grey; on dark
 * paper lighter ones, white for black, and yellow. Heat: a path through OkLab (Ottosson 2020) whose lightness L rises in
 * proportion to the value, so that its order is seen without colours too, while its hue turns from violet to yellow. */
#include "plot/palette.h"

#include <math.h>

palette palette_of(bool dark) {
    if (dark) return (palette){.paper = {0x14, 0x16, 0x1a}, .ink = {0xe6, 0xe6, 0xe6}, .pale = {0x3a, 0x3e, 0x45}};
    return (palette){.paper = {0xff, 0xff, 0xff}, .ink = {0x1a, 0x1a, 0x1a}, .pale = {0xd9, 0xd9, 0xd9}};
}

rgb palette_curve(int index, bool dark) {
    static const rgb on_light[8] = {{0x00, 0x72, 0xb2}, {0xd5, 0x5e, 0x00}, {0x00, 0x9e, 0x73}, {0xcc, 0x79, 0xa7},
                                    {0xe6, 0x9f, 0x00}, {0x56, 0xb4, 0xe9}, {0x00, 0x00, 0x00}, {0x8c, 0x8c, 0x8c}};
    static const rgb on_dark[8] = {{0x3f, 0x9f, 0xe0}, {0xe8, 0x64, 0x10}, {0x1f, 0xbf, 0x92}, {0xe0, 0x93, 0xbf},
                                   {0xe6, 0x9f, 0x00}, {0x9a, 0xd6, 0xff}, {0xff, 0xff, 0xff}, {0xf0, 0xe4, 0x42}};
    return (dark ? on_dark : on_light)[(unsigned)index % 8];
}

/* A component of linear light as sRGB stores it; *outside becomes true for one that no screen shows. */
static uint8_t srgb(double linear, bool *outside) {
    double c = linear <= 0 ? 0 : linear >= 1 ? 1 : linear;
    double s = c <= 0.0031308 ? 12.92 * c : 1.055 * pow(c, 1 / 2.4) - 0.055;
    *outside |= c != linear;
    return (uint8_t)lround(255 * s);
}

static rgb from_oklab(double L, double a, double b, bool *outside) {
    double l = L + 0.3963377774 * a + 0.2158037573 * b;
    double m = L - 0.1055613458 * a - 0.0638541728 * b;
    double s = L - 0.0894841775 * a - 1.2914855480 * b;
    l = l * l * l, m = m * m * m, s = s * s * s;
    *outside = false;
    return (rgb){srgb(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, outside),
                 srgb(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s, outside),
                 srgb(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s, outside)};
}

rgb palette_heat(double share) {
    double s = share >= 0 ? share < 1 ? share : 1 : 0;
    double lightness = 0.27 + 0.66 * s;
    double hue = (310 - 202 * s) * 3.14159265358979323846 / 180; /* from violet over blue and green to yellow */
    double low = 0, high = 0.1 + 0.08 * s;                       /* as vivid as a screen shows that lightness and hue */
    rgb    colour = {0};
    for (int i = 0; i < 14; i++) {
        double chroma = i == 0 ? high : (low + high) / 2;
        bool   outside;
        rgb    tried = from_oklab(lightness, chroma * cos(hue), chroma * sin(hue), &outside);
        if (!outside || i == 13) colour = tried;
        if (!outside && i == 0) break;
        if (outside) high = chroma;
        else low = chroma;
    }
    return colour;
}

rgb palette_contrast(rgb on) {
    bool light = 0.299 * on.red + 0.587 * on.green + 0.114 * on.blue > 140;
    return light ? (rgb){0, 0, 0} : (rgb){255, 255, 255};
}

/* 0 .. 5: a step of the cube 0, 95, 135, 175, 215, 255. */
static int cube_step(int c) { return c < 48 ? 0 : c < 115 ? 1 : (c - 35) / 40; }

static int cube_value(int step) { return step ? 55 + 40 * step : 0; }

static int distance(rgb colour, int red, int green, int blue) {
    int r = colour.red - red, g = colour.green - green, b = colour.blue - blue;
    return r * r + g * g + b * b;
}

int palette_256(rgb colour) {
    int r = cube_step(colour.red), g = cube_step(colour.green), b = cube_step(colour.blue);
    int mean = (colour.red + colour.green + colour.blue) / 3;
    int grey = mean < 3 ? 0 : mean > 238 ? 23 : (mean - 3) / 10, level = 8 + 10 * grey;
    if (distance(colour, level, level, level) < distance(colour, cube_value(r), cube_value(g), cube_value(b)))
        return 232 + grey;
    return 16 + 36 * r + 6 * g + b;
}
