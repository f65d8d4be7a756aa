// C types and variables out of BTF: types by id and by name, globals of DATASECs, parameters of functions.
// Reads the parsed BTF only; what lies in memory is c-value.ts's matter.

import type { Btf } from '#core/btf';
import { arrayOf, builtinType, integerType, pointerName, VOID } from './c-type.ts';
import type { CType } from './c-type.ts';

const MAX_TYPEDEFS = 64;

/** The C types of one BTF blob, each made once. */
export class BtfTypes {
  private readonly made = new Map<number, CType>();

  constructor(private readonly btf: Btf) {}

  /** A damaged or unknown id is `void`. */
  type(id: number): CType {
    const known = this.made.get(id);
    if (known) return known;
    const type = this.make(id, 0);
    this.made.set(id, type);
    return type;
  }

  private make(id: number, depth: number): CType {
    const type = this.btf.type(id);
    if (!type || depth > MAX_TYPEDEFS) return VOID;
    switch (type.kind) {
      case 'int':
        return integerType(
          type.name,
          type.size,
          type.signed,
          type.bool || type.name === '_Bool' ? 'boolean' : type.name === 'char' ? 'character' : 'number',
        );
      case 'float':
        return { kind: 'float', name: type.name, size: type.size };
      case 'ptr': {
        const target = (): CType => this.type(type.type);
        return { kind: 'pointer', name: pointerName(this.nameOf(type.type, 0)), size: 8, target };
      }
      case 'array':
        return arrayOf(this.type(type.type), type.count);
      case 'struct':
      case 'union':
        return {
          kind: 'record',
          name: `${type.kind}${type.name ? ` ${type.name}` : ' {…}'}`,
          size: type.size,
          members: () =>
            type.members.map((member) => ({
              name: member.name,
              offsetBits: member.bitOffset,
              type: this.type(member.type),
              ...(member.bitSize > 0 ? { bits: member.bitSize } : {}),
            })),
        };
      case 'enum':
      case 'enum64':
        return {
          kind: 'enum',
          name: `enum${type.name ? ` ${type.name}` : ''}`,
          size: type.size,
          signed: type.signed,
          values: type.enumerators,
        };
      case 'fwd':
        return { kind: 'record', name: `${type.of} ${type.name}`, size: 0, members: () => [] };
      case 'typedef': {
        const target = this.make(type.type, depth + 1);
        return { ...target, name: type.name } as CType;
      }
      case 'volatile':
      case 'const':
      case 'restrict':
      case 'type_tag':
        return this.make(type.type, depth + 1);
      case 'func_proto':
      case 'func':
        return { kind: 'function', name: type.name || 'function', size: 0 };
      case 'var':
        return this.make(type.type, depth + 1);
      case 'void':
      case 'datasec':
      case 'decl_tag':
        return VOID;
    }
  }

  /** The name alone, so that pointers to big structs cost nothing until someone looks behind them. */
  private nameOf(id: number, depth: number): string {
    const type = this.btf.type(id);
    if (!type || depth > MAX_TYPEDEFS) return 'void';
    switch (type.kind) {
      case 'ptr':
        return pointerName(this.nameOf(type.type, depth + 1));
      case 'struct':
      case 'union':
        return `${type.kind} ${type.name || '{…}'}`;
      case 'enum':
      case 'enum64':
        return `enum ${type.name}`;
      case 'fwd':
        return `${type.of} ${type.name}`;
      case 'const':
        return `const ${this.nameOf(type.type, depth + 1)}`;
      case 'volatile':
      case 'restrict':
      case 'type_tag':
        return this.nameOf(type.type, depth + 1);
      case 'array':
        return `${this.nameOf(type.type, depth + 1)}[${type.count}]`;
      case 'func_proto':
        return 'function';
      default:
        return type.name || 'void';
    }
  }

  /** `['struct', 'iphdr']`, `['__u32']`, `['unsigned', 'long']`. */
  find(words: readonly string[]): CType | undefined {
    const [first, second] = words.filter((word) => word !== 'const' && word !== 'volatile');
    if (first === 'struct' || first === 'union' || first === 'enum') {
      if (second === undefined) return undefined;
      const id = this.btf.find(second, first) ?? (first === 'enum' ? this.btf.find(second, 'enum64') : undefined);
      return id === undefined ? undefined : this.type(id);
    }
    if (first !== undefined && second === undefined) {
      const id = this.btf.find(first, 'typedef');
      if (id !== undefined) return this.type(id);
    }
    return builtinType(words);
  }

  /** An enumerator of any enum, as C sees it: an int constant by name. */
  enumerator(name: string): { type: CType; value: bigint } | undefined {
    for (const [id, value] of (this.enumerators ??= this.collectEnumerators()).get(name) ?? []) return { type: this.type(id), value };
    return undefined;
  }

  private enumerators: Map<string, [number, bigint][]> | undefined;

  private collectEnumerators(): Map<string, [number, bigint][]> {
    const found = new Map<string, [number, bigint][]>();
    for (let id = 1; id < this.btf.typeCount; id++) {
      const kind = this.btf.kind(id);
      if (kind !== 'enum' && kind !== 'enum64') continue;
      const type = this.btf.type(id);
      if (type?.kind === 'enum' || type?.kind === 'enum64')
        for (const entry of type.enumerators) found.set(entry.name, [...(found.get(entry.name) ?? []), [id, entry.value]]);
    }
    return found;
  }

  /** Name and type of each parameter of the function with this FUNC id, and its return type. */
  prototype(functionId: number): { parameters: readonly { name: string; type: CType }[]; returns: CType } | undefined {
    const func = this.btf.type(functionId);
    if (func?.kind !== 'func') return undefined;
    const proto = this.btf.type(func.type);
    if (proto?.kind !== 'func_proto') return undefined;
    return {
      parameters: proto.parameters.filter(({ type }) => type !== 0).map(({ name, type }) => ({ name, type: this.type(type) })),
      returns: this.type(proto.type),
    };
  }

  /** The variables of a global section (`.bss`, `.data`, `.rodata`, …) with their offsets into it. */
  section(name: string): readonly { name: string; offset: number; type: CType }[] {
    let known = this.sections.get(name);
    if (!known) this.sections.set(name, (known = this.readSection(name)));
    return known;
  }

  private readonly sections = new Map<string, readonly { name: string; offset: number; type: CType }[]>();

  private readSection(name: string): readonly { name: string; offset: number; type: CType }[] {
    const id = this.btf.find(name, 'datasec');
    const section = id === undefined ? undefined : this.btf.type(id);
    if (section?.kind !== 'datasec') return [];
    return section.variables.flatMap(({ type, offset }) => {
      const variable = this.btf.type(type);
      return variable?.kind === 'var' ? [{ name: variable.name, offset, type: this.type(variable.type) }] : [];
    });
  }
}
