// What completion, hover and signature help say of things in the catalog, as Markdown. One function for each kind of thing.

import {
  type ArgumentRule,
  atLeast,
  type ContextStruct,
  findSection,
  type Helper,
  helperAllowed,
  helperRule,
  type KernelVersion,
  type Kfunc,
  type MapType,
  PROGRAM_TYPE_NAMES,
  programType as programTypeRow,
  returnRange,
  type ReturnRule,
  type Section,
  type SectionRow,
} from '#core/catalog';
import { never } from '#core/problem';

/** What decides whether something may be used at a place: the program around it and the target kernel. */
export interface Surroundings {
  kernel: KernelVersion;
  programType?: string | undefined;
  attachType?: string | undefined;
  sleepable?: boolean | undefined;
}

export interface Permission {
  allowed: boolean;
  reason?: string;
}

export function surroundingsOf(section: string | undefined, kernel: KernelVersion): Surroundings {
  const found = section === undefined ? undefined : findSection(section);
  return { kernel, programType: found?.programType, attachType: found?.attachType, sleepable: found?.sleepable };
}

export function helperPermission(helper: Helper, { kernel, programType, attachType, sleepable }: Surroundings): Permission {
  const { allowed, reason } = helperAllowed(helper, programType, attachType, kernel);
  if (!allowed) return { allowed, ...(reason === undefined ? {} : { reason }) };
  if (helper.sleepableOnly && programType !== undefined && sleepable === false)
    return { allowed: false, reason: `${helper.name} may sleep: only sleepable programs may call it.` };
  return { allowed: true };
}

export function kfuncPermission(kfunc: Kfunc, { kernel, programType }: Surroundings): Permission {
  if (kfunc.since && !atLeast(kernel, kfunc.since))
    return { allowed: false, reason: `${kfunc.name} came with Linux ${kfunc.since}; the target is ${kernel}.` };
  if (programType !== undefined && kfunc.programTypes && !kfunc.programTypes.some((type) => type === programType)) {
    return { allowed: false, reason: `A program of type ${programType} may not call the kernel function ${kfunc.name}.` };
  }
  return { allowed: true };
}

/** A fence longer than any in the text: what a program says must not end it. */
export function codeBlock(text: string, language = 'c'): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((ticks) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}
const code = codeBlock;
const paragraphs = (...parts: (string | undefined)[]): string => parts.filter((part) => part !== undefined && part !== '').join('\n\n');

export function helperMarkdown(helper: Helper, around: Surroundings): string {
  const permission = helperPermission(helper, around);
  const types = Object.keys(helper.programTypes);
  return paragraphs(
    code(helper.prototype.replace(/^__bpf_fastcall /, '')),
    permission.allowed ? undefined : `**Not here:** ${permission.reason}`,
    helper.details ?? helper.summary,
    argumentsMarkdown(helper, around),
    [
      `Helper ${helper.id}, since Linux ${helper.since}`,
      helper.gplOnly ? 'only for programs with a GPL-compatible licence' : 'for programs of any licence',
      ...(helper.sleepableOnly ? ['only in sleepable programs'] : []),
    ].join(', ') + '.',
    `Program types: ${types.length > 24 ? allBut(types) : types.map((type) => `\`${type}\``).join(', ')}.`,
  );
}

function allBut(types: readonly string[]): string {
  const missing = PROGRAM_TYPE_NAMES.filter((type) => type !== 'ext' && !types.includes(type));
  return missing.length === 0 ? 'all' : `all but ${missing.map((type) => `\`${type}\``).join(', ')}`;
}

/** One line for each argument: what the verifier wants to see there. */
function argumentsMarkdown(helper: Helper, around: Surroundings): string | undefined {
  const rule = helperRule(helper, around.programType);
  const lines = helper.parameters.flatMap(({ name }, index) => {
    const argument = rule.arguments[index];
    const words = argument && argumentWords(argument);
    return words ? [`- \`${name || `argument ${index + 1}`}\`: ${words}`] : [];
  });
  const returned = returnWords(rule.returns);
  if (returned) lines.push(`- returns ${returned}`);
  return lines.length > 0 ? lines.join('\n') : undefined;
}

