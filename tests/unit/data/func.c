/* Functions, a line a case; each runs as literals, as columns and mixed (lib/data_case.h). */
#include <stdio.h>

#include "base/buf.h"
#include "base/rng.h"
#include "data/datetime.h"
#include "data/text.h"
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
    call_case("+", "FLOAT 1.1, DOUBLE 2.5", "FLOAT 3.6"); /* the first decides, as in Flink */
    call_case("+", "DOUBLE 2.5, FLOAT 0.5", "DOUBLE 3.0");
    call_case("<", "FLOAT 1, DOUBLE 1e300", "BOOLEAN TRUE");
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
    call_case("-", "STRING 'x', MILLIS 1000", "error -: cannot be applied to STRING");
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
    cast_case("STRING '2020-01-02 10:00:00'", "DATE", "DATE 2020-01-02");
    cast_case("STRING '2020-1-2'", "TIMESTAMP(3)", "TIMESTAMP(3) 2020-01-02 00:00:00.000");
    cast_case("STRING '2020'", "TIMESTAMP(3)", "error '2020' cannot be cast to TIMESTAMP(3)");
    cast_case("STRING '2020-01-02T10:00:00'", "TIMESTAMP(3)",
              "error '2020-01-02T10:00:00' cannot be cast to TIMESTAMP(3)");
    cast_case("STRING '2020-01-02 10:00'", "TIMESTAMP(3)",
              "error '2020-01-02 10:00' cannot be cast to TIMESTAMP(3)");
    cast_case("STRING '2020-02-30'", "DATE", "error '2020-02-30' cannot be cast to DATE");
    cast_case("STRING '2020-02-30 10:00:00'", "TIMESTAMP(3)", "TIMESTAMP(3) 2020-02-29 10:00:00.000");
    cast_case("STRING '2020-02-28 24:00:00'", "TIMESTAMP(3)", "TIMESTAMP(3) 2020-02-29 00:00:00.000");
    cast_case("STRING '2020-02-32 10:00:00'", "TIMESTAMP(3)",
              "error '2020-02-32 10:00:00' cannot be cast to TIMESTAMP(3)");
    cast_case("STRING '9999-12-31 24:00:00'", "TIMESTAMP(3)",
              "error '9999-12-31 24:00:00' cannot be cast to TIMESTAMP(3)");
    cast_case("STRING 'hello'", "VARCHAR(3)", "VARCHAR(3) hel");
    cast_case("STRING 'hi'", "CHAR(4)", "CHAR(4) hi  ");
    cast_case("BOOLEAN TRUE", "INT", "INT 1");
    cast_case("DATE '2020-01-02'", "INT", "error DATE cannot be cast to INT");
}

TEST(data_number_functions)
{
    call_case("ABS", "INT -5", "INT 5");
    call_case("ABS", "DECIMAL(5,2) -1.50", "DECIMAL(5, 2) 1.50");
    call_case("SIGN", "BIGINT -5", "BIGINT -1");
    call_case("CEIL", "DECIMAL(5,2) 1.20", "DECIMAL(5, 0) 2");
    call_case("FLOOR", "DECIMAL(5,2) -1.20", "DECIMAL(5, 0) -2");
    call_case("FLOOR", "DOUBLE 1.7", "DOUBLE 1.0");
    call_case("CEIL", "INT 7", "INT 7");
    literal_case("ROUND", "DECIMAL(10,3) 1.255, INT 2", "DECIMAL(10, 2) 1.26");
    call_case("ROUND", "DOUBLE 2.675, INT 2", "DOUBLE 2.68");
    call_case("ROUND", "DOUBLE -2.5", "DOUBLE -3.0");
    call_case("ROUND", "INT 155, INT -1", "INT 160");
    call_case("TRUNCATE", "DOUBLE 42.345, INT 2", "DOUBLE 42.34");
    literal_case("TRUNCATE", "DECIMAL(10,3) -1.259, INT 2", "DECIMAL(10, 2) -1.25");
    call_case("POWER", "INT 2, INT 10", "DOUBLE 1024.0");
    call_case("SQRT", "INT 16", "DOUBLE 4.0");
    call_case("LOG", "INT 2, INT 8", "DOUBLE 3.0");
    call_case("PI", "", "DOUBLE 3.141592653589793");
    call_case("BIN", "INT 5", "STRING 101");
    call_case("HEX", "INT 255", "STRING FF");
    call_case("HEX", "STRING 'hi'", "STRING 6869");
    call_case("SIN", "STRING 'x'", "error SIN: argument 1 is STRING, expected DOUBLE");
}

