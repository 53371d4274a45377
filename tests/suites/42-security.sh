#!/bin/sh
# Who may come in: TLS with real clients (curl, kcat on librdkafka), certificates of clients, new ones
# without a restart; SASL.
. tests/lib/suite.sh
need_build
certs=$suite_dir/certs
mkdir -p "$certs"

authority() { # NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$certs/$1.key" \
        -out "$certs/$1.pem" -subj "/CN=$1" -days 2 2>/dev/null
}
certificate() { # FILE SUBJECT CA [DAYS]
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$certs/$1.key.new" \
        -out "$certs/$1.csr" -subj "$2" 2>/dev/null
    echo "subjectAltName=DNS:localhost,IP:127.0.0.1" >"$certs/$1.ext"
    openssl x509 -req -in "$certs/$1.csr" -CA "$certs/$3.pem" -CAkey "$certs/$3.key" -CAcreateserial \
        -days "${4:-2}" -extfile "$certs/$1.ext" -out "$certs/$1.pem.new" 2>/dev/null
    mv "$certs/$1.key.new" "$certs/$1.key"
    mv "$certs/$1.pem.new" "$certs/$1.pem"
}
authority ca
authority other-ca
certificate server /CN=localhost ca
certificate alice /O=Example/CN=alice ca
certificate mallory /CN=mallory other-ca

tls="--tls-certificate $certs/server.pem --tls-key $certs/server.key"
serves_not() { # NAME WANT OPTIONS…: exit 2, and the error names WANT
    name=$1 want=$2
    shift 2
    timeout 20 "$qw" serve --data "$suite_dir/x" --kafka 127.0.0.1:0 --http off "$@" >/dev/null 2>"$suite_dir/e"
    same "$?" 2 "$name"
    grep -q "$want" "$suite_dir/e"
    check $? "and says '$want'"
}
serves_not "no such certificate" "none.pem' cannot be read" --tls-certificate "$certs/none.pem"
serves_not "no key beside the certificate" "server.pem' holds no private key" --tls-certificate "$certs/server.pem"
serves_not "another's key" "key that is not the certificate's" --tls-certificate "$certs/server.pem" --tls-key "$certs/alice.key"
serves_not "a key for a certificate" "server.key' holds no certificate" --tls-certificate "$certs/server.key"
serves_not "a key without a certificate" "without a certificate" --tls-key "$certs/server.key"
serves_not "clients' certificates without an authority" "nothing to hold them against" $tls --tls-clients required
serves_not "a word that is not one" "\"any\", \"asked\" or \"required\"" $tls --tls-clients maybe
openssl pkey -in "$certs/server.key" -aes128 -passout pass:secret -out "$certs/locked.key"
serves_not "a key under a password" "locked.key' holds a key under a password" --tls-certificate "$certs/server.pem" --tls-key "$certs/locked.key"
serves_not "others can reach it" "neither TLS nor authentication" --kafka 0.0.0.0:0

quiet=-q
k() { timeout 30 kcat -b "localhost:${kafka##*:}" $quiet -X security.protocol=SSL -X "ssl.ca.location=$certs/ca.pem" "$@" 2>"$suite_dir/kcat"; }
web() { curl -s --max-time 10 --cacert "$certs/ca.pem" "$@" "https://localhost:${http##*:}/health"; }

