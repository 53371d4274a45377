/* The messages of SASL's mechanisms and tokens, well formed and not. */
#include "wire/sasl/sasl.h"

#include "base/base64.h"
#include "lib/test.h"
#include "wire/sasl/jwt.h"

static void expect_round(const char *plain, const char *coded)
{
    struct buf out, back;

    buf_init(&out, 0);
    buf_init(&back, 0);
    base64_encode(&out, bytes_str(plain));
    EXPECT_BYTES(buf_view(&out), bytes_str(coded));
    EXPECT(base64_decode(&back, buf_view(&out)));
    EXPECT_BYTES(buf_view(&back), bytes_str(plain));
    buf_deinit(&out);
    buf_deinit(&back);
}

TEST(base64_both_ways)
{
    static const char *const bad[] = {
        "Zg", "Zg=", "Z===", "Zh==", "Zm9=", "Zm 9", "Zm-_", "====", "Zg==Zg=="};
    struct buf out;

    expect_round("", ""); /* RFC 4648, section 10 */
    expect_round("f", "Zg==");
    expect_round("fo", "Zm8=");
    expect_round("foo", "Zm9v");
    expect_round("foob", "Zm9vYg==");
    expect_round("fooba", "Zm9vYmE=");
    expect_round("foobar", "Zm9vYmFy");
    buf_init(&out, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        EXPECT(!base64_decode(&out, bytes_str(bad[i])));
    buf_clear(&out);
    EXPECT(base64url_decode(&out, BYTES_LITERAL("-_8")));
    EXPECT_BYTES(buf_view(&out), BYTES_LITERAL("\xfb\xff"));
    EXPECT(!base64url_decode(&out, BYTES_LITERAL("+/8")));
    EXPECT(!base64url_decode(&out, BYTES_LITERAL("-_8=")));
    buf_deinit(&out);
}

TEST(sasl_plain_messages)
{
    struct sasl_plain m;

    EXPECT(sasl_plain_parse(BYTES_LITERAL("\0bob\0secret"), &m));
    EXPECT(m.authzid.len == 0 && bytes_is(m.user, "bob") && bytes_is(m.password, "secret"));
    EXPECT(sasl_plain_parse(BYTES_LITERAL("eve\0bob\0s"), &m) && bytes_is(m.authzid, "eve"));
    EXPECT(!sasl_plain_parse(BYTES_LITERAL("bob\0secret"), &m));
    EXPECT(!sasl_plain_parse(BYTES_LITERAL("\0\0secret"), &m));
    EXPECT(!sasl_plain_parse(BYTES_LITERAL("\0bob\0"), &m));
    EXPECT(!sasl_plain_parse(BYTES_LITERAL("\0bob\0sec\0ret"), &m));
    EXPECT(!sasl_plain_parse(BYTES_NONE, &m));
}

static bool first_is(const char *text, const char *user, const char *authzid, const char *bare)
{
    struct scram_first m;
    struct buf u, a;

    buf_init(&u, 0);
    buf_init(&a, 0);
    bool ok = scram_first_parse(bytes_str(text), &m, &u, &a);
    if (ok) {
        EXPECT_BYTES(buf_view(&u), bytes_str(user));
        EXPECT_BYTES(buf_view(&a), bytes_str(authzid));
        EXPECT_BYTES(m.bare, bytes_str(bare));
        EXPECT_INT(m.gs2.len + m.bare.len, strlen(text));
        EXPECT(bytes_is(m.nonce, "fyko"));
    }
    buf_deinit(&u);
    buf_deinit(&a);
    return ok;
}

TEST(scram_first_messages)
{
    EXPECT(first_is("n,,n=user,r=fyko", "user", "", "n=user,r=fyko"));
    EXPECT(first_is("y,a=o=2Co=3D,n=u=2Cser=3D,r=fyko,x=1",
                    "u,ser=", "o,o=", "n=u=2Cser=3D,r=fyko,x=1"));
    static const char *const bad[] = {"",
                                      "n",
                                      "n,",
                                      "n,,",
                                      "n,,n=user",
                                      "n,,n=,r=x",
                                      "n,,n=u,r=",
                                      "p=x,,n=u,r=x",
                                      "n,b,n=u,r=x",
                                      "n,,m=1,n=u,r=x",
                                      "n,,n=u,r=x,m=1",
                                      "n,,n=u=2D,r=x",
                                      "n,,n=u=,r=x",
                                      "n,,r=x,n=u"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        EXPECT(!first_is(bad[i], "", "", ""));
}

TEST(scram_final_messages)
{
    struct scram_final m;
    struct buf proof;

    buf_init(&proof, 0);
    EXPECT(scram_final_parse(BYTES_LITERAL("c=biws,r=fyko3,p=Zm9v"), &m, &proof));
    EXPECT_BYTES(m.without_proof, BYTES_LITERAL("c=biws,r=fyko3"));
    EXPECT(bytes_is(m.binding, "biws") && bytes_is(m.nonce, "fyko3"));
    EXPECT_BYTES(buf_view(&proof), BYTES_LITERAL("foo"));
    EXPECT(scram_final_parse(BYTES_LITERAL("c=biws,r=fyko3,x=1,p=Zg=="), &m, &proof));
    static const char *const bad[] = {"",
                                      "c=biws",
                                      "c=biws,r=x",
                                      "r=x,c=biws,p=Zm9v",
                                      "c=biws,r=x,p=Zm9",
                                      "c=biws,r=x,p=Zm9v,x=1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        EXPECT(!scram_final_parse(bytes_str(bad[i]), &m, &proof));
    buf_deinit(&proof);
}

TEST(oauth_messages)
{
    struct oauth_first m;

    EXPECT(oauth_first_parse(BYTES_LITERAL("n,,\1auth=Bearer a.b.c\1\1"), &m));
    EXPECT(bytes_is(m.token, "a.b.c") && m.authzid.len == 0);
    EXPECT(oauth_first_parse(BYTES_LITERAL("n,a=bob,\1host=h\1auth=bearer a.b.c\1x=y\1\1"), &m));
    EXPECT(bytes_is(m.token, "a.b.c") && bytes_is(m.authzid, "bob"));
    EXPECT(!oauth_first_parse(BYTES_LITERAL("n,,\1auth=Bearer a.b.c\1"), &m));
    EXPECT(!oauth_first_parse(BYTES_LITERAL("n,,\1auth=Bearer a\1auth=Bearer b\1\1"), &m));
    EXPECT(!oauth_first_parse(BYTES_LITERAL("n,,\1x\1auth=Bearer b\1\1"), &m));
    EXPECT(!oauth_first_parse(BYTES_LITERAL("n,,\1\1"), &m));
    EXPECT(!oauth_first_parse(BYTES_LITERAL("auth=Bearer a\1\1"), &m));
}

TEST(jwt_taken_apart)
{
    struct jwt j;
    struct buf text;
    int64_t at;

    /* {"alg":"none"} . {"sub":"bob","exp":1700000000.5,"aud":["a","b"]} . "" */
    EXPECT(jwt_parse(
        &j, BYTES_LITERAL("eyJhbGciOiJub25lIn0."
                          "eyJzdWIiOiJib2IiLCJleHAiOjE3MDAwMDAwMDAuNSwiYXVkIjpbImEiLCJiIl19.")));
    buf_init(&text, 0);
    EXPECT(jwt_text(buf_view(&j.payload), "sub", &text));
    EXPECT_BYTES(buf_view(&text), BYTES_LITERAL("bob"));
    EXPECT(jwt_seconds(buf_view(&j.payload), "exp", &at));
    EXPECT_INT(at, 1700000000);
    EXPECT(!jwt_seconds(buf_view(&j.payload), "sub", &at) &&
           !jwt_seconds(buf_view(&j.payload), "nbf", &at));
    EXPECT(jwt_has(buf_view(&j.payload), "aud", "b") && !jwt_has(buf_view(&j.payload), "aud", "c"));
    EXPECT(jwt_has(buf_view(&j.header), "alg", "none"));
    buf_deinit(&text);
    jwt_deinit(&j);
    static const char *const bad[] = {"",
                                      "a",
                                      "a.b",
                                      "..",
                                      "eyJhbGciOiJub25lIn0..",
                                      "eyJhbGciOiJub25lIn0.W10.",
                                      "eyJhbGciOiJub25lIn0.e30.x.y",
                                      "eyJhbGciOiJub25lIn0.e30.*"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        EXPECT(!jwt_parse(&j, bytes_str(bad[i])));
        jwt_deinit(&j);
    }
}

TEST(scram_what_a_server_answers)
{
    struct scram_challenge c;
    struct buf salt, name;
    struct bytes error;

    buf_init(&salt, 0);
    buf_init(&name, 0);
    EXPECT(scram_challenge_parse(BYTES_LITERAL("r=fyko3,s=Zm9v,i=4096"), &c, &salt));
    EXPECT(bytes_is(c.nonce, "fyko3") && bytes_is(buf_view(&salt), "foo") && c.iterations == 4096);
    EXPECT(scram_challenge_parse(BYTES_LITERAL("r=f,s=Zm9v,i=1,x=later"), &c, &salt));
    EXPECT(!scram_challenge_parse(BYTES_LITERAL("r=f,s=Zm9v,i=0"), &c, &salt));
    EXPECT(!scram_challenge_parse(BYTES_LITERAL("r=f,s=Zm9v,i=4294967296"), &c, &salt));
    EXPECT(!scram_challenge_parse(BYTES_LITERAL("r=f,s=Zm9v"), &c, &salt));
    EXPECT(!scram_challenge_parse(BYTES_LITERAL("r=f,s=?,i=1"), &c, &salt));
    EXPECT(!scram_challenge_parse(BYTES_LITERAL("r=,s=Zm9v,i=1"), &c, &salt));
    EXPECT(!scram_challenge_parse(BYTES_NONE, &c, &salt));
    buf_clear(&salt);
    EXPECT(scram_verdict_parse(BYTES_LITERAL("v=Zm9v"), &salt, &error) && bytes_is(buf_view(&salt), "foo") &&
           !error.len);
    EXPECT(scram_verdict_parse(BYTES_LITERAL("e=invalid-proof"), &salt, &error) &&
           bytes_is(error, "invalid-proof"));
    EXPECT(!scram_verdict_parse(BYTES_LITERAL("x=Zm9v"), &salt, &error));
    EXPECT(!scram_verdict_parse(BYTES_NONE, &salt, &error));
    scram_name_write(&name, BYTES_LITERAL("a,=b"));
    EXPECT(bytes_is(buf_view(&name), "a=2C=3Db"));
    buf_deinit(&name);
    buf_deinit(&salt);
}
