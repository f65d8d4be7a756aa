// The field table as a JSON schema (draft 7), for editors: schemas/events.schema.json is this function's output.

import { never } from '#core/problem';
import { DURATION, SCENARIO_FIELDS, type Field, type Fields } from './fields.ts';

type Schema = Record<string, unknown>;

function fieldSchema(field: Field): Schema {
  const description = field.about;
  switch (field.kind) {
    case 'text':
      return {
        description,
        type: 'string',
        ...(field.values ? { enum: field.values } : {}),
        ...(field.pattern ? { pattern: field.pattern.source } : {}),
        ...(field.example === undefined ? {} : { examples: [field.example] }),
      };
    case 'integer':
      return { description, type: 'integer', minimum: field.minimum, maximum: field.maximum };
    case 'duration':
      return {
        description,
        anyOf: [
          { type: 'integer', minimum: 0 },
          { type: 'string', pattern: DURATION.source },
        ],
      };
    case 'boolean':
      return { description, type: 'boolean' };
    case 'value64':
      return {
        description,
        anyOf: [{ type: 'integer' }, { type: 'boolean' }, { type: 'string', pattern: '^-?(0[xX][0-9a-fA-F]+|\\d+)$' }],
      };
    case 'any':
      return { description };
    case 'list':
      return { description, type: 'array', items: fieldSchema(field.of) };
    case 'record':
      return { description, type: 'object', additionalProperties: fieldSchema(field.of) };
    case 'object':
      return { description, ...objectSchema(field.fields) };
    case 'either':
      return { description, anyOf: field.of.map(fieldSchema) };
    case 'variant':
      return {
        description,
        type: 'object',
        required: ['type'],
        properties: { type: { description: field.common['type']!.about, enum: Object.keys(field.cases) } },
        allOf: Object.entries(field.cases).map(([type, { about, fields }]) => ({
          if: { properties: { type: { const: type } }, required: ['type'] },
          then: { description: about, ...objectSchema({ ...field.common, ...fields }) },
        })),
      };
    default:
      return never(field);
  }
}

function objectSchema(fields: Fields): Schema {
  const required = Object.entries(fields)
    .filter(([, field]) => field.required)
    .map(([name]) => name);
  return {
    type: 'object',
    additionalProperties: false,
    ...(required.length > 0 ? { required } : {}),
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)])),
  };
}

/** The schema as text, the way the file has it. */
export function scenarioJsonSchema(): string {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $comment: 'Made from core/src/sim/scenario/fields.ts by scenarioJsonSchema(); a test compares.',
    title: 'Events for the eBPF simulated kernel',
    allowTrailingCommas: true,
    allowComments: true,
    ...objectSchema(SCENARIO_FIELDS),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