TEST(data_text_functions)
{
    call_case("||", "STRING 'ab', STRING 'c'", "STRING abc");
    call_case("CONCAT", "STRING 'ab', STRING NULL", "STRING NULL");
    call_case("CONCAT_WS", "STRING '-', STRING 'a', STRING 'b'", "STRING a-b");
    call_case("UPPER", "STRING 'aé'", "STRING AÉ");
    call_case("LOWER", "STRING 'AbC'", "STRING abc");
    call_case("INITCAP", "STRING 'hello wORLD'", "STRING Hello World");
    call_case("INITCAP", "STRING 'äöx 1st'", "STRING äöX 1st");
    call_case("CHAR_LENGTH", "STRING 'aé😀'", "INT 3");
    call_case("OCTET_LENGTH", "STRING 'aé'", "INT 3");
    call_case("SUBSTRING", "STRING 'hello', INT 2, INT 3", "STRING ell");
    call_case("SUBSTRING", "STRING 'hello', INT -3", "STRING llo");
    call_case("SUBSTRING", "STRING 'hello', INT 0, INT 2", "STRING he");
    call_case("SUBSTRING", "STRING 'hello', INT 9", "STRING ");
    call_case("SUBSTRING", "STRING 'hello', INT 1, INT -1", "STRING NULL");
    call_case("LEFT", "STRING 'héllo', INT 2", "STRING hé");
    call_case("RIGHT", "STRING 'héllo', INT 4", "STRING éllo");
    call_case("TRIM", "STRING '  x '", "STRING x");
    literal_case("TRIM", "STRING 'LEADING', STRING 'x', STRING 'xxyx'", "STRING yx");
    call_case("LTRIM", "STRING 'xxyx', STRING 'x'", "STRING yx");
    call_case("RTRIM", "STRING 'yéé', STRING 'é'", "STRING y");
    call_case("REPLACE", "STRING 'aXbX', STRING 'X', STRING '--'", "STRING a--b--");
    call_case("REPEAT", "STRING 'ab', INT 3", "STRING ababab");
    call_case("REVERSE", "STRING 'aé😀'", "STRING 😀éa");
    call_case("LPAD", "STRING 'hi', INT 5, STRING 'ab'", "STRING abahi");
    call_case("RPAD", "STRING 'hi', INT 1, STRING '-'", "STRING h");
    call_case("LPAD", "STRING 'hi', INT -1, STRING '-'", "STRING NULL");
    call_case("POSITION", "STRING 'l', STRING 'héllo'", "INT 3");
    call_case("LOCATE", "STRING 'l', STRING 'hello', INT 4", "INT 4");
    call_case("LOCATE", "STRING 'l', STRING 'hello', INT -4", "INT 3");
    call_case("LOCATE", "STRING '', STRING 'hello', INT 9", "INT 1");
    call_case("REPLACE", "STRING 'äb', STRING '', STRING '-'", "STRING -ä-b-");
    call_case("REPLACE", "STRING '', STRING '', STRING '-'", "STRING -");
    call_case("REGEXP", "STRING 'x', STRING ''", "BOOLEAN FALSE");
    call_case("INSTR", "STRING 'hello', STRING 'z'", "INT 0");
    call_case("OVERLAY", "STRING 'This is an old string', STRING ' new', INT 10, INT 5",
              "STRING This is a new string");
    call_case("ASCII", "STRING 'abc'", "INT 97");
    call_case("CHR", "INT 97", "STRING a");
    call_case("SPLIT_INDEX", "STRING 'https://a.b/c/d', STRING '/', INT 3", "STRING c");
    call_case("SPLIT_INDEX", "STRING 'a,b', STRING ',', INT 2", "STRING NULL");
    call_case("SPLIT_INDEX", "STRING 'a,b', INT 44, INT 1", "STRING b");
    call_case("COUNT_CHAR", "STRING 'banana', STRING 'a'", "BIGINT 3");
    call_case("TRANSLATE", "STRING 'abcba', STRING 'ab', STRING 'x'", "STRING xcx");
    call_case("STARTSWITH", "STRING 'abc', STRING 'ab'", "BOOLEAN TRUE");
    call_case("UPPER", "INT 1", "error UPPER: argument 1 is INT, expected STRING");
    call_case("UPPER", "", "error UPPER: takes 1 argument, got 0");
    call_case("MD5", "STRING 'abc'", "STRING 900150983cd24fb0d6963f7d28e17f72");
    call_case("SHA256", "STRING ''", "STRING e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    call_case("SHA2", "STRING 'abc', INT 224", "STRING 23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
    call_case("TO_BASE64", "STRING 'hi!?'", "STRING aGkhPw==");
    call_case("FROM_BASE64", "STRING 'aGkhPw=='", "STRING hi!?");
    call_case("URL_ENCODE", "STRING 'a b&c=ä/?~*'", "STRING a+b%26c%3D%C3%A4%2F%3F%7E*");
    call_case("URL_DECODE", "STRING 'a+b%26c%3D%C3%A4'", "STRING a b&c=ä");
    call_case("URL_DECODE", "STRING '%4'", "STRING NULL");
    call_case("URL_DECODE", "STRING '%e4x'", "STRING NULL");
    call_case("URL_DECODE", "STRING '%ed%a0%80'", "STRING NULL");
    const char *url = "STRING 'HTTPS://u:p@h:80/a/../b.c?x=1&xy=2&y#r?z', STRING '%s'";
    static const char *const parts[][2] = {{"HOST", "h"}, {"PATH", "/a/../b.c"}, {"QUERY", "x=1&xy=2&y"}, {"REF", "r?z"},
                                           {"PROTOCOL", "https"}, {"FILE", "/a/../b.c?x=1&xy=2&y"},
                                           {"AUTHORITY", "u:p@h:80"}, {"USERINFO", "u:p"}, {"host", "NULL"}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char args[200], want[100];
        snprintf(args, sizeof(args), url, parts[i][0]);
        snprintf(want, sizeof(want), "STRING %s", parts[i][1]);
        call_case("PARSE_URL", args, want);
    }
    call_case("PARSE_URL", "STRING 'http://h?x=1&xy=2&y', STRING 'QUERY', STRING 'xy'", "STRING 2");
    call_case("PARSE_URL", "STRING 'http://h?x=1&xy=2&y', STRING 'QUERY', STRING 'y'", "STRING NULL");
    call_case("PARSE_URL", "STRING 'http://h?x=1', STRING 'HOST', STRING 'x'", "STRING NULL");
    call_case("PARSE_URL", "STRING 'http://[::1]:9/', STRING 'HOST'", "STRING [::1]");
    call_case("PARSE_URL", "STRING 'http://a@b@c/p', STRING 'HOST'", "STRING ");
    call_case("PARSE_URL", "STRING 'http://h:x/', STRING 'HOST'", "STRING NULL");
    call_case("PARSE_URL", "STRING 'http:h/p', STRING 'AUTHORITY'", "STRING NULL");
    call_case("PARSE_URL", "STRING '/a', STRING 'PATH'", "STRING NULL");
    call_case("PARSE_URL", "STRING 'foo://h', STRING 'HOST'", "STRING NULL");
}

TEST(data_patterns)
{
    call_case("LIKE", "STRING 'hello', STRING 'h%'", "BOOLEAN TRUE");
    call_case("LIKE", "STRING 'hello', STRING '%lo'", "BOOLEAN TRUE");
    call_case("LIKE", "STRING 'hello', STRING '%ell%'", "BOOLEAN TRUE");
    call_case("LIKE", "STRING 'hello', STRING 'hello'", "BOOLEAN TRUE");
    call_case("LIKE", "STRING 'hello', STRING 'h_l%o'", "BOOLEAN TRUE");
    call_case("LIKE", "STRING 'hello', STRING 'h_'", "BOOLEAN FALSE");
    call_case("LIKE", "STRING 'é', STRING '_'", "BOOLEAN TRUE");
    call_case("LIKE", "STRING '', STRING '%'", "BOOLEAN TRUE");
    call_case("LIKE", "STRING '100%', STRING '100!%', STRING '!'", "BOOLEAN TRUE");
    call_case("LIKE", "STRING '1000', STRING '100!%', STRING '!'", "BOOLEAN FALSE");
    call_case("LIKE", "STRING 'aXbXc', STRING 'a%b%c'", "BOOLEAN TRUE");
    call_case("NOT LIKE", "STRING 'x', STRING 'y%'", "BOOLEAN TRUE");
    call_case("REGEXP", "STRING 'foobar', STRING 'o+b'", "BOOLEAN TRUE");
    call_case("REGEXP_EXTRACT", "STRING 'a?x=1&channel_id=apple&y', STRING '(&|^)channel_id=([^&]*)', INT 2",
              "STRING apple");
    call_case("REGEXP_EXTRACT", "STRING 'foothebar', STRING 'foo(.*?)(bar)', INT 3", "STRING NULL");
    call_case("REGEXP_EXTRACT", "STRING 'foothebar', STRING 'o+'", "STRING oo");
    call_case("REGEXP_SUBSTR", "STRING 'foothebar', STRING 'o+'", "STRING oo");
    call_case("REGEXP_SUBSTR", "STRING 'foothebar', STRING 'x'", "STRING NULL");
    call_case("SIMILAR TO", "STRING 'foo-bar', STRING 'foo(-bar)?'", "BOOLEAN TRUE");
    call_case("SIMILAR TO", "STRING 'foo-bar', STRING 'foo|bar'", "BOOLEAN FALSE"); /* all of it */
    call_case("SIMILAR TO", "STRING 'a1', STRING '[[:ALPHA:]]_'", "BOOLEAN TRUE");
    call_case("SIMILAR TO", "STRING 'x[', STRING '%[_%]'", "BOOLEAN FALSE"); /* as they stand in a list */
    call_case("REGEXP_EXTRACT_ALL", "STRING 'a1b22', STRING '[a-z]([0-9]+)'", "ARRAY<STRING> [1, 22]");
    call_case("REGEXP_EXTRACT_ALL", "STRING 'a1b22', STRING '[a-z]([0-9]+)', INT 0", "ARRAY<STRING> [a1, b22]");
    call_case("REGEXP_EXTRACT_ALL", "STRING 'a1b2', STRING '([a-z])(x)?', INT 2", "ARRAY<STRING> [NULL, NULL]");
    call_case("REGEXP_EXTRACT_ALL", "STRING 'a1b2', STRING '[a-z]'", "ARRAY<STRING> NULL"); /* there is no group 1 */
    call_case("REGEXP_EXTRACT_ALL", "STRING 'a1b2', STRING '[a-z]', INT -1", "ARRAY<STRING> NULL");
    call_case("REGEXP_EXTRACT_ALL", "STRING 'ä1', STRING 'x*', INT 0", "ARRAY<STRING> [, , ]");
    call_case("REGEXP_COUNT", "STRING 'aXbXXc', STRING 'X'", "INT 3");
    call_case("REGEXP_COUNT", "STRING 'aXbXXc', STRING 'X+'", "INT 2");
    call_case("REGEXP_COUNT", "STRING 'äb', STRING ''", "INT 3");
    call_case("REGEXP_INSTR", "STRING 'äöX', STRING 'X'", "INT 3");
    call_case("REGEXP_INSTR", "STRING 'äöX', STRING 'Y'", "INT 0");
    call_case("REGEXP_REPLACE", "STRING 'foobar', STRING 'oo|ar', STRING ''", "STRING fb");
    call_case("REGEXP_REPLACE", "STRING '2020-01', STRING '(....)-(..)', STRING '$2/$1'", "STRING $2/$1");
    call_case("REGEXP_REPLACE", "STRING 'aé', STRING 'x*', STRING '.'", "STRING .a.é.");
    call_case("REGEXP", "STRING 'x', STRING '('", "error REGEXP: the pattern is wrong at position 2");
    call_case("REGEXP", "STRING 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', STRING '(a+)+$|b(a+)+$|(a*)*c'",
              "BOOLEAN TRUE");
}

TEST(data_time_functions)
{
    const char *t = "TIMESTAMP(3) '2020-02-29 13:04:05.678'";

    call_case("HOUR", t, "BIGINT 13");
    call_case("YEAR", "DATE '2020-02-29'", "BIGINT 2020");
    call_case("WEEK", "DATE '2021-01-03'", "BIGINT 53");
    call_case("DAYOFWEEK", "DATE '2020-03-01'", "BIGINT 1");
    call_case("QUARTER", t, "BIGINT 1");
    call_case("SECOND", t, "BIGINT 5");
    call_case("DAYOFYEAR", t, "BIGINT 60");
    call_case("DATE_FORMAT", "TIMESTAMP(3) '2020-02-29 13:04:05.678', STRING 'yyyy-MM-dd HH:mm:ss.SSS'",
              "STRING 2020-02-29 13:04:05.678");
    call_case("DATE_FORMAT", "TIMESTAMP(3) '2020-02-09 13:04:05', STRING 'd/M/yy hh:mm a EEE MMM'",
              "STRING 9/2/20 01:04 PM Sun Feb");
    call_case("DATE_FORMAT", "TIMESTAMP(3) '2020-02-09 13:04:05', STRING 'yyyyMMdd_HH'",
              "STRING 20200209_13");
    call_case("DATE_FORMAT", "STRING '2020-02-09 13:04:05', STRING 'yyyy'", "STRING 2020");
    call_case("DATE_FORMAT", "TIMESTAMP(3) '2020-02-09 13:04:05', STRING 'foo'",
              "error DATE_FORMAT: 'foo' is no pattern of dates");
    call_case("TO_TIMESTAMP", "STRING '2020-01-02 03:04:05'", "TIMESTAMP(3) 2020-01-02 03:04:05.000");
    call_case("TO_TIMESTAMP", "STRING '02/01/2020 3:04', STRING 'dd/MM/yyyy H:mm'",
              "TIMESTAMP(3) 2020-01-02 03:04:00.000");
    call_case("TO_TIMESTAMP", "STRING '20200102030405', STRING 'yyyyMMddHHmmss'",
              "TIMESTAMP(3) 2020-01-02 03:04:05.000");
    call_case("TO_TIMESTAMP", "STRING 'x'", "TIMESTAMP(3) NULL");
    call_case("TO_TIMESTAMP", "STRING '2023-02-30 03:04:05'", "TIMESTAMP(3) 2023-02-28 03:04:05.000");
    call_case("TO_TIMESTAMP", "STRING '30.02.2024', STRING 'dd.MM.yyyy'", "TIMESTAMP(3) 2024-02-29 00:00:00.000");
    call_case("TO_DATE", "STRING '30.02.2024', STRING 'dd.MM.yyyy'", "DATE 2024-03-01");
    call_case("TO_DATE", "STRING '2024-02-30'", "DATE NULL");
    call_case("TO_DATE", "STRING '2024-02-99999999999999999999', STRING 'yyyy-MM-dddddddddddddddddddddd'",
              "DATE NULL");
    call_case("TO_TIMESTAMP", "STRING '9999-12-31 24:00', STRING 'yyyy-MM-dd HH:mm'", "TIMESTAMP(3) NULL");
    call_case("UNIX_TIMESTAMP", "STRING '1970-01-32 00:00:01'", "BIGINT 2678401");
    call_case("DATE_FORMAT", "STRING '2024-02-30 13:04:05', STRING 'dd'", "STRING 01");
    call_case("TO_TIMESTAMP", "STRING '2024-02-28 24:30', STRING 'yyyy-MM-dd kk:mm'",
              "TIMESTAMP(3) 2024-02-28 00:30:00.000");
    call_case("TO_TIMESTAMP_LTZ", "BIGINT 1600000000, INT 0", "TIMESTAMP_LTZ(3) 2020-09-13 12:26:40.000");
    call_case("TO_TIMESTAMP_LTZ", "BIGINT 1600000000123, INT 3", "TIMESTAMP_LTZ(3) 2020-09-13 12:26:40.123");
    call_case("TO_DATE", "STRING '2020-01-02'", "DATE 2020-01-02");
    call_case("UNIX_TIMESTAMP", "STRING '1970-01-02 00:00:01'", "BIGINT 86401");
    call_case("FROM_UNIXTIME", "BIGINT 86401", "STRING 1970-01-02 00:00:01");
    call_case("CURRENT_TIMESTAMP", "", "TIMESTAMP_LTZ(3) 2020-09-13 12:26:40.123");
    call_case("CURRENT_DATE", "", "DATE 2020-09-13");
    call_case("PROCTIME", "", "TIMESTAMP_LTZ(3) 2020-09-13 12:26:40.123");
    literal_case("EXTRACT", "STRING 'DAY', TIMESTAMP(3) '2020-02-29 13:04:05.678'", "BIGINT 29");
    literal_case("EXTRACT", "STRING 'EPOCH', TIMESTAMP(3) '1970-01-01 00:01:00'", "BIGINT 60");
    literal_case("EXTRACT", "STRING 'FOO', DATE '2020-01-01'", "error EXTRACT: 'FOO' is no unit");
    literal_case("TIMESTAMPADD", "STRING 'MONTH', INT 1, DATE '2020-01-31'", "DATE 2020-02-29");
    literal_case("TIMESTAMPADD", "STRING 'SECOND', INT 10, TIMESTAMP(3) '2020-01-31 00:00:00'",
                 "TIMESTAMP(3) 2020-01-31 00:00:10.000");
    literal_case("TIMESTAMPDIFF", "STRING 'DAY', DATE '2020-01-01', DATE '2020-03-01'", "INT 60");
    literal_case("TIMESTAMPDIFF", "STRING 'MONTH', DATE '2020-01-31', DATE '2020-02-29'", "INT 1");
    literal_case("TIMESTAMPDIFF", "STRING 'HOUR', TIMESTAMP(3) '2020-01-01 02:00:00', "
                                  "TIMESTAMP(3) '2020-01-01 00:30:00'", "INT -1");
    literal_case("FLOOR", "TIMESTAMP(3) '2020-02-29 13:04:05.678', STRING 'HOUR'",
                 "TIMESTAMP(3) 2020-02-29 13:00:00.000");
    literal_case("FLOOR", "TIMESTAMP(3) '2020-02-29 13:04:05.678', STRING 'QUARTER'",
                 "TIMESTAMP(3) 2020-01-01 00:00:00.000");
    literal_case("CEIL", "TIMESTAMP(3) '2020-02-29 13:04:05.678', STRING 'MONTH'",
                 "TIMESTAMP(3) 2020-03-01 00:00:00.000");
}

/* Lists are no literals: built of columns here, and looked into at once. */
static const struct expr *bind2(struct arena *arena, const char *name, const struct expr *a,
                                const struct expr *b)
{
    struct diag diag = {0};
    const struct expr *args[2] = {a, b};
    const struct expr *e = func_bind(arena, bytes_str(name), args, b ? 2 : 1, &diag);

    if (!e)
        test_fail(__FILE__, __LINE__, "%s", diag.message);
    return e;
}

static const char *eval_text(struct arena *arena, const struct expr *e)
{
    static const int32_t data[] = {5, 6, 7};
    struct diag diag = {0};
    struct column cols[1] = {{.data = data}}, out;
    struct chunk chunk = {.cols = cols, .count = 3, .rows = 3, .col_count = 1};
    struct expr_ctx ctx = {.arena = arena, .diag = &diag};
    struct buf buf;

    if (expr_eval(e, &ctx, &chunk, NULL, 3, &out) != ST_OK)
        return arena_printf(arena, "error %s", diag.message);
    buf_init(&buf, 0);
    for (uint32_t r = 0; r < 3; r++) {
        if (r)
            buf_str(&buf, " | ");
        value_text(&buf, e->type, &out, r, NULL);
    }
    const char *text = arena_str(arena, buf_view(&buf));
    buf_deinit(&buf);
    return text;
}

TEST(data_collections)
{
    struct arena arena;

    arena_init(&arena, 0);
    const struct expr *c = expr_column(&arena, 0, type_simple(TYPE_INT));
    const struct expr *six = expr_i64(&arena, 6, type_simple(TYPE_INT));
    const struct expr *one = expr_i64(&arena, 1, type_simple(TYPE_BIGINT));
    const struct expr *array = bind2(&arena, "ARRAY", c, one);
    const struct expr *map = bind2(&arena, "MAP", c, one);
    EXPECT_STR(type_text(&arena, array->type), "ARRAY<BIGINT> NOT NULL");
    EXPECT_STR(eval_text(&arena, array), "[5, 1] | [6, 1] | [7, 1]");
    EXPECT_STR(eval_text(&arena, map), "{5=1} | {6=1} | {7=1}");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "[]", map, six)), "NULL | 1 | NULL");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "[]", array, expr_i64(&arena, 1, type_simple(TYPE_INT)))),
               "5 | 6 | 7");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "[]", array, c)), "NULL | NULL | NULL");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "CARDINALITY", array, NULL)), "2 | 2 | 2");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_CONTAINS", array, six)), "FALSE | TRUE | FALSE");
    const struct expr *other = bind2(&arena, "ARRAY", six, expr_null(&arena, type_simple(TYPE_INT)));
    const struct expr *twice = bind2(&arena, "ARRAY_CONCAT", other, array);
    EXPECT_STR(type_text(&arena, twice->type), "ARRAY<BIGINT> NOT NULL");
    EXPECT_STR(eval_text(&arena, twice), "[6, NULL, 5, 1] | [6, NULL, 6, 1] | [6, NULL, 7, 1]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_DISTINCT", twice, NULL)),
               "[6, NULL, 5, 1] | [6, NULL, 1] | [6, NULL, 7, 1]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_SORT", twice, NULL)),
               "[NULL, 1, 5, 6] | [NULL, 1, 6, 6] | [NULL, 1, 6, 7]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_SORT", twice, expr_bool(&arena, false))),
               "[6, 5, 1, NULL] | [6, 6, 1, NULL] | [7, 6, 1, NULL]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_EXCEPT", array, other)), "[5, 1] | [1] | [7, 1]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_INTERSECT", twice, array)), "[5, 1] | [6, 1] | [7, 1]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_UNION", array, other)),
               "[5, 1, 6, NULL] | [6, 1, NULL] | [7, 1, 6, NULL]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_APPEND", array, c)), "[5, 1, 5] | [6, 1, 6] | [7, 1, 7]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_PREPEND", array, six)), "[6, 5, 1] | [6, 6, 1] | [6, 7, 1]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_REMOVE", twice, six)),
               "[NULL, 5, 1] | [NULL, 1] | [NULL, 7, 1]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_REVERSE", array, NULL)), "[1, 5] | [1, 6] | [1, 7]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_SLICE", twice, expr_i64(&arena, -2, type_simple(TYPE_INT)))),
               "[5, 1] | [6, 1] | [7, 1]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_MAX", twice, NULL)), "6 | 6 | 7");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_MIN", twice, NULL)), "1 | 1 | 1");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ARRAY_POSITION", array, six)), "0 | 1 | 0");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "ELEMENT", array, NULL)), "error ELEMENT of an array that has 2");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "MAP_KEYS", map, NULL)), "[5] | [6] | [7]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "MAP_VALUES", map, NULL)), "[1] | [1] | [1]");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "MAP_UNION", map, bind2(&arena, "MAP", six, six))),
               "{5=1, 6=6} | {6=6} | {7=1, 6=6}");
    EXPECT_STR(eval_text(&arena, bind2(&arena, "MAP_FROM_ARRAYS", array, array)),
               "{5=5, 1=1} | {6=6, 1=1} | {7=7, 1=1}");
    /* a branch that is not taken is not evaluated, lists in branches come together */
    const struct expr *when[3] = {bind2(&arena, "=", c, six), array, expr_null(&arena, type_simple(TYPE_NULL))};
    struct diag diag = {0};
    const struct expr *e = func_case(&arena, when, 3, &diag);
    EXPECT_STR(eval_text(&arena, e), "NULL | [6, 1] | NULL");
    when[1] = bind2(&arena, "/", six, bind2(&arena, "-", six, c));
    when[0] = bind2(&arena, "<>", c, six);
    EXPECT_STR(eval_text(&arena, func_case(&arena, when, 3, &diag)), "6 | NULL | -6");
    EXPECT_STR(eval_text(&arena, when[1]), "error division by zero");
    EXPECT_STR(expr_text(&arena, func_case(&arena, when, 3, &diag), NULL),
               "CASE WHEN ($0 <> 6) THEN (6 / (6 - $0)) ELSE NULL END");
    arena_deinit(&arena);
}