start_server $tls
seq 1 100000 >"$suite_dir/lines"
k -P -t t -p 0 <"$suite_dir/lines"
same "$(k -C -t t -p 0 -e | md5sum)" "$(md5sum <"$suite_dir/lines")" "records come and go by TLS"
same "$(k -L | grep -c "broker 1 at localhost:")" 1 "a client is told the name it asked for"
same "$(web)" '{"status":"ok"}' "HTTP by TLS"
web --tls-max 1.1 >/dev/null; same $? 35 "TLS 1.1 is refused"
curl -s --max-time 10 "http://localhost:${http##*:}/health" >/dev/null; same $? 52 "plain HTTP is hung up on"
timeout 20 kcat -b "localhost:${kafka##*:}" -L -m 3 >/dev/null 2>&1; [ $? -ne 0 ]; check $? "a plain client gets nothing"
timeout 30 kcat -b "localhost:${kafka##*:}" -L -m 3 -X security.protocol=SSL -X "ssl.ca.location=$certs/other-ca.pem" 2>&1 | grep -q 'certificate verify failed'; check $? "a client that trusts others does not trust us"
shown() { echo | timeout 10 openssl s_client -connect "localhost:${kafka##*:}" 2>/dev/null | openssl x509 -noout -serial 2>/dev/null; }
curl -s --max-time 10 --cacert "$certs/ca.pem" "https://localhost:${http##*:}/metrics" >"$suite_dir/metrics"
metric() { sed -n "s/^quickwater_$1 //p" "$suite_dir/metrics"; }
counts() { v=$(metric "$1"); [ "${v:-0}" -ge "$2" ] 2>/dev/null; check $? "metrics: $1 is $2 or more (${v:-not there})"; }
counts tls_handshakes_total 4
counts 'tls_handshakes_failed_total{reason="version"}' 1
counts 'tls_handshakes_failed_total{reason="not_tls"}' 2
counts 'tls_handshakes_failed_total{reason="refused_by_client"}' 1
same "$(metric 'tls_handshakes_failed_total{reason="client_certificate"}')" 0 "metrics: no client's certificate was refused"
ends=$(metric tls_certificate_expires_seconds); [ "$ends" -gt 169200 ] && [ "$ends" -le 172800 ]; check $? "metrics: the certificate ends in two days ($ends s)"
old=$(shown)
qk() { "$qw" "$@" --kafka "localhost:${kafka##*:}" --tls --tls-ca "$certs/ca.pem" 2>"$suite_dir/e"; }
qk topic list | grep -q '^t '; check $? "quickwater topic list by TLS"
same "$(qk topic consume t --count 2)" "$(printf '1\n2')" "quickwater topic consume by TLS"
same "$(QUICKWATER_TLS=1 QUICKWATER_CA=$certs/ca.pem QUICKWATER_KAFKA=localhost:${kafka##*:} "$qw" topic list | wc -l | tr -d ' ')" "$(qk topic list | wc -l | tr -d ' ')" "the same from the environment"
"$qw" group list --kafka "localhost:${kafka##*:}" --tls --tls-ca "$certs/other-ca.pem" 2>"$suite_dir/e"; same $? 2 "a server whose authority is not ours is not trusted"
grep -q "no server answers at localhost.*certificate" "$suite_dir/e"; check $? "and that the certificate is why is said"
"$qw" group list --kafka "localhost:${kafka##*:}" 2>"$suite_dir/e"; same $? 2 "without --tls it is not answered"
grep -q "add --tls" "$suite_dir/e"; check $? "and what is missing is said"
k -u -G readers -X auto.offset.reset=earliest t >"$suite_dir/live" &
live=$!
sleep 3
certificate server /CN=localhost ca
new=$(openssl x509 -noout -serial -in "$certs/server.pem")
for _ in $(seq 50); do [ "$(shown)" = "$new" ] && break; sleep 0.2; done
same "$(shown)" "$new" "a new certificate is taken without a restart"
[ "$old" != "$new" ]; check $? "and it is another"
echo after | k -P -t t -p 0
for _ in $(seq 50); do grep -q after "$suite_dir/live" && break; sleep 0.2; done
grep -q after "$suite_dir/live"; check $? "connections from before live on"
kill $live 2>/dev/null; wait $live 2>/dev/null
echo junk >"$certs/server.pem"
sleep 1.2
same "$(shown)" "$new" "a broken file leaves the certificate as it was"
grep -q "the certificate stays as it was.*server.pem' holds no certificate" "$suite_dir/err"; check $? "and says so"
stop_server; same $? 0 "SIGTERM stops it cleanly"

