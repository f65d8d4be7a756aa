// The only place that starts processes and reads the machine: finds a compiler, builds, makes headers, reads the kernel's types.
// Never does so because a file of a workspace says so: settings here are those of the machine.

export { compile, type CompileRequest, type CompileResult, warmCompiler } from './compile.ts';
export { type Compiler, type CompilerSearch, findCompiler, OLDEST_CLANG } from './find-compiler.ts';
export { ensureVmlinux, ownHeaders, type VmlinuxHeader } from './headers.ts';
export { bundledKernelTypes, readTargetKernel, RUNNING_KERNEL_BTF, type TargetKernel, verifierFacts } from './kernel-btf.ts';
export { installCompiler, type InstallOptions, ZIG_PACKAGE } from './install-compiler.ts';
export { openProgram, type OpenOptions, type OpenResult, programLanguage, type ProgramLanguage, sharedSearch } from './open-program.ts';
export type { ToolchainSettings } from './settings.ts';
export { workspaceHost, type WorkspaceHostOptions } from './shell-host.ts';
