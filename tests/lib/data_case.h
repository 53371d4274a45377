/* data_case.h: one call of a SQL function, written in a line and checked in every way it can run.
 *
 *     call_case("+", "INT 1, BIGINT 2", "BIGINT 3");
 *     call_case("/", "INT 1, INT 0", "error division by zero");
 *     call_case("UPPER", "NULL", "STRING NULL");
 *
 * An argument is a type and the text that is cast to it; commas inside quotes do not part arguments. The
 * call is made of literals (folded), of columns (with NULL rows and unselected rows between), and of each
 * mix of one literal with columns: all must agree.
 */
#ifndef QW_TESTS_DATA_CASE_H
#define QW_TESTS_DATA_CASE_H

#include "data/func.h"

void call_case_at(const char *file, int line, const char *name, const char *args, const char *want);
#define call_case(name, args, want) call_case_at(__FILE__, __LINE__, name, args, want)

/* As literals only: for arguments that must be literals, such as units of time. */
void literal_case_at(const char *file, int line, const char *name, const char *args, const char *want);
#define literal_case(name, args, want) literal_case_at(__FILE__, __LINE__, name, args, want)

/* CAST(value AS type): "STRING '12'", "INT", "INT 12". */
void cast_case_at(const char *file, int line, const char *value, const char *type, const char *want);
#define cast_case(value, type, want) cast_case_at(__FILE__, __LINE__, value, type, want)

/* "DECIMAL(10,2)", "TIMESTAMP(3)", "ARRAY<INT>", "ROW<a INT NOT NULL, b STRING>"; ends the test when wrong. */
const struct type *case_type(struct arena *arena, struct bytes *text);
/* A literal of a type and a text, "INT 12", "STRING 'a, b'", "NULL". */
const struct expr *case_literal(struct arena *arena, struct bytes text);

#endif
