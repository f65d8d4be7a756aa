// `bpftool btf`: list, and dump of a program's, a map's, the kernel's or a file's types, raw or as C.

import { type Btf, type BtfType, printVmlinuxHeader } from '#core/btf';
import { type CommandResult, done, errorWords } from '../command-result.ts';
import { type BpftoolContext, fail, findMaps, findPrograms } from './options.ts';

export async function btf(context: BpftoolContext, command: string, args: readonly string[]): Promise<CommandResult> {
  switch (command) {
    case 'show':
    case 'list':
      return done(list(context));
    case 'dump':
      return dump(context, args);
    case 'help':
      return done(
        'Usage: bpftool btf { show | list }\n       bpftool btf dump BTF_SRC [format FORMAT]\n       BTF_SRC := { id BTF_ID | prog PROG | map MAP | file FILE }\n       FORMAT  := { raw | c }\n',
      );
    default:
      return fail(context, `cmd '${command}' not found; there are show, list, dump, help`);
  }
}

function list({ kernel }: BpftoolContext): string {
  return kernel.bpf.btfs
    .map(({ id, name, object }) => {
      const programs = kernel.programs.filter((program) => object && program.object === object).map((program) => program.id);
      const maps = kernel.maps.filter((map) => object && kernel.bpf.objectOf(map) === object).map((map) => map.id);
      return `${id}: name ${name === '' ? '<anon>' : `[${name}]`}${programs.length > 0 ? `  prog_ids ${programs.join(',')}` : ''}${maps.length > 0 ? `  map_ids ${maps.join(',')}` : ''}\n`;
    })
    .join('');
}

async function dump(context: BpftoolContext, args: readonly string[]): Promise<CommandResult> {
  const [source = '', ...rest] = args;
  const found = await find(context, source, rest);
  if ('failure' in found) return found.failure;
  const [word, format = 'raw'] = found.rest;
  if (word !== undefined && word !== 'format') return fail(context, `unrecognized option: '${word}'`);
  if (format === 'c') return done(printVmlinuxHeader(found.btf));
  if (format !== 'raw') return fail(context, `unrecognized format specifier: '${format}', possible values: raw, c`);
  return done(raw(found.btf));
}

type Source = { btf: Btf; rest: readonly string[] } | { failure: CommandResult };

async function find(context: BpftoolContext, source: string, rest: readonly string[]): Promise<Source> {
  const { kernel } = context;
  switch (source) {
    case 'id': {
      const known = kernel.bpf.btfs.find(({ id }) => String(id) === rest[0]);
      return known
        ? { btf: known.btf, rest: rest.slice(1) }
        : { failure: fail(context, `get btf by id (${rest[0] ?? ''}): ${errorWords('ENOENT')}`) };
    }
    case 'prog': {
      const wanted = findPrograms(context, rest);
      if ('failure' in wanted) return wanted;
      const types = wanted.found[0]?.object.btf;
      return types ? { btf: types, rest: wanted.rest } : { failure: fail(context, "program doesn't have associated BTF") };
    }
    case 'map': {
      const wanted = findMaps(context, rest);
      if ('failure' in wanted) return wanted;
      const types = wanted.found[0] && kernel.bpf.objectOf(wanted.found[0])?.btf;
      const left = ['key', 'value', 'kv', 'all'].includes(wanted.rest[0] ?? '') ? wanted.rest.slice(1) : wanted.rest;
      return types ? { btf: types, rest: left } : { failure: fail(context, "map doesn't have associated BTF") };
    }
    case 'file': {
      const path = rest[0] ?? '';
      if (path === '/sys/kernel/btf/vmlinux') {
        const own = kernel.bpf.btfs.find(({ name }) => name === 'vmlinux');
        if (own) return { btf: own.btf, rest: rest.slice(1) };
      }
      const { object } = await context.host.openObject(path);
      return object?.btf
        ? { btf: object.btf, rest: rest.slice(1) }
        : { failure: fail(context, `failed to load BTF from ${path}: ${errorWords('ENOENT')}`) };
    }
    default:
      return { failure: fail(context, `unrecognized BTF source specifier: '${source}'`) };
  }
}

const named = ({ name }: { name: string }): string => `'${name === '' ? '(anon)' : name}'`;

/** One type a line, as bpftool's raw format has them. */
function raw(btf: Btf): string {
  const lines: string[] = [];
  for (let id = 1; id < btf.typeCount; id++) {
    const type = btf.type(id);
    if (type) lines.push(`[${id}] ${rawType(btf, type)}\n`);
  }
  return lines.join('');
}

function rawType(btf: Btf, type: BtfType): string {
  const head = `${type.kind.toUpperCase()} ${named(type)}`;
  switch (type.kind) {
    case 'int': {
      const encoding = type.signed ? 'SIGNED' : type.char ? 'CHAR' : type.bool ? 'BOOL' : '(none)';
      return `${head} size=${type.size} bits_offset=${type.bitOffset} nr_bits=${type.bits} encoding=${encoding}`;
    }
    case 'float':
      return `${head} size=${type.size}`;
    case 'array':
      return `${head} type_id=${type.type} index_type_id=${type.indexType} nr_elems=${type.count}`;
    case 'struct':
    case 'union': {
      const members = type.members.map(
        (member) =>
          `\n\t${named(member)} type_id=${member.type} bits_offset=${member.bitOffset}${member.bitSize ? ` bitfield_size=${member.bitSize}` : ''}`,
      );
      return `${head} size=${type.size} vlen=${type.members.length}${members.join('')}`;
    }
    case 'enum':
    case 'enum64': {
      const values = type.enumerators.map(({ name, value }) => `\n\t'${name}' val=${value}`);
      return `${head} encoding=${type.signed ? 'SIGNED' : 'UNSIGNED'} size=${type.size} vlen=${type.enumerators.length}${values.join('')}`;
    }
    case 'func_proto': {
      const parameters = type.parameters.map((parameter) => `\n\t${named(parameter)} type_id=${parameter.type}`);
      return `${head} ret_type_id=${type.type} vlen=${type.parameters.length}${parameters.join('')}`;
    }
    case 'func':
      return `${head} type_id=${type.type} linkage=${type.linkage}`;
    case 'var':
      return `${head} type_id=${type.type}, linkage=${type.linkage}`;
    case 'datasec': {
      const variables = type.variables.map(
        ({ type: id, offset, size }) => `\n\ttype_id=${id} offset=${offset} size=${size} (VAR ${named(btf.type(id) ?? { name: '' })})`,
      );
      return `${head} size=${type.size} vlen=${type.variables.length}${variables.join('')}`;
    }
    case 'fwd':
      return `${head} fwd_kind=${type.of}`;
    case 'decl_tag':
      return `${head} type_id=${type.type} component_idx=${type.component}`;
    case 'void':
      return head;
    default:
      return `${head} type_id=${type.type}`;
  }
}
