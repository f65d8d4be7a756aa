// Arguments of global functions: what their BTF promises, what callers must pass, and what the function may rely on.

import { type Btf, type BtfType, resolve, sizeOf } from '#core/btf';
import { programType } from '#core/catalog';
import { checkObjectArgument } from './check-helper-args.ts';
import { isNull } from '../memory/check-stack.ts';
import type { ArgumentOfSubprogram, RejectionDetails, SubprogramFacts, VerifierEnvironment } from '../state/environment.ts';
import { Rejection } from '../state/environment.ts';
import { checkSharedMemory } from './helper-memory.ts';
import { checkArgumentOffset } from './pointer-offset.ts';
import { checkProcessedDynptr } from '../objects/process-dynptr.ts';
import {
  CONST_PTR_TO_DYNPTR,
  mayBeNull,
  MEM_RDONLY,
  pointerRegister,
  PTR_MAYBE_NULL,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_MEM,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
  type Register,
  SCALAR_VALUE,
  unknownRegister,
} from '../state/registers.ts';
import { argumentTags } from '../target/kernel-rules.ts';
import type { Frame } from '../state/state.ts';

export interface ArgumentProblem {
  /** The kernel's line; absent where it says nothing, or has said it. */
  readonly line: string | undefined;
  readonly details: RejectionDetails;
  /** What a check that is shared with other calls has said. */
  readonly said?: Rejection;
}

/** Neither released by the call nor a dynptr. */
const ANY_USE = { release: false, dynptr: false };

const wrong = (line: string | undefined, regno?: number): ArgumentProblem => ({
  line,
  details: regno === undefined ? {} : { register: regno },
});

function typeWord(type: BtfType | undefined): string {
  return (type?.kind ?? 'void').toUpperCase();
}

/** Names of a program type's context struct as functions may declare it. */
function isContextType(env: VerifierEnvironment, pointee: BtfType | undefined): boolean {
  if (!pointee || (pointee.kind !== 'struct' && pointee.kind !== 'fwd' && pointee.kind !== 'typedef')) return false;
  const context = programType(env.programType)?.context?.replace(/^struct /, '');
  const { name } = pointee;
  if (name === '') return false;
  if (name === context) return true;
  switch (env.programType) {
    case 'kprobe':
    case 'perf_event':
      return name === 'bpf_user_pt_regs_t' || name === 'pt_regs' || name === 'bpf_perf_event_data';
    case 'raw_tracepoint':
    case 'raw_tracepoint_writable':
      return name === 'bpf_raw_tracepoint_args';
    default:
      return false;
  }
}

/** What the function's BTF says of its arguments. The kernel's words are logged where it is not usable. */
export function argumentsOf(env: VerifierEnvironment, index: number): readonly ArgumentOfSubprogram[] | 'invalid' {
  const subprogram = env.subprograms[index]!;
  if (subprogram.arguments === undefined) {
    const found = readArguments(env, subprogram);
    if (typeof found === 'string') {
      subprogram.arguments = 'invalid';
      subprogram.argumentProblem = found;
    } else subprogram.arguments = found;
  }
  return subprogram.arguments;
}

function readArguments(env: VerifierEnvironment, subprogram: SubprogramFacts): readonly ArgumentOfSubprogram[] | string {
  const btf = env.object.btf;
  const func = btf && subprogram.funcTypeId !== undefined ? btf.type(subprogram.funcTypeId) : undefined;
  const proto = func?.kind === 'func' ? btf!.type(func.type) : undefined;
  if (!btf || func?.kind !== 'func' || proto?.kind !== 'func_proto') return 'Global functions need valid BTF';
  const { name } = func;
  const { parameters } = proto;
  if (parameters.length > 5) return `Global function ${name}() with ${parameters.length} > 5 args. Buggy compiler.`;
  const returns = resolve(btf, proto.type);
  if (returns?.kind !== 'int' && returns?.kind !== 'enum' && returns?.kind !== 'enum64') {
    return `Global function ${name}() doesn't return scalar. Only those are supported.`;
  }
  const result: ArgumentOfSubprogram[] = [];
  for (let i = 0; i < parameters.length; i++) {
    const tags = new Set(
      !argumentTags(env.kernel)
        ? []
        : btf
            .declTags(func.id)
            .filter((tag) => tag.component === i && tag.name.startsWith('arg:'))
            .map((tag) => tag.name.slice(4)),
    );
    const argument = readArgument(env, btf, parameters[i]!.type, i, name, tags);
    if (typeof argument === 'string') return argument;
    result.push(argument);
  }
  return result;
}

const KNOWN_TAGS = ['ctx', 'trusted', 'nonnull', 'nullable', 'arena', 'untrusted'];

