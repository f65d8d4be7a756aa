// The number a CO-RE relocation puts into the instruction, for the local and for the target path.

import { never } from '#core/problem';
import { resolve, sizeOf, type BtfComposite, type BtfEnum } from '#core/btf';
import { isEnumKind, isFieldKind, type CoreKind, type CoreSpec } from './core-spec.ts';

export interface CoreValue {
  value: bigint;
  /** The instruction must carry the local value already; linking may have changed type ids, and bit fields are read in other ways. */
  validate: boolean;
  /** Bytes of the field, for the width of loads and stores; undefined where the width stays. */
  fieldSize?: number;
  fieldTypeId?: number;
}

/** `undefined` for the spec: the target has no such thing. 'poison' where no number stands for that. A sentence for a relocation that cannot be done. */
export function valueOf(kind: CoreKind, spec: CoreSpec | undefined): CoreValue | 'poison' | { reason: string } {
  if (isFieldKind(kind)) return fieldValue(kind, spec);
  if (isEnumKind(kind)) {
    if (kind === 'enumval_exists') return { value: spec ? 1n : 0n, validate: true };
    if (!spec) return 'poison';
    const type = spec.btf.type(spec.steps[0]!.typeId) as BtfEnum;
    return { value: type.enumerators[spec.steps[0]!.index]!.value, validate: true };
  }
  if (!spec) return { value: 0n, validate: true };
  switch (kind) {
    case 'type_id_local':
    case 'type_id_target':
      return { value: BigInt(spec.rootId), validate: false };
    case 'type_size': {
      const size = sizeOf(spec.btf, spec.rootId);
      return size === undefined ? { reason: 'the type has no size' } : { value: BigInt(size), validate: true };
    }
    default:
      return { value: 1n, validate: true };
  }
}

function fieldValue(kind: CoreKind, spec: CoreSpec | undefined): CoreValue | 'poison' | { reason: string } {
  if (kind === 'field_exists') return { value: spec ? 1n : 0n, validate: true };
  if (!spec) return 'poison';
  const { btf } = spec;
  const last = spec.steps.at(-1)!;
  if (last.name === undefined) {
    const size = sizeOf(btf, last.typeId);
    if (size === undefined) return { reason: 'the element has no size' };
    if (kind === 'field_byte_offset')
      return { value: BigInt(Math.floor(spec.bitOffset / 8)), validate: true, fieldSize: size, fieldTypeId: last.typeId };
    if (kind === 'field_byte_size') return { value: BigInt(size), validate: true };
    return { reason: 'an array element has no sign and no shifts to relocate' };
  }
  const member = (btf.type(last.typeId) as BtfComposite).members[last.index]!;
  const type = resolve(btf, member.type);
  const bitField = member.bitSize > 0;
  let bytes = type ? sizeOf(btf, type.id) : undefined;
  if (!type || bytes === undefined || (bitField && bytes === 0)) return { reason: `${member.name} has no size` };
  // A damaged BTF may place members at any bit: the byte is what counts, as libbpf divides.
  let byteOffset = Math.floor(spec.bitOffset / 8);
  let bits = bytes * 8;
  if (bitField) {
    bits = member.bitSize;
    // The narrowest aligned load that holds all of the bits.
    byteOffset = Math.floor(spec.bitOffset / 8 / bytes) * bytes;
    while (spec.bitOffset + bits - byteOffset * 8 > bytes * 8) {
      if (bytes >= 8) return { reason: `no load of 8 bytes holds the bit field ${member.name}` };
      bytes *= 2;
      byteOffset = Math.floor(spec.bitOffset / 8 / bytes) * bytes;
    }
  }
  switch (kind) {
    case 'field_byte_offset':
      return bitField
        ? { value: BigInt(byteOffset), validate: false }
        : { value: BigInt(byteOffset), validate: true, fieldSize: bytes, fieldTypeId: type.id };
    case 'field_byte_size':
      return { value: BigInt(bytes), validate: !bitField };
    case 'field_signed':
      return { value: (type.kind === 'int' || type.kind === 'enum' || type.kind === 'enum64') && type.signed ? 1n : 0n, validate: true };
    case 'field_lshift_u64':
      return {
        value: BigInt(
          btf.littleEndian ? 64 - (spec.bitOffset + bits - byteOffset * 8) : (8 - bytes) * 8 + (spec.bitOffset - byteOffset * 8),
        ),
        validate: !bitField,
      };
    case 'field_rshift_u64':
      return { value: BigInt(64 - bits), validate: true };
    case 'type_id_local':
    case 'type_id_target':
    case 'type_exists':
    case 'type_size':
    case 'type_matches':
    case 'enumval_exists':
    case 'enumval_value':
      return { reason: `${kind} is no question about a field` };
    default:
      return never(kind);
  }
}
