// Fails when src/lib/api/schema.d.ts is not what docs/openapi.json generates.
import { readFile } from 'node:fs/promises';
import openapiTS, { astToString, COMMENT_HEADER } from 'openapi-typescript';

const document = new URL('../../docs/openapi.json', import.meta.url);
const committed = new URL('../src/lib/api/schema.d.ts', import.meta.url);
const fresh = COMMENT_HEADER + astToString(await openapiTS(document));

if (fresh !== (await readFile(committed, 'utf8'))) {
  console.error('src/lib/api/schema.d.ts is stale: run `npm run api` and commit the result.');
  process.exit(1);
}
