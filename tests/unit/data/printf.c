/* PRINTF, whose oracle is Flink's: tests/interop/flink/printf.expr. */
#include "lib/data_case.h"
#include "lib/test.h"

TEST(printf_of_integers)
{
    call_case("PRINTF", "STRING '%d|%5d|%-5d|', INT 7, INT -7, INT 7", "STRING 7|   -7|7    |");
    call_case("PRINTF", "STRING '%05d|%+d|% d|%(d', INT -42, INT 42, INT 42, INT -42", "STRING -0042|+42| 42|(42)");
    call_case("PRINTF", "STRING '%,d|%,d|%(,015d', BIGINT -9223372036854775808, INT 999, BIGINT -1234567",
              "STRING -9,223,372,036,854,775,808|999|(00001,234,567)");
    call_case("PRINTF", "STRING '%x|%X|%o|%#x|%06x', TINYINT -1, SMALLINT -2, INT -1, BIGINT 255, INT 255",
              "STRING ff|FFFE|37777777777|0xff|0000ff");
    call_case("PRINTF", "STRING '%c%C', INT 228, INT 97", "STRING äA");
    call_case("PRINTF", "STRING '%d', STRING 'x'", "STRING NULL");
    literal_case("PRINTF", "STRING '%.2d', INT 1", "error PRINTF: the pattern is wrong: a precision with a conversion that takes none");
    literal_case("PRINTF", "STRING '%-d', INT 1", "error PRINTF: the pattern is wrong: - or 0 without a width");
    literal_case("PRINTF", "STRING '%-05d', INT 1", "error PRINTF: the pattern is wrong: flags that contradict each other");
    call_case("PRINTF", "STRING '%c', INT -1", "STRING NULL");
}

TEST(printf_of_floats_rounds_their_shortest_digits_half_up)
{
    call_case("PRINTF", "STRING '%f|%.2f|%.0f|%,.1f', DOUBLE 1234.5678, DOUBLE 1.005, DOUBLE 0.5, DOUBLE 1234567.25",
              "STRING 1234.567800|1.01|1|1,234,567.3");
    call_case("PRINTF", "STRING '%.3f|%.1f|%f', DOUBLE 999.9999, DOUBLE 0.04, DOUBLE 1e20", "STRING 1000.000|0.0|100000000000000000000.000000");
    call_case("PRINTF", "STRING '%e|%.0e|%E|%e', DOUBLE 1234.5678, DOUBLE 9.5, DOUBLE 1e-10, DOUBLE 0",
              "STRING 1.234568e+03|1e+01|1.000000E-10|0.000000e+00");
    call_case("PRINTF", "STRING '%g|%g|%g|%.3g|%g', DOUBLE 0, DOUBLE 0.0001, DOUBLE 0.00001, DOUBLE 123456, DOUBLE 999999.5",
              "STRING 0.00000|0.000100000|1.00000e-05|1.23e+05|1.00000e+06");
    call_case("PRINTF", "STRING '%08.2f|%+.1f|%(.1f', DOUBLE -1.5, DOUBLE 1.5, DOUBLE -1.5", "STRING -0001.50|+1.5|(1.5)");
    call_case("PRINTF", "STRING '%5f|%08f|%+f', DOUBLE NaN, DOUBLE Infinity, DOUBLE Infinity", "STRING   NaN|Infinity|+Infinity");
    call_case("PRINTF", "STRING '%f', FLOAT 0.1", "STRING 0.100000");
    call_case("PRINTF", "STRING '%f', INT 1", "STRING NULL");
    call_case("PRINTF", "STRING '%.401f', DOUBLE 1", "STRING NULL");
}

TEST(printf_of_texts_and_others)
{
    call_case("PRINTF", "STRING '%s|%4s|%-4s|%.2s|%S', STRING 'äbc', STRING 'ä', STRING 'ä', STRING 'äbc', STRING 'äb'",
              "STRING äbc|   ä|ä   |äb|ÄB");
    call_case("PRINTF", "STRING '%s %s %s', BOOLEAN TRUE, DECIMAL(5,2) 1.50, DOUBLE 0.5", "STRING true 1.50 0.5");
    call_case("PRINTF", "STRING '%b %B %b', BOOLEAN FALSE, INT 0, STRING ''", "STRING false TRUE true");
    call_case("PRINTF", "STRING '100%%|%5%|%n', INT 1", "STRING 100%|    %|\n");
    call_case("PRINTF", "STRING '%2$s %1$s %<s %s', STRING 'a', STRING 'b'", "STRING b a a a");
    call_case("PRINTF", "STRING ''", "STRING ");
    literal_case("PRINTF", "STRING '%s %b %d %.2s', STRING NULL, STRING NULL, INT NULL, STRING NULL", "STRING null false null nu");
    literal_case("PRINTF", "STRING NULL, INT 1", "STRING NULL");
    call_case("PRINTF", "STRING '%s %s', INT 1", "STRING NULL");
    call_case("PRINTF", "STRING '%<s', INT 1", "STRING NULL");
    literal_case("PRINTF", "STRING '%q', INT 1", "error PRINTF: the pattern is wrong: a conversion that is none of");
    literal_case("PRINTF", "STRING '50%', INT 1", "error PRINTF: the pattern is wrong: it ends within a conversion");
    literal_case("PRINTF", "STRING '%.s', INT 1", "error PRINTF: the pattern is wrong: a point without a precision behind it");
    literal_case("PRINTF", "STRING '%9999999s', INT 1", "error PRINTF: the pattern is wrong: a width above 1048576");
    call_case("PRINTF", "STRING '%s', DATE 2020-01-01", "error PRINTF: takes texts, numbers and BOOLEANs, not DATE: CAST it to STRING");
}
