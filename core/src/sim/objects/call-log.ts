// One bpf() call as strace writes it: `bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_HASH, key_size=4, …}, 80) = 3`.

/** The kernel's own words for errors (strerror), by name. */
export const ERROR_WORDS: Readonly<Record<string, string>> = {
  EPERM: 'Operation not permitted',
  ENOENT: 'No such file or directory',
  ESRCH: 'No such process',
  EINTR: 'Interrupted system call',
  EIO: 'Input/output error',
  E2BIG: 'Argument list too long',
  EBADF: 'Bad file descriptor',
  EAGAIN: 'Resource temporarily unavailable',
  ENOMEM: 'Cannot allocate memory',
  EACCES: 'Permission denied',
  EFAULT: 'Bad address',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  ENODEV: 'No such device',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  EINVAL: 'Invalid argument',
  ENOSPC: 'No space left on device',
  ERANGE: 'Numerical result out of range',
  ENAMETOOLONG: 'File name too long',
  ENOSYS: 'Function not implemented',
  ENOTEMPTY: 'Directory not empty',
  ENODATA: 'No data available',
  EOVERFLOW: 'Value too large for defined data type',
  EOPNOTSUPP: 'Operation not supported',
  ENOTSUPP: 'Unknown error 524',
};

/** Bytes of union bpf_attr that each command's caller passes, as libbpf has them. */
const ATTRIBUTE_SIZES: Readonly<Record<string, number>> = {
  BPF_MAP_CREATE: 80,
  BPF_PROG_LOAD: 148,
  BPF_BTF_LOAD: 40,
  BPF_LINK_CREATE: 64,
  BPF_OBJ_PIN: 24,
  BPF_OBJ_GET: 24,
  BPF_MAP_FREEZE: 4,
};
const OTHER_SIZE = 32;

export function formatCall(command: string, attributes: string, result: number | { name: string; number: number }): string {
  const end = typeof result === 'number' ? `${result}` : `-1 ${result.name} (${ERROR_WORDS[result.name] ?? `error ${result.number}`})`;
  return `bpf(${command}, {${attributes}}, ${ATTRIBUTE_SIZES[command] ?? OTHER_SIZE}) = ${end}`;
}
