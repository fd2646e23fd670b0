/* axis.c - ticks are n * 10^e for whole n, and are written from n and e: the same in every locale, without a rounding error. */
#include "plot/axis.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static double to_line(const axis *a, double x) { return a->log ? log10(x) : x; }

axis axis_around(double low, double high, bool log, double margin) {
    axis a = {.low = low, .high = high, .log = log};
    if (!(low < high)) {
        double around = log ? 1.5 : low != 0 ? fabs(low) * 0.05 : 0.5;
        a.low = log ? low / around : low - around;
        a.high = log ? low * around : low + around;
    } else if (log) {
        double part = pow(high / low, margin);
        a.low /= part;
        a.high *= part;
    } else {
        double part = margin * (high - low);
        a.low -= part;
        a.high += part;
    }
    /* At the ends of what a double holds there may be nothing around a number. */
    bool good = isfinite(a.high - a.low) && a.low < a.high && (!log || a.low > 0);
    return good ? a : (axis){.low = log ? 1 : 0, .high = 10, .log = log};
}

bool axis_takes(const axis *a, double x) { return isfinite(x) && (!a->log || x > 0); }

double axis_share(const axis *a, double x) {
    double low = to_line(a, a->low), high = to_line(a, a->high);
    return (to_line(a, x) - low) / (high - low);
}

/* n * 10^e as people write it: "1200", "0.05", "3e-5". */
static void write_number(int64_t n, int e, char out[64]) {
    char digits[24];
    int  count = snprintf(digits, sizeof digits, "%lld", (long long)(n < 0 ? -n : n)), used = 0;
    while (count > 1 && e < 0 && digits[count - 1] == '0') digits[--count] = 0, e++;
    if (n == 0) {
        snprintf(out, 64, "0");
        return;
    }
    const char *sign = n < 0 ? "\xE2\x88\x92" : ""; /* U+2212, minus */
    if (count + e < -3 || e > 6) {
        snprintf(out, 64, "%s%c%s%se%d", sign, digits[0], count > 1 ? "." : "", digits + 1, e + count - 1);
        return;
    }
    char text[48];
    for (int place = count + e > 0 ? count + e : 1; place > e && used < 40; place--) {
        if (place == 0) text[used++] = '.';
        int index = count + e - place; /* of the digit for 10^(place - 1) */
        text[used++] = index >= 0 && index < count ? digits[index] : '0';
    }
    for (int zeros = e; zeros > 0 && used < 40; zeros--, used++) text[used] = '0';
    text[used] = 0;
    snprintf(out, 64, "%s%s", sign, text);
}

static void add(ticks *t, double at, const char *text) {
    if (t->count == TICKS_MAX) return;
    t->all[t->count].at = at;
    snprintf(t->all[t->count].text, sizeof t->all->text, "%s", text);
    t->count++;
}

/* The power of ten that all ticks of an axis share when its largest number is `largest`, and what stands for it behind them. */
static int unit_of(double largest, char sign[8]) {
    int unit = 0;
    *sign = 0;
    if (largest < 1e-3) {
        unit = (int)floor(log10(largest));
        snprintf(sign, 8, "e%d", unit);
    } else if (largest >= 1e4) {
        while (unit < 15 && largest >= pow(10, unit + 3)) unit += 3;
        snprintf(sign, 8, "%c", "kMGTP"[unit / 3 - 1]);
    }
    return unit;
}

static void linear_ticks(const axis *a, size_t wanted, ticks *t) {
    static const int factors[] = {10, 20, 25, 50};
    double           span = a->high - a->low, step = 0;
    int              e = (int)floor(log10(span / (double)wanted)) - 1, factor = 0;
    for (int i = 0; i < 12; i++) { /* factor * 10^e: 1, 2, 2.5 and 5 of ever larger powers */
        factor = factors[i % 4];
        step = factor * pow(10, e + i / 4);
        if (floor(a->high / step) - ceil(a->low / step) + 1 <= (double)wanted) {
            e += i / 4;
            break;
        }
    }
    double first = ceil(a->low / step), last = floor(a->high / step);
    if (!(fabs(first) < 1e15 && fabs(last) < 1e15))
        return; /* a span too small beside its numbers: no tick tells more */
    char sign[8];
    int  unit = unit_of(fmax(fabs(a->low), fabs(a->high)), sign);
    for (double k = first; k <= last; k++) {
        char number[64], text[72];
        write_number((int64_t)k * factor, e - unit, number);
        snprintf(text, sizeof text, "%s%s", number, k == 0 ? "" : sign);
        add(t, k * step, text);
    }
}

static void log_ticks(const axis *a, size_t wanted, ticks *t) {
    int    from = (int)floor(log10(a->low)), to = (int)ceil(log10(a->high));
    double decades = log10(a->high / a->low);
    int    every = 1 + (int)(decades / (double)wanted);
    bool   between = every == 1 && 3 * decades <= (double)wanted; /* 2 and 5 are named too */
    for (int e = from; e <= to; e++)
        for (int m = 1; m <= (every == 1 && to - from <= 6 ? 9 : 1); m++) {
            double at = m * pow(10, e);
            char   text[64] = "";
            if (at < a->low * (1 - 1e-12) || at > a->high * (1 + 1e-12)) continue;
            bool named = m == 1 ? (e % every + every) % every == 0 : between && (m == 2 || m == 5);
            if (named) write_number(m, e, text);
            add(t, at, text);
        }
}

void axis_ticks(const axis *a, size_t wanted, ticks *t) {
    t->count = 0;
    if (a->log && a->high / a->low >= 8) log_ticks(a, wanted, t);
    else linear_ticks(a, wanted, t); /* less than a decade: its round numbers, each at its own place */
}