certificate server /CN=localhost ca
printf '[security]\nacls = true\nsuper_users = "User:CN=alice,O=Example"\n' >"$suite_dir/acls.toml"
certificate bob /CN=bob ca
start_server $tls --tls-client-ca "$certs/ca.pem" --tls-clients required --kafka 0.0.0.0:0 --config "$suite_dir/acls.toml"
same "$(curl -s -o "$suite_dir/e" -w '%{http_code}' --max-time 10 --cacert "$certs/ca.pem" --cert "$certs/alice.pem" --key "$certs/alice.key" "https://localhost:${http##*:}/v1/jobs")" 200 "ACLs hold for certificates over HTTP: a super user"
same "$(curl -s -o "$suite_dir/e" -w '%{http_code}' --max-time 10 --cacert "$certs/ca.pem" --cert "$certs/bob.pem" --key "$certs/bob.key" "https://localhost:${http##*:}/v1/jobs")" 403 "and one that is none"
same "$(k -C -t t -p 0 -c 3 -X "ssl.certificate.location=$certs/alice.pem" -X "ssl.key.location=$certs/alice.key" | wc -l | tr -d ' ')" 3 "a client with a certificate is served"
k -L -m 3 >/dev/null; [ $? -ne 0 ]; check $? "one without is not"
qa() { "$qw" "$@" --kafka "localhost:${kafka##*:}" --tls --tls-ca "$certs/ca.pem" --tls-certificate "$certs/alice.pem" --tls-key "$certs/alice.key" 2>"$suite_dir/e"; }
same "$(qa topic consume t --count 3 | wc -l | tr -d ' ')" 3 "quickwater topic consume with a certificate"
qa acl add --principal User:CN=bob --operation describe,read --topic t >/dev/null; same $? 0 "quickwater acl add"
qb() { "$qw" "$@" --kafka "localhost:${kafka##*:}" --tls --tls-ca "$certs/ca.pem" --tls-certificate "$certs/bob.pem" --tls-key "$certs/bob.key" 2>"$suite_dir/e"; }
same "$(qb topic consume t --count 3 | wc -l | tr -d ' ')" 3 "who an ACL allows may read"
qb topic delete t; same $? 2 "and not delete"
grep -q "acl add" "$suite_dir/e"; check $? "how it would be allowed is said"
qa acl add --principal User:CN=bob --operation read --topic t --deny; qa acl add --principal 'User:*' --operation all --topic tmp- --pattern prefixed --host 127.0.0.1
same "$(qb topic consume t --count 1 | wc -l | tr -d ' ')" 0 "a deny wins"
qa acl list --json >"$suite_dir/o"
same "$(python3 -c "import json; print(sorted((a['resource'], a['name'], a['pattern'], a['principal'], a['host'], a['operation'], a['permission']) for a in json.load(open('$suite_dir/o'))))")" \
    "[('topic', 't', 'literal', 'User:CN=bob', '*', 'describe', 'allow'), ('topic', 't', 'literal', 'User:CN=bob', '*', 'read', 'allow'), ('topic', 't', 'literal', 'User:CN=bob', '*', 'read', 'deny'), ('topic', 'tmp-', 'prefixed', 'User:*', '127.0.0.1', 'all', 'allow')]" "quickwater acl list --json"
same "$(qa acl list --topic tmp-7 --pattern match | tail -n +2 | wc -l | tr -d ' ')" 1 "those that match a name"
same "$(qa acl delete --topic t --operation read --deny)" "1 deleted" "quickwater acl delete, as far as it is said"
curl -s --max-time 10 --cacert "$certs/ca.pem" --cert "$certs/alice.pem" --key "$certs/alice.key" "https://localhost:${http##*:}/metrics" >"$suite_dir/metrics"
counts 'acl_denials_total{resource="topic",operation="delete"}' 1
counts 'acl_denials_total{resource="topic",operation="read"}' 1
counts 'acl_denials_total{resource="cluster",operation="alter"}' 1
counts 'tls_handshakes_failed_total{reason="client_certificate"}' 2
timeout 20 kcat -b "localhost:${kafka##*:}" -C -t t -q -X security.protocol=SSL -X "ssl.ca.location=$certs/ca.pem" -X "ssl.certificate.location=$certs/alice.pem" -X "ssl.key.location=$certs/alice.key" >/dev/null 2>&1 &
open=$!
for _ in $(seq 50); do
    curl -s --max-time 10 --cacert "$certs/ca.pem" --cert "$certs/alice.pem" --key "$certs/alice.key" "https://localhost:${http##*:}/metrics" >"$suite_dir/metrics"
    [ "$(metric 'connections{listener="kafka",mechanism="certificate"}')" -gt 0 ] && break
    sleep 0.2
done
counts 'connections{listener="kafka",mechanism="certificate"}' 1
counts 'connections{listener="http",mechanism="request"}' 1
kill $open; wait $open 2>/dev/null
qa acl delete --topic nosuch; same $? 2 "nothing to delete"
qa acl delete; same $? 2 "all are deleted only with --all"
grep -q -- "--all" "$suite_dir/e"; check $? "which is said"
same "$(qa acl delete --all)" "3 deleted" "acl delete --all"
for wrong in "add --topic t" "add --principal bob --operation read --topic t" "add --principal User:bob --operation read" \
    "add --principal User:bob --operation fly --topic t" "add --principal User:bob --operation read --topic t --group g" \
    "add --principal User:bob --operation read --topic t --pattern match" "add --principal User:bob --operation any --topic t" "nosuch" "list x"; do
    qa acl $wrong; same $? 2 "acl $wrong"
