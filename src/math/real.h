/* real.h - the number type of kernels and layers: float, or double when they are built for gradient checks
 * (-DCANTO_DOUBLE). */
#ifndef CANTO_REAL_H
#define CANTO_REAL_H

#ifdef CANTO_DOUBLE
typedef double real;
#else
typedef float real;
#endif

#endif