function argumentWords(rule: ArgumentRule): string | undefined {
  const words = kindWords(rule);
  if (words === undefined) return undefined;
  return [
    words,
    ...(rule.maybeNull ? ['NULL is allowed'] : []),
    ...(rule.uninit ? ['it need not be initialised'] : []),
    ...(rule.release ? ['the call gives the reference up'] : []),
  ].join('; ');
}

function kindWords(rule: ArgumentRule): string | undefined {
  switch (rule.kind) {
    case 'anything':
    case 'scalar':
      return undefined;
    case 'ctx':
      return "the program's context, unchanged";
    case 'const_map_ptr':
      return 'the address of a map (`&map`)';
    case 'map_key':
      return "memory as large as the map's key";
    case 'map_value':
      return "memory as large as the map's value";
    case 'mem':
      return 'memory of the size that another argument gives';
    case 'fixed_size_mem':
      return rule.size === undefined ? 'memory of a fixed size' : `memory of ${rule.size} bytes`;
    case 'const_size':
      return 'bytes of that memory: its upper bound must be known, and it may not be 0';
    case 'const_size_or_zero':
      return 'bytes of that memory: its upper bound must be known; 0 is allowed';
    case 'const_alloc_size_or_zero':
      return 'bytes: a constant';
    case 'btf_id':
    case 'btf_id_sock_common':
      return rule.struct === undefined
        ? 'a pointer to a kernel object that the verifier trusts'
        : `a trusted pointer to \`struct ${rule.struct}\``;
    case 'sock_common':
    case 'socket':
      return 'a socket';
    case 'percpu_btf_id':
      return 'the address of a per-CPU kernel variable';
    case 'func':
      return 'a function of this program';
    case 'stack':
      return 'memory on the stack';
    case 'timer':
      return 'a `struct bpf_timer` in a map value';
    case 'spin_lock':
      return 'a `struct bpf_spin_lock` in a map value or an allocated object';
    case 'const_str':
      return 'a constant text in read-only data';
    case 'ringbuf_mem':
      return 'a record from bpf_ringbuf_reserve';
    case 'dynptr':
      return rule.dynptr === undefined ? 'a `struct bpf_dynptr` on the stack' : `a ${rule.dynptr} \`struct bpf_dynptr\` on the stack`;
    case 'kptr_xchg_dest':
      return 'a `__kptr` field in a map value or an allocated object';
    default:
      return never(rule.kind);
  }
}

