// Constants of the kernel's interface that are macros there, so that neither BTF nor vmlinux.h has them: name, value, and the header
// that a program without vmlinux.h would include. Values are those of the x86 and arm64 interface.

export interface Constant {
  name: string;
  /** As a definition would have it. */
  value: string;
  header: string;
}

const group = (header: string, text: string): Constant[] =>
  text
    .trim()
    .split(/\s+/)
    .map((one) => ({ name: one.slice(0, one.indexOf('=')), value: one.slice(one.indexOf('=') + 1), header }));

export const CONSTANTS: readonly Constant[] = [
  ...group(
    'linux/if_ether.h',
    `ETH_P_IP=0x0800 ETH_P_IPV6=0x86DD ETH_P_ARP=0x0806 ETH_P_8021Q=0x8100 ETH_P_8021AD=0x88A8 ETH_P_ALL=0x0003 ETH_P_MPLS_UC=0x8847
     ETH_P_PPP_SES=0x8864 ETH_P_LOOP=0x0060 ETH_ALEN=6 ETH_HLEN=14 ETH_DATA_LEN=1500 ETH_FRAME_LEN=1514`,
  ),
  ...group(
    'linux/pkt_cls.h',
    `TC_ACT_UNSPEC=(-1) TC_ACT_OK=0 TC_ACT_RECLASSIFY=1 TC_ACT_SHOT=2 TC_ACT_PIPE=3 TC_ACT_STOLEN=4 TC_ACT_QUEUED=5 TC_ACT_REPEAT=6
     TC_ACT_REDIRECT=7 TC_ACT_TRAP=8`,
  ),
  ...group('linux/socket.h', 'AF_UNSPEC=0 AF_UNIX=1 AF_INET=2 AF_NETLINK=16 AF_INET6=10 AF_PACKET=17'),
  ...group('linux/in.h', 'INADDR_ANY=0x00000000 INADDR_LOOPBACK=0x7f000001 INADDR_BROADCAST=0xffffffff'),
  ...group('linux/sched.h', 'TASK_COMM_LEN=16 PF_KTHREAD=0x00200000 CLONE_VM=0x00000100 CLONE_THREAD=0x00010000 CLONE_NEWNS=0x00020000'),
  ...group('linux/fcntl.h', 'O_RDONLY=00 O_WRONLY=01 O_RDWR=02 O_CREAT=0100 O_EXCL=0200 O_TRUNC=01000 O_APPEND=02000 AT_FDCWD=(-100)'),
  ...group('linux/limits.h', 'PATH_MAX=4096 NAME_MAX=255'),
  ...group(
    'linux/errno.h',
    `EPERM=1 ENOENT=2 ESRCH=3 EINTR=4 EIO=5 ENXIO=6 E2BIG=7 ENOEXEC=8 EBADF=9 ECHILD=10 EAGAIN=11 ENOMEM=12 EACCES=13 EFAULT=14 EBUSY=16
     EEXIST=17 EXDEV=18 ENODEV=19 ENOTDIR=20 EISDIR=21 EINVAL=22 ENFILE=23 EMFILE=24 ENOTTY=25 EFBIG=27 ENOSPC=28 ESPIPE=29 EROFS=30
     EMLINK=31 EPIPE=32 EDOM=33 ERANGE=34 EDEADLK=35 ENAMETOOLONG=36 ENOSYS=38 ENOTEMPTY=39 ELOOP=40 EPROTO=71 EOVERFLOW=75 ENOTSOCK=88
     EMSGSIZE=90 EPROTONOSUPPORT=93 EOPNOTSUPP=95 EAFNOSUPPORT=97 EADDRINUSE=98 ENETDOWN=100 ENETUNREACH=101 ECONNABORTED=103
     ECONNRESET=104 ENOBUFS=105 EISCONN=106 ENOTCONN=107 ETIMEDOUT=110 ECONNREFUSED=111 EHOSTUNREACH=113 EALREADY=114 EINPROGRESS=115`,
  ),
];

const byName = new Map(CONSTANTS.map((one) => [one.name, one]));
export const constantByName = (name: string): Constant | undefined => byName.get(name);

export const errorName = (value: number): string | undefined =>
  CONSTANTS.find((one) => one.header === 'linux/errno.h' && Number(one.value) === value)?.name;
