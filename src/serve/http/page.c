/* page.c: the dashboard's files, from inside the program.
 *
 * The build turns ui/ into build/gen/ui_files.inc (ui.mk), which takes the files in by .incbin, each as it
 * is and compressed. The page may load nothing but these and talk to nobody but us: see POLICY. */
#include "serve/http/face.h"

struct ui_file {
    const char *name, *type, *etag;
    const unsigned char *plain, *gzip;
    size_t plain_len, gzip_len;
};

#define UI_FILE(symbol, path)                                                                      \
    __asm__(".section .rodata\n"                                                                   \
            ".balign 16\n"                                                                         \
            ".hidden ui_" #symbol "\n"                                                             \
            ".global ui_" #symbol "\n"                                                             \
            "ui_" #symbol ":\n"                                                                    \
            ".incbin \"" path "\"\n"                                                               \
            ".byte 0\n"                                                                            \
            ".previous\n");                                                                        \
    extern const unsigned char ui_##symbol[];

#include "ui_files.inc"

#define POLICY                                                                                     \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "           \
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "              \
    "frame-ancestors 'none'\r\n"                                                                   \
    "Referrer-Policy: no-referrer\r\n"                                                             \
    "Cross-Origin-Opener-Policy: same-origin\r\n"                                                  \
    "Cross-Origin-Resource-Policy: same-origin\r\n"

/* Without quality values that say no: a client that sends "gzip;q=0" gets what it would not have had. */
static bool accepts_gzip(const struct http_request *request)
{
    struct bytes all = http_header_get(request, "accept-encoding");

    return http_header_has(request, "accept-encoding", "gzip") ||
           (all.len > 5 && memmem(all.ptr, all.len, "gzip;q=1", 8));
}

static void send_file(struct exchange *x, const struct ui_file *file)
{
    bool gzip = accepts_gzip(x->request);
    const char *etag = arena_printf(&x->arena, "\"%s%s\"", file->etag, gzip ? "-gz" : "");
    const char *lines = arena_printf(&x->arena, "ETag: %s\r\nCache-Control: no-cache\r\nVary: Accept-Encoding\r\n%s%s",
                                     etag, gzip ? "Content-Encoding: gzip\r\n" : "", POLICY);

    if (bytes_is(http_header_get(x->request, "if-none-match"), etag)) {
        reply(x, 304, NULL, lines, BYTES_NONE);
        return;
    }
    reply_static(x, 200, file->type, lines,
                 gzip ? bytes_of(file->gzip, file->gzip_len) : bytes_of(file->plain, file->plain_len));
}

static void send_named(struct exchange *x, struct bytes name)
{
    for (size_t i = 0; i < sizeof ui_files / sizeof *ui_files; i++)
        if (bytes_is(name, ui_files[i].name)) {
            send_file(x, &ui_files[i]);
            return;
        }
    reply_error(x, 404, "not_found", "the page has no file of that name");
}

void get_page(struct exchange *x)
{
    send_named(x, BYTES_LITERAL("index.html"));
}

void get_page_file(struct exchange *x)
{
    send_named(x, x->params[0]);
}
