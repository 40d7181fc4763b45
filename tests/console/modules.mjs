// The console's modules as Node takes them: in a folder of their own, with the client's where the gateway serves them, and
// beside a package.json that says what they are.

import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = mkdtempSync(join(tmpdir(), 'console-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
cpSync(fileURLToPath(new URL('../../web/console', import.meta.url)), folder, { recursive: true });
cpSync(fileURLToPath(new URL('../../clients/js/src', import.meta.url)), join(folder, 'src'), { recursive: true });
writeFileSync(join(folder, 'package.json'), '{"type":"module"}');

/** A module by the name of its file. */
export const load = (file) => import(pathToFileURL(join(folder, file)));
