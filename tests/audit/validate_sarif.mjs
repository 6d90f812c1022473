// usage: node validate_sarif.mjs MODULES FILE: the official schema of SARIF 2.1.0 (as @microsoft/jest-sarif carries it) against FILE.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, file] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const Ajv = require('ajv');
const schema = JSON.parse(
  readFileSync(`${modules}/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json`, 'utf8'),
);
const ajv = new Ajv({ allErrors: true, schemaId: 'id' });
ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json'));
const validate = ajv.compile(schema);
if (!validate(JSON.parse(readFileSync(file, 'utf8')))) {
  console.error(validate.errors.map((error) => `${error.dataPath} ${error.message}`).join('\n'));
  process.exit(1);
}
console.log('valid');