done
"$qw" group list --kafka "localhost:${kafka##*:}" --tls-certificate "$certs/alice.pem" 2>"$suite_dir/e"; same $? 2 "a certificate without --tls"
"$qw" group list --kafka "localhost:${kafka##*:}" --tls --tls-key "$certs/alice.key" 2>"$suite_dir/e"; same $? 2 "a key without a certificate"
k -L -m 3 -X "ssl.certificate.location=$certs/mallory.pem" -X "ssl.key.location=$certs/mallory.key" >/dev/null; [ $? -ne 0 ]; check $? "nor one whose authority is not ours"
same "$(web --cert "$certs/alice.pem" --key "$certs/alice.key")" '{"status":"ok"}' "HTTP with a certificate"
web >/dev/null; [ $? -ne 0 ]; check $? "HTTP without"
stop_server

printf '# the first users\nadmin:admin-secret\nbob:bob,=secret\n' >"$suite_dir/users"
sasl() { # MECHANISM USER PASSWORD KCAT…
    mechanism=$1 user=$2 password=$3
    shift 3
    timeout 30 kcat -b "127.0.0.1:${kafka##*:}" $quiet -X security.protocol=SASL_SSL -X "ssl.ca.location=$certs/ca.pem" \
        -X "sasl.mechanism=$mechanism" -X "sasl.username=$user" -X "sasl.password=$password" "$@" 2>"$suite_dir/kcat"
}
serves_not "a mechanism that is none" "there is no mechanism 'NTLM'" --sasl PLAIN,NTLM
serves_not "no file of users" "none' cannot be read" --sasl PLAIN --users "$suite_dir/none"
serves_not "tokens without keys" "no keys to hold tokens against" --sasl OAUTHBEARER
start_server $tls --sasl PLAIN,SCRAM-SHA-256,SCRAM-SHA-512 --users "$suite_dir/users" --kafka 0.0.0.0:0
for mechanism in PLAIN SCRAM-SHA-256 SCRAM-SHA-512; do
    echo "by $mechanism" | sasl $mechanism admin admin-secret -P -t "by-$mechanism" -p 0
    same "$(sasl $mechanism bob bob,=secret -C -t "by-$mechanism" -p 0 -e)" "by $mechanism" "$mechanism"
    quiet=
    sasl $mechanism bob admin-secret -L -m 2 >/dev/null
    grep -q "SASL authentication error: no such user, or not that password" "$suite_dir/kcat"; check $? "$mechanism with another's password"
    quiet=-q
done
# the command as a user: passwords from files and the environment, SCRAM users made and removed
echo admin-secret >"$suite_dir/admin.pw"; echo 'ann, =s secret' >"$suite_dir/ann.pw"; echo wrong >"$suite_dir/wrong.pw"
qs() { "$qw" "$@" --kafka "127.0.0.1:${kafka##*:}" --tls --tls-ca "$certs/ca.pem" 2>"$suite_dir/e"; }
for mechanism in PLAIN SCRAM-SHA-256 SCRAM-SHA-512; do
    same "$(qs topic list --user admin --password-file "$suite_dir/admin.pw" --sasl $mechanism | grep -c "^by-")" 3 "quickwater topic list by $mechanism"
    same "$(qs topic consume by-PLAIN --partition 0 --user admin --password-file "$suite_dir/admin.pw" --sasl $mechanism)" "by PLAIN" "quickwater topic consume by $mechanism"
    qs group list --user admin --password-file "$suite_dir/wrong.pw" --sasl $mechanism; same $? 2 "$mechanism: a wrong password"
    grep -q "does not let user 'admin' in" "$suite_dir/e"; check $? "is said"
done
same "$(export QUICKWATER_USER=admin QUICKWATER_PASSWORD=admin-secret QUICKWATER_SASL=SCRAM-SHA-512; qs group list | grep -c '^GROUP')" 1 "user and password from the environment"
qs group list; same $? 2 "without a user"; grep -q -- "add --user" "$suite_dir/e"; check $? "what is missing is said"
admin="--user admin --password-file $suite_dir/admin.pw"
qs user set 'ann,=x' --new-password-file "$suite_dir/ann.pw" $admin; same $? 0 "quickwater user set"
same "$(qs user list $admin --json | python3 -c "import json,sys; print([(u['user'], u['mechanism'], u['iterations']) for u in json.load(sys.stdin)])")" \
    "[('ann,=x', 'SCRAM-SHA-256', 4096), ('ann,=x', 'SCRAM-SHA-512', 4096)]" "quickwater user list --json"
