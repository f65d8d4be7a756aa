// Names that the program leaves to the loader: .kconfig values, .ksyms variables and functions, typed and weak.
// Values come from the options; what is missing and needed is a problem that says how to make it optional.

import { alignOf, resolve, sizeOf, skipModifiers, type Btf } from '#core/btf';
import { SHN_UNDEF, STB_WEAK } from '#core/elf';
import { typesAreCompatible } from './core-relocation/core-match.ts';
import { error, type Problem } from '#core/problem';
import { globalMap } from './global-maps.ts';
import { DEFAULT_KCONFIG } from './kconfig-defaults.ts';
import type { PlacedMap } from './btf-maps.ts';
import type { ObjectFile } from './object-file.ts';
import type { LoadOptions } from './types.ts';

export interface KconfigExtern {
  kind: 'kconfig';
  name: string;
  weak: boolean;
  typeId: number;
  /** Offset in the .kconfig map's value. */
  offset: number;
  size: number;
}

export interface KernelExtern {
  kind: 'ksym';
  name: string;
  weak: boolean;
  typeId: number;
  function: boolean;
  /** `extern const void x __ksym` has no type: an address, not a BTF id. */
  typed: boolean;
  kernelTypeId?: number;
  address?: bigint;
  found: boolean;
}

export type Extern = KconfigExtern | KernelExtern;

export interface Externs {
  byName: ReadonlyMap<string, Extern>;
  /** Place in libbpf's list of externs: kernel options first, then kernel symbols by name. */
  order(extern: Extern): number;
  kconfigMap?: PlacedMap;
  problems: Problem[];
}

/** A section number that no file has, for the map of a section that is only in BTF. */
export const KCONFIG_SECTION = -1;

export function readExterns(object: ObjectFile, options: LoadOptions): Externs {
  const problems: Problem[] = [];
  const byName = new Map<string, Extern>();
  const { btf, elf } = object;
  const kconfig: KconfigExtern[] = [];
  const types = btf ? externTypes(btf) : undefined;
  let sorted: Map<Extern, number> | undefined;
  const order = (extern: Extern): number => (sorted ??= orderOf([...byName.values()])).get(extern) ?? -1;
  for (const symbol of elf.symbols) {
    if (symbol.section !== SHN_UNDEF || symbol.name === '' || byName.has(symbol.name)) continue;
    const found = types?.get(symbol.name);
    if (!btf || !found) {
      problems.push(
        error(
          `failed to find BTF for extern '${symbol.name}': the function or variable is declared, and neither defined here nor a kernel symbol (__ksym, __kconfig)`,
          { code: 'extern-unknown' },
        ),
      );
      continue;
    }
    const weak = symbol.binding === STB_WEAK;
    if (found.section === '.kconfig') {
      const size = sizeOf(btf, found.id) ?? 0;
      kconfig.push({ kind: 'kconfig', name: symbol.name, weak, typeId: found.id, offset: 0, size });
    } else {
      byName.set(symbol.name, kernelExtern(btf, symbol.name, weak, found.id, options));
    }
  }
  if (kconfig.length === 0) return { byName, order, problems };
  // Their place in the map: the strictest alignment first, then the smallest, then by name, as libbpf lays them out.
  kconfig.sort(
    (a, b) => alignOf(btf!, varType(btf!, b)) - alignOf(btf!, varType(btf!, a)) || a.size - b.size || (a.name < b.name ? -1 : 1),
  );
  let end = 0;
  for (const one of kconfig) {
    const align = alignOf(btf!, varType(btf!, one));
    one.offset = Math.ceil(end / align) * align;
    end = one.offset + one.size;
    byName.set(one.name, one);
  }
  if (end > 1 << 20) {
    problems.push(error(`the .kconfig variables claim ${end} bytes`, { code: 'kconfig-size', section: '.kconfig' }));
    return { byName, order, problems };
  }
  const definition = globalMap(object, '.kconfig', end, true);
  definition.initial = new Uint8Array(end);
  for (const one of kconfig) setKconfig(btf!, one, definition.initial, options, problems);
  return { byName, order, kconfigMap: { definition, section: KCONFIG_SECTION, offset: 0, size: end }, problems };
}

function orderOf(externs: readonly Extern[]): Map<Extern, number> {
  const options = externs.filter(({ kind }) => kind === 'kconfig');
  const symbols = externs.filter(({ kind }) => kind === 'ksym').toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return new Map([...options, ...symbols].map((one, i) => [one, i]));
}

const varType = (btf: Btf, one: KconfigExtern): number => {
  const variable = btf.type(one.typeId);
  return variable?.kind === 'var' ? variable.type : 0;
};

