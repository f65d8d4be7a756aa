// The error numbers that helpers and syscalls return (include/uapi/asm-generic/errno*.h), as negative bigints for r0.

export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ENODATA: 61,
  EPROTO: 71,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
  EPROTONOSUPPORT: 93,
  ENETUNREACH: 101,
  /** Inside the kernel only (include/linux/errno.h), but some helpers return it. */
  ENOTSUPP: 524,
} as const;

export type ErrnoName = keyof typeof ERRNO;

/** What a failing syscall or helper returns: the negative number. */
export const errno = (name: ErrnoName): number => -ERRNO[name];

/** `ENOENT` for -2; undefined for a number that is no error known here. */
export function errnoName(value: number): ErrnoName | undefined {
  for (const [name, number] of Object.entries(ERRNO)) if (number === -value) return name as ErrnoName;
  return undefined;
}
