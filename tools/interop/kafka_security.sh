#!/bin/sh
# Kafka's own Java client where the server asks: TLS, certificates, SCRAM, users, ACLs, authentication again.
. tools/interop/common.sh
peer kafka_java
javac -nowarn -cp "$dir/lib/*" -d "$work/classes" tools/interop/KafkaSecurity.java || give_up "compiling"
built quickwater

signed() { # NAME SUBJECT: a key and a certificate that the authority signed, in one file
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/$1.key" -out "$work/$1.csr" \
        -subj "$2" 2>/dev/null
    echo "subjectAltName=DNS:localhost,IP:127.0.0.1" >"$work/$1.ext"
    openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 \
        -extfile "$work/$1.ext" -out "$work/$1.crt" 2>/dev/null
    cat "$work/$1.key" "$work/$1.crt" >"$work/$1.pem"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" \
    -subj /CN=ca -days 2 2>/dev/null
signed server /CN=localhost
signed client /O=Example/CN=client
echo 'admin:admin-secret' >"$work/users"

serve() { # NAME SETTINGS: one that speaks TLS; its address in $address
    printf '%s\n' "$2" >"$work/$1.toml"
    build/release/quickwater serve --data "$work/$1" --config "$work/$1.toml" --kafka 127.0.0.1:0 --http off \
        --tls-certificate "$work/server.pem" --tls-client-ca "$work/ca.pem" >"$work/$1.out" 2>"$work/$1.err" &
    server_pid="$server_pid $!"
    n=0
    until grep -q '^ready' "$work/$1.out"; do
        n=$((n + 1))
        [ $n -lt 100 ] || { cat "$work/$1.err"; give_up "the server's start"; }
        sleep 0.1
    done
    address=localhost:$(sed -n 's/^ready.*kafka=[^ ]*:\([0-9]*\).*/\1/p' "$work/$1.out")
}
finish() {
    for pid in $server_pid; do kill "$pid" 2>/dev/null; done
    rm -rf "$work"
}
serve sasl '[tls]
clients = "asked"
[security]
sasl = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
users = "'"$work"'/users"
reauth = "4s"
acls = true
super_users = "User:admin"'
sasl=$address
serve mtls '[tls]
clients = "required"
[security]
acls = true
super_users = "User:CN=client,O=Example"'
timeout 400 java -Xmx256m $jvm -cp "$dir/lib/*:$work/classes" KafkaSecurity "$sasl" "$address" "$work"
