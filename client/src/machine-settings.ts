// What this machine's user decided about compilers and headers, for the processes that build. Only machine-scoped settings:
// the manifest declares them so, and a workspace's value is refused here too.

import * as path from 'node:path';
import * as vscode from 'vscode';
import type { ToolchainSettings } from '#toolchain';

/** The user's own value; never that of a workspace or folder. */
function userValue<T>(key: string): T | undefined {
  return vscode.workspace.getConfiguration('ebpf').inspect<T>(key)?.globalValue;
}

/** Folders in which a compiler from npm may lie: the extension's storage, and a checkout of the extension itself. */
export function zigFolders(context: vscode.ExtensionContext): readonly string[] {
  return [compilerFolder(context), context.extensionPath];
}

/** Where "Install Compiler" puts it. */
export const compilerFolder = (context: vscode.ExtensionContext): string => path.join(context.globalStorageUri.fsPath, 'compiler');

export function toolchainSettings(context: vscode.ExtensionContext): ToolchainSettings {
  const compiler = userValue<string>('compiler.path');
  const flags = userValue<readonly string[]>('compiler.flags');
  const cpu = userValue<ToolchainSettings['cpu']>('compiler.cpu');
  const bpfHeaders = userValue<ToolchainSettings['bpfHeaders']>('compiler.bpfHeaders');
  const vmlinux = userValue<string>('kernel.vmlinux');
  const kernelBtf = userValue<string>('kernel.btf');
  return {
    zigFolders: zigFolders(context),
    ...(compiler ? { compiler } : {}),
    ...(flags ? { flags } : {}),
    ...(cpu ? { cpu } : {}),
    ...(bpfHeaders ? { bpfHeaders } : {}),
    ...(vmlinux ? { vmlinux } : {}),
    ...(kernelBtf ? { kernelBtf } : {}),
  };
}

/** The kernel whose rules programs are held to. */
export const targetKernel = (): string => vscode.workspace.getConfiguration('ebpf').get<string>('targetKernel', '6.18');
