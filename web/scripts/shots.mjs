// Photographs the grid in both themes for the README, from a running stack: GRIDKEEP_URL=http://localhost:8080 npm run shots
// Signs in as the second sample person, so that the picture holds only what is uploaded here; FLIGHTS_CSV adds the flights.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { chromium } from '@playwright/test';

const baseURL = process.env.GRIDKEEP_URL;
if (!baseURL) {
  console.error('GRIDKEEP_URL names the running stack, for instance http://localhost:8080.');
  process.exit(1);
}
const inRepository = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const files = [
  { name: 'Planes of New York 2013', path: inRepository('samples/planes.csv') },
  ...(process.env.FLIGHTS_CSV ? [{ name: 'Flights from New York 2013', path: process.env.FLIGHTS_CSV }] : []),
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(),
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
  const context = await browser.newContext({ baseURL, viewport: { width: 1280, height: 760 }, deviceScaleFactor: 1.5, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto('/');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'ben@example.com' }).click();
  await page.getByRole('heading', { name: 'Datasets', exact: true }).waitFor();

  const named = async (name) => (await (await page.request.get('/api/v1/datasets?limit=200')).json()).datasets.find((dataset) => dataset.name === name);
  for (const { name, path } of files) {
    if (await named(name)) continue;
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Upload a file' }).first().click();
    await (await chooser).setFiles(path);
    await page.getByLabel('Name of the dataset').fill(name);
    await page.getByRole('dialog').getByRole('button', { name: 'Upload', exact: true }).click();
    await page.locator(`[data-testid="upload-card"][data-dataset="${name}"][data-stage="published"]`).waitFor({ timeout: 180_000 });
    await page.getByRole('button', { name: 'Put all away' }).click();
  }

  const shown = await named(files.at(-1).name);
  for (const theme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: theme });
    await page.goto(`/datasets/${shown.id}`);
    await page.getByRole('grid').waitFor();
    await page.locator('.grid:not([aria-busy="true"])').waitFor();
    // A selection, so that the foot has something to add up.
    await page.locator('[data-cell="3:3"]').click();
    await page.keyboard.down('Shift');
    await page.locator('[data-cell="9:5"]').click();
    await page.keyboard.up('Shift');
    await page.getByLabel('Totals').getByText(/Sum/).waitFor();
    await page.mouse.move(0, 0);
    await page.screenshot({ path: inRepository(`docs/images/grid-${theme}.png`) });
  }
} finally {
  await browser.close();
}
