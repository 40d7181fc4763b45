// Loads the console's modules in Node, from a copy in a folder with the client's modules at the
// gateway's paths, and a package.json for ES modules.

import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = mkdtempSync(join(tmpdir(), 'console-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
cpSync(fileURLToPath(new URL('../../../web/console', import.meta.url)), folder, {
  recursive: true,
});
cpSync(fileURLToPath(new URL('../../../clients/js/src', import.meta.url)), join(folder, 'src'), {
  recursive: true,
});
writeFileSync(join(folder, 'package.json'), '{"type":"module"}');

/** Loads a module by its file name. */
export const load = (file) => import(pathToFileURL(join(folder, file)));
