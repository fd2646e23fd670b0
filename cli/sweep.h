/* sweep.h - what both kinds of sweep share. */
#ifndef CANTO_CLI_SWEEP_H
#define CANTO_CLI_SWEEP_H

#include <canto_plot.h>

#include "sweep_folder.h"
#include "table.h"

typedef struct sweep {
    option_set         *options;
    const option_group *groups; /* of the command that makes one run */
    variants            v;
    sweep_folder        folder; /* path NULL: none */
    bool                json;
    const char        **names, **values, **faults; /* of the table: [v.count], [v.count, v.axes_count], [v.count] */
    double             *cells;                     /* [v.count, columns of its kind] */
    table               table;
} sweep;

/* Trains every variant that is not done yet, into runs below the folder; or lets the model write with every variant. Both end with
 * table and picture. The exit code. */
int sweep_runs(sweep *s);
int sweep_texts(sweep *s);

/* Makes or takes up --output's folder, if there is one. */
bool sweep_open(sweep *s);
/* Prepares the table; its cells begin as NAN. */
bool sweep_table(sweep *s, const table_column *columns, size_t count, const char *title);
/* Prints the table and what stands below it, writes FOLDER/table.csv, and draws the charts: into --picture's file or
 * FOLDER/curves.svg, and here if this is a terminal. */
bool sweep_end(sweep *s, const canto_chart *charts, size_t count, const char *below);

#endif