for mechanism in PLAIN SCRAM-SHA-256 SCRAM-SHA-512; do
    qs group list --user 'ann,=x' --password-file "$suite_dir/ann.pw" --sasl $mechanism >/dev/null; same $? 0 "who comes in by $mechanism"
done
qs user delete 'ann,=x' --mechanism SCRAM-SHA-256 $admin; same $? 0 "quickwater user delete of one mechanism"
qs group list --user 'ann,=x' --password-file "$suite_dir/ann.pw" >/dev/null; same $? 2 "then that one is gone"
qs user delete 'ann,=x' $admin; same $? 0 "and of the rest"
qs user delete 'ann,=x' $admin; same $? 2 "no such user"; grep -q "quickwater user list" "$suite_dir/e"; check $? "is said"
for wrong in "set ann" "set" "set ann --new-password-file $suite_dir/nosuch" "set ann --new-password-file $suite_dir/ann.pw --iterations 5" \
    "set ann --new-password-file $suite_dir/ann.pw --mechanism PLAIN" "list x" "nosuch" "set ann --new-password-file /dev/null"; do
    qs user $wrong $admin; same $? 2 "user $wrong"
done
quiet=
sasl OAUTHBEARER x x -L -m 2 -X enable.sasl.oauthbearer.unsecure.jwt=true -X "sasl.oauthbearer.config=principal=x" >/dev/null
grep -q "broker's supported mechanisms: PLAIN,SCRAM-SHA-256,SCRAM-SHA-512" "$suite_dir/kcat"; check $? "a mechanism that is off is refused with those that are on"
k -L -m 2 >/dev/null; grep -q "Disconnected" "$suite_dir/kcat"; check $? "who does not say who it is is hung up on"
same "$(curl -s -o "$suite_dir/e" -w '%{http_code}' --max-time 10 --cacert "$certs/ca.pem" "https://localhost:${http##*:}/v1/jobs")" 401 "HTTP asks, too"
same "$(QUICKWATER_CA=$certs/ca.pem "$qw" sql --url "https://admin:admin-secret@localhost:${http##*:}" --format csv -c 'SELECT 1 + 1 AS two' | tail -1 | tr -d '\r')" 2 "the command says who it is"
QUICKWATER_CA=$certs/ca.pem "$qw" sql --url "https://admin:secret-x@localhost:1" -c 'SELECT 1' 2>"$suite_dir/e"
grep -q "no server answers at localhost:1" "$suite_dir/e" && ! grep -q secret "$suite_dir/e"; check $? "and shows no password"
curl -s --max-time 10 --cacert "$certs/ca.pem" -u admin:admin-secret "https://localhost:${http##*:}/metrics" >"$suite_dir/metrics"
for mechanism in PLAIN SCRAM-SHA-256 SCRAM-SHA-512; do
    counts "authentications_total{listener=\"kafka\",mechanism=\"$mechanism\",outcome=\"let_in\"}" 3
    counts "authentications_total{listener=\"kafka\",mechanism=\"$mechanism\",outcome=\"refused\"}" 2