/** The vars and funcs by name which the extern sections list. */
function externTypes(btf: Btf): Map<string, { id: number; section: string }> {
  const types = new Map<string, { id: number; section: string }>();
  for (const section of ['.kconfig', '.ksyms']) {
    const datasecId = btf.find(section, 'datasec');
    const datasec = datasecId === undefined ? undefined : btf.type(datasecId);
    if (datasec?.kind !== 'datasec') continue;
    for (const { type: id } of datasec.variables) {
      const name = btf.type(id)?.name;
      if (name !== undefined && !types.has(name)) types.set(name, { id, section });
    }
  }
  return types;
}

function kernelExtern(btf: Btf, name: string, weak: boolean, typeId: number, options: LoadOptions): KernelExtern {
  const type = btf.type(typeId);
  const isFunction = type?.kind === 'func';
  const typed = isFunction || (type?.kind === 'var' && resolve(btf, type.type)?.kind !== 'void');
  const extern: KernelExtern = { kind: 'ksym', name, weak, typeId, function: isFunction, typed, found: false };
  const { kernelBtf } = options;
  // `bpf_x___flavour` asks for the kernel's `bpf_x`.
  const wanted = name.includes('___') ? name.slice(0, name.indexOf('___')) : name;
  if (typed) {
    const id = kernelBtf?.find(wanted, isFunction ? 'func' : 'var');
    if (id !== undefined && compatibleWithKernel(btf, typeId, kernelBtf!, id)) {
      extern.kernelTypeId = id;
      extern.found = true;
    } else if (!kernelBtf) extern.found = true;
  } else {
    const address = options.kernelAddress?.(wanted);
    if (address !== undefined) extern.address = address;
    extern.found = address !== undefined || !options.kernelAddress;
  }
  return extern;
}

/** Whether the extern's type fits the kernel's; libbpf compares kinds only, all the way down. */
function compatibleWithKernel(btf: Btf, local: number, kernel: Btf, target: number): boolean {
  const a = btf.type(local);
  const b = kernel.type(target);
  return (a?.kind === 'func' || a?.kind === 'var') && b?.kind === a.kind && typesAreCompatible(btf, a.type, kernel, b.type);
}

function versionCode(text: string): bigint {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return (BigInt(major) << 16n) | (BigInt(minor) << 8n) | BigInt(Math.min(patch, 255));
}

function setKconfig(btf: Btf, one: KconfigExtern, bytes: Uint8Array, options: LoadOptions, problems: Problem[]): void {
  const type = resolve(btf, varType(btf, one));
  const fail = (message: string): void =>
    void problems.push(error(`extern ${one.name}: ${message}`, { code: 'kconfig-value', section: '.kconfig' }));
  const put = (value: bigint): void => {
    for (let i = 0; i < Math.min(one.size, 8); i++) bytes[one.offset + i] = Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 0xffn);
  };
  if (one.name === 'LINUX_KERNEL_VERSION') return put(versionCode(options.kernelVersion ?? '6.18.0'));
  if (one.name === 'LINUX_HAS_BPF_COOKIE' || one.name === 'LINUX_HAS_SYSCALL_WRAPPER') return put(1n);
  const value = options.kconfig?.[one.name] ?? DEFAULT_KCONFIG[one.name];
  if (value === undefined) {
    if (!one.weak) fail('this option is not in the kernel configuration; declare it __weak to get 0 instead, or give its value');
    return;
  }
  if (value.startsWith('"')) {
    const content = new TextEncoder().encode(value.slice(1, value.endsWith('"') && value.length > 1 ? -1 : undefined));
    const element = type?.kind === 'array' ? resolve(btf, type.type) : undefined;
    if (type?.kind !== 'array' || element?.kind !== 'int' || element.size !== 1)
      return fail(`its value ${value} is text, so declare it as a char array`);
    bytes.set(content.subarray(0, Math.max(one.size - 1, 0)), one.offset);
    return;
  }
  if (value === 'y' || value === 'n' || value === 'm') {
    if (type?.kind === 'int' && type.bool) {
      if (value === 'm') return fail('its value is m, which a bool cannot hold: declare it as enum libbpf_tristate');
      return put(value === 'y' ? 1n : 0n);
    }
    // enum libbpf_tristate: no 0, yes 1, module 2.
    if (type?.kind === 'enum') return put(value === 'y' ? 1n : value === 'm' ? 2n : 0n);
    const char = skipModifiers(btf, varType(btf, one));
    if (char?.kind === 'int' && char.size === 1) return put(BigInt(value.charCodeAt(0)));
    return fail(`its value is ${value}, so declare it as bool, char or enum libbpf_tristate`);
  }
  if (type?.kind !== 'int' || !/^-?(0x[0-9a-f]+|\d+)$/i.test(value)) return fail(`its value ${value} does not fit its type`);
  const number = value.startsWith('-') ? -BigInt(value.slice(1)) : BigInt(value);
  const bits = type.size * 8;
  if ((type.signed ? BigInt.asIntN(bits, number) : BigInt.asUintN(bits, number)) !== number)
    return fail(`its value ${value} does not fit ${type.size} bytes`);
  put(number);
}
