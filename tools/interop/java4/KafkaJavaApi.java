// What Kafka's Java clients call otherwise before version 4: as of 4.1.

import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.GroupType;

class KafkaJavaApi {
    static final boolean SECOND_VERSION_OF_TRANSACTIONS = true;
    static final boolean SERVER_KNOWS_PATTERNS = true;

    static void subscribe(KafkaConsumer<String, String> c, String pattern) {
        c.subscribe(new SubscriptionPattern(pattern));
    }

    // Without LeaveGroup: the session must run out.
    static void closeAndStay(KafkaConsumer<String, String> c) {
        c.close(CloseOptions.groupMembershipOperation(CloseOptions.GroupMembershipOperation.REMAIN_IN_GROUP));
    }

    // A classic group's state and its number of members.
    static String groupState(Admin admin, String group) throws Exception {
        ClassicGroupDescription d = admin.describeClassicGroups(List.of(group)).all().get().get(group);
        return d.state() + " " + d.members().size();
    }

    static String state(ConsumerGroupDescription d) {
        return d.groupState().toString();
    }

    static boolean lists(Admin admin, String group) throws Exception {
        return admin.listGroups().all().get().stream().anyMatch(g -> g.groupId().equals(group));
    }

    // What the admin is told about a group of the protocol "consumer": each member has so many partitions.
    static void checkConsumers(Admin admin, String group, int each) throws Exception {
        for (MemberDescription m : admin.describeConsumerGroups(List.of(group)).all().get().get(group).members())
            KafkaJava.want(m.assignment().topicPartitions().size() == each && m.memberEpoch().get() > 0, m.toString());
        Collection<GroupListing> listed = admin.listGroups(ListGroupsOptions.forConsumerGroups()).all().get();
        KafkaJava.want(listed.stream().anyMatch(g -> g.groupId().equals(group) && g.type().get() == GroupType.CONSUMER), "listed " + listed);
    }
}
