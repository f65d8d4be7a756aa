// What an event file says that only shows beside the loaded program and the target's types: members of tracepoint records and contexts,
// maps, parameters of kernel functions, described objects. Every one that nothing here has gets a located sentence; none is left out in silence.

import { contextStruct, programType } from '#core/catalog';
import { findMember, resolve, sizeOf, type Btf } from '#core/btf';
import { error, type Problem } from '#core/problem';
import { DescriptionProblem, describedObject, fillDescribed, isDescribed } from '../hooks/described-objects.ts';
import { recordStruct } from '../hooks/tracepoint-record.ts';
import { functionParameters, tracepointParameters } from '../hooks/typed-arguments.ts';
import type { KernelState } from '../state.ts';
import { encodeValue } from '../typed-values.ts';
import type { Scenario, ScenarioEvent } from '../types.ts';
import { nearest } from './check-fields.ts';

const located = (scenario: Scenario, span: { line: number; column: number } | undefined, message: string): Problem =>
  error(message, { code: 'sim-event', ...(span ? { span: { file: scenario.file, ...span } } : {}) });

/** Makes the objects of "objects", so that they can point at each other. */
export function describeObjects(kernel: KernelState, scenario: Scenario): Problem[] {
  const problems: Problem[] = [];
  const { structs } = kernel.objects;
  const made = (scenario.objects ?? []).filter(({ name, value, span }) => {
    const struct = String(value['struct']);
    const known = structs.btf === undefined || structs.sizeOf(struct) !== undefined;
    if (known) structs.object(`described:${name}`, struct, () => undefined);
    else problems.push(located(scenario, span, `objects.${name}.struct: the kernel's types have no struct ${struct}`));
    return known;
  });
  for (const { name, value, span } of made) {
    structs.refill(`described:${name}`, String(value['struct']), (object) => {
      try {
        fillDescribed(kernel, object, value, (struct, label) => structs.allocate(struct, `struct ${label}`));
      } catch (thrown) {
        if (!(thrown instanceof DescriptionProblem)) throw thrown;
        problems.push(located(scenario, span, `objects.${[name, ...thrown.path].join('.')}: ${thrown.message}`));
      }
    });
  }
  return problems;
}

export function checkEvents(kernel: KernelState, scenario: Scenario): Problem[] {
  return scenario.events.flatMap((event) =>
    complaints(kernel, event).map((message) => located(scenario, event.span, `events[${event.index}]${message}`)),
  );
}

const instead = (name: string, known: readonly string[]): string => {
  const guess = nearest(name, known);
  return guess === undefined ? `: it has ${known.slice(0, 20).join(', ') || 'none'}` : `: did you mean "${guess}"?`;
};

function complaints(kernel: KernelState, event: ScenarioEvent): string[] {
  const { body } = event;
  const btf = kernel.layouts();
  const found: string[] = [];
  const objects = (values: readonly unknown[] | Readonly<Record<string, unknown>>, path: string): void => {
    for (const [name, value] of Object.entries(values)) {
      if (!isDescribed(value)) continue;
      const made: Parameters<KernelState['memory']['free']>[0][] = [];
      try {
        describedObject(kernel, value, (struct, label) => {
          const region = kernel.objects.structs.allocate(struct, `struct ${label}`);
          made.push(region);
          return region;
        });
      } catch (thrown) {
        if (!(thrown instanceof DescriptionProblem)) throw thrown;
        found.push(`.${path}.${[name, ...thrown.path].join('.')}: ${thrown.message}`);
      }
      for (const region of made) kernel.memory.free(region);
    }
  };
  switch (body.type) {
    case 'tracepoint': {
      const struct = recordStruct(btf, body.name);
      const type = btf && struct === undefined ? undefined : btf?.type(btf.find(struct!, 'struct')!);
      if (btf && type?.kind === 'struct') {
        const known = type.members.map(({ name }) => name.replace(/^__data_loc_/, '')).filter((name) => name !== '' && name !== 'ent');
        for (const [name, value] of Object.entries(body.fields)) {
          const place = findMember(btf, type, name);
          if (place) found.push(...misfit(btf, place.member.type, value, `.fields.${name}`));
          else if (!findMember(btf, type, `__data_loc_${name}`))
            found.push(`.fields: ${body.name} has no "${name}"${instead(name, known)}`);
        }
      }
      const parameters = tracepointParameters(btf, body.name);
      if (parameters && body.arguments.length > parameters.length)
        found.push(`.arguments: ${body.name} has ${parameters.length}, and ${body.arguments.length} are given`);
      objects(body.arguments, 'arguments');
      break;
    }
    case 'function': {
      const parameters = functionParameters(btf, body.name);
      if (parameters && body.arguments.length > parameters.length)
        found.push(`.arguments: ${body.name}() takes ${parameters.length}, and ${body.arguments.length} are given`);
      objects(body.arguments, 'arguments');
      break;
    }
    case 'syscall':
    case 'uprobe':
      objects(body.arguments, 'arguments');
      break;
    case 'context': {
      const program = [...kernel.programsById.values()].find(({ program: { name } }) => name === body.program);
      if (!program) {
        const known = [...kernel.programsById.values()].map(({ program: { name } }) => name);
        found.push(`.program: there is no program "${body.program}"${instead(body.program, known)}`);
        break;
      }
      const row = programType(program.program.type ?? '');
      const fields = row?.context === undefined ? undefined : contextStruct(row.context)?.fields;
      for (const name of Object.keys(body.fields))
        if (!fields?.some((field) => field.name === name))
          found.push(
            `.fields: ${row?.context ?? 'the context'} has no "${name}"${instead(
              name,
              (fields ?? []).map((field) => field.name),
            )}`,
          );
      break;
    }
    case 'map': {
      const names = kernel.mapNames();
      if (!names.includes(body.map)) found.push(`.map: there is no map "${body.map}"${instead(body.map, names)}`);
      break;
    }
    default:
  }
  return found;
}

function misfit(btf: Btf, typeId: number, value: unknown, path: string): string[] {
  const size = sizeOf(btf, typeId);
  if (size === undefined || resolve(btf, typeId)?.kind === 'ptr') return [];
  const bytes = encodeValue(btf, typeId, size, value);
  return bytes instanceof Uint8Array ? [] : [`${path}: ${bytes.problem.replace(/^value: /, '')}`];
}