done
counts 'authentications_total{listener="http",mechanism="PLAIN",outcome="let_in"}' 2
same "$(metric 'authentications_total{listener="kafka",mechanism="OAUTHBEARER",outcome="let_in"}')" "" "metrics: a mechanism that is off is not named"
stop_server
same "$(cat "$suite_dir/out" "$suite_dir/err" | grep -c secret)" 0 "no password in what the server prints"
same "$(grep -rc "admin-secret" "$suite_dir/data" | grep -vc ':0$')" 0 "nor in its data"
printf '[security]\nsasl = "OAUTHBEARER"\ntoken_unsigned = true\n' >"$suite_dir/q.toml"
start_server --config "$suite_dir/q.toml" --kafka 0.0.0.0:0 --http 0.0.0.0:0
kafka=127.0.0.1:${kafka##*:}
oauth() { timeout 30 kcat -b "$kafka" -q -X security.protocol=SASL_PLAINTEXT -X sasl.mechanism=OAUTHBEARER \
    -X enable.sasl.oauthbearer.unsecure.jwt=true -X "sasl.oauthbearer.config=$1" "$2" "$3" "$4" "$5" "$6" ${7:+"$7"} 2>"$suite_dir/kcat"; }
echo token | oauth "principal=ann lifeSeconds=60" -P -t tokens -p 0
same "$(oauth "principal=ann lifeSeconds=60" -C -t tokens -p 0 -e)" token "OAUTHBEARER"
stop_server
printf 'users = false\n' >"$suite_dir/http.toml"
{ cat "$suite_dir/q.toml"; echo '[http]'; cat "$suite_dir/http.toml"; } >"$suite_dir/q2.toml"

# where a client is told to go: the address that it dialled, or the name by which it called
echo "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2,IP:::1" >"$certs/wide.ext"
openssl x509 -req -in "$certs/server.csr" -CA "$certs/ca.pem" -CAkey "$certs/ca.key" -CAcreateserial -days 2 -extfile "$certs/wide.ext" -out "$certs/server.pem" 2>/dev/null
loose= # librdkafka 2.0 takes [::1] for a name, which no certificate has
told() { timeout 20 kcat -b "$1:${kafka##*:}" -L -X security.protocol=SSL -X "ssl.ca.location=$certs/ca.pem" $loose 2>"$suite_dir/kcat" | sed -n 's/^ *broker 1 at \(.*\):[0-9]* .*/\1/p'; }
passes() { # HOST: a record out and in by that address, and the command
    k2="timeout 30 kcat -b $1:${kafka##*:} -q -X security.protocol=SSL -X ssl.ca.location=$certs/ca.pem $loose"
    echo "by $1" | $k2 -P -t told -p 0 2>>"$suite_dir/kcat"
    same "$($k2 -C -t told -p 0 -e -o -1 2>>"$suite_dir/kcat")" "by $1" "a record out and in by $1"
    same "$("$qw" topic list --kafka "$1:${kafka##*:}" --tls --tls-ca "$certs/ca.pem" | grep -c "^told ")" 1 "and the command"
}
start_server $tls --kafka 0.0.0.0:0
for host in 127.0.0.1 127.0.0.2 localhost; do
    same "$(told $host)" "$host" "who dials $host is told $host"
    passes $host
done
stop_server
if [ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6; then
    start_server $tls --kafka '[::]:0'
    loose="-X ssl.endpoint.identification.algorithm=none"
    same "$(told '[::1]')" "::1" "who dials [::1] is told ::1"
    passes '[::1]'
    loose=
    same "$(told localhost)" localhost "who dials localhost is told localhost"
    passes localhost
    stop_server
    start_server --kafka '[::1]:0'
    echo six | kcat -b "[::1]:${kafka##*:}" -q -P -t told -p 0
    same "$(timeout 20 kcat -b "[::1]:${kafka##*:}" -q -C -t told -p 0 -o -1 -e) $("$qw" topic consume told --partition 0 --kafka "[::1]:${kafka##*:}" | tail -1)" "six six" "[::1] without TLS"
    stop_server
fi
printf '[kafka]\nadvertised = "localhost:1"\n' >"$suite_dir/advertised.toml"
start_server $tls --config "$suite_dir/advertised.toml"
same "$(timeout 20 kcat -b "127.0.0.1:${kafka##*:}" -L -X security.protocol=SSL -X "ssl.ca.location=$certs/ca.pem" 2>/dev/null | sed -n 's/^ *broker 1 at \([^ ]*\) .*/\1/p')" "localhost:1" "advertised wins over what was dialled, and over the name"
# a client that cannot go there asks on, and the server says why
timeout 60 kcat -b "127.0.0.1:${kafka##*:}" -C -t told -q -X client.id=lost -X security.protocol=SSL -X "ssl.ca.location=$certs/ca.pem" >/dev/null 2>&1 &
lost=$!
for _ in $(seq 150); do grep -q "the Kafka client 'lost'" "$suite_dir/err" && break; sleep 0.2; done
grep -q "the Kafka client 'lost' at 127.0.0.1 asks again and again where the broker is.*localhost:1" "$suite_dir/err"; check $? "a client that cannot go where it is told is explained"
grep -q "that is the setting 'advertised'" "$suite_dir/err"; check $? "with the setting that says so"
sleep 3
same "$(grep -c "the Kafka client" "$suite_dir/err")" 1 "once"
kill $lost; wait $lost 2>/dev/null
curl -s --max-time 10 --cacert "$certs/ca.pem" "https://localhost:${http##*:}/metrics" >"$suite_dir/metrics"
same "$(metric kafka_unreachable_total)" 1 "metrics: and counted"
stop_server
serves_not "HTTP that asks nobody is not for others" "the http listener" --config "$suite_dir/q2.toml" --http 0.0.0.0:0
summary
[ "$failed" = 0 ]
