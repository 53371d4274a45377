// Kafka's Java client against a Kafka face that asks who it is: java KafkaSecurity SASL-HOST:PORT MTLS-HOST:PORT FOLDER.
// Ends in "N passed, N failed".

import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.*;

public class KafkaSecurity {
    static String sasl, mtls, folder;

    interface Case { void run() throws Exception; }

    static void want(boolean ok, String what) { if (!ok) throw new AssertionError(what); }

    static Map<String, Object> tls(String broker, String protocol) {
        Map<String, Object> p = new HashMap<>();
        p.put("bootstrap.servers", broker);
        p.put("security.protocol", protocol);
        p.put("ssl.truststore.type", "PEM");
        p.put("ssl.truststore.location", folder + "/ca.pem");
        p.put("request.timeout.ms", "10000");
        p.put("default.api.timeout.ms", "15000");
        p.put("max.block.ms", "15000");
        return p;
    }

    static Map<String, Object> as(String mechanism, String user, String password) {
        Map<String, Object> p = tls(sasl, "SASL_SSL");
        String module = mechanism.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
        p.put("sasl.mechanism", mechanism);
        p.put("sasl.jaas.config", "org.apache.kafka.common.security." + module + " required username=\"" + user
            + "\" password=\"" + password + "\";");
        return p;
    }

    static Map<String, Object> admin() { return as("SCRAM-SHA-512", "admin", "admin-secret"); }

    static KafkaProducer<String, String> producer(Map<String, Object> p) {
        return new KafkaProducer<>(p, new StringSerializer(), new StringSerializer());
    }

