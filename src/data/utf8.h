/* utf8.h: characters of UTF-8 text. A character is a code point, as in Flink's binary strings
 * (BinaryStringData.numChars): CHAR_LENGTH of an emoji is 1, not the 2 of Java's String.length. Bytes
 * that are not UTF-8 count one each.
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_UTF8_H
#define QW_DATA_UTF8_H

#include "base/bytes.h"

size_t utf8_chars(struct bytes text);             /* how many characters */
size_t utf8_pos(struct bytes text, size_t chars); /* the byte after the first `chars` of them */
size_t utf8_size(struct bytes text);              /* bytes of the first code point, 1 .. 4; 0 at end */

#endif
