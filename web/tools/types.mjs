// src/serve/api/openapi.json → src/api/schema.ts: one type a schema, and what each operation takes and gives.
// A generator of our own: openapi-typescript wants typescript 5.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const api = JSON.parse(readFileSync(new URL('../../src/serve/api/openapi.json', import.meta.url), 'utf8'));
const out = fileURLToPath(new URL('../src/api/schema.ts', import.meta.url));

const quote = (text) =>
  JSON.stringify(text).replace(
    /^"(.*)"$/,
    (_, inner) => `'${inner.replaceAll("'", "\\'").replaceAll('\\"', '"')}'`,
  );
const named = (ref) => ref.split('/').at(-1);

function type(schema) {
  if (!schema) return 'unknown';
  if (schema.$ref) return named(schema.$ref);
  if ('const' in schema) return typeof schema.const === 'string' ? quote(schema.const) : String(schema.const);
  if (schema.enum)
    return schema.enum
      .map((one) => (one === null ? 'null' : typeof one === 'string' ? quote(one) : String(one)))
      .join(' | ');
  const several = schema.oneOf ?? schema.anyOf;
  if (several) return several.map(type).join(' | ');
  if (schema.allOf) return schema.allOf.map(type).join(' & ');
  if (Array.isArray(schema.type)) return schema.type.map((one) => type({ ...schema, type: one })).join(' | ');
  switch (schema.type) {
    case 'string':
      return schema.format === 'binary' ? 'Blob' : 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'null':
      return 'null';
    case 'array': {
      const item = type(schema.items);
      return item.includes(' ') ? `(${item})[]` : `${item}[]`;
    }
    case 'object':
      return object(schema);
    default:
      return 'unknown';
  }
}

function object(schema) {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {}).map(([name, value]) => {
    const key = /^[a-z_][a-z0-9_]*$/i.test(name) ? name : quote(name);
    const comment = value.description ? `/** ${value.description.replaceAll('*/', '')} */ ` : '';
    return `${comment}${key}${required.has(name) ? '' : '?'}: ${type(value)};`;
  });
  if (schema.additionalProperties && schema.additionalProperties !== true)
    fields.push(`[name: string]: ${type(schema.additionalProperties)};`);
  return fields.length ? `{\n  ${fields.join('\n  ')}\n}` : 'Record<string, unknown>';
}

const schemas = Object.entries(api.components.schemas)
  .map(
    ([name, schema]) =>
      `${schema.description ? `/** ${schema.description.replaceAll('*/', '')} */\n` : ''}export type ${name} = ${type(schema)};\n`,
  )
  .join('\n');

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const operations = [];
const paths = [];
const permissions = new Set();
for (const [path, item] of Object.entries(api.paths)) {
  if (!path.startsWith('/segue/v1/')) continue;
  for (const method of METHODS) {
    const operation = item[method];
    if (!operation) continue;
    const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) =>
      one.$ref ? api.components.parameters[named(one.$ref)] : one,
    );
    const of = (place) => parameters.filter((one) => one.in === place);
    const group = (list) =>
      list.length
        ? `{ ${list.map((one) => `${one.name}${one.required ? '' : '?'}: ${type(one.schema)}`).join('; ')} }`
        : 'undefined';
    const body = Object.values(operation.requestBody?.content ?? {})[0];
    const good = Object.entries(operation.responses).find(([status]) => status.startsWith('2'));
    const given = Object.values(good?.[1].content ?? {})[0];
    operations.push(
      `  ${operation.operationId}: { path: ${group(of('path'))}; query: ${group(of('query'))}; body: ${body ? type(body.schema) : 'undefined'}; result: ${given ? type(given.schema) : 'undefined'} };`,
    );
    paths.push(`  ${operation.operationId}: [${quote(method.toUpperCase())}, ${quote(path)}],`);
    if (operation['x-segue-permission']) permissions.add(operation['x-segue-permission']);
  }
}

mkdirSync(dirname(out), { recursive: true }); // in a fresh checkout nothing else lies there
writeFileSync(
  out,
  `// Made by tools/types.mjs from src/serve/api/openapi.json; do not edit.
/* eslint-disable */

${schemas}
export type Permission = ${[...permissions].sort().map(quote).join(' | ')};

export interface Operations {
${operations.join('\n')}
}

export const OPERATIONS = {
${paths.join('\n')}
} as const satisfies Record<keyof Operations, readonly [string, string]>;
`,
);
