/* Functions of unary and binary in double precision. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_SCALAR_F64_H
#define NNRT_OPS_SCALAR_F64_H

#include <stdint.h>

#include "runtime_int8/ops/params.h"

/* The floating functions of nnrt_unary_op, none of the predicates. */
double nnrt_unary_f64(const nnrt_unary_params *p, double x);
/* The arithmetic ones of nnrt_binary_op, clamped. */
double nnrt_binary_f64(const nnrt_binary_params *p, double a, double b);

#endif
