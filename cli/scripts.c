/* scripts.c - which script a text is in, by the blocks of Unicode that people write in: the letters decide, not the marks. */
#include <string.h>

#include "tokenizer_command.h"

typedef struct block {
    uint32_t    first, last;
    const char *name;
} block;

/* In ascending order. */
static const block blocks[] = {
    {'0', '9', "digits"},          {'A', 'Z', "Latin"},           {'a', 'z', "Latin"},
    {0xAA, 0xAA, "Latin"},         {0xBA, 0xBA, "Latin"},         {0xC0, 0xD6, "Latin"},
    {0xD8, 0xF6, "Latin"},         {0xF8, 0x2AF, "Latin"},        {0x370, 0x3FF, "Greek"},
    {0x400, 0x52F, "Cyrillic"},    {0x531, 0x58F, "Armenian"},    {0x591, 0x5FF, "Hebrew"},
    {0x600, 0x6FF, "Arabic"},      {0x700, 0x74F, "Syriac"},      {0x750, 0x77F, "Arabic"},
    {0x900, 0x97F, "Devanagari"},  {0x980, 0x9FF, "Bengali"},     {0xA00, 0xA7F, "Gurmukhi"},
    {0xA80, 0xAFF, "Gujarati"},    {0xB00, 0xB7F, "Oriya"},       {0xB80, 0xBFF, "Tamil"},
    {0xC00, 0xC7F, "Telugu"},      {0xC80, 0xCFF, "Kannada"},     {0xD00, 0xD7F, "Malayalam"},
    {0xD80, 0xDFF, "Sinhala"},     {0xE00, 0xE7F, "Thai"},        {0xE80, 0xEFF, "Lao"},
    {0xF00, 0xFFF, "Tibetan"},     {0x1000, 0x109F, "Myanmar"},   {0x10A0, 0x10FF, "Georgian"},
    {0x1100, 0x11FF, "Hangul"},    {0x1200, 0x139F, "Ethiopic"},  {0x13A0, 0x13FF, "Cherokee"},
    {0x1780, 0x17FF, "Khmer"},     {0x1800, 0x18AF, "Mongolian"}, {0x1E00, 0x1EFF, "Latin"},
    {0x1F00, 0x1FFF, "Greek"},     {0x2190, 0x2BFF, "symbols"},   {0x2C60, 0x2C7F, "Latin"},
    {0x2D00, 0x2D2F, "Georgian"},  {0x2E80, 0x2FDF, "Han"},       {0x3005, 0x3007, "Han"},
    {0x3041, 0x309F, "Hiragana"},  {0x30A0, 0x30FF, "Katakana"},  {0x3130, 0x318F, "Hangul"},
    {0x31F0, 0x31FF, "Katakana"},  {0x3400, 0x4DBF, "Han"},       {0x4E00, 0x9FFF, "Han"},
    {0xA640, 0xA69F, "Cyrillic"},  {0xA720, 0xA7FF, "Latin"},     {0xAC00, 0xD7FF, "Hangul"},
    {0xF900, 0xFAFF, "Han"},       {0xFB1D, 0xFB4F, "Hebrew"},    {0xFB50, 0xFDFF, "Arabic"},
    {0xFE70, 0xFEFE, "Arabic"},    {0xFF21, 0xFF5A, "Latin"},     {0xFF66, 0xFF9F, "Katakana"},
    {0x1F000, 0x1FAFF, "symbols"}, {0x20000, 0x3FFFF, "Han"},
};

/* The character at text[bytes], or -1 where there is none; *size is how far it goes. */
static int32_t character(const char *text, size_t bytes, size_t *size) {
    const unsigned char *at = (const unsigned char *)text;
    *size = terminal_character(text, bytes);
    if (*size == 0) {
        *size = 1;
        return -1;
    }
    int32_t code = *size > 1 ? *at & (0x7f >> *size) : *at;
    for (size_t i = 1; i < *size; i++) code = code << 6 | (at[i] & 0x3f);
    return code;
}

static const char *block_of(int32_t code) {
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks && (int32_t)blocks[i].first <= code; i++)
        if (code <= (int32_t)blocks[i].last) return blocks[i].name;
    return NULL;
}

const char *script_of(const char *text, size_t bytes) {
    bool        whole = false, mark = false;
    const char *digits = NULL;
    for (size_t at = 0, size; at < bytes; at += size) {
        int32_t     code = character(text + at, bytes - at, &size);
        const char *name = code < 0 ? NULL : block_of(code);
        if (name && strcmp(name, "digits") != 0) return name;
        if (name) digits = name;
        if (code >= 0) whole = true;
        if (code > 32 && code != 127 && code != 0xA0 && code != 0x3000) mark = true;
    }
    return digits ? digits : mark ? "marks" : whole ? "white space" : "parts of characters";
}