function readArgument(
  env: VerifierEnvironment,
  btf: Btf,
  typeId: number,
  index: number,
  name: string,
  tags: Set<string>,
): ArgumentOfSubprogram | string {
  if ([...tags].some((tag) => !KNOWN_TAGS.includes(tag))) return `arg#${index} has unsupported set of tags`;
  const combination = `arg#${index} has invalid combination of tags`;
  const type = resolve(btf, typeId);
  if (type?.kind !== 'ptr') {
    if (tags.size > 0) return `arg#${index} has pointer tag, but is not a pointer type`;
    if (type?.kind === 'int' || type?.kind === 'enum' || type?.kind === 'enum64') return { kind: 'scalar' };
    return `Arg#${index} type ${typeWord(type)} in ${name}() is not supported yet.`;
  }
  // Typedefs matter for contexts only: bpf_user_pt_regs_t is one.
  let pointee = btf.type(type.type);
  let isContext = isContextType(env, pointee);
  while (
    pointee &&
    (pointee.kind === 'typedef' ||
      pointee.kind === 'const' ||
      pointee.kind === 'volatile' ||
      pointee.kind === 'restrict' ||
      pointee.kind === 'type_tag')
  ) {
    pointee = btf.type(pointee.type);
    isContext ||= isContextType(env, pointee);
  }
  if (tags.has('ctx') || isContext) return tags.size > (tags.has('ctx') ? 1 : 0) ? combination : { kind: 'ctx' };
  if (pointee?.kind === 'struct' && pointee.name === 'bpf_dynptr') return tags.size > 0 ? combination : { kind: 'dynptr' };
  if (tags.has('trusted') || (tags.has('untrusted') && pointee?.kind === 'struct')) {
    if (tags.has('nonnull')) return combination;
    const kernelBtf = env.options.kernelBtf;
    const id = kernelBtf?.find(pointee?.name.replace(/___.*$/, '') ?? '', 'struct');
    if (!kernelBtf || id === undefined) return `arg#${index} is not a kernel type`;
    const flags = tags.has('untrusted') ? PTR_UNTRUSTED : PTR_TRUSTED | (tags.has('nullable') ? PTR_MAYBE_NULL : 0);
    return { kind: 'btf_id', btf: kernelBtf, btfId: id, flags };
  }
  if (tags.has('arena')) return tags.size > 1 ? `arg#${index} arena cannot be combined with any other tags` : { kind: 'arena' };
  if (tags.has('untrusted')) return { kind: 'mem', size: 0, mayBeNull: false, readonly: true };
  if (tags.has('nullable')) return combination;
  const size = sizeOf(btf, type.type);
  if (pointee === undefined || pointee.kind === 'void' || size === undefined || pointee.kind === 'func_proto') {
    return `arg#${index} reference type('${typeWord(pointee) === 'VOID' ? 'UNKNOWN' : typeWord(pointee)} ${pointee?.name ?? ''}') size cannot be determined: -22`;
  }
  return { kind: 'mem', size, mayBeNull: !tags.has('nonnull') };
}

/** Whether the caller's registers fit the global function; undefined when they do. */
export function checkSubprogramArguments(env: VerifierEnvironment, index: number): ArgumentProblem | undefined {
  const expected = argumentsOf(env, index);
  if (expected === 'invalid') return wrong(env.subprograms[index]!.argumentProblem);
  for (let i = 0; i < expected.length; i++) {
    try {
      const problem = checkArgument(env, expected[i]!, i);
      if (problem) return problem;
    } catch (refused) {
      if (!(refused instanceof Rejection)) throw refused;
      return { line: undefined, details: refused.details, said: refused };
    }
  }
  return undefined;
}

function checkArgument(env: VerifierEnvironment, expected: ArgumentOfSubprogram, i: number): ArgumentProblem | undefined {
  const regno = i + 1;
  const register = env.register(regno);
  switch (expected.kind) {
    case 'scalar':
      return register.type === SCALAR_VALUE ? undefined : wrong(`R${regno} is not a scalar`, regno);
    case 'ctx':
      checkArgumentOffset(env, register, regno, ANY_USE);
      return register.type === PTR_TO_CTX ? undefined : wrong(`arg#${i} expects pointer to ctx`, regno);
    case 'arena':
      return register.type === PTR_TO_ARENA || register.type === SCALAR_VALUE
        ? undefined
        : wrong(`R${regno} is not a pointer to arena or scalar.`, regno);
    case 'mem': {
      if (expected.readonly) return undefined;
      checkArgumentOffset(env, register, regno, ANY_USE);
      checkSharedMemory(env, regno, expected.size);
      // NULL itself, a number, passes: the kernel asks only pointers whether they may be NULL.
      return !expected.mayBeNull && mayBeNull(register.type) ? wrong(`arg#${i} is expected to be non-NULL`, regno) : undefined;
    }
    case 'dynptr':
      checkArgumentOffset(env, register, regno, { release: false, dynptr: true });
      checkProcessedDynptr(env, regno, -1, { uninit: false, readonly: true, kind: undefined, cloneOf: 0 });
      return undefined;
    case 'btf_id':
      if (isNull(register) && mayBeNull(expected.flags)) return undefined;
      if ((expected.flags & PTR_UNTRUSTED) !== 0) return undefined;
      checkObjectArgument(env, regno, { btf: expected.btf, btfId: expected.btfId, maybeNull: mayBeNull(expected.flags) });
      checkArgumentOffset(env, register, regno, ANY_USE);
      return undefined;
  }
}

/** Registers with which a global function is verified by itself. */
export function enterWithDeclaredArguments(env: VerifierEnvironment, frame: Frame, declared: readonly ArgumentOfSubprogram[]): void {
  declared.forEach((argument, i) => {
    frame.registers[i + 1] = declaredRegister(env, argument);
  });
}

function declaredRegister(env: VerifierEnvironment, argument: ArgumentOfSubprogram): Register {
  switch (argument.kind) {
    case 'scalar':
    case 'arena':
      return unknownRegister();
    case 'ctx':
      return pointerRegister(PTR_TO_CTX);
    case 'dynptr':
      return pointerRegister(CONST_PTR_TO_DYNPTR, { dynptr: 'local', dynptrFirstSlot: true, id: env.newId() });
    case 'mem':
      return pointerRegister(
        PTR_TO_MEM | (argument.mayBeNull ? PTR_MAYBE_NULL : 0) | (argument.readonly ? MEM_RDONLY | PTR_UNTRUSTED : 0),
        {
          memSize: argument.size,
          id: argument.mayBeNull ? env.newId() : 0,
        },
      );
    case 'btf_id':
      return pointerRegister(PTR_TO_BTF_ID | argument.flags, { btf: argument.btf, btfId: argument.btfId, id: env.newId() });
  }
}
