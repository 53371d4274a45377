// @kafkajs/confluent-schema-registry: node schema_registry.js URL before|after
// `before` registers and encodes; `after`, when the server has been killed and started again, finds the same numbers.
const { SchemaRegistry, SchemaType, COMPATIBILITY } = require('@kafkajs/confluent-schema-registry')

const [url, when] = process.argv.slice(2)
const registry = new SchemaRegistry({ host: url })
const schema = { type: 'record', name: 'click', namespace: 'web', fields: [{ name: 'page', type: 'string' }, { name: 'n', type: 'long' }] }
const more = { ...schema, fields: [...schema.fields, { name: 'who', type: ['null', 'string'], default: null }] }
const required = { ...schema, fields: [...schema.fields, { name: 'must', type: 'string' }] }
let passed = 0
let failed = 0

function check(name, ok, got) {
    console.log((ok ? 'ok ' : 'FAILED ') + name + (ok ? '' : ': ' + JSON.stringify(got)))
    ok ? passed++ : failed++
}

const register = (s) =>
    registry.register({ type: SchemaType.AVRO, schema: JSON.stringify(s) }, { subject: 'js-value', compatibility: COMPATIBILITY.BACKWARD })

async function main() {
    const { id } = await register(schema)
    const second = await register(more)
    check('two schemas have two numbers', second.id !== id, [id, second.id])
    check('the number of the latest', (await registry.getLatestSchemaId('js-value')) === second.id)
    check('the number of a version', (await registry.getRegistryId('js-value', 1)) === id)
    check('the number of a schema', (await registry.getRegistryIdBySchema('js-value', { type: SchemaType.AVRO, schema: JSON.stringify(schema) })) === id)
    const bytes = await registry.encode(second.id, { page: 'a', n: 7, who: null })
    check('a magic byte and the number stand before', bytes[0] === 0 && bytes.readInt32BE(1) === second.id, [...bytes])
    const back = await registry.decode(bytes)
    check('decoded again', back.page === 'a' && Number(back.n) === 7 && back.who === null, back)
    try {
        await register(required)
        check('an incompatible one is refused', false)
    } catch (e) {
        check('an incompatible one is refused', /incompatible/i.test(e.message), e.message)
    }
    if (when === 'after')
        check('the numbers are those of before', (await new SchemaRegistry({ host: url }).getLatestSchemaId('js-value')) === second.id)
}

main()
    .catch((e) => check('no error', false, e.message))
    .finally(() => {
        console.log(`${passed} passed, ${failed} failed`)
        process.exit(failed ? 1 : 0)
    })
