// Photographs the grid, an edit session, a comparison and a dashboard in both themes for the README, from a running stack (`make shots`).
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
  const api = async (method, path, data) => {
    const answer = await page.request.fetch(`/api/v1/datasets/${shown.id}${path}`, { method, headers: { origin: new URL(page.url()).origin }, ...(data ? { data } : {}) });
    if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
    return answer.json();
  };
  await prepare(api, shown);

  const settled = () => page.locator('.grid:not([aria-busy="true"])').waitFor();
  const snap = async (name, theme) => {
    await page.mouse.move(0, 0);
    await page.screenshot({ path: inRepository(`docs/images/${name}-${theme}.png`) });
  };
  for (const theme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: theme });
    await page.goto(`/datasets/${shown.id}`);
    await page.getByRole('grid').waitFor();
    await settled();
    // A selection, so that the foot has something to add up.
    await page.locator('[data-cell="3:3"]').click();
    await page.keyboard.down('Shift');
    await page.locator('[data-cell="9:5"]').click();
    await page.keyboard.up('Shift');
    await page.getByLabel('Totals').getByText(/Sum/).waitFor();
    await snap('grid', theme);

    await page.getByRole('button', { name: 'Edit in grid view' }).click();
    await page.getByTestId('session-count').waitFor();
    await settled();
    for (const [cell, text] of [['2:3', '544'], ['4:3', '555'], ['4:4', '601'], ['6:6', '710']]) {
      await page.locator(`[data-cell="${cell}"]`).click();
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
    }
    await page.locator('[data-cell="8:3"]').click();
    await page.keyboard.press('Shift+Delete');
    await page.locator('.grid-row.deleted').waitFor();
    await snap('session', theme);
    await page.getByRole('button', { name: 'Exit grid view' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Discard changes' }).click();

    await page.goto(`/datasets/${shown.id}?tab=history&from=1&to=2`);
    await page.getByRole('status', { name: 'Rows that differ' }).waitFor();
    await page.locator('[data-row]').first().waitFor();
    await snap('comparison', theme);

    await page.goto(`/datasets/${shown.id}?tab=dashboard`);
    await page.getByRole('application').first().waitFor();
    await page.waitForTimeout(400);
    await snap('dashboard', theme);
  }
} finally {
  await browser.close();
}

/** A version to compare with, and a dashboard, once. */
async function prepare(api, { version, columns }) {
  const has = (name) => columns.some((column) => column.name === name);
  if (version === 1) {
    const { rows } = await api('GET', '/rows?limit=40');
    const numbers = columns.filter(({ type }) => type === 'int64').map(({ name }) => name);
    const wanted = ['dep_time', 'dep_delay', 'air_time'].filter(has);
    const chosen = (wanted.length > 0 ? wanted : numbers).map((name) => columns.findIndex((column) => column.name === name));
    const cells = (row, no) =>
      Object.fromEntries(chosen.slice(0, 1 + (no % 3)).map((at) => [columns[at].id, String(Number(row.cells[at]) + 1 + no)]));
    await api('POST', '/commits', {
      base_version: 1,
      message: 'Corrections from the tower log',
      changes: [
        ...rows.slice(2, 9).map((row, no) => ({ op: 'update', row_id: row.row_id, cells: cells(row, no) })),
        ...rows.slice(10, 12).map((row) => ({ op: 'delete', row_id: row.row_id })),
        { op: 'insert', cells: Object.fromEntries(columns.map(({ id }, no) => [id, rows[20].cells[no]])) },
      ],
    });
  }
  if (!has('distance') || (await api('GET', '/widgets')).widgets.length > 0) return;
  for (const widget of [
    { title: 'Flights', kind: 'number', measures: ['count'], position: { x: 0, y: 0, w: 4, h: 2 } },
    { title: 'Miles flown', kind: 'number', measures: ['sum:distance'], position: { x: 4, y: 0, w: 4, h: 2 } },
    { title: 'Average arrival delay, minutes', kind: 'number', measures: ['avg:arr_delay'], position: { x: 8, y: 0, w: 4, h: 2 } },
    { title: 'Flights by carrier', kind: 'bar', group: 'carrier', measures: ['count'], limit: 10, position: { x: 0, y: 2, w: 6, h: 5 } },
    { title: 'Flights by day', kind: 'line', group: 'time_hour:day', measures: ['count'], position: { x: 6, y: 2, w: 6, h: 5 } },
  ])
    await api('POST', '/widgets', widget);
}
