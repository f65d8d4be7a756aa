// What to install, in the words of the system at hand.

import type { Machine } from './machine.ts';

/** One or two sentences with the command of this system's package manager. */
export function installAdvice(machine: Machine): string {
  return `${command(machine)} Until then everything that needs no compiler works: objects, assembly, debugging what is compiled already.`;
}

function command(machine: Machine): string {
  switch (machine.platform) {
    case 'darwin':
      return "Apple's clang cannot compile BPF: install LLVM's with `brew install llvm`, or zig with `brew install zig`.";
    case 'win32':
      return 'Install LLVM with `winget install LLVM.LLVM` (if its clang lacks the BPF target, `winget install zig.zig` brings one that has it).';
    default:
      return linux(machine.osRelease());
  }
}

function linux(osRelease: string): string {
  const ids =
    /^ID(?:_LIKE)?=.*$/gm
      [Symbol.match](osRelease)
      ?.join(' ')
      .replace(/ID(_LIKE)?=|"/g, ' ')
      .split(/\s+/) ?? [];
  const has = (...names: string[]): boolean => names.some((name) => ids.includes(name));
  if (has('debian', 'ubuntu')) return 'Install clang with `sudo apt install clang`.';
  if (has('fedora', 'rhel', 'centos')) return 'Install clang with `sudo dnf install clang`.';
  if (has('arch')) return 'Install clang with `sudo pacman -S clang`.';
  if (has('suse', 'opensuse')) return 'Install clang with `sudo zypper install clang`.';
  if (has('alpine')) return 'Install clang with `sudo apk add clang`.';
  if (has('nixos')) return 'Add `clang` (nixpkgs: `llvmPackages.clang-unwrapped`) to your environment.';
  if (has('gentoo')) return 'Install clang with `sudo emerge llvm-core/clang` (LLVM_TARGETS="BPF").';
  return 'Install clang 12 or newer with your package manager.';
}