TEST(data_results_that_are_too_large_are_refused)
{
    struct arena arena, results;
    struct diag diag = {0};
    struct column cols[1], out;
    static int32_t times[CHUNK_ROWS];
    struct chunk chunk = {.cols = cols, .count = CHUNK_ROWS, .rows = CHUNK_ROWS, .col_count = 1};

    arena_init(&arena, 0);
    arena_init(&results, 8 << 20);
    for (int i = 0; i < CHUNK_ROWS; i++)
        times[i] = 10000;
    cols[0] = (struct column){.data = times};
    struct expr_ctx ctx = {.arena = &results, .diag = &diag};
    const struct expr *s = expr_str(&arena, BYTES_LITERAL("abcd"), type_simple(TYPE_VARCHAR));
    const struct expr *e = bind2(&arena, "REPEAT", s, expr_column(&arena, 0, type_simple(TYPE_INT)));
    e = bind2(&arena, "||", bind2(&arena, "UPPER", e, NULL), e);
    enum status st = expr_eval(e, &ctx, &chunk, NULL, CHUNK_ROWS, &out);
    EXPECT(st == ST_NOSPACE || st == ST_INVALID);
    EXPECT(diag.message[0] != 0);
    arena_deinit(&results);
    arena_deinit(&arena);
}

