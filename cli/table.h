/* table.h - a table of numbers with a name for each row: for the eye, as CSV, and a row as JSON. */
#ifndef CANTO_CLI_TABLE_H
#define CANTO_CLI_TABLE_H

#include <stdio.h>

#include <jansson.h>

typedef enum table_form {
    TABLE_LOSS,
    TABLE_BITS,
    TABLE_RATIO,
    TABLE_SHARE,
    TABLE_WHOLE,
    TABLE_SHORT,
    TABLE_TIME
} table_form;

typedef struct table_column {
    const char *name;        /* in CSV and JSON: "best_val_loss" */
    const char *over, *head; /* for the eye, in two lines; over "": as the column before it */
    table_form  form;
    int         rank; /* where room is short, columns of a higher rank go first; 0 never goes */
} table_column;

typedef struct table {
    const char         *title;  /* above the names of the rows */
    const char *const  *names;  /* [rows] */
    const char *const  *keys;   /* [key_count] columns of text behind the names, in CSV and JSON alone */
    const char *const  *values; /* [rows, key_count] */
    const char *const  *faults; /* [rows] what stands in place of a row's numbers, or NULL */
    const table_column *columns;
    const double       *cells; /* [rows, column_count]; what is not finite is not there */
    size_t              rows, key_count, column_count;
} table;

/* At most so many columns of characters wide, if need be without some of the table's; 0: whatever it takes. */
void table_print(FILE *file, const table *t, size_t wide);
/* RFC 4180, with a header; a row with a fault has empty fields, and the fault in the last column, "error". */
void table_csv(FILE *file, const table *t);
/* {title: name, key: value, ..., column: number or null, ...}, with "error" when there is a fault. */
json_t *table_row(const table *t, size_t row);

#endif
