// The fields that DAP demands of a request's arguments, checked before the request is answered.
// Optional fields are the handlers' own affair.

type FieldType = 'string' | 'number' | 'object' | 'array';

const REQUIRED: Readonly<Record<string, Readonly<Record<string, FieldType>>>> = {
  setBreakpoints: { source: 'object' },
  setFunctionBreakpoints: { breakpoints: 'array' },
  setInstructionBreakpoints: { breakpoints: 'array' },
  breakpointLocations: { source: 'object', line: 'number' },
  scopes: { frameId: 'number' },
  variables: { variablesReference: 'number' },
  setVariable: { variablesReference: 'number', name: 'string', value: 'string' },
  evaluate: { expression: 'string' },
  setExpression: { expression: 'string', value: 'string' },
  completions: { text: 'string', column: 'number' },
  disassemble: { memoryReference: 'string', instructionCount: 'number' },
  readMemory: { memoryReference: 'string', count: 'number' },
  writeMemory: { memoryReference: 'string', data: 'string' },
};

/** The first field of a request that is missing or of another type; undefined when nothing is. */
export function missingField(command: string, args: unknown): string | undefined {
  const fields = Object.hasOwn(REQUIRED, command) ? REQUIRED[command]! : {};
  const given = (typeof args === 'object' && args !== null ? args : {}) as Readonly<Record<string, unknown>>;
  return Object.keys(fields).find((name) => typeOf(given[name]) !== fields[name]);
}

const typeOf = (value: unknown): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);