    static KafkaConsumer<String, String> consumer(Map<String, Object> p, String group) {
        p.put("group.id", group);
        p.put("auto.offset.reset", "earliest");
        return new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer());
    }

    static void produce(Map<String, Object> p, String topic, int count) throws Exception {
        try (KafkaProducer<String, String> producer = producer(p)) {
            for (int i = 0; i < count; i++) producer.send(new ProducerRecord<>(topic, "k", "v" + i)).get(20, TimeUnit.SECONDS);
        }
    }

    static int read(Map<String, Object> p, String topic, String group, int count, int seconds) {
        int got = 0;
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        try (KafkaConsumer<String, String> c = consumer(p, group)) {
            c.subscribe(List.of(topic));
            while (got < count && System.nanoTime() < end) got += c.poll(Duration.ofMillis(200)).count();
        }
        return got;
    }

    /** What is thrown, without the wrappings of futures and producers. */
    static Throwable thrown(Case c) {
        try {
            c.run();
        } catch (Throwable t) {
            while (t.getCause() != null && (t instanceof ExecutionException || t.getClass() == org.apache.kafka.common.KafkaException.class)) t = t.getCause();
            return t;
        }
        return null;
    }

    static void wantThrown(Class<?> type, Case c) {
        Throwable t = thrown(c);
        want(type.isInstance(t), "expected " + type.getSimpleName() + ", got " + t);
    }

    static void allow(String user, ResourceType type, String name, PatternType pattern, AclOperation... operations) throws Exception {
        List<AclBinding> acls = new ArrayList<>();
        for (AclOperation o : operations)
            acls.add(new AclBinding(new ResourcePattern(type, name, pattern),
                new AccessControlEntry("User:" + user, "*", o, AclPermissionType.ALLOW)));
        try (Admin a = Admin.create(admin())) { a.createAcls(acls).all().get(); }
    }

    static void user(String name, String password) throws Exception {
        try (Admin a = Admin.create(admin())) {
            a.alterUserScramCredentials(List.of(
                new UserScramCredentialUpsertion(name, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), password),
                new UserScramCredentialUpsertion(name, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 8192), password))).all().get();
        }
    }

    // ---- cases ----

    static void mechanisms() throws Exception {
        for (String m : List.of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"))
            try (Admin a = Admin.create(as(m, "admin", "admin-secret"))) {
                want(a.describeCluster().nodes().get().size() == 1, m);
            }
        for (String m : List.of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"))
            wantThrown(SaslAuthenticationException.class, () -> {
                try (Admin a = Admin.create(as(m, "admin", "wrong"))) { a.describeCluster().nodes().get(); }
            });
    }

    static void users() throws Exception {
        user("ann", "ann-secret");
        try (Admin a = Admin.create(admin())) {
            UserScramCredentialsDescription d = a.describeUserScramCredentials(List.of("ann")).description("ann").get();
            want(d.credentialInfos().size() == 2 && d.credentialInfos().get(1).iterations() == 8192, "" + d);
            wantThrown(ResourceNotFoundException.class, () -> a.describeUserScramCredentials(List.of("nobody")).description("nobody").get());
            wantThrown(UnacceptableCredentialException.class, () -> a.alterUserScramCredentials(List.of(
                new UserScramCredentialUpsertion("x", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 100), "p"))).all().get());
        }
        wantThrown(ClusterAuthorizationException.class, () -> {
            try (Admin a = Admin.create(as("SCRAM-SHA-256", "ann", "ann-secret"))) {
                a.alterUserScramCredentials(List.of(new UserScramCredentialDeletion("ann", ScramMechanism.SCRAM_SHA_256))).all().get();
            }
        });
    }

    static void rights() throws Exception {
        user("ben", "b");
        try (Admin a = Admin.create(admin())) { a.createTopics(List.of(new NewTopic("rights", 2, (short) 1))).all().get(); }
        wantThrown(TopicAuthorizationException.class, () -> produce(as("SCRAM-SHA-512", "ben", "b"), "rights", 1));
        allow("ben", ResourceType.TOPIC, "rig", PatternType.PREFIXED, AclOperation.WRITE);
        produce(as("SCRAM-SHA-512", "ben", "b"), "rights", 10); // idempotent: who may write may have a producer id
        wantThrown(GroupAuthorizationException.class, () -> read(as("SCRAM-SHA-512", "ben", "b"), "rights", "g1", 1, 15));
        allow("ben", ResourceType.GROUP, "g1", PatternType.LITERAL, AclOperation.READ);
        wantThrown(TopicAuthorizationException.class, () -> read(as("SCRAM-SHA-512", "ben", "b"), "rights", "g1", 1, 15));
        allow("ben", ResourceType.TOPIC, "rights", PatternType.LITERAL, AclOperation.READ);
        want(read(as("SCRAM-SHA-512", "ben", "b"), "rights", "g1", 10, 30) == 10, "records");
        Map<String, Object> p = as("SCRAM-SHA-512", "ben", "b");
        p.put("transactional.id", "tx");
        wantThrown(TransactionalIdAuthorizationException.class, () -> {
            try (KafkaProducer<String, String> producer = producer(p)) { producer.initTransactions(); }
        });
        allow("ben", ResourceType.TRANSACTIONAL_ID, "tx", PatternType.LITERAL, AclOperation.WRITE);
        try (KafkaProducer<String, String> producer = producer(p)) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("rights", "t")).get();
            producer.commitTransaction();
        }
        try (Admin a = Admin.create(as("SCRAM-SHA-512", "ben", "b"))) {
            want(a.listTopics().names().get().equals(Set.of("rights")), "sees its topic alone");
            Set<AclOperation> may = a.describeTopics(List.of("rights"), new DescribeTopicsOptions().includeAuthorizedOperations(true))
                .allTopicNames().get().get("rights").authorizedOperations();
            want(may.equals(Set.of(AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE)), "operations " + may);
            wantThrown(TopicAuthorizationException.class, () -> a.deleteTopics(List.of("rights")).all().get());
            wantThrown(TopicAuthorizationException.class, () -> a.createTopics(List.of(new NewTopic("mine", 1, (short) 1))).all().get());
            wantThrown(ClusterAuthorizationException.class, () -> a.describeAcls(AclBindingFilter.ANY).values().get());
        }
    }

    static void acls() throws Exception {
        allow("eve", ResourceType.TOPIC, "acls-", PatternType.PREFIXED, AclOperation.READ, AclOperation.WRITE);
        try (Admin a = Admin.create(admin())) {
            AclBindingFilter match = new AclBindingFilter(new ResourcePatternFilter(ResourceType.TOPIC, "acls-x", PatternType.MATCH),
                AccessControlEntryFilter.ANY);
            want(a.describeAcls(match).values().get().size() == 2, "two match");
            want(a.deleteAcls(List.of(match)).all().get().size() == 2, "two deleted");
            want(a.describeAcls(match).values().get().isEmpty(), "none left");
        }
    }

    /** The server asks again every 4 s; the connections live through three of these. */
    static void again() throws Exception {
        user("cora", "c");
        allow("cora", ResourceType.TOPIC, "again", PatternType.LITERAL, AclOperation.ALL);
        allow("cora", ResourceType.GROUP, "again", PatternType.LITERAL, AclOperation.ALL);
        Set<String> got = new HashSet<>(); // a member that was taken for dead reads again
        try (KafkaProducer<String, String> producer = producer(as("SCRAM-SHA-256", "cora", "c"));
             KafkaConsumer<String, String> consumer = consumer(as("SCRAM-SHA-256", "cora", "c"), "again")) {
            consumer.subscribe(List.of("again"));
            for (int i = 0; i < 28; i++) {
                producer.send(new ProducerRecord<>("again", "" + i)).get(20, TimeUnit.SECONDS);
                consumer.poll(Duration.ofMillis(100)).forEach(r -> got.add(r.value()));
                Thread.sleep(500);
            }
            long end = System.nanoTime() + 20_000_000_000L;
            while (got.size() < 28 && System.nanoTime() < end) consumer.poll(Duration.ofMillis(500)).forEach(r -> got.add(r.value()));
            double again = producer.metrics().entrySet().stream()
                .filter(e -> e.getKey().name().equals("successful-reauthentication-total"))
                .mapToDouble(e -> (Double) e.getValue().metricValue()).sum();
            want(again >= 2, "authenticated again " + again + " times");
        }
        want(got.size() == 28, "got " + got.size());
    }

    static void certificates() throws Exception {
        Map<String, Object> p = tls(mtls, "SSL");
        wantThrown(SslAuthenticationException.class, () -> {
            try (Admin a = Admin.create(tls(mtls, "SSL"))) { a.describeCluster().nodes().get(); }
        });
        p.put("ssl.keystore.type", "PEM");
        p.put("ssl.keystore.location", folder + "/client.pem");
        try (Admin a = Admin.create(p)) {
            a.createTopics(List.of(new NewTopic("mtls", 1, (short) 1))).all().get(); // its subject is a super user
        }
        produce(new HashMap<>(p), "mtls", 5);
        want(read(new HashMap<>(p), "mtls", "g", 5, 30) == 5, "records");
    }

    static void certificateName() throws Exception {
        Map<String, Object> p = tls(mtls.replace("localhost", "127.0.0.2"), "SSL"); // not in the certificate
        p.put("ssl.keystore.type", "PEM");
        p.put("ssl.keystore.location", folder + "/client.pem");
        Throwable t = thrown(() -> { try (Admin a = Admin.create(p)) { a.describeCluster().nodes().get(); } });
        want(t != null, "another name is not taken");
    }

    public static void main(String[] args) throws Exception {
        sasl = args[0];
        mtls = args[1];
        folder = args[2];
        Map<String, Case> cases = new LinkedHashMap<>();
        cases.put("mechanisms", KafkaSecurity::mechanisms);
        cases.put("users", KafkaSecurity::users);
        cases.put("rights", KafkaSecurity::rights);
        cases.put("acls", KafkaSecurity::acls);
        cases.put("authentication again", KafkaSecurity::again);
        cases.put("certificates", KafkaSecurity::certificates);
        cases.put("another name than the certificate's", KafkaSecurity::certificateName);
        int passed = 0, failed = 0;
        for (Map.Entry<String, Case> c : cases.entrySet()) {
            try {
                c.getValue().run();
                System.out.println("ok " + c.getKey());
                passed++;
            } catch (Throwable t) {
                System.out.print("FAILED " + c.getKey() + ": " + t);
                for (Throwable why = t.getCause(); why != null; why = why.getCause()) System.out.print(" because of " + why);
                System.out.println();
                failed++;
            }
        }
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }
}