function returnWords({ kind, maybeNull, struct }: ReturnRule): string | undefined {
  const whether = maybeNull ? ' or NULL, which must be checked' : '';
  switch (kind) {
    case 'integer':
    case 'void':
      return undefined;
    case 'map_value':
      return `a pointer to the map's value${whether}`;
    case 'ringbuf_mem':
      return `a record, which must be submitted or discarded${whether}`;
    case 'socket':
    case 'tcp_sock':
    case 'sock_common':
      return `a socket${whether}`;
    case 'dynptr_mem':
      return `a pointer into the dynptr's memory${whether}`;
    case 'mem_or_btf_id':
    case 'btf_id':
      return `${struct === undefined ? 'a pointer to a kernel object' : `a \`struct ${struct}\``}${whether}`;
    default:
      return never(kind);
  }
}

const KFUNC_FLAGS: Readonly<Record<string, string>> = {
  KF_ACQUIRE: 'what it returns must be released',
  KF_RELEASE: 'gives its argument up',
  KF_RET_NULL: 'may return NULL, which must be checked',
  KF_TRUSTED_ARGS: 'pointers must be trusted',
  KF_RCU: 'pointers must be trusted or protected by RCU',
  KF_SLEEPABLE: 'only in sleepable programs',
  KF_DESTRUCTIVE: 'needs CAP_SYS_BOOT',
  KF_ITER_NEW: 'makes an iterator',
  KF_ITER_NEXT: 'takes the next element of an iterator',
  KF_ITER_DESTROY: 'ends an iterator',
};

export function kfuncMarkdown(kfunc: Kfunc, around: Surroundings): string {
  const permission = kfuncPermission(kfunc, around);
  const flags = (kfunc.flags ?? []).flatMap((flag) => KFUNC_FLAGS[flag] ?? []);
  return paragraphs(
    code(kfunc.prototype),
    permission.allowed ? undefined : `**Not here:** ${permission.reason}`,
    `Kernel function${kfunc.since ? `, since Linux ${kfunc.since}` : ''}${flags.length > 0 ? `: ${flags.join('; ')}` : ''}.`,
    kfunc.programTypes ? `Program types: ${kfunc.programTypes.map((type) => `\`${type}\``).join(', ')}.` : undefined,
    kfunc.in618 ? undefined : 'Not in the types of a common Linux 6.18 build.',
  );
}

export function mapTypeMarkdown(type: MapType, kernel: KernelVersion): string {
  return paragraphs(
    code(`BPF_MAP_TYPE_${type.name.toUpperCase()} = ${type.id}`),
    atLeast(kernel, type.since) ? undefined : `**Not here:** it came with Linux ${type.since}; the target is ${kernel}.`,
    type.summary,
    [`Keys: ${sizeWords(type.key)}`, `values: ${sizeWords(type.value)}`, `max_entries: ${entriesWords(type.maxEntries)}`].join('; ') + '.',
    `Since Linux ${type.since}.`,
  );
}

function sizeWords(rule: MapType['key']): string {
  if (rule === 'any') return 'any size';
  return rule.map((size) => (size === 0 ? 'none' : `${size} bytes`)).join(' or ');
}

function entriesWords(rule: MapType['maxEntries']): string {
  switch (rule) {
    case 'positive':
      return 'how many at the most';
    case 'zero':
      return '0, or left out';
    case 'ring bytes':
      return 'bytes of the ring, a power of two and whole pages';
    case 'pages':
      return 'pages';
    default:
      return never(rule);
  }
}

export function sectionMarkdown(name: string, section: Section, kernel: KernelVersion): string {
  const type = programTypeRow(section.programType);
  const range = returnRange(section.programType, section.attachType);
  return paragraphs(
    code(`SEC("${name}")`),
    type && !atLeast(kernel, type.since)
      ? `**Not here:** programs of this type came with Linux ${type.since}; the target is ${kernel}.`
      : undefined,
    type?.summary,
    [
      `Program type \`${section.programType}\``,
      ...(section.attachType ? [`attach type \`${section.attachType}\``] : []),
      ...(section.target ? [`attached to \`${section.target}\``] : []),
      ...(section.sleepable ? ['sleepable'] : []),
      ...(section.autoload ? [] : ['not loaded unless asked for']),
    ].join(', ') + '.',
    type?.context ? `The context is a pointer to \`${type.context}\`.` : undefined,
    range ? `It may return ${range[0] === range[1] ? `only ${range[0]}` : `${range[0]} to ${range[1]}`}.` : undefined,
    type ? `Since Linux ${type.since}.` : undefined,
  );
}

/** Sections by what they mean, for a list: the type and what it needs. */
export function sectionRowWords(row: SectionRow): string {
  return [row.programType, ...(row.attachType ? [row.attachType] : []), ...(row.sleepable ? ['sleepable'] : [])].join(', ');
}

export function contextFieldMarkdown(struct: ContextStruct, name: string): string | undefined {
  const field = struct.fields.find((one) => one.name === name);
  if (!field) return undefined;
  const array = /^(.*?)(\[\d+\])$/.exec(field.type);
  return paragraphs(
    code(`struct ${struct.name} {\n\t${array ? `${array[1]} ${field.name}${array[2]}` : `${field.type} ${field.name}`};\n}`),
    `${field.size} bytes at offset ${field.offset} of the context.`,
  );
}
