// What Kafka's Java clients call otherwise since version 4: as of 3.9.

import java.util.List;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;

class KafkaJavaApi {
    static final boolean SECOND_VERSION_OF_TRANSACTIONS = false;
    static final boolean SERVER_KNOWS_PATTERNS = false;

    static void subscribe(KafkaConsumer<String, String> c, String pattern) {
        c.subscribe(java.util.regex.Pattern.compile(pattern));
    }

    // Without LeaveGroup: the consumer was made with internal.leave.group.on.close=false.
    static void closeAndStay(KafkaConsumer<String, String> c) {
        c.close();
    }

    // A classic group's state and its number of members.
    static String groupState(Admin admin, String group) throws Exception {
        ConsumerGroupDescription d = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        return d.state() + " " + d.members().size();
    }

    static String state(ConsumerGroupDescription d) {
        return d.state().toString();
    }

    static boolean lists(Admin admin, String group) throws Exception {
        return admin.listConsumerGroups().all().get().stream().anyMatch(g -> g.groupId().equals(group));
    }

    // What the admin is told about a group of the protocol "consumer": each member has so many partitions.
    static void checkConsumers(Admin admin, String group, int each) throws Exception {
        for (MemberDescription m : admin.describeConsumerGroups(List.of(group)).all().get().get(group).members())
            KafkaJava.want(m.assignment().topicPartitions().size() == each, m.toString());
    }
}
