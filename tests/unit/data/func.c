/* Functions, a line a case; each runs as literals, as columns and mixed (lib/data_case.h). */
#include "lib/data_case.h"
#include "lib/test.h"

TEST(data_arithmetic_of_integers)
{
    call_case("+", "INT 1, INT 2", "INT 3");
    call_case("+", "INT 1, BIGINT 2", "BIGINT 3");
    call_case("+", "TINYINT 127, TINYINT 1", "TINYINT -128");
    call_case("+", "INT 2147483647, INT 1", "INT -2147483648");
    call_case("-", "BIGINT -9223372036854775808, INT 1", "BIGINT 9223372036854775807");
    call_case("*", "INT 7, SMALLINT 6", "INT 42");
    call_case("/", "INT 7, INT 2", "INT 3");
    call_case("/", "INT -7, INT 2", "INT -3");
    call_case("/", "INT 7, INT 0", "error division by zero");
    call_case("/", "BIGINT -9223372036854775808, BIGINT -1", "BIGINT -9223372036854775808");
    call_case("%", "INT -7, INT 3", "INT -1");
    call_case("MOD", "BIGINT 123456789012, INT 123", "INT 99");
    call_case("-", "INT 5", "INT -5");
    call_case("+", "INT NULL, INT 1", "INT NULL");
    call_case("+", "NULL, INT 1", "INT NULL");
}

TEST(data_arithmetic_of_decimals)
{
    call_case("*", "DECIMAL(3,3) 0.908, BIGINT 100", "DECIMAL(23, 3) 90.800");
    call_case("+", "DECIMAL(10,2) 1.25, DECIMAL(5,3) 0.005", "DECIMAL(12, 3) 1.255");
    call_case("-", "DECIMAL(10,2) 1.25, INT 3", "DECIMAL(13, 2) -1.75");
    call_case("/", "DECIMAL(10,2) 1.00, DECIMAL(10,2) 3.00", "DECIMAL(23, 13) 0.3333333333333");
    call_case("/", "DECIMAL(10,2) 2.00, DECIMAL(10,2) 3.00", "DECIMAL(23, 13) 0.6666666666667");
    call_case("/", "DECIMAL(10,2) 2.00, INT 0", "error division by zero");
    call_case("%", "DECIMAL(10,2) 5.50, DECIMAL(10,2) 2.00", "DECIMAL(10, 2) 1.50");
    call_case("*", "DECIMAL(38,10) 1234567890.1234567890, DECIMAL(38,10) 10",
              "DECIMAL(38, 6) 12345678901.234568");
    call_case("+", "DECIMAL(38,0) 99999999999999999999999999999999999999, DECIMAL(38,0) 1",
              "DECIMAL(38, 0) NULL");
    call_case("*", "DECIMAL(5,2) 1.50, DOUBLE 2", "DOUBLE 3.0");
}

TEST(data_arithmetic_of_times)
{
    call_case("-", "TIMESTAMP(3) '2020-01-01 00:00:03', MILLIS 4000",
              "TIMESTAMP(3) 2019-12-31 23:59:59.000");
    call_case("+", "MILLIS 1500, TIMESTAMP(3) '2020-01-01 00:00:00'",
              "TIMESTAMP(3) 2020-01-01 00:00:01.500");
    call_case("+", "DATE '2020-01-31', MONTHS 1", "DATE 2020-02-29");
    call_case("+", "TIMESTAMP(0) '2019-01-31 10:00:00', MONTHS 1", "TIMESTAMP(0) 2019-02-28 10:00:00");
    call_case("+", "DATE '2020-01-31', MILLIS 86400000", "DATE 2020-02-01");
    call_case("+", "DATE '2020-01-31', INT 1", "error +: cannot be applied to DATE");
}

TEST(data_comparison)
{
    call_case("=", "INT 1, BIGINT 1", "BOOLEAN TRUE");
    call_case("<", "DECIMAL(5,2) 1.50, INT 2", "BOOLEAN TRUE");
    call_case(">=", "STRING 'b', STRING 'a'", "BOOLEAN TRUE");
    call_case("<>", "STRING 'b', STRING NULL", "BOOLEAN NULL");
    call_case("=", "DOUBLE NaN, DOUBLE NaN", "BOOLEAN FALSE");
    call_case("IS DISTINCT FROM", "INT 1, INT 1", "BOOLEAN FALSE");
    call_case("IS NOT DISTINCT FROM", "INT NULL, INT NULL", "BOOLEAN TRUE");
    call_case("IN", "INT 3, INT 1, INT 2, INT 3", "BOOLEAN TRUE");
    call_case("IN", "INT 4, INT 1, INT NULL, INT 3", "BOOLEAN NULL");
    call_case("IN", "STRING 'apple', STRING 'google', STRING 'apple'", "BOOLEAN TRUE");
}

