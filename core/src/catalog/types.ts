// The shapes of the catalog's rows. One row per kernel thing, one table, many readers; rows carry the kernel's own names.

/** `major.minor` of a Linux release, as in `6.18`. */
export type KernelVersion = `${number}.${number}`;

/** The kernels whose verdict can be asked for; the first is the default. */
export const TARGET_KERNELS = ['6.18', '6.12', '6.6', '6.1', '5.15', '5.10', '5.4'] as const satisfies readonly KernelVersion[];

/** Whether `version` is `since` or newer. A row without `since` has always been there. */
export function atLeast(version: KernelVersion, since: KernelVersion | null | undefined): boolean {
  if (since === null || since === undefined) return true;
  const [major, minor] = version.split('.').map(Number);
  const [sinceMajor, sinceMinor] = since.split('.').map(Number);
  return major! > sinceMajor! || (major === sinceMajor && minor! >= sinceMinor!);
}
