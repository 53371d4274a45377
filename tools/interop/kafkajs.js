// kafkajs against the Kafka face: node kafkajs.js HOST:PORT. Ends in 'N passed, N failed'.
'use strict';
const assert = require('assert');
const { fork } = require('child_process');
const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require('kafkajs');
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy');

const broker = process.argv[2];
const kafka = new Kafka({ clientId: 'interop', brokers: [broker], logLevel: logLevel.NOTHING });
const unique = (name) => `${name}-${process.pid}-${Math.floor(Math.random() * 1e6)}`;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function until(what, seconds, ok) {
    const end = Date.now() + seconds * 1000;
    while (!ok()) {
        if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
        await sleep(50);
    }
}

// A member of a group in a process of its own, so that it can die: node kafkajs.js BROKER member G T
async function member(group, topic) {
    const consumer = kafka.consumer({ groupId: group, sessionTimeout: 6000, heartbeatInterval: 500,
        rebalanceTimeout: 8000 });
    consumer.on(consumer.events.GROUP_JOIN, (e) =>
        process.send({ partitions: (e.payload.memberAssignment[topic] || []).length }));
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ eachMessage: async () => {} });
}

async function produce(topic, count, options = {}) {
    const producer = kafka.producer(options);
    await producer.connect();
    const messages = [];
    for (let i = 0; i < count; i++)
        messages.push({ key: `k${i}`, value: `v${i}`, headers: { n: `${i}` } });
    const answer = await producer.send({ topic, messages, compression: options.compression, acks: -1 });
    await producer.disconnect();
    return answer;
}

async function read(group, topic, count) {
    const consumer = kafka.consumer({ groupId: group });
    const got = [];
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => { got.push(message); } });
    await until(`${count} messages (${got.length} came)`, 30, () => got.length >= count);
    await sleep(300);
    await consumer.stop();
    await consumer.disconnect();
    return got;
}