/* What DATE_FORMAT relies on when rows share the text of the row before. */
TEST(date_patterns_print_the_same_for_a_whole_step)
{
    static const struct {
        const char *pattern;
        int64_t step_us;
    } cases[] = {{"yyyy-MM-dd", US_PER_DAY},      {"EEE d MMM uu 'at h'", US_PER_DAY},
                 {"D/w/q XXX", US_PER_DAY},       {"HH", US_PER_HOUR},
                 {"h a", US_PER_HOUR},            {"dd kk K", US_PER_HOUR},
                 {"HH:mm", US_PER_MINUTE},        {"ss", US_PER_SECOND},
                 {"yyyy ss.SSS", 1},              {"n", 1},
                 {"", US_PER_DAY},                {"'HHmmss'", US_PER_DAY}};
    struct rng rng = rng_seed(7);

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct bytes pattern = bytes_str(cases[i].pattern);
        int64_t step = cases[i].step_us;
        EXPECT_INT(pattern_step_us(pattern), step);
        for (int n = 0; n < 200; n++) {
            int32_t zone_s = (int32_t)(rng_next(&rng) % 97) * 900 - 43200;
            int64_t us = (int64_t)(rng_next(&rng) % 4000000000) * 1000000 - 1000000000000000;
            int64_t first = floor_div(us + zone_s * US_PER_SECOND, step) * step - zone_s * US_PER_SECOND;
            char a[128], b[128];
            size_t len = pattern_format(pattern, first, zone_s, a, sizeof(a));
            EXPECT_INT(pattern_format(pattern, first + step - 1, zone_s, b, sizeof(b)), len);
            EXPECT(memcmp(a, b, len) == 0);
        }
    }
}
