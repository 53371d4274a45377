/* Which handler serves which request. A request is served when it is in this table and in
 * messages.txt; ApiVersions tells clients the versions of the latter. */
#include "serve/kafka/face.h"

static const struct kafka_route routes[] = {
    /* Versions 0 to 2 of Produce carry an older record format. They are named by ApiVersions all the
     * same, as Kafka 4 does: librdkafka leaves compression out where they are not. */
    {KAFKA_PRODUCE, 3, false, kafka_on_produce},
    {KAFKA_FETCH, 4, true, kafka_on_fetch},
    {KAFKA_LIST_OFFSETS, 0, false, kafka_on_list_offsets},
    {KAFKA_METADATA, 0, false, kafka_on_metadata},
    {KAFKA_OFFSET_COMMIT, 0, false, kafka_on_offset_commit},
    {KAFKA_OFFSET_FETCH, 0, false, kafka_on_offset_fetch},
    {KAFKA_FIND_COORDINATOR, 0, false, kafka_on_find_coordinator},
    {KAFKA_JOIN_GROUP, 0, false, kafka_on_join_group},
    {KAFKA_HEARTBEAT, 0, false, kafka_on_heartbeat},
    {KAFKA_LEAVE_GROUP, 0, false, kafka_on_leave_group},
    {KAFKA_SYNC_GROUP, 0, false, kafka_on_sync_group},
    {KAFKA_DESCRIBE_GROUPS, 0, false, kafka_on_describe_groups},
    {KAFKA_LIST_GROUPS, 0, false, kafka_on_list_groups},
    {KAFKA_API_VERSIONS, 0, false, kafka_on_api_versions},
    {KAFKA_SASL_HANDSHAKE, 0, false, kafka_on_sasl_handshake},
    {KAFKA_SASL_AUTHENTICATE, 0, false, kafka_on_sasl_authenticate},
    {KAFKA_CREATE_TOPICS, 0, false, kafka_on_create_topics},
    {KAFKA_DELETE_TOPICS, 0, false, kafka_on_delete_topics},
    {KAFKA_DELETE_RECORDS, 0, false, kafka_on_delete_records},
    {KAFKA_INIT_PRODUCER_ID, 0, false, kafka_on_init_producer_id},
    {KAFKA_DESCRIBE_CONFIGS, 0, false, kafka_on_describe_configs},
    {KAFKA_CREATE_PARTITIONS, 0, false, kafka_on_create_partitions},
    {KAFKA_DELETE_GROUPS, 0, false, kafka_on_delete_groups},
    {KAFKA_OFFSET_DELETE, 0, false, kafka_on_offset_delete},
    {KAFKA_OFFSET_FOR_LEADER_EPOCH, 0, false, kafka_on_offset_for_leader_epoch},
    {KAFKA_ALTER_CONFIGS, 0, false, kafka_on_alter_configs},
    {KAFKA_INCREMENTAL_ALTER_CONFIGS, 0, false, kafka_on_incremental_alter_configs},
    {KAFKA_DESCRIBE_LOG_DIRS, 0, false, kafka_on_describe_log_dirs},
    {KAFKA_ELECT_LEADERS, 0, false, kafka_on_elect_leaders},
    {KAFKA_ALTER_PARTITION_REASSIGNMENTS, 0, false, kafka_on_alter_partition_reassignments},
    {KAFKA_LIST_PARTITION_REASSIGNMENTS, 0, false, kafka_on_list_partition_reassignments},
    {KAFKA_DESCRIBE_PRODUCERS, 0, false, kafka_on_describe_producers},
    {KAFKA_DESCRIBE_TOPIC_PARTITIONS, 0, false, kafka_on_describe_topic_partitions},
    {KAFKA_ADD_PARTITIONS_TO_TXN, 0, false, kafka_on_add_partitions_to_txn},
    {KAFKA_ADD_OFFSETS_TO_TXN, 0, false, kafka_on_add_offsets_to_txn},
    {KAFKA_END_TXN, 0, false, kafka_on_end_txn},
    {KAFKA_WRITE_TXN_MARKERS, 1, false, kafka_on_write_txn_markers},
    {KAFKA_TXN_OFFSET_COMMIT, 0, false, kafka_on_txn_offset_commit},
    {KAFKA_DESCRIBE_TRANSACTIONS, 0, false, kafka_on_describe_transactions},
    {KAFKA_LIST_TRANSACTIONS, 0, false, kafka_on_list_transactions},
    {KAFKA_DESCRIBE_ACLS, 0, false, kafka_on_describe_acls},
    {KAFKA_CREATE_ACLS, 0, false, kafka_on_create_acls},
    {KAFKA_DELETE_ACLS, 0, false, kafka_on_delete_acls},
    {KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS, 0, false, kafka_on_describe_user_scram_credentials},
    {KAFKA_ALTER_USER_SCRAM_CREDENTIALS, 0, false, kafka_on_alter_user_scram_credentials},
    {KAFKA_DESCRIBE_CLIENT_QUOTAS, 0, false, kafka_on_describe_client_quotas},
    {KAFKA_ALTER_CLIENT_QUOTAS, 0, false, kafka_on_alter_client_quotas},
    {KAFKA_CONSUMER_GROUP_HEARTBEAT, 0, false, kafka_on_consumer_group_heartbeat},
    {KAFKA_CONSUMER_GROUP_DESCRIBE, 0, false, kafka_on_consumer_group_describe},
    {KAFKA_UPDATE_FEATURES, 0, false, kafka_on_update_features},
    {KAFKA_DESCRIBE_CLUSTER, 0, false, kafka_on_describe_cluster},
};

const struct kafka_route *kafka_route_find(int16_t key)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
        if (routes[i].key == key)
            return &routes[i];
    }
    return NULL;
}