const cases = {
    async roundtrip() {
        const topic = unique('js');
        await produce(topic, 500);
        const got = await read(unique('g'), topic, 500);
        assert.strictEqual(got.length, 500);
        assert.strictEqual(new Set(got.map((m) => m.key.toString())).size, 500);
        assert.ok(got.every((m) => m.headers.n.toString() === m.key.toString().slice(1)));
    },
    async idempotent_producer() {
        const topic = unique('js-idem');
        await produce(topic, 200, { idempotent: true, maxInFlightRequests: 1 });
        assert.strictEqual((await read(unique('g'), topic, 200)).length, 200);
    },
    async gzip_and_snappy() {
        for (const compression of [CompressionTypes.GZIP, CompressionTypes.Snappy]) {
            const topic = unique('js-z');
            await produce(topic, 300, { compression });
            assert.strictEqual((await read(unique('g'), topic, 300)).length, 300);
        }
    },
    async offsets_are_resumed() {
        const topic = unique('js-off'), group = unique('g');
        await produce(topic, 50);
        assert.strictEqual((await read(group, topic, 50)).length, 50);
        await produce(topic, 7);
        assert.strictEqual((await read(group, topic, 7)).length, 7);
    },
    async group_member_dies() {
        const topic = unique('js-grp'), group = unique('g');
        const admin = kafka.admin();
        await admin.connect();
        await admin.createTopics({ topics: [{ topic, numPartitions: 6 }] });
        const has = [0, 0];
        const run = (i) => {
            const child = fork(__filename, [broker, 'member', group, topic]);
            child.on('message', (m) => { has[i] = m.partitions; });
            return child;
        };
        const a = run(0), b = run(1);
        try {
            await until('three partitions each', 40, () => has[0] === 3 && has[1] === 3);
            b.kill('SIGKILL');
            await until('all six for the one that lives', 40, () => has[0] === 6);
            const described = await admin.describeGroups([group]);
            assert.strictEqual(described.groups[0].state, 'Stable');
            assert.strictEqual(described.groups[0].members.length, 1);
        } finally {
            a.kill('SIGKILL');
            b.kill('SIGKILL');
            await admin.disconnect();
        }
    },
    async admin() {
        const admin = kafka.admin(), topic = unique('js-adm'), group = unique('g');
        await admin.connect();
        assert.strictEqual(await admin.createTopics({ topics: [{ topic, numPartitions: 2,
            configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }] }), true);
        assert.ok((await admin.listTopics()).includes(topic));
        const configs = await admin.describeConfigs({ includeSynonyms: false,
            resources: [{ type: 2, name: topic, configNames: ['cleanup.policy'] }] });
        assert.strictEqual(configs.resources[0].configEntries[0].configValue, 'compact');
        await produce(topic, 10);
        await read(group, topic, 10);
        assert.ok((await admin.listGroups()).groups.some((g) => g.groupId === group));
        const offsets = await admin.fetchOffsets({ groupId: group, topics: [topic] });
        assert.strictEqual(offsets[0].partitions.reduce((n, p) => n + Math.max(0, Number(p.offset)), 0), 10);
        const ends = await admin.fetchTopicOffsets(topic);
        assert.strictEqual(ends.reduce((n, p) => n + Number(p.high), 0), 10);
        await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '0' }] });
        await admin.deleteGroups([group]);
        await admin.deleteTopics({ topics: [topic] });
        assert.ok(!(await admin.listTopics()).includes(topic));
        const cluster = await admin.describeCluster();
        assert.strictEqual(`${cluster.brokers[0].host}:${cluster.brokers[0].port}`, broker);
        await admin.disconnect();
    },
    async transactions() {
        const topic = unique('js-tx'), group = unique('g');
        const producer = kafka.producer({ transactionalId: unique('tx'), maxInFlightRequests: 1, idempotent: true });
        const admin = kafka.admin();
        await admin.connect();
        await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
        await producer.connect();
        for (const commit of [true, false, true]) {
            const transaction = await producer.transaction();
            for (let i = 0; i < 20; i++)
                await transaction.send({ topic, messages: [{ key: `k${i}`, value: `${commit}` }] });
            await transaction.sendOffsets({ consumerGroupId: group,
                topics: [{ topic, partitions: [{ partition: 0, offset: commit ? '5' : '9' }] }] });
            if (commit) await transaction.commit();
            else await transaction.abort();
        }
        const got = await read(unique('g'), topic, 40);
        assert.strictEqual(got.length, 40);
        assert.ok(got.every((m) => m.value.toString() === 'true'));
        const offsets = await admin.fetchOffsets({ groupId: group, topics: [topic] });
        assert.strictEqual(offsets[0].partitions.find((p) => p.partition === 0).offset, '5');
        await producer.disconnect();
        await admin.disconnect();
    },
    async old_producer_is_fenced() {
        const topic = unique('js-fence'), transactionalId = unique('tx');
        const config = { transactionalId, maxInFlightRequests: 1, idempotent: true, retry: { retries: 1 } };
        const old = kafka.producer(config), fresh = kafka.producer(config);
        await old.connect();
        const lost = await old.transaction();
        await lost.send({ topic, messages: [{ value: 'old' }] });
        await fresh.connect();
        const kept = await fresh.transaction();
        await assert.rejects(lost.commit());
        await kept.send({ topic, messages: [{ value: 'fresh' }] });
        await kept.commit();
        assert.deepStrictEqual((await read(unique('g'), topic, 1)).map((m) => m.value.toString()), ['fresh']);
        await old.disconnect();
        await fresh.disconnect();
    },
    async admin_changes_topics() {
        const admin = kafka.admin(), topic = unique('js-alter');
        await admin.connect();
        await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
        await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
        assert.strictEqual((await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length, 3);
        await admin.alterConfigs({ validateOnly: false,
            resources: [{ type: 2, name: topic, configEntries: [{ name: 'retention.ms', value: '77777' }] }] });
        const configs = await admin.describeConfigs({ includeSynonyms: false,
            resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }] });
        assert.strictEqual(configs.resources[0].configEntries[0].configValue, '77777');
        const producer = kafka.producer();
        await producer.connect();
        for (let i = 0; i < 10; i++) await producer.send({ topic, messages: [{ partition: 0, value: `${i}` }] });
        await producer.disconnect();
        await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] });
        const at = (await admin.fetchTopicOffsets(topic)).find((p) => p.partition === 0);
        assert.strictEqual(at.low, '4');
        assert.strictEqual(at.high, '10');
        await admin.disconnect();
    },
    async offsets_by_time() {
        const topic = unique('js-time'), producer = kafka.producer(), admin = kafka.admin();
        await producer.connect();
        for (let i = 0; i < 5; i++)
            await producer.send({ topic, messages: [{ partition: 0, value: 'x', timestamp: `${1000000 + i * 1000}` }] });
        await producer.disconnect();
        await admin.connect();
        const at = await admin.fetchTopicOffsetsByTimestamp(topic, 1002500);
        assert.strictEqual(at.find((p) => p.partition === 0).offset, '3');
        await admin.disconnect();
    },
};

async function main() {
    if (process.argv[3] === 'member') return member(process.argv[4], process.argv[5]);
    let passed = 0, failed = 0;
    for (const [name, run] of Object.entries(cases)) {
        if (process.argv.length > 3 && !process.argv.slice(3).includes(name)) continue;
        try {
            await run();
            console.log(`ok ${name}`);
            passed++;
        } catch (e) {
            console.log(`FAILED ${name}: ${e.stack}`);
            failed++;
        }
    }
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed ? 1 : 0);
}
main();
