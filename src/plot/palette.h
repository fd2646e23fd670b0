/* palette.h - the colours of pictures: of curves, of a heat map's cells, of paper and ink. */
#ifndef CANTO_PALETTE_H
#define CANTO_PALETTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rgb {
    uint8_t red, green, blue;
} rgb;

typedef struct palette {
    rgb paper, ink, pale; /* what is drawn on, text and axes, the grid */
} palette;

palette palette_of(bool dark);
/* The colour of curve number index on such paper. */
rgb palette_curve(int index, bool dark);
/* share 0 .. 1, what lies outside counts as its end: dark violet, blue, green, yellow, ever lighter. */
rgb palette_heat(double share);
/* Black or white, whichever can be read on that colour. */
rgb palette_contrast(rgb on);
/* The nearest of a terminal's 256 colours. */
int palette_256(rgb colour);

#endif
