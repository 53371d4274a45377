/* lex.h: the words of a .proto file.   Layer: data. */
#ifndef QW_DATA_PROTOBUF_LEX_H
#define QW_DATA_PROTOBUF_LEX_H

#include "base/bytes.h"

enum proto_word { PROTO_END, PROTO_NAME /* with dots */, PROTO_NUMBER /* no sign */, PROTO_QUOTED, PROTO_SIGN, PROTO_WRONG };

struct proto_lex {
    struct bytes text;
    size_t pos;
    enum proto_word word;
    struct bytes at; /* the word; of QUOTED with its quotes */
    unsigned line;
};

struct proto_lex proto_lex_of(struct bytes text); /* stands on the first word */
void proto_lex_next(struct proto_lex *lex);

#endif