TEST(data_logic)
{
    call_case("AND", "BOOLEAN TRUE, BOOLEAN NULL", "BOOLEAN NULL");
    call_case("AND", "BOOLEAN FALSE, BOOLEAN FALSE", "BOOLEAN FALSE");
    call_case("OR", "BOOLEAN TRUE, BOOLEAN FALSE", "BOOLEAN TRUE");
    call_case("OR", "BOOLEAN NULL, BOOLEAN FALSE", "BOOLEAN NULL");
    call_case("NOT", "BOOLEAN FALSE", "BOOLEAN TRUE");
    call_case("IS TRUE", "BOOLEAN NULL", "BOOLEAN FALSE");
    call_case("IS NOT FALSE", "BOOLEAN NULL", "BOOLEAN TRUE");
    call_case("COALESCE", "INT NULL, INT 5, INT 6", "INT 5");
    call_case("COALESCE", "INT 1, BIGINT 2", "BIGINT 1");
    call_case("IF", "BOOLEAN TRUE, INT 1, BIGINT 2", "BIGINT 1");
    call_case("NULLIF", "INT 1, INT 1", "INT NULL");
    call_case("GREATEST", "INT 1, INT 7, INT 3", "INT 7");
    call_case("LEAST", "STRING 'b', STRING 'a'", "STRING a");
    call_case("GREATEST", "INT 1, INT NULL", "INT NULL");
    call_case("GREATST", "INT 1", "error no function GREATST");
}

TEST(data_cast)
{
    cast_case("STRING '12'", "INT", "INT 12");
    cast_case("STRING ' 12 '", "INT", "INT 12");
    cast_case("STRING 'x'", "INT", "error 'x' cannot be cast to INT");
    cast_case("STRING '300'", "TINYINT", "error '300' cannot be cast to TINYINT");
    cast_case("INT 300", "TINYINT", "TINYINT 44");
    cast_case("DOUBLE 1.9", "INT", "INT 1");
    cast_case("DOUBLE 1e20", "BIGINT", "BIGINT 9223372036854775807");
    cast_case("DECIMAL(10,2) 12.55", "DECIMAL(10,1)", "DECIMAL(10, 1) 12.6");
    cast_case("DECIMAL(10,2) -12.55", "DECIMAL(10,1)", "DECIMAL(10, 1) -12.6");
    cast_case("DECIMAL(10,2) 12345.00", "DECIMAL(3,0)", "DECIMAL(3, 0) NULL");
    cast_case("DOUBLE 0.1", "DECIMAL(5,3)", "DECIMAL(5, 3) 0.100");
    cast_case("BIGINT 5", "STRING", "STRING 5");
    cast_case("DOUBLE 1.0", "STRING", "STRING 1.0");
    cast_case("DOUBLE 12345678.9", "STRING", "STRING 1.23456789E7");
    cast_case("FLOAT 0.1", "STRING", "STRING 0.1");
    cast_case("BOOLEAN TRUE", "STRING", "STRING TRUE");
    cast_case("TIMESTAMP(3) '2020-01-02 03:04:05.678'", "STRING", "STRING 2020-01-02 03:04:05.678");
    cast_case("TIMESTAMP(3) '2020-01-02 03:04:05.678'", "TIMESTAMP(0)",
              "TIMESTAMP(0) 2020-01-02 03:04:05");
    cast_case("TIMESTAMP(3) '2020-01-02 03:04:05.678'", "DATE", "DATE 2020-01-02");
    cast_case("STRING '2020-02-30'", "DATE", "error '2020-02-30' cannot be cast to DATE");
    cast_case("STRING 'hello'", "VARCHAR(3)", "VARCHAR(3) hel");
    cast_case("STRING 'hi'", "CHAR(4)", "CHAR(4) hi  ");
    cast_case("BOOLEAN TRUE", "INT", "INT 1");
    cast_case("DATE '2020-01-02'", "INT", "error DATE cannot be cast to INT");
}
