// Format strings that the verifier reads: those of bpf_snprintf, a constant in read-only memory.

import type { CallMeta } from './check-helper-args.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { knownOffset } from './pointer-offset.ts';

const FORMAT_REGISTER = 3;
const LENGTH_REGISTER = 5;

/** The format asks for as many values as the array has (check_bpf_snprintf_call). */
export function checkFormat(env: VerifierEnvironment, _meta: CallMeta): void {
  const length = env.register(LENGTH_REGISTER);
  if (length.scalar.value % 8n !== 0n || length.scalar.mask !== 0n) return refuse(env);
  const format = env.register(FORMAT_REGISTER);
  const bytes = format.map!.frozen!.subarray(knownOffset(format));
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, bytes.indexOf(0)));
  const values = valuesOf(text);
  // More values than the format asks for are ignored.
  if (values === undefined || values > Number(length.scalar.value / 8n)) refuse(env);
}

function refuse(env: VerifierEnvironment): never {
  throw env.reject('helper-argument', 'EINVAL', 'Invalid format string', {
    register: FORMAT_REGISTER,
    needed: 'a format that asks for as many values as are passed',
  });
}

/** How many values a format asks for; undefined where it has a conversion that BPF does not know. */
export function valuesOf(format: string): number | undefined {
  let count = 0;
  for (let at = 0; at < format.length; at++) {
    const code = format.charCodeAt(at);
    // Of the control characters only white space; text may hold bytes beyond ASCII.
    if (code === 127 || (code < 32 && !(code >= 9 && code <= 13))) return undefined;
    if (format[at] !== '%') continue;
    if (format[at + 1] === '%') {
      at++;
      continue;
    }
    const match = /^%[0+\- ]?[0-9]*(?:p(?:K|x|s|S|B|[iI][46])?|[su]s|k?s|pks|pus|c|l{0,2}[diuxX])/.exec(
      format.slice(at).replace(/^%p([ku])s/, '%$1s'),
    );
    if (!match) return undefined;
    count++;
    at += match[0].length - 1;
  }
  return count;
}
